"""What a fleet may say of a job: the keys of job files, with words for times that move on."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields, replace
from datetime import timedelta
from typing import Final

from resumable.cli import parse
from resumable.cli.job_file import value_of
from resumable.cli.job_spec import spec_of
from resumable.cli.options import JobOptions, OutputOptions, RunOptions, file_keys
from resumable.cli.session import Session
from resumable.cli.signature import OptionRow, rows
from resumable.config import Settings
from resumable.datasets.resolve import resolve
from resumable.errors import UsageError
from resumable.job.naming import default_name
from resumable.models import Interval
from resumable.text import moment
from resumable.tomlfile import TomlSource

_FLEETS_OWN: Final = ("job", "state", "profile")
"""Keys of job files that a fleet says in its own way: by `name`, by --state and by `client`."""


@dataclass(frozen=True, kw_only=True)
class FleetGrammar:
    """The grammar of a job in fleet.toml, by the options table."""

    session: Session
    settings: Settings
    """Where lists lie that know names; no credentials, for a fleet has those of many."""

    @property
    def of_jobs(self) -> Collection[str]:
        """The keys of a job."""
        return list(self._keys())

    @property
    def of_clients(self) -> Collection[str]:
        """The keys that say how the server is asked."""
        runs = {field.name for field in fields(RunOptions)} - {field.name for field in fields(OutputOptions)}
        return [key for key, row in self._keys().items() if row.name in runs]

    def value(self, source: TomlSource, keys: tuple[str, ...], raw: object) -> object:
        """Read a value as a command takes it. Raises UsageError for what the option cannot hold."""
        return value_of(source, keys, self._keys()[keys[-1]], raw)

    def default_name(self, values: Mapping[str, object]) -> str:
        """Return the name that `backfill` gives a job with these options; of one whose end alone moves on, without it.

        Raises UsageError for options of which no job can be made.
        """
        fixed = self._fixed(values)
        resolved, contract = resolve(spec_of(self._options(fixed), self.session, self.settings))
        name = default_name(resolved)
        if contract.timeless or not self._moves(values, "to") or self._moves(values, "from"):
            return name
        if "look_back" not in values:
            raise UsageError(
                "its end moves on each day, and nothing says that this extends it.",
                hint='Add look_back = "2d", or more: the source rewrites records for days.',
            )
        start = resolved.interval.start
        day = default_name(replace(resolved, interval=Interval(start=start, end=start + timedelta(days=1))))
        return f"{resolved.dataset}-since-{day.removeprefix(f'{resolved.dataset}-')}"

    def arguments(self, values: Mapping[str, object]) -> tuple[str, ...]:
        """Return what a command is given: the dataset, and each option with its value."""
        keys, said = self._keys(), []
        fixed = self._fixed(values)
        for key, value in fixed.items():
            row = keys[key]
            if row.option.flag is None:
                continue
            if row.kind is bool:
                said += [row.option.flag] if value else []
            else:
                said += [f"{row.option.flag}={one}" for one in (value if isinstance(value, list) else [value])]
        return (str(fixed["dataset"]), *said)

    def _keys(self) -> dict[str, OptionRow]:
        return {key: row for key, row in file_keys().items() if key not in _FLEETS_OWN}

    def _options(self, values: Mapping[str, object]) -> JobOptions:
        keys, known = self._keys(), {row.name for row in rows(JobOptions)}
        return JobOptions(**{keys[key].name: value for key, value in values.items() if keys[key].name in known})  # type: ignore[arg-type]  # each was read as its option's type

    def _moves(self, values: Mapping[str, object], key: str) -> bool:
        """Tell whether a time is a word for another one each day."""
        if key == "to" and "to" not in values:
            return self._moves(values, "from")
        text = str(values.get(key, ""))
        try:
            parse.time(text, key, now=self.session.clock.now())
        except UsageError:
            return False  # whoever reads the range says what is wrong
        try:
            parse.time(text, key)
        except UsageError:
            return True
        return False

    def _fixed(self, values: Mapping[str, object]) -> dict[str, object]:
        """Return the values with words for times made times, so that every try of a job in one run has one range."""
        now = self.session.clock.now()
        end = parse.implied_end(str(values.get("from", "")), now=now)
        given = {**values, **({"to": end} if end is not None and "to" not in values else {})}
        moving = {key: str(given[key]) for key in ("from", "to") if key in given and self._moves(values, key)}
        return {**given, **{key: moment(parse.time(text, key, now=now)) for key, text in moving.items()}}
