"""Reads fleet.toml: every complaint names the line, and no secret can be in it.

[client.acme]                       # whose credentials: names of variables or files, never a secret itself
region = "eu-central-1"
client_id_env = "ACME_ID"
client_secret_file = "/run/secrets/acme"
rate = "80%"                        # an option of runs, for all jobs of the client

[[job]]
client = "acme"
dataset = "conversation-jobs"       # what a job file says
from = 2025-01-01
to = "yesterday"
look_back = "4d"
"""

import re
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from resumable.api.profiles import PROFILE_KEYS, profile
from resumable.config import checked_job_name
from resumable.errors import UsageError
from resumable.fleet.fleet import Fleet, FleetClient, FleetJob
from resumable.tomlfile import Table, TomlSource, nearest

CLIENT: Final = "client"
JOB: Final = "job"
NAME: Final = "name"

_JOB_HEADER = re.compile(r"^[ \t]*\[\[[ \t]*job[ \t]*\]\]", re.MULTILINE)


class Grammar(Protocol):
    """What a job may say, as the command line knows it."""

    @property
    def of_jobs(self) -> Collection[str]:
        """The keys of a job, but for `client` and `name`."""

    @property
    def of_clients(self) -> Collection[str]:
        """Those of them that a client may say for all its jobs."""

    def value(self, source: TomlSource, keys: tuple[str, ...], raw: object) -> object:
        """Read the value of a key. Raises UsageError for what it cannot hold."""

    def default_name(self, values: Mapping[str, object]) -> str:
        """Return the name of a job that says this. Raises UsageError for what no job can be."""

    def arguments(self, values: Mapping[str, object]) -> tuple[str, ...]:
        """Return what a command is given to run a job that says this."""


@dataclass(frozen=True, kw_only=True)
class _Client:
    """A client, and what it says for all its jobs."""

    client: FleetClient
    values: dict[str, object]


def read(name: str, text: str, grammar: Grammar) -> Fleet:
    """Read a fleet. Raises UsageError naming the line and what is wrong there."""
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as failure:
        raise UsageError(f"{name} is not valid TOML: {failure}.", hint="See: resumable fleet --help") from None
    source = TomlSource(name=name, text=text)
    for key in raw:
        if key not in (CLIENT, JOB):
            raise source.error([key], f"is not a key of a fleet{nearest(key, (CLIENT, JOB))}", hint=_FORM)
    clients = _clients(source, raw.get(CLIENT), grammar)
    jobs: dict[str, FleetJob] = {}
    for number, content in enumerate(_tables(source, raw.get(JOB))):
        table = Table(source=_source_of(source, number), keys=(JOB,), raw=content)
        job = _job(table, clients, grammar)
        if job.name in jobs:
            raise table.error(
                NAME, f"{job.name} is the name of two jobs", hint='Give one another name: name = "..." in its table.'
            )
        jobs[job.name] = job
    return Fleet(source=name, jobs=tuple(jobs.values()))


_FORM: Final = "A fleet has tables [client.NAME] and [[job]]."


def _clients(source: TomlSource, raw: object, grammar: Grammar) -> dict[str, _Client]:
    if not isinstance(raw, dict) or not raw:
        raise source.error([CLIENT], "is missing: a fleet has at least one [client.NAME]", hint=_FORM)
    return {name: _client(Table(source=source, keys=(CLIENT, name), raw=said), grammar) for name, said in raw.items()}


def _client(table: Table, grammar: Grammar) -> _Client:
    name = table.keys[-1]
    said = profile(table, more=True)
    checked_job_name(name)  # it begins the names of its jobs
    known = (*PROFILE_KEYS, *grammar.of_clients)
    values = _values(table, grammar, known=known, taken=PROFILE_KEYS)
    return _Client(client=FleetClient(name=name, profile=said), values=values)


def _tables(source: TomlSource, raw: object) -> list[dict[str, Any]]:
    if not isinstance(raw, list) or not raw or not all(isinstance(one, dict) for one in raw):
        raise source.error([JOB], "is missing: a fleet has at least one [[job]]", hint=_FORM)
    return raw


def _job(table: Table, clients: Mapping[str, _Client], grammar: Grammar) -> FleetJob:
    whose = table.required_text(CLIENT)
    if whose not in clients:
        raise table.error(CLIENT, f"is {whose!a}, which is not a client of this fleet{nearest(whose, clients)}")
    given = table.text(NAME)
    own = _values(table, grammar, known=(CLIENT, NAME, *grammar.of_jobs), taken=(CLIENT, NAME))
    values = {**clients[whose].values, **own}
    try:
        made = grammar.default_name(values)
        name = checked_job_name(given or f"{whose}-{made}")
    except UsageError as error:
        raise table.source.error(
            table.keys, f"of {whose} is not right: {error.message[:-1]}", hint=error.hint
        ) from None
    client = clients[whose].client
    arguments = (*grammar.arguments(values), f"--job={name}")
    return FleetJob(client=client, name=name, dataset=str(values["dataset"]), arguments=arguments)


def _values(table: Table, grammar: Grammar, *, known: Collection[str], taken: Collection[str]) -> dict[str, object]:
    values: dict[str, object] = {}
    for key, raw in table.raw.items():
        if key not in known:
            raise table.error(key, f"is not a key that is known here{nearest(key, known)}")
        if key not in taken:
            values[key] = grammar.value(table.source, (*table.keys, key), raw)
    return values


def _source_of(source: TomlSource, number: int) -> TomlSource:
    """Return the source with nothing but one job in it, on the lines that it has, so that its own lines are named."""
    starts = [found.start() for found in _JOB_HEADER.finditer(source.text)]
    if number >= len(starts):  # written in another way than with [[job]]
        return source
    before, end = source.text[: starts[number]], (*starts, len(source.text))[number + 1]
    return TomlSource(name=source.name, text="\n" * before.count("\n") + source.text[starts[number] : end])
