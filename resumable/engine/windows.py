"""Windows of a range: how it is cut, how one that holds too much is halved, which of its pages are missing."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from resumable.models import Interval

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


def cut(interval: Interval, length: timedelta, zone: str | None = None) -> Iterator[Interval]:
    """Yield half-open windows that cover the interval, disjoint and in order.

    Lengths that divide a day start at multiples of themselves from midnight UTC, because the public contract counts a
    conversation to the UTC day it started on; the first and the last window may be shorter. Days of a `zone` begin at
    its midnights, and have 23 or 25 hours where its clocks are changed.
    """
    if zone is not None and length % DAY == timedelta(0):
        yield from _local(interval, length, ZoneInfo(zone))
        return
    aligned = DAY % length == timedelta(0)
    midnight = interval.start.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    start = interval.start
    while start < interval.end:
        past = (start - midnight) % length if aligned else timedelta(0)
        end = min(start - past + length, interval.end)
        yield Interval(start=start, end=end)
        start = end


def _local(interval: Interval, length: timedelta, place: ZoneInfo) -> Iterator[Interval]:
    start = interval.start
    while start < interval.end:
        day = datetime.combine(start.astimezone(place).date(), time())
        ends = [
            (day + count * DAY).replace(tzinfo=place).astimezone(UTC) for count in (length // DAY, length // DAY - 1)
        ]
        # Of several days an hour more may be over what one request may cover.
        end = ends[1] if ends[0] - start > length > DAY else ends[0]
        yield Interval(start=start, end=min(end, interval.end))
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
