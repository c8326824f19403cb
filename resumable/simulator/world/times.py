"""Instants as Genesys writes them, `2023-10-01T00:00:00.000Z`, and as whole milliseconds since 1970."""

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

DAY_MS = 86_400_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()


@lru_cache(maxsize=4096)
def _day_text(day: int) -> str:
    return date.fromordinal(_EPOCH_ORDINAL + day).isoformat()


def stamp(at_ms: int) -> str:
    """Write an instant the way Genesys does."""
    day, rest = divmod(at_ms, DAY_MS)
    seconds, ms = divmod(rest, 1000)
    minutes, second = divmod(seconds, 60)
    return f"{_day_text(day)}T{minutes // 60:02}:{minutes % 60:02}:{second:02}.{ms:03}Z"


def to_ms(moment: datetime) -> int:
    """Return the milliseconds since 1970 of an aware instant."""
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def parse_ms(text: str) -> int:
    """Read an instant with or without fractions and offset; without an offset it is UTC.

    Raises ValueError for anything that is not one.
    """
    moment = datetime.fromisoformat(text)
    return to_ms(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def parse_interval(text: str) -> tuple[int, int]:
    """Read `start/end` into its two instants; raises ValueError for anything else."""
    start, slash, end = text.partition("/")
    if not slash:
        raise ValueError(text)
    return parse_ms(start), parse_ms(end)


def day_of(text: str | date) -> int:
    """Return the number of the UTC day since 1970 that a date names."""
    day = date.fromisoformat(text) if isinstance(text, str) else text
    return day.toordinal() - _EPOCH_ORDINAL


def touched_days(start_ms: int, end_ms: int) -> range:
    """Return the numbers of the UTC days that the half-open interval touches."""
    return range(start_ms // DAY_MS, -(-end_ms // DAY_MS))
