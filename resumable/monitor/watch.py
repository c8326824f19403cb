"""A job as somebody sees it who looks on from another process: what is done, how fast it goes, what is left."""

from collections import Counter as Tally
from dataclasses import dataclass
from datetime import timedelta

from resumable import status as status_of
from resumable.clock import Clock
from resumable.manifest.expected import Expected
from resumable.manifest.minutes import MinuteRow
from resumable.manifest.reader import reader
from resumable.manifest.rows import Quarantined
from resumable.models import JobState, label
from resumable.monitor.coverage import Day, Mark, cell_of, days
from resumable.monitor.progress import MeasuredPace
from resumable.status import Status
from resumable.storage.job_files import JobFiles

EVENTS_SEEN = 200

FRESH = timedelta(minutes=3)
"""How old the last minute may be, to tell how fast a run goes before two looks can."""


@dataclass(frozen=True, kw_only=True)
class View:
    """What is to be seen of a job at one moment."""

    status: Status
    expected: Expected
    at: str
    """The first window that is still to be taken, past those that only lack quarantined pages."""
    days: tuple[Day, ...]
    marks: Tally[Mark]
    quarantined: tuple[Quarantined, ...]
    pages: tuple[float | None, ...]
    """Recorded in each of the last minutes, the newest last; None where nobody was at work."""
    per_minute: float | None
    allowed: float
    """Requests a minute; 0 where nothing has told yet."""
    left_seconds: float | None

    @property
    def running(self) -> bool:
        """Whether a process changes the job now."""
        return self.status.state is JobState.RUNNING

    @property
    def share(self) -> float:
        """How much is done, from 0 to 1."""
        totals = self.status.totals
        if self.expected.pages:
            return min(1.0, totals.pages_done / self.expected.pages)
        return totals.windows_done / totals.windows if totals.windows else 1.0


class Watch:
    """Looks at a job now and then. Each look opens the manifest, reads, and lets go of it: it disturbs nobody."""

    def __init__(self, home: JobFiles, clock: Clock) -> None:
        """Nothing is read yet."""
        self._home = home
        self._clock = clock
        self._pace: MeasuredPace | None = None

    def look(self, *, minutes: int = 60) -> View | None:
        """Return what is to be seen; None where there is no job. Raises ManifestUnusable, StorageFailed, JobLocked."""
        status = status_of.read(self._home, events=EVENTS_SEEN)
        with reader(self._home) as manifest:
            if status is None or manifest is None:
                return None
            quarantined = tuple(manifest.quarantined())
            troubled = {page.window for page in quarantined}
            cells = [cell_of(row, quarantined=row.window.interval in troubled) for row in manifest.windows()]
            rows = manifest.minutes()
        known = status.expected
        per_minute = self._per_minute(status, rows)
        left = None
        if per_minute and known.pages is not None:
            left = (known.pages - status.totals.pages_done) / per_minute * 60
        return View(
            status=status,
            expected=known,
            at=next((label(cell.window) for cell in cells if cell.mark in (Mark.OPEN, Mark.PLANNED)), known.at),
            days=tuple(days(cells, status.job.spec.query.zone)),
            marks=Tally(cell.mark for cell in cells),
            quarantined=quarantined,
            pages=_last(rows, minutes),
            per_minute=per_minute,
            allowed=next((row.allowed for row in reversed(rows) if row.allowed), 0.0),
            left_seconds=left,
        )

    def _per_minute(self, status: Status, rows: list[MinuteRow]) -> float | None:
        """Return the pages a minute; of a job that nobody is at work on None."""
        if status.state is not JobState.RUNNING:
            self._pace = None
            return None
        done = status.totals.pages_done
        now = self._clock.monotonic()
        if self._pace is None:
            self._pace = MeasuredPace(now, done)
        measured = self._pace.at(now, done)
        if measured is not None:
            return measured
        whole = [row for row in rows if row.at + timedelta(minutes=row.length) <= self._clock.now()]
        if whole and self._clock.now() - whole[-1].at <= FRESH:
            return whole[-1].pages / whole[-1].length
        return None


def _last(rows: list[MinuteRow], count: int) -> tuple[float | None, ...]:
    """Return the pages of the last minutes up to the last row, with the minutes between rows as None."""
    if not rows:
        return ()
    length = timedelta(minutes=rows[-1].length)
    first = rows[-1].at - (count - 1) * length
    found: list[float | None] = [None] * count
    for row in rows:
        if row.at >= first:
            found[round((row.at - first) / length)] = row.pages / row.length
    while found and found[0] is None:
        found.pop(0)
    return tuple(found)
