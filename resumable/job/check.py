"""Looks at everything that a run needs, one thing after the other, before anything runs. Nothing is written."""

import importlib
import importlib.util
import os
import platform
import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Any, Final

from resumable.api.client import Asked, Client, Stopped
from resumable.api.organisation import identify
from resumable.api.outage import LIGHT
from resumable.api.pace import read_rate
from resumable.api.session import open_session
from resumable.clock import Clock, Stop, SystemClock
from resumable.config import Settings, host_of
from resumable.datasets.catalogue import CATALOGUE, permission_of
from resumable.datasets.contract import AnyContract
from resumable.datasets.facts import Paging
from resumable.datasets.refusals import refusal_of
from resumable.datasets.resolve import get
from resumable.datasets.token_forms import GivenToken
from resumable.engine.belonging import NoJournal
from resumable.errors import (
    AuthenticationFailed,
    Failure,
    Fault,
    Incomplete,
    Interrupted,
    ResumableError,
    StorageFailed,
    UsageError,
)
from resumable.models import Interval, Query, Request
from resumable.storage import durable
from resumable.storage.address import Address
from resumable.storage.file_systems import free_bytes, nearest_folder, network_file_system
from resumable.text import amount, described, size, span
from resumable.transport.http import Reply
from resumable.version import __version__

PATIENCE: Final = timedelta(seconds=5)
"""How long a server that does not answer is waited for: somebody sits and waits for the answer."""

ATTEMPTS: Final = 2

SKEW_SECONDS: Final = 5.0
"""A clock that is off by less changes no window that a run would ask for; the header has whole seconds."""

EXTRAS: Final[Mapping[str, tuple[str, str]]] = {
    # what it is for    what is imported    what is installed
    "report": ("vl_convert", "vl-convert-python"),
    "DuckDB": ("duckdb", "duckdb"),
    "Delta Lake": ("deltalake", "deltalake"),
}

LIBRARIES: Final = ("pyarrow", "requests", "typer")


class CheckLevel(StrEnum):
    """What was found of one thing."""

    OK = "ok"
    NOTE = "note"
    """Worth knowing; a run would go all the same."""
    WRONG = "wrong"
    """A run would end by it."""


@dataclass(frozen=True, kw_only=True)
class CheckResult:
    """One thing that was looked at."""

    name: str
    text: str
    """What was found, for people."""
    verdict: CheckLevel = CheckLevel.OK
    facts: Mapping[str, Any] = field(default_factory=dict)
    """The same for machines."""
    error: ResumableError | None = None
    """What a run would end with."""

    def to_json(self) -> dict[str, Any]:
        """Return the object that `check --json` lists."""
        return {"name": self.name, "verdict": self.verdict.value, "text": self.text, **self.facts}


def check(
    settings: Settings, *, datasets: Sequence[str] = (), clock: Clock | None = None, stop: Stop | None = None
) -> Iterator[CheckResult]:
    """Yield what is found of region, credentials, organisation, permissions, rate, clock, state, extras and versions.

    Asks about as many requests as there are datasets; of `datasets` each must be readable, of none named any may be.
    Raises Interrupted where `stop` was requested; everything else that is wrong is yielded.
    """
    stop = stop or Stop(clock or SystemClock())
    # What is wrong is to be said while somebody waits; a run would wait far longer.
    quick = replace(
        settings,
        patience=PATIENCE,
        policy=replace(settings.policy, attempts=ATTEMPTS, first_wait_seconds=0.3),
        tell=lambda _text: None,
    )
    try:
        yield from _source(quick, datasets, stop)
    except Stopped:
        raise Interrupted("interrupted: nothing was changed.", hint="Run the same command again.") from None
    yield _state(settings)
    yield _extras()
    yield _versions()


def _wrong(name: str, text: str, error: ResumableError) -> CheckResult:
    return CheckResult(name=name, text=text, verdict=CheckLevel.WRONG, error=error)


def _source(settings: Settings, datasets: Sequence[str], stop: Stop) -> Iterator[CheckResult]:
    try:
        contracts = [get(name) for name in datasets or _usual()]
        endpoints = settings.required_endpoints()
    except UsageError as error:
        yield _wrong("region" if settings.endpoints is None else "datasets", error.message, error)
        return
    try:
        with open_session(contracts[0], settings, stop=stop, journal=NoJournal()) as client:
            looked = _Source(client, contracts[0], settings, stop)
            yield from looked.reached(host_of(endpoints.api))
            yield from looked.rest(contracts, named=bool(datasets))
    except AuthenticationFailed as error:
        yield _wrong("credentials", error.message, error)
    except Incomplete as error:
        hint = "Check the region, the network and a proxy (RESUMABLE_PROXY), then check again."
        yield _wrong("server", error.message, Incomplete(error.message, hint=hint, unreachable=error.unreachable))


