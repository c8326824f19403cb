"""What a report tells: everything that the manifest and the receipt know of a job, read without disturbing anybody."""

import itertools
from collections import Counter as Tally
from dataclasses import dataclass
from datetime import datetime, timedelta

from resumable import status as status_of
from resumable.manifest.histogram import Latencies
from resumable.manifest.minutes import MinuteRow
from resumable.manifest.reader import reader
from resumable.manifest.rows import Quarantined
from resumable.models import Counter, Event, EventKind
from resumable.monitor.coverage import Cell, Mark, cell_of
from resumable.status import Status
from resumable.storage.job_files import JobFiles

EVENTS_READ = 10_000
"""All that a manifest keeps."""

QUARANTINED_READ = 10_000

RETAKES = frozenset({EventKind.RETAKE, EventKind.SETTLED})

ROUTINE = frozenset({EventKind.TOKEN, EventKind.SNAPSHOT, EventKind.REMOTE, EventKind.QUARANTINED})

POINTS_MOST = 240
"""On a chart; more minutes are drawn as sums of several."""

SPARSE = 4
"""Where a job rested for longer than so many times the time it worked, its charts leave the rests out."""


@dataclass(frozen=True, kw_only=True)
class Point:
    """What is drawn of one stretch of time: figures a minute."""

    at: datetime
    worked: timedelta
    """Time at work before it, with the rests left out."""
    minutes: int
    pages: float
    requests: float
    retries: float
    rate_limited: float
    tokens: int
    allowed: float
    quantiles: tuple[float | None, float | None, float | None]
    """Seconds within which half, nine tenths and 99 of 100 answers came."""


@dataclass(frozen=True, kw_only=True)
class Facts:
    """One job, as a report tells of it."""

    status: Status
    cells: tuple[Cell, ...]
    marks: Tally[Mark]
    quarantined: tuple[Quarantined, ...]
    kinds: Tally[EventKind]
    retakes: tuple[Event, ...]
    history: tuple[Event, ...]
    """What was kept apart from what a healthy job is full of, and from what has a list of its own."""
    taken_again: int
    """Takes beyond the first, of all windows."""
    minutes: int
    """At work, in all runs."""
    latencies: Latencies
    points: tuple[Point, ...]
    rests: tuple[timedelta, ...]
    """Where on the axis of time at work a longer rest was left out."""
    sparse: bool
    """Whether the charts leave rests out."""
    read_at: datetime


def gather(home: JobFiles, *, now: datetime) -> Facts | None:
    """Read all that a report tells; None where there is no job. Raises ManifestUnusable or StorageFailed."""
    status = status_of.read(home, events=EVENTS_READ)
    with reader(home) as manifest:
        if status is None or manifest is None:
            return None
        quarantined = tuple(manifest.quarantined(QUARANTINED_READ))
        troubled = {page.window for page in quarantined}
        rows = list(manifest.windows())
        minutes = manifest.minutes()
    cells = tuple(cell_of(row, quarantined=row.window.interval in troubled) for row in rows)
    return Facts(
        status=status,
        cells=cells,
        marks=Tally(cell.mark for cell in cells),
        quarantined=quarantined,
        kinds=Tally(event.kind for event in status.events),
        retakes=tuple(event for event in status.events if event.kind in RETAKES),
        history=tuple(event for event in status.events if event.kind not in ROUTINE | RETAKES),
        taken_again=sum(row.window.take - 1 for row in rows),
        minutes=sum(row.length for row in minutes),
        latencies=sum((row.latencies for row in minutes), Latencies()),
        points=tuple(points(minutes)),
        rests=tuple(rests(minutes)),
        sparse=_sparse(minutes),
        read_at=now,
    )


def points(rows: list[MinuteRow]) -> list[Point]:
    """Make some hundreds of points of the minutes; none reaches over a rest, unless there are hundreds of rests."""
    each = max(1, -(-len(rows) // POINTS_MOST))
    groups: list[list[MinuteRow]] = []
    for row in rows:
        follows = bool(groups) and row.at == groups[-1][-1].at + timedelta(minutes=groups[-1][-1].length)
        if follows and len(groups[-1]) < each:
            groups[-1].append(row)
        else:
            groups.append([row])
    if len(groups) > 2 * POINTS_MOST:
        groups = [rows[n : n + each] for n in range(0, len(rows), each)]
    made, worked = [], timedelta()
    for group in groups:
        made.append(_point(group, worked))
        worked += timedelta(minutes=made[-1].minutes)
    return made


def rests(rows: list[MinuteRow]) -> list[timedelta]:
    """Return where, on the axis of time at work, nothing was done for a while."""
    found, worked = [], timedelta()
    for before, row in itertools.pairwise(rows):
        worked += timedelta(minutes=before.length)
        if row.at - before.at > timedelta(minutes=before.length + 5):
            found.append(worked)
    return found


def _sparse(rows: list[MinuteRow]) -> bool:
    if not rows:
        return False
    span = rows[-1].at - rows[0].at + timedelta(minutes=rows[-1].length)
    return span > SPARSE * timedelta(minutes=sum(row.length for row in rows))


def _point(rows: list[MinuteRow], worked: timedelta) -> Point:
    minutes = sum(row.length for row in rows)
    latencies = sum((row.latencies for row in rows), Latencies())
    counts = {counter: sum(row.counts[counter] for row in rows) for counter in Counter}
    return Point(
        at=rows[0].at,
        worked=worked,
        minutes=minutes,
        pages=sum(row.pages for row in rows) / minutes,
        requests=counts[Counter.REQUESTS] / minutes,
        retries=counts[Counter.RETRIES] / minutes,
        rate_limited=counts[Counter.RATE_LIMITED] / minutes,
        tokens=counts[Counter.TOKEN_REFRESHES],
        allowed=max(row.allowed for row in rows),
        quantiles=(latencies.quantile(0.5), latencies.quantile(0.9), latencies.quantile(0.99)),
    )
