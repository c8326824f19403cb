"""What becomes of a window that is too heavy: it is split, or taken again in smaller pages; both are remembered."""

import enum
import threading
from datetime import timedelta

from resumable.engine.recorder import Recorder
from resumable.engine.recovery import remove_stale
from resumable.engine.windows import halves
from resumable.errors import Failure, Fault, StatusFault, Wall
from resumable.manifest.rows import WindowRow
from resumable.models import EventKind, Interval, Snapshot, Window, WindowContract, WindowState, label


class Remedy(enum.Enum):
    """What makes a request that failed light enough."""

    SPLIT = "split"
    SMALLER_PAGES = "smaller pages"


class HeavyWindows:
    """Knows the walls of the server, as the contract has them and as the server says. One object serves all threads."""

    def __init__(self, recorder: Recorder) -> None:
        """The limit is the settings', or else what the server has said before, or else the contract's."""
        self._recorder = recorder
        self._context = recorder.context
        self._lock = threading.Lock()
        self._limit = recorder.context.deep_limit
        self._taken: int | None = None
        """Records a page that the server was found to take along a cursor, where it refused more."""

    def page_size(self, window: Window) -> int:
        """Return how many records a page of a window is asked for."""
        wanted = window.asked_size or self._context.job.spec.page_size
        # A contract of two takes as many as the other may be asked for.
        return min(wanted, self._context.contract.page_sizes.most, self._taken or wanted)

    def remedy(self, window: Window, fault: Fault) -> Remedy | None:
        """Return what helps where a request of a window failed for being too heavy; None where that is not the matter.

        Takes in what the fault says of the server's walls.
        """
        if fault.failure is Failure.TOO_BIG:
            return Remedy.SMALLER_PAGES
        if fault.failure is Failure.TIMED_OUT:
            return Remedy.SPLIT if len(self._halves(window)) > 1 else None
        wall, limit = (fault.wall, fault.limit) if isinstance(fault, StatusFault) else (None, None)
        if limit is None:
            # Of more than is usual nobody says how much is too much: then halves are asked for, down to what is.
            unusual = self.page_size(window) > self._context.contract.page_sizes.usual
            return Remedy.SMALLER_PAGES if wall is Wall.PAGE_SIZE and unusual else None
        if wall is Wall.DEPTH:
            self._learn(limit)
            return Remedy.SPLIT
        if wall is Wall.INTERVAL and window.interval.length > timedelta(days=limit):
            return Remedy.SPLIT if len(self._halves(window)) > 1 else None
        return Remedy.SMALLER_PAGES if wall is Wall.PAGE_SIZE and limit < self.page_size(window) else None

    def too_deep(self, page_size: int, *, last: int) -> bool:
        """Tell whether the `last` page that is wanted of a window lies behind the wall.

        What counts is the number of the page times its size, and not how many records there are: of 990 in pages of 70
        the last page ends at 1,050.
        """
        return self._limit is not None and last * page_size > self._limit

    def lighten(self, window: Window, number: int, remedy: Remedy, fault: Fault) -> None:
        """Let a window of which no page is in flight be taken in a lighter way; quarantine the page where none is left.

        Pages that were recorded of it go, rows and parts.
        """
        if remedy is Remedy.SPLIT:
            self._split(window, number, fault.reason, _of_an_hour(fault))
            return
        size, limit = self.page_size(window), fault.limit if isinstance(fault, StatusFault) else None
        self._in_pages_of(window, number, limit or size // 2, fault.reason, fault.failure)

    def before_the_wall(self, window: Window, snapshot: Snapshot, page_size: int) -> None:
        """Let a window be taken so that its last page ends before the wall: in other pages, or in slices."""
        limit, total = self._limit or 0, snapshot.total
        if total is not None and total <= limit:
            fitting = (size for size in range(page_size, page_size // 2, -1) if -(-total // size) * size <= limit)
            if (size := next(fitting, None)) is not None:
                why = f"{snapshot.page_count:,} pages of {page_size} end past the {limit:,} that can be paged through"
                self._in_pages_of(window, 1, size, why, Failure.TOO_DEEP)
                return
        held = f"{total:,} records" if total is not None else f"{snapshot.page_count:,} pages of {page_size}"
        why = f"it holds {held}, and only {limit:,} can be paged through"
        if len(self._halves(window)) == 1 and page_size > 1 and (total or 0) <= limit:
            self._in_pages_of(window, 1, page_size // 2, why, Failure.TOO_DEEP)
            return
        self._split(window, 1, why, Failure.TOO_DEEP)

    def smaller_page(self, window: Window, fault: Fault) -> Window | None:
        """Return a window read along a cursor as it goes on in smaller pages; None where they are of one record."""
        limit = fault.limit if isinstance(fault, StatusFault) else None
        size = limit or self.page_size(window) // 2
        if size < 1:
            return None
        self._context.manifest.learned.asked_size(window, size)
        if isinstance(fault, StatusFault) and fault.wall is Wall.PAGE_SIZE:
            self._taken = size
        self._tell(window, size, fault.reason)
        return self._context.manifest.window(window.id).window

    def _split(self, window: Window, number: int, why: str, failure: Failure) -> None:
        manifest, parts = self._context.manifest, self._context.parts
        slices = self._halves(window)
        if len(slices) == 1:
            short = ", even of an hour: narrow the query by a filter" if self._context.contract.interval_min else ""
            manifest.quarantine(window, number, f"{why}{short}", failure)
            return
        if window.state is not WindowState.PLANNED:
            # What was recorded of it becomes an older take first: killed in between, it is taken again and split then.
            window = manifest.retake(window, None, why).window
        # One that was taken before, and has grown since, still has the rows and the parts of its older takes.
        remove_stale(window, manifest=manifest, parts=parts)
        rows = manifest.split(window, slices, why)
        self._context.feed.reopen(*(row.window for row in rows))

    def _in_pages_of(self, window: Window, number: int, size: int, why: str, failure: Failure) -> None:
        if size < 1:
            self._context.manifest.quarantine(window, number, f"{why}, even of a single record", failure)
            return
        row = self._context.manifest.retake(window, None, why, asked_size=size)
        self._tell(window, size, why)
        self._context.feed.reopen(row.window)

    def _tell(self, window: Window, size: int, why: str) -> None:
        text = f"{label(window.interval)}: {size} records a page from here on, because {why}"
        self._context.manifest.event(EventKind.PAGE_SIZE, text)

    def _learn(self, limit: int) -> None:
        with self._lock:
            known, self._limit = self._limit, limit
        # Of the results of jobs it is none for the query beside them.
        if known != limit and self._context.window_contract is not WindowContract.JOBS:
            self._context.manifest.learned.deep_limit(limit)

    def _halves(self, window: Window) -> list[Interval]:
        least = self._context.contract.interval_min
        return [window.interval] if least is None else halves(window.interval, least=least)


def last_missing(row: WindowRow, done: set[int]) -> int:
    """Return the highest number of a page of an open window that is still to come; 0 where all are there."""
    snapshot = row.window.snapshot
    number = 0 if snapshot is None else snapshot.page_count
    while number in done:
        number -= 1
    return number


def _of_an_hour(fault: Fault) -> Failure:
    walled = isinstance(fault, StatusFault) and fault.wall is Wall.DEPTH
    return Failure.TOO_DEEP if walled else fault.failure
