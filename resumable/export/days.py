"""The days of an export: of UTC, or from midnight to midnight of a place, as the windows of a job are."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Final
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc

from resumable.errors import UsageError

DAY_MS: Final = 86_400_000
NO_DAY: Final = -(2**31)
"""Stands for the day of records that have no start."""

MANY_DAYS: Final = 400
"""In one page: only where starts make no sense, or a list is no list of what happened."""

_EPOCH: Final = date(1970, 1, 1)


@dataclass(frozen=True, kw_only=True)
class Days:
    """Tells on which day, counted since 1970, a moment lies."""

    place: tzinfo = UTC

    def of(self, starts: pa.ChunkedArray) -> pa.ChunkedArray:
        """Return the day of each instant in milliseconds, NO_DAY where there is none."""
        # By hand: floor_temporal wants a database of time zones, which not every machine has.
        ms = pc.cast(starts, pa.int64())
        if self.place is UTC:
            floored = pc.if_else(pc.less(ms, 0), pc.subtract(ms, DAY_MS - 1), ms)
            return pc.fill_null(pc.divide(floored, DAY_MS), NO_DAY)
        ends = pc.min_max(ms)
        if ends["min"].as_py() is None:
            return pc.fill_null(ms, NO_DAY)
        first, last = self.day(ends["min"].as_py()), self.day(ends["max"].as_py())
        # By midnights, not by each local date: where clocks go back over midnight, a date would begin twice.
        found = pc.add(pc.multiply(ms, 0), first)
        if last - first > MANY_DAYS:
            each = [None if moment is None else self.day(moment) for moment in ms.to_pylist()]
            return pc.fill_null(pa.chunked_array([pa.array(each, pa.int64())]), NO_DAY)
        for day in range(first + 1, last + 1):
            found = pc.add(found, pc.cast(pc.greater_equal(ms, self.midnight_ms(day)), pa.int64()))
        return pc.fill_null(found, NO_DAY)

    def day(self, ms: int) -> int:
        """Return the day of one instant."""
        if self.place is UTC:
            return ms // DAY_MS
        try:
            day = (datetime.fromtimestamp(ms // 1000, UTC).astimezone(self.place).date() - _EPOCH).days
        except (OverflowError, ValueError, OSError):
            return ms // DAY_MS
        return day + 1 if self.midnight_ms(day + 1) <= ms else day

    def midnight_ms(self, day: int) -> int:
        """Return when a day begins, as windows have it."""
        try:
            start = datetime.combine(_EPOCH + timedelta(days=day), time(), tzinfo=self.place)
            return int(start.timestamp()) * 1000
        except (OverflowError, ValueError):
            return day * DAY_MS  # beyond the calendar, where no place has a midnight of its own


def zone_of(name: str) -> ZoneInfo:
    """Return a time zone by its name. Raises UsageError for one that this machine does not know."""
    try:
        return ZoneInfo(name)
    except (LookupError, ValueError, OSError) as failure:
        raise UsageError(
            f"--tz {name[:40]!a} is not a time zone that this machine knows.",
            hint="Such as --tz Europe/Berlin, or America/New_York.",
        ) from failure


def days_of(zone: str | None) -> Days:
    """Return the days of a zone, of UTC for none. Raises UsageError."""
    return Days() if zone in (None, "UTC") else Days(place=zone_of(zone))
