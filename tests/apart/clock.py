"""A clock that jumps: real threads and real sockets, but whoever waits for time to pass does not wait long.

The turn-taking clock of `tests.support.clock` lets one thread run at a time and sees every wait. The command line has
threads that join each other behind its back, so this one watches in place of leading: when every thread of the run
waits, and nothing has moved for a moment, time is set on to the earliest deadline.
"""

import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

MOMENT = 0.002
"""Real seconds without a move, after which a wait is one for time. A thread that was woken is running by then."""

SIDE_MOMENT = 0.005
"""The same for threads beside the run, such as the one that draws progress: they set no time on themselves."""

TODAY = datetime(2026, 3, 1, 12, tzinfo=UTC)
"""Where the clock starts: all made-up data is long settled."""


class JumpingClock:
    """Implements `resumable.clock.Clock`. It belongs to the thread that made it and to those of `run_threads`."""

    def __init__(self, at: datetime = TODAY, *, seed: int = 0) -> None:
        """Start at some moment."""
        self._at = at
        self._began = time.monotonic()
        self._jumped = 0.0
        self._dice = random.Random(seed)
        self._lock = threading.Lock()
        self._mine = {threading.get_ident()}
        self._waiting: dict[int, float] = {}
        """The threads that wait, and until when. Those beside the run are among them: no jump passes their deadline."""
        self._moves = 0

    def now(self) -> datetime:
        """Return the wall clock's time."""
        return self._at + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        """Return the seconds since the start, those that were jumped over among them."""
        return time.monotonic() - self._began + self._jumped

    def uniform(self, low: float, high: float) -> float:
        """Return a random number between the two."""
        return self._dice.uniform(low, high)

    def jump(self, seconds: float) -> None:
        """Let so much time have passed."""
        with self._lock:
            self._jumped += seconds
            self._moves += 1

    def wait(self, condition: threading.Condition, seconds: float | None) -> None:
        """Wait until notified, or until `seconds` have passed or been jumped over."""
        deadline = float("inf") if seconds is None else self.monotonic() + max(0.0, seconds)
        notices = _watched(condition)
        with self._as_waiting(deadline) as of_the_run:
            if seconds is None:
                condition.wait()
                return
            before = notices[0]
            while self.monotonic() < deadline:
                moves = self._moves
                # A notice may come after a moment has run out and before the lock is taken again: then wait is false.
                if condition.wait(MOMENT if of_the_run else SIDE_MOMENT) or notices[0] != before:
                    return
                if of_the_run:
                    self._set_on(moves)

    def run_threads(self, target: Callable[[], None], names: Sequence[str]) -> None:
        """Run `target` in one thread for each name, and return when all have ended."""
        begun = threading.Semaphore(0)

        def live() -> None:
            with self._lock:
                self._mine.add(threading.get_ident())
            begun.release()
            try:
                target()
            finally:
                with self._lock:
                    self._mine.discard(threading.get_ident())
                    self._moves += 1

        crew = [threading.Thread(target=live, name=name, daemon=True) for name in names]
        for thread in crew:
            thread.start()
            begun.acquire()
        with self._as_waiting(float("inf")):
            for thread in crew:
                thread.join()

    @contextmanager
    def _as_waiting(self, deadline: float) -> Iterator[bool]:
        me = threading.get_ident()
        with self._lock:
            of_the_run = me in self._mine
            self._waiting[me] = deadline
            self._moves += 1
        try:
            yield of_the_run
        finally:
            with self._lock:
                del self._waiting[me]
                self._moves += 1

    def _set_on(self, moves: int) -> None:
        with self._lock:
            if self._moves != moves or not self._mine <= self._waiting.keys():
                return
            earliest = min(self._waiting.values())
            if earliest < float("inf"):
                self._jumped += max(0.0, earliest - (time.monotonic() - self._began + self._jumped))
                self._moves += 1


def _watched(condition: threading.Condition) -> list[int]:
    """Return a list whose one number grows with each notice to a condition, which is held."""
    notices: list[int] | None = getattr(condition, "notices", None)
    if notices is None:
        notices = [0]
        condition.notices = notices  # type: ignore[attr-defined]  # kept where it lives just as long
        notify = condition.notify

        def counted(n: int = 1) -> None:
            notices[0] += 1
            notify(n)

        # notify_all calls notify, which it finds here.
        condition.notify = counted  # type: ignore[method-assign]  # the real one is called, too
    return notices
