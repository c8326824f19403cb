"""Time, randomness and the one way to wait: the only module that imports `time` or `random`."""

import random
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What the rest of the product knows of time; tests hand in one that jumps."""

    def now(self) -> datetime:
        """Return the wall clock's time, aware and in UTC. It may jump either way."""

    def monotonic(self) -> float:
        """Return seconds that never go back. On Linux they stand still while the machine sleeps."""

    def wait(self, condition: threading.Condition, seconds: float | None) -> None:
        """Wait, with `condition` held, until it is notified or `seconds` have passed; None waits for a notification."""

    def uniform(self, low: float, high: float) -> float:
        """Return a random number between the two."""

    def run_threads(self, target: Callable[[], None], names: Sequence[str]) -> None:
        """Run `target` in one thread for each name, and return when all have ended."""


class SystemClock:
    """The machine's own clock and randomness."""

    def now(self) -> datetime:
        """Return the wall clock's time, aware and in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return seconds that never go back."""
        return time.monotonic()

    def wait(self, condition: threading.Condition, seconds: float | None) -> None:
        """Wait until notified or until `seconds` have passed."""
        condition.wait(seconds)

    def uniform(self, low: float, high: float) -> float:
        """Return a random number between the two."""
        return random.uniform(low, high)  # noqa: S311 - jitter, not a secret

    def run_threads(self, target: Callable[[], None], names: Sequence[str]) -> None:
        """Run `target` in one thread for each name, and return when all have ended."""
        # As daemons: a thread that hangs must not keep a process that is told twice to end.
        concurrency = [threading.Thread(target=target, name=name, daemon=True) for name in names]
        for thread in concurrency:
            thread.start()
        for thread in concurrency:
            thread.join()


GRACE_SECONDS = 30.0
"""So long may what is in flight take to end, once a run is to end."""


class Stop:
    """One flag for a whole run: once it is raised, every wait ends at once and nothing new is begun.

    What is in flight then has 30 seconds to end, and is given up after that.
    """

    def __init__(self, clock: Clock) -> None:
        """The flag starts lowered."""
        self.clock = clock
        self.condition = threading.Condition()
        self.reason: str | None = None
        self.grace_seconds = GRACE_SECONDS
        self._ends_at = float("inf")
        self._others: list[threading.Condition] = []

    def wakes(self, condition: threading.Condition) -> None:
        """Let whoever waits for another condition be woken by the flag too."""
        self._others.append(condition)

    @property
    def requested(self) -> bool:
        """Tell whether the run is to end."""
        return self.reason is not None

    @property
    def ends_at(self) -> float:
        """The monotonic second at which what is in flight is given up; never, as long as the flag is down."""
        return self._ends_at

    def request(self, reason: str) -> None:
        """Raise the flag; the first reason stays."""
        with self.condition:
            self._ends_at = min(self._ends_at, self.clock.monotonic() + self.grace_seconds)
            self.reason = self.reason or reason
            self.condition.notify_all()
        for other in self._others:
            with other:
                other.notify_all()

    def wait(self, seconds: float) -> bool:
        """Wait up to `seconds`; return True as soon as the flag is up."""
        deadline = self.clock.monotonic() + seconds
        with self.condition:
            while self.reason is None:
                left = deadline - self.clock.monotonic()
                if left <= 0:
                    return False
                self.clock.wait(self.condition, left)
        return True
