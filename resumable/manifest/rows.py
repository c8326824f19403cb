"""The manifest's rows as facts, and back."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from resumable.errors import Failure, ManifestDamaged
from resumable.manifest.tables import CONTRACTS_SINCE, WHOLE_TRUTH_SINCE
from resumable.models import (
    Interval,
    JobSpec,
    JobState,
    Organisation,
    PartFact,
    Query,
    Shortfall,
    Snapshot,
    Window,
    WindowContract,
    WindowState,
    label,
)

_WINDOW = (
    "id, start_ms, end_ms, state, take, page_count, total, fingerprint, records, done, moved, page_size, duplicates,"
    " settled, whole_take, provisional"
)
_WINDOW_3 = "shortfall, cut_ms, asked_size, counted, open_records, open_since_ms, refresh"
_WINDOW_4 = "contract, whole_contract"
_JOB = (
    "uuid, name, schema_digest, state, created_ms, started_ms, updated_ms, dataset, start_ms, end_ms, query, window_ms,"
    " page_size, completed_ms, columns, digest"
)
_JOB_3 = "origin, organisation, organisation_name, client, settings, deep_limit, outage_ms, outage_why"


def window_columns(version: int) -> str:
    """Return what to select for `window_row` from a manifest of a version."""
    since_3 = _WINDOW_3 if version >= WHOLE_TRUTH_SINCE else "NULL, NULL, NULL, NULL, NULL, NULL, 0"
    return f"{_WINDOW}, {since_3}, {_WINDOW_4 if version >= CONTRACTS_SINCE else 'NULL, NULL'}"


def job_columns(version: int) -> str:
    """Return what to select for `job_row` from a manifest of a version."""
    return f"{_JOB}, {_JOB_3 if version >= WHOLE_TRUTH_SINCE else 'NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL'}"


SHA256_BYTES = 32

ADD_WINDOW = "INSERT INTO window (start_ms, end_ms) VALUES (?, ?)"
"""Adds a window, of its `ends`."""

BEGIN_AGAIN = (
    "UPDATE window SET state = 'planned', take = take + 1, page_count = NULL, total = NULL, page_size = NULL,"
    " moved = 0, done = 0, records = 0, bytes = 0, provisional = 0, shortfall = NULL, cut_ms = NULL, counted = NULL,"
    " counted_ms = NULL, refresh = 0"
)
"""Begins a new take of a window, of which nothing is known yet: the one statement for it. Add what else changes."""


@dataclass(frozen=True, kw_only=True)
class JobRow:
    """The job as the manifest knows it."""

    uuid: str
    name: str
    spec: JobSpec
    schema_digest: str
    state: JobState
    created_at: datetime
    started_at: datetime | None
    updated_at: datetime
    completed_at: datetime | None
    """When every window was complete; None again once a later range or a look-back has opened some."""
    columns: str | None = None
    """What a schema was inferred to be, as `datasets.of_job` takes it; None where none was to be inferred."""
    organisation: Organisation | None = None
    """Whose data it holds; None until a run has learned it."""
    settings: str | None = None
    """How it was begun, as JSON."""
    deep_limit: int | None = None
    """Records that the server lets one page through in one window, where it said so itself."""
    outage_since: datetime | None = None
    """Since when the source has answered nobody; None where it has."""
    outage_why: str = ""
    """In what way it does not."""


@dataclass(frozen=True, kw_only=True)
class OpenRecords:
    """How many records have not ended, by what was downloaded last."""

    count: int
    since: datetime | None = None
    """When the oldest of them began."""


NONE_OPEN = OpenRecords(count=0)


@dataclass(frozen=True, kw_only=True)
class WindowRow:
    """A window with what has been done of it."""

    window: Window
    done: int
    moved: bool
    """An answer of this take named another count than the snapshot."""
    duplicates: int = 0
    """Records that came more than once in it, once it is complete."""
    settled: bool = False
    """Complete because two takes agreed, although their answers did not."""
    whole_take: int | None = None
    """The last take that was complete."""
    provisional: bool = False
    """The source did not have all of it yet, or still changes it."""
    shortfall: Shortfall | None = None
    """Why it is not complete, although it was looked at and no page failed."""
    cut_at: datetime | None = None
    """Where the source said that its data ends, inside of the window or before it."""
    counted: int | None = None
    """Records that another contract counts in it."""
    refresh: bool = False
    """It is planned again for the records alone that had not ended."""
    open: OpenRecords | None = None
    """Records without an end; None where nobody has counted them yet."""
    contract: WindowContract | None = None
    """By which its take is read; None where its dataset has but one, and before that is decided."""
    whole_contract: WindowContract | None = None
    """By which its last take that was complete was read."""

    @property
    def distinct(self) -> int:
        """Records that came in it, each once, once it is complete."""
        return self.window.records - self.duplicates


@dataclass(frozen=True, kw_only=True)
class PageRow:
    """A page that is done."""

    number: int
    part: PartFact


@dataclass(frozen=True, kw_only=True)
class Quarantined:
    """A page given up on for now, and why."""

    window: Interval
    number: int
    reason: str
    failure: Failure | None
    """Of what kind that was; None in manifests of older versions, which kept no more than the reason."""

    def __str__(self) -> str:
        return f"{label(self.window)} page {self.number}: {self.reason}"


@dataclass(frozen=True, kw_only=True)
class Totals:
    """Sums over all windows; `pages_known` grows as first pages come."""

    windows: int
    windows_begun: int
    """Those whose snapshot is known, the complete ones too."""
    windows_done: int
    pages_known: int
    pages_done: int
    pages_quarantined: int
    records: int
    bytes: int


@dataclass(frozen=True, kw_only=True)
class Behind:
    """For how long a job has not been complete."""

    since: datetime
    """When the first run began that did not complete it."""
    runs: int
    """Begun since then, the one that goes on now too."""


@dataclass(frozen=True, kw_only=True)
class LastFailure:
    """The last exchange that failed, in the server's own terms."""

    at: datetime
    asked: str
    """What was asked for, in the words of a status line."""
    reason: str
    status: int | None = None
    correlation_id: str | None = None
    context_id: str | None = None


