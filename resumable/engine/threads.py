"""The threads of a run: they share one feed, and the first error that ends a run ends them all."""

import threading
from collections.abc import Callable
from typing import Protocol

from resumable.api.client import Stopped
from resumable.api.concurrency import Concurrency
from resumable.api.in_hand import BytesInHand
from resumable.clock import Stop
from resumable.engine.feed import Feed, Work
from resumable.errors import StorageFailed

LATE_SECONDS = 5.0
"""After what is in flight was given up: to record what came, and to end."""


class _Working:
    """Counts the threads that work."""

    def __init__(self, loop: Callable[[], None]) -> None:
        self._loop = loop
        self._condition = threading.Condition()
        self._left = 0

    def loop(self) -> None:
        """Work in one of the threads."""
        with self._condition:
            self._left += 1
        try:
            self._loop()
        finally:
            with self._condition:
                self._left -= 1
                self._condition.notify_all()

    def ended(self, stop: Stop) -> None:
        """Wait until all have ended, at most for as long as what is in flight has."""
        with self._condition:
            while self._left and stop.clock.monotonic() < stop.ends_at + LATE_SECONDS:
                stop.clock.wait(self._condition, 1.0)


class Worker(Protocol):
    """Whoever does the work of a feed; one object serves all threads."""

    def do(self, work: Work) -> None:
        """Do one piece of work. Raises what ends a run; a page that fails is quarantined instead."""

    def begin(self) -> None:
        """Do what comes before the first window of a run."""


def work_through(feed: Feed, worker: Worker, *, concurrency: Concurrency, in_hand: BytesInHand, stop: Stop) -> None:
    """Do all the work of a feed with so many threads, and return when all have ended.

    The first error that ends a run raises the stop flag; the others finish what they have in flight; it is raised here.
    """
    errors: list[BaseException] = []

    def turn(work: Work) -> None:
        try:
            with concurrency.working():
                worker.do(work)
        except Stopped:
            pass
        finally:
            in_hand.drop()
            feed.release(work)

    def loop() -> None:
        # To be given work can fail too: a manifest that is damaged is noticed there.
        try:
            while (work := feed.take()) is not None:
                turn(work)
        except BaseException as error:  # noqa: BLE001 - raised again below, in the thread that called
            errors.append(error)
            stop.request("error")

    working = _Working(loop)
    try:
        stop.clock.run_threads(working.loop, [f"worker-{number}" for number in range(1, concurrency.most + 1)])
    except KeyboardInterrupt:
        # A notebook, or a program that watches no signals: the threads would go on with a job that nobody holds.
        stop.request("SIGINT")
        working.ended(stop)
    if errors:
        # A disk that refused is what to see to first, whatever another thread met in the same moment.
        raise next((error for error in errors if isinstance(error, StorageFailed)), errors[0])
