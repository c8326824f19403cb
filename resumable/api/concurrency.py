"""How many requests may be in flight: as many as rate and latency need, fewer while the server is in trouble."""

import contextlib
import math
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from resumable.clock import Clock

T = TypeVar("T")

SPARE = 1.2
"""Workers against what rate and latency need on average: answers do not come evenly."""

BRAKED = 0.7
"""What is left of the size after a refusal or a failure; once a second at most."""

EASED = 0.02
"""How much of it comes back with each good answer: all of it after fifteen to twenty-five."""

NEWEST = 0.1
"""Weight of the newest measurement in an average."""

SPARE_DESKS = 1
"""Desks beside one for each processor: who sits there may wait for the disk."""


class Concurrency:
    """How many requests are in flight at once. Safe to use from all of them."""

    def __init__(self, clock: Clock, *, usual: int, most: int | None = None, processors: int | None = None) -> None:
        """`usual` work until more are needed or fewer do as well, `most` at the utmost (None: always the usual)."""
        self._clock = clock
        self._usual = usual
        self._most = most or usual
        self._processors = processors or os.cpu_count() or 1
        desks = self._processors + SPARE_DESKS
        # No more threads than this need no gate: each works where it stands.
        self._desks = ThreadPoolExecutor(desks, thread_name_prefix="desk") if self._most > desks else None
        # A number that the user has given is kept.
        self._fewest = usual if most is None else min(usual, desks)
        self._lock = threading.Lock()
        self._mine = threading.local()
        self._needed = usual
        self._latency = 0.0
        self._own = 0.0
        self._brake = 1.0
        self._braked_at = float("-inf")

    @property
    def size(self) -> int:
        """How many may be at work now; trouble leaves half of the usual, so that a dead server is soon found dead."""
        return max(min(-(-self._usual // 2), self._needed), int(self._needed * self._brake))

    @property
    def most(self) -> int:
        """How many there may ever be."""
        return self._most

    @contextlib.contextmanager
    def working(self) -> Iterator[None]:
        """Measure what a piece of work costs this machine: its time without the waiting that is told in between."""
        self._mine.away, begun = 0.0, self._clock.monotonic()
        yield
        own = max(0.001, self._clock.monotonic() - begun - self._mine.away)
        with self._lock:
            self._own = _average(self._own, own)

    def on_cpu(self, work: Callable[[], T]) -> T:
        """Do work of the processor at the next free desk, and return what comes of it.

        The desks are threads of their own, because allocators keep what a thread once needed: with the work done by the
        32 workers themselves, memory grew by 60 MB over the first 6,000 pages.
        """
        if self._desks is None:
            return work()
        begun = self._clock.monotonic()

        def seated() -> tuple[float, T]:
            return self._clock.monotonic() - begun, work()

        queued, made = self._desks.submit(seated).result()
        self.waited(queued)
        return made

    def close(self) -> None:
        """Clear the desks."""
        if self._desks is not None:
            self._desks.shutdown()

    def waited(self, seconds: float) -> None:
        """Count seconds that this thread waited."""
        self._mine.away = getattr(self._mine, "away", 0.0) + seconds

    def answered(self, seconds: float, *, per_minute: float) -> None:
        """Measure an answer that came so many seconds after it was asked for, and the rate that may be spent."""
        self.waited(seconds)
        with self._lock:
            self._latency = _average(self._latency, seconds)
            self._brake = min(1.0, self._brake + EASED)
            needed = math.ceil(min(1e6, per_minute / 60 * self._latency) * SPARE) + 1
            # Where the work itself takes the time, more workers only wait for each other, and that costs: without
            # latency, 400 pages take eight workers 1.3 times as long as three.
            own = max(0.001, self._own)
            useful = math.ceil(min(1e6, self._processors * (self._latency + own) / own * SPARE))
            self._needed = max(self._fewest, min(self._most, max(self._usual, needed), useful))

    def troubled(self) -> None:
        """Brake after a refusal, an error of the server or a connection that failed."""
        now = self._clock.monotonic()
        with self._lock:
            if now - self._braked_at >= 1.0:
                self._brake, self._braked_at = self._brake * BRAKED, now


def _average(old: float, new: float) -> float:
    return old + (new - old) * NEWEST if old else new