@contextlib.contextmanager
def sensible(what: str, path: Path) -> Iterator[None]:
    """Raise ManifestUnusable in place of what values that make no sense would raise: a bit of them has flipped."""
    try:
        yield
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, OverflowError) as failure:
        raise damaged(path, f"{what} makes no sense ({failure})") from failure


def damaged(path: Path, why: str) -> ManifestDamaged:
    """Say that a manifest is damaged, and what mends it."""
    return ManifestDamaged(
        f"the manifest {path} is damaged: {why}.",
        hint="The parts are safe. Make it again from them with:",
        command=f"resumable repair {path.parent.name}",
    )


def job_row(row: tuple[Any, ...]) -> JobRow:
    """Read a row of `job_columns`."""
    spec = JobSpec(
        dataset=row[7],
        interval=interval(row[8], row[9]),
        query=Query.from_json(row[10]),
        window=timedelta(milliseconds=row[11]),
        page_size=row[12],
    )
    if spec.digest != row[15]:
        raise ValueError("dataset, query and page size do not give the digest beside them")
    return JobRow(
        uuid=row[0],
        name=row[1],
        spec=spec,
        schema_digest=row[2],
        state=JobState(row[3]),
        created_at=moment(row[4]),
        started_at=None if row[5] is None else moment(row[5]),
        updated_at=moment(row[6]),
        completed_at=None if row[13] is None else moment(row[13]),
        columns=row[14],
        organisation=_organisation(*row[16:20]),
        settings=row[20],
        deep_limit=row[21],
        outage_since=None if row[22] is None else moment(row[22]),
        outage_why=row[23] or "",
    )


def window_row(row: tuple[Any, ...]) -> WindowRow:
    """Read a row of `window_columns`."""
    window_id, start, end, state, take, page_count, total, fingerprint, records, done, moved, page_size, *more = row
    duplicates, settled, whole_take, provisional, shortfall, cut, asked_size, counted, open_records, *more = more
    since, refresh, contract, whole_contract = more
    snapshot = None if page_count is None else _snapshot(take, page_count, total, page_size)
    window = Window(
        id=window_id,
        interval=interval(start, end),
        state=WindowState(state),
        take=take,
        snapshot=snapshot,
        fingerprint=fingerprint,
        records=records,
        asked_size=asked_size,
    )
    return WindowRow(
        window=window,
        done=done,
        moved=bool(moved),
        duplicates=duplicates,
        settled=bool(settled),
        whole_take=whole_take,
        provisional=bool(provisional),
        shortfall=None if shortfall is None else Shortfall(shortfall),
        cut_at=None if cut is None else moment(cut),
        counted=counted,
        refresh=bool(refresh),
        contract=None if contract is None else WindowContract(contract),
        whole_contract=None if whole_contract is None else WindowContract(whole_contract),
        open=None
        if open_records is None
        else OpenRecords(count=open_records, since=None if since is None else moment(since)),
    )


def spec_values(spec: JobSpec) -> tuple[str | int, ...]:
    """Return what was asked for: dataset, range, query, digest, window length and page size, as columns hold them."""
    start, end = to_ms(spec.interval.start), to_ms(spec.interval.end)
    window = spec.window // timedelta(milliseconds=1)
    return spec.dataset, start, end, spec.query.to_json(), spec.digest, window, spec.page_size


def page_row(row: tuple[Any, ...]) -> PageRow:
    """Read number, rows, size and sha256 of a page that is done."""
    number, rows, size, sha256 = row
    if not (rows > 0 and size > 0 and isinstance(sha256, bytes) and len(sha256) == SHA256_BYTES):
        raise ValueError(f"page {number} of {rows} rows and {size} bytes")
    return PageRow(number=number, part=PartFact(rows=rows, size=size, sha256=sha256))


def _organisation(origin: str | None, id_: str | None, name: str | None, client: str | None) -> Organisation | None:
    return None if origin is None else Organisation(origin=origin, id=id_, name=name, client=client)


def _snapshot(take: int, page_count: int, total: int | None, page_size: int | None) -> Snapshot:
    return Snapshot(number=take, page_count=page_count, total=total, page_size=page_size)


def to_ms(moment: datetime) -> int:
    """Return milliseconds since 1970, UTC."""
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def moment(ms: int) -> datetime:
    """Read milliseconds since 1970, UTC."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)


def interval(start_ms: int, end_ms: int) -> Interval:
    """Read an interval from its two ends in milliseconds."""
    return Interval(start=moment(start_ms), end=moment(end_ms))


def ends(window: Interval) -> tuple[int, int]:
    """Return the two ends of an interval in milliseconds."""
    return to_ms(window.start), to_ms(window.end)