def _usual() -> list[str]:
    return [name for name, listed in CATALOGUE.items() if listed.of_genesys and listed.module is not None]


class _Source:
    """What is found of the server, by one client."""

    def __init__(self, client: Client, contract: AnyContract, settings: Settings, stop: Stop) -> None:
        self._client = client
        self._contract = contract
        self._settings = settings
        self._stop = stop
        self._sent = 0
        self._newest: Reply | None = None
        self._off: float | None = None
        """Seconds that the server's clock is ahead of this one."""

    def reached(self, host: str) -> Iterator[CheckResult]:
        """Yield the region and the credentials. Raises what ends a check."""
        given = self._contract.token_form
        self._client.tokens.get()
        begun = self._stop.clock.monotonic()
        try:
            seconds = self._ask("the address", LIGHT).seconds
        except Fault as fault:
            wrong = refusal_of(fault, self._contract) if fault.failure is Failure.NOT_THE_API else None
            if wrong is not None and not isinstance(given, GivenToken):
                yield _wrong("region", f"{host} is not the API", wrong)
                return
            seconds = self._stop.clock.monotonic() - begun
        facts = {"host": host, "milliseconds": round(seconds * 1000)}
        yield CheckResult(name="region", text=f"{host} answered in {seconds * 1000:,.0f} ms", facts=facts)
        life = self._client.tokens.life_left_seconds()
        if isinstance(given, GivenToken):
            how = "none is wanted" if given.variable is None else f"the token in {given.variable}"
        else:
            how = "a token" if life is None else f"a token for {span(life)}"
        yield CheckResult(name="credentials", text=f"ok: {how}", facts={"token_seconds": life and round(life)})

    def rest(self, contracts: Sequence[AnyContract], *, named: bool) -> Iterator[CheckResult]:
        """Yield organisation, permissions, rate limit and clock. Raises what ends a check."""
        if not isinstance(self._contract.token_form, GivenToken):
            yield self._organisation()
        yield self._permissions(contracts, named=named)
        yield self._rate()
        yield self._clock()

    def _ask(self, what: str, request: Request) -> Reply:
        self._sent += 1
        reply = self._client.exchange(Asked(what=what, request=request, optional=True), lambda answer: answer)
        self._newest = reply
        if (told := _told_time(reply)) is not None:
            # The header is cut to a whole second; half of one is the best guess of what was cut.
            self._off = told + 0.5 - (self._stop.clock.now().timestamp() - reply.seconds / 2)
        return reply

    def _organisation(self) -> CheckResult:
        self._sent += 1
        try:
            found = identify(self._client, self._contract, self._settings)
        except Fault as fault:
            return CheckResult(name="organisation", text=f"not told: {fault.reason}", verdict=CheckLevel.NOTE)
        told = CheckLevel.NOTE if found.id is None else CheckLevel.OK
        return CheckResult(
            name="organisation", text=described(found), verdict=told, facts={"id": found.id, "named": found.name}
        )

    def _permissions(self, contracts: Sequence[AnyContract], *, named: bool) -> CheckResult:
        lacking = {contract.name: why for contract in contracts if (why := self._refused(contract))}
        good = [contract.name for contract in contracts if contract.name not in lacking]
        text = " · ".join([*(f"{name} ok" for name in good), *(f"{name} {why}" for name, why in lacking.items())])
        facts = {"datasets": {contract.name: lacking.get(contract.name, "ok") for contract in contracts}}
        if not lacking:
            return CheckResult(name="permissions", text=text, facts=facts)
        if good and not named:
            return CheckResult(name="permissions", text=text, verdict=CheckLevel.NOTE, facts=facts)
        error = AuthenticationFailed(
            f"this client may not read {', '.join(lacking)}.",
            hint="Give the OAuth client a role with the permission named, then check again.",
        )
        return CheckResult(name="permissions", text=text, verdict=CheckLevel.WRONG, facts=facts, error=error)

    def _refused(self, contract: AnyContract) -> str | None:
        """Ask for as little as there is of a dataset; return why it cannot be read, None where it can."""
        request = self._smallest(contract)
        if request is None:
            return f"not asked: it needs {permission_of(contract.name) or 'nothing that is known'}"
        try:
            self._ask(contract.name, request)
        except Fault as fault:
            if fault.failure is not Failure.FORBIDDEN:
                return f"not read: {fault.reason}"
            needed = permission_of(contract.name)
            return f"missing: {needed or fault.reason}"
        return None

    def _smallest(self, contract: AnyContract) -> Request | None:
        midnight = self._stop.clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
        hour = Interval(start=midnight - timedelta(days=1), end=midnight - timedelta(hours=23))
        if contract.inferred is not None:
            return contract.inferred.first_page(Query(), hour, contract.page_sizes.usual)
        if contract.paging is Paging.SERVER_JOB:
            return contract.availability()  # to submit a job would leave one there
        if "each" in contract.filters.fields:
            return None
        if contract.paging is Paging.BY_WINDOW:
            return contract.recent.request(Query(), hour, 1, 1)
        if contract.paging is Paging.CURSOR:
            return contract.page(Query(), hour, None, contract.page_sizes.usual)
        return contract.request(Query(), hour, 1, 1)

    def _rate(self) -> CheckResult:
        said = None if self._newest is None else read_rate(self._newest.headers)
        if said is None:
            allowed = self._client.pacer.per_minute
            text = f"{allowed:g} requests a minute, as documented; the server tells no count"
            return CheckResult(name="rate limit", text=text, facts={"per_minute": allowed, "used_by_others": None})
        others = max(0, said.count - self._sent)
        text = f"{said.allowed} requests a minute, {others} used in this minute by others"
        facts = {"per_minute": said.allowed, "used_by_others": others}
        busy = CheckLevel.NOTE if others * 2 > said.allowed else CheckLevel.OK
        return CheckResult(name="rate limit", text=text, verdict=busy, facts=facts)

    def _clock(self) -> CheckResult:
        if self._off is None:
            return CheckResult(name="clock", text="the server tells no time", verdict=CheckLevel.NOTE)
        facts = {"seconds_behind_server": round(self._off, 1)}
        where = "behind" if self._off > 0 else "ahead of"
        if abs(self._off) < SKEW_SECONDS:
            return CheckResult(name="clock", text=f"ok: within {SKEW_SECONDS:g} s of the server's", facts=facts)
        text = f"{span(abs(self._off))} {where} the server's: set it, or recent windows are judged wrongly"
        return CheckResult(name="clock", text=text, verdict=CheckLevel.NOTE, facts=facts)


