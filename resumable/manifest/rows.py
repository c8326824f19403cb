"""The manifest's rows as facts, and back."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from resumable.errors import ManifestDamaged
from resumable.models import Interval, JobSpec, JobState, PartFact, Query, Snapshot, Window, WindowState

WINDOW_COLUMNS = (
    "id, start_ms, end_ms, state, take, page_count, total, fingerprint, records, done, moved, page_size, duplicates,"
    " settled, whole_take, provisional"
)

JOB_COLUMNS = (
    "uuid, name, schema_digest, state, created_ms, started_ms, updated_ms, dataset, start_ms, end_ms, query, window_ms,"
    " page_size, completed_ms, columns, digest"
)


SHA256_BYTES = 32


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
        hint=f"The parts are safe. Make it again from them with: resumable repair {path.parent.name}",
    )


def job_row(row: tuple[Any, ...]) -> JobRow:
    """Read a row of JOB_COLUMNS."""
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
    )


def window_row(row: tuple[Any, ...]) -> WindowRow:
    """Read a row of WINDOW_COLUMNS."""
    window_id, start, end, state, take, page_count, total, fingerprint, records, done, moved, page_size, *more = row
    duplicates, settled, whole_take, provisional = more
    snapshot = None if page_count is None else _snapshot(take, page_count, total, page_size)
    window = Window(
        id=window_id,
        interval=interval(start, end),
        state=WindowState(state),
        take=take,
        snapshot=snapshot,
        fingerprint=fingerprint,
        records=records,
    )
    return WindowRow(
        window=window,
        done=done,
        moved=bool(moved),
        duplicates=duplicates,
        settled=bool(settled),
        whole_take=whole_take,
        provisional=bool(provisional),
    )


def page_row(row: tuple[Any, ...]) -> PageRow:
    """Read number, rows, size and sha256 of a page that is done."""
    number, rows, size, sha256 = row
    if not (rows > 0 and size > 0 and isinstance(sha256, bytes) and len(sha256) == SHA256_BYTES):
        raise ValueError(f"page {number} of {rows} rows and {size} bytes")
    return PageRow(number=number, part=PartFact(rows=rows, size=size, sha256=sha256))


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
