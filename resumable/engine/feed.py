"""Hands out the work of a run in an order that keeps every worker busy."""

import enum
import math
import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from resumable.clock import Stop
from resumable.manifest.rows import WindowRow
from resumable.manifest.store import Manifest
from resumable.models import Window


class Ended(enum.Enum):
    """How a page ended, for the window it is of."""

    DONE = "done"
    EMPTY = "empty"
    """It was answered without records, although it was named: what that means is decided when all others have ended."""
    FAILED = "failed"
    """Quarantined: the window stays unfinished in this run."""
    BEYOND = "beyond"
    """The window has fewer pages by now: the take is pointless, the window needs a new one."""


@dataclass(frozen=True, kw_only=True)
class Work:
    """What a worker does next: open a window (number None), or take a page of an open one."""

    window: Window
    number: int | None
    postponed: bool = False
    """Whether it was put at the end, to be done when all the others have been."""


class _OpenWindow:
    """A window whose pages are being handed out; `upcoming` is the next one, None when all are out."""

    def __init__(self, window: Window, missing: Iterator[int]) -> None:
        self.window = window
        self.upcoming = next(missing, None)
        self.flying = 0
        self.failed = False
        self.beyond = False
        self._missing = missing

    def hand_out(self, number: int) -> Work:
        self.flying += 1
        self.upcoming = next(self._missing, None)
        return Work(window=self.window, number=number)

    def land(self, how: Ended) -> None:
        self.flying -= 1
        self.failed |= how is Ended.FAILED
        if how is Ended.BEYOND:
            self.beyond, self.upcoming = True, None


class Feed:
    """Hands out the work of one run to its threads. Memory is bounded by the open windows, not by the pages.

    Pages of open windows come first, oldest window first; where none is ready, the next window is opened, so that first
    pages are asked for as early as workers are free and the pipeline never runs dry between windows.
    """

    CHUNK = 100

    def __init__(self, manifest: Manifest, stop: Stop, *, limit: Callable[[], float] = lambda: math.inf) -> None:
        """Starts with every window that is not complete; `limit` tells how many pages may be in flight now."""
        self._limit = limit
        self._manifest = manifest
        self._stop = stop
        # Its own, so that a page that ends wakes one worker that waits here, and not all of them and the pacer's too:
        # with 32 that cost 300 changes of thread a page.
        self._changed = threading.Condition()
        stop.wakes(self._changed)
        self._open: dict[int, _OpenWindow] = {}
        self._again: deque[Window] = deque()
        self._waiting: deque[Window] = deque()
        self._later: deque[Window] = deque()
        self._after: datetime | None = None
        self._read_all = False
        self._busy = self._busy_at_the_end = 0

    @property
    def in_flight(self) -> int:
        """How many pages, first ones included, are in somebody's hands."""
        return self._busy

    def take(self) -> Work | None:
        """Return the next work, waiting for some where all is in other hands; None when the run is over or to end."""
        with self._changed:
            while not self._stop.requested:
                work = self._next() if self._busy < self._limit() else None
                if work is not None:
                    self._busy += 1
                    self._busy_at_the_end += work.postponed
                    # Where there is work for one there may be some for another: each that finds some wakes the next.
                    self._changed.notify()
                    return work
                if self._busy == 0:
                    self._changed.notify_all()
                    return None
                self._stop.clock.wait(self._changed, None)
        return None

    def release(self, work: Work | None = None) -> None:
        """Say that the work taken is over, whatever became of it."""
        with self._changed:
            self._busy -= 1
            self._busy_at_the_end -= work is not None and work.postponed
            self._changed.notify()

    def opened(self, row: WindowRow, missing: Iterator[int]) -> bool:
        """Hand out the pages of a window from now on; True when nothing is missing and the caller is to close it."""
        with self._changed:
            held = _OpenWindow(row.window, missing)
            if held.upcoming is None:
                return True
            self._open[row.window.id] = held
            self._changed.notify()
            return False

    def ended(self, window: Window, how: Ended) -> bool:
        """Settle a page that ended so; True when it was the last of its window and the caller is to close that."""
        with self._changed:
            held = self._open[window.id]
            held.land(how)
            if held.flying or held.upcoming is not None:
                return False
            del self._open[window.id]
            return held.beyond or not held.failed

    def reopen(self, *windows: Window) -> None:
        """Put windows at the front, to be opened next: retakes, and the slices of one that was split."""
        with self._changed:
            self._again.extend(windows)
            # Slices of the window that was read last start after it, and are not to be read once more.
            self._after = max([window.interval.start for window in windows] + ([self._after] if self._after else []))
            self._changed.notify()

    def postpone(self, window: Window) -> None:
        """Put a window at the very end, to be opened again when all the others have been, and nothing of them flies."""
        with self._changed:
            self._later.append(window)
            self._changed.notify()

    def _next(self) -> Work | None:
        for held in self._open.values():
            if held.upcoming is not None:
                return held.hand_out(held.upcoming)
        if self._again:
            return Work(window=self._again.popleft(), number=None)
        if not self._waiting and not self._read_all:
            self._read_more()
        if self._waiting:
            return Work(window=self._waiting.popleft(), number=None)
        if self._later and self._busy == self._busy_at_the_end:
            return Work(window=self._later.popleft(), number=None, postponed=True)
        return None

    def _read_more(self) -> None:
        rows = self._manifest.unfinished(after=self._after, limit=self.CHUNK)
        self._read_all = len(rows) < self.CHUNK
        if rows:
            self._after = rows[-1].window.interval.start
            self._waiting.extend(row.window for row in rows)
