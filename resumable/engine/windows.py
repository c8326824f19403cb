"""Windows of a range: how it is cut, how one that holds too much is halved, which of its pages are missing."""

from collections.abc import Iterable, Iterator
from datetime import UTC, timedelta

from resumable.models import Interval

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


def cut(interval: Interval, length: timedelta) -> Iterator[Interval]:
    """Yield half-open windows that cover the interval, disjoint and in order.

    Lengths that divide a day start at multiples of themselves from midnight UTC, because the public contract counts a
    conversation to the UTC day it started on; the first and the last window may be shorter.
    """
    aligned = DAY % length == timedelta(0)
    midnight = interval.start.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    start = interval.start
    while start < interval.end:
        past = (start - midnight) % length if aligned else timedelta(0)
        end = min(start - past + length, interval.end)
        yield Interval(start=start, end=end)
        start = end


def halves(interval: Interval, *, least: timedelta = HOUR) -> list[Interval]:
    """Return two halves of a window that holds too much; itself alone up to the `least` length.

    It is cut at midnight UTC where it is longer than a day, since slices of one day overlap, and else at a whole hour.
    """
    if interval.length <= least:
        return [interval]
    middle = interval.start + -(-interval.length // (2 * HOUR)) * HOUR
    midnight = middle.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if interval.length > DAY:
        middle = midnight if interval.start < midnight else midnight + DAY
    return [Interval(start=interval.start, end=middle), Interval(start=middle, end=interval.end)]


def gaps(done: Iterable[int], page_count: int) -> Iterator[int]:
    """Yield the numbers of 1..page_count that are not in `done`, which is sorted; takes no memory for either."""
    expected = 1
    for number in done:
        yield from range(expected, min(number, page_count + 1))
        expected = number + 1
    yield from range(expected, page_count + 1)
