"""An independent count of each window of a contract whose answers name none: what came is compared with it.

A job's results say nothing of how much there is, so that one that ends early looks like one that is whole: 586
conversations were seen to come where the query beside the job counted 669.
"""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, timedelta
from enum import Enum

from resumable.api.client import Asked, Client
from resumable.datasets.beside import Counting
from resumable.engine.context import RunContext
from resumable.errors import Failure, Fault
from resumable.models import EventKind, Interval, Query, Window, label

FAULTS_IN_A_ROW = 3
"""Windows that could not be counted, with none between them that could, before a run counts no more."""

REFUSED = frozenset({Failure.FORBIDDEN, Failure.QUERY_REFUSED, Failure.OTHER_STATUS})
"""Failures that no other window would fare better with."""


class Comparison(Enum):
    """What a count says of what came."""

    NONE = "none"
    """Nothing: it was not counted, or it counts something else of which there is some."""
    ALIKE = "alike"
    COUNTS_MORE = "counts more"
    COUNTS_FEWER = "counts fewer"


@dataclass(frozen=True, kw_only=True)
class Compared:
    """A count beside what came."""

    how: Comparison
    text: str = ""
    """Both numbers, in words."""


class WindowCounts:
    """Counts windows for a run, until the server refuses to. One object serves all threads."""

    def __init__(self, context: RunContext, *, wanted: bool) -> None:
        """`wanted`: whether the settings want it at all."""
        self._context = context
        self._counting = context.contract.counting if wanted else None
        self._lock = threading.Lock()
        self._faults = 0

    def compare(self, window: Window, came: int) -> Compared:
        """Count a window, record the count, and compare it with how many records came, each once."""
        counting = self._counting
        records = None if counting is None else self._counted(window, counting)
        if counting is None or records is None:
            return Compared(how=Comparison.NONE)
        self._context.manifest.learned.counted(window, records, at=self._context.stop.clock.now())
        found = compared(counting, records, came)
        if found.how in (Comparison.COUNTS_FEWER, Comparison.COUNTS_MORE):
            self._context.manifest.event(EventKind.COUNTED, f"{label(window.interval)}: {found.text}")
        return found

    def _counted(self, window: Window, counting: Counting) -> int | None:
        context = self._context
        try:
            records = count_window(context.client, counting, context.job.spec.query, window.interval)
        except Fault as fault:
            self._failed(window, fault)
            return None
        with self._lock:
            self._faults = 0
        return records

    def _failed(self, window: Window, fault: Fault) -> None:
        with self._lock:
            self._faults += 1
            over = fault.failure in REFUSED or self._faults >= FAULTS_IN_A_ROW
            if over and self._counting is None:
                return  # another thread has told it
            if over:
                self._counting = None
        text = f"{label(window.interval)} could not be counted: {fault.reason}"
        more = "; no window is counted any more in this run, and its results alone are believed" if over else ""
        self._context.manifest.event(EventKind.WARNING, f"{text}{more}")


def count_window(client: Client, counting: Counting, query: Query, window: Interval) -> int:
    """Ask for the count of a window: one request, or one for each stretch that a request may cover. Raises Fault."""
    return sum(
        client.exchange(
            Asked(
                what=f"counting {label(each)}", request=counting.request(query, each), optional=True, incidental=True
            ),
            lambda reply: counting.read(reply.body, client.redactor),
        )
        for each in stretches(window, counting.interval_max)
    )


def compared(counting: Counting, records: int, came: int) -> Compared:
    """Compare a count with how many records came, each once.

    A count of something that lies in records, many in one, says only whether there is any.
    """
    text = f"{records:,} {counting.what}, and {came:,} records came"
    if records == came:
        return Compared(how=Comparison.ALIKE, text=text)
    if not counting.of_records:
        return Compared(how=Comparison.COUNTS_MORE if came == 0 else Comparison.NONE, text=text)
    return Compared(how=Comparison.COUNTS_MORE if records > came else Comparison.COUNTS_FEWER, text=text)


def stretches(window: Interval, longest: timedelta | None) -> Iterator[Interval]:
    """Cut a window into stretches that a request may cover, at midnight UTC: a record counts to the day it began on."""
    start = window.start
    while longest is not None and window.end - start > longest:
        midnight = start.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        yield Interval(start=start, end=midnight + longest)
        start = midnight + longest
    yield Interval(start=start, end=window.end)