def _told_time(reply: Reply) -> float | None:
    try:
        return parsedate_to_datetime(reply.headers.get("date", "")).timestamp()
    except (ValueError, OverflowError):
        return None


def _state(settings: Settings) -> CheckResult:
    folder = settings.state
    if isinstance(folder, Address):
        return _bucket(settings)
    try:
        if durable.kind_of(folder.absolute()) not in (None, durable.FOLDER, durable.LINK):
            raise UsageError(f"{folder} is not a folder.", hint="Name another with --state or RESUMABLE_STATE.")
        there = nearest_folder(folder)
        free, jobs = free_bytes(there), sum(1 for _ in settings.files.jobs())
        if not os.access(there, os.W_OK | os.X_OK):
            raise StorageFailed(f"{there} cannot be written to.", hint="Choose another with --state.")
        if free < settings.min_free:
            raise StorageFailed(
                f"{size(free)} are free on the disk that holds {folder}, and a run wants {size(settings.min_free)}.",
                hint="Make room, or choose another disk with --state.",
            )
    except (UsageError, StorageFailed) as error:
        return _wrong("state", error.message, error)
    remote = network_file_system(there)
    text = f"{folder}  {size(free)} free, {amount(jobs, 'job')}"
    facts = {"folder": str(folder), "free_bytes": free, "jobs": jobs}
    if remote is None:
        return CheckResult(name="state", text=text, facts=facts)
    return CheckResult(name="state", text=f"{text}; {remote}", verdict=CheckLevel.NOTE, facts=facts)


def _bucket(settings: Settings) -> CheckResult:
    """Try the store that a bucket is, as the first run of a job does."""
    try:
        bucket = settings.files.bucket
        if bucket is not None:
            bucket.try_out()
        jobs = sum(1 for _ in settings.files.jobs())
    except (UsageError, StorageFailed) as error:
        return _wrong("state", error.message, error)
    text = f"{settings.state}  {amount(jobs, 'job')}; it keeps its conditions"
    return CheckResult(name="state", text=text, facts={"folder": str(settings.state), "free_bytes": None, "jobs": jobs})


def _extras() -> CheckResult:
    there = {use: importlib.util.find_spec(module) is not None for use, (module, _) in EXTRAS.items()}
    lacking = [EXTRAS[use][1] for use, found in there.items() if not found]
    text = " · ".join(f"{use} {'ok' if found else 'not installed'}" for use, found in there.items())
    if lacking:
        text += f": {shlex.quote(sys.executable)} -m pip install {' '.join(lacking)}"
    return CheckResult(
        name="extras", text=text, verdict=CheckLevel.NOTE if lacking else CheckLevel.OK, facts={"extras": there}
    )


def _versions() -> CheckResult:
    found = {
        "resumable": __version__,
        "Python": platform.python_version(),
        **{name: importlib.import_module(name).__version__ for name in LIBRARIES},
    }
    text = ", ".join(f"{name} {version}" for name, version in found.items())
    return CheckResult(name="versions", text=text, facts={"versions": found})
