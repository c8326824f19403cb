"""Reads what people type: times, durations, filters. What is wrong is a UsageError that says what to type."""

import json
import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from resumable import config
from resumable.errors import UsageError
from resumable.models import Interval
from resumable.storage.address import Address
from resumable.text import length, moment
from resumable.tomlfile import nearest

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
"""No contact centre kept its data in this API before."""

WINDOWS_MOST = 200_000
FILTER_BYTES_MOST = 1_000_000

_DURATION = re.compile(r"(?:(\d{1,6})d)?(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,6})s)?")


def duration(text: str, option: str, *, least: timedelta = timedelta(seconds=1)) -> timedelta:
    """Read `1d`, `12h`, `90m`, `8h30m`."""
    found = _DURATION.fullmatch(text.strip().lower()) if text.isascii() else None
    if found is None or not any(found.groups()):
        raise UsageError(f"{option} {text[:40]!a} is not a duration.", hint="Write it as 1d, 12h, 90m or 8h30m.")
    days, hours, minutes, seconds = (int(number or 0) for number in found.groups())
    read = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    if not least <= read <= timedelta(days=3660):
        raise UsageError(f"{option} {text[:40]} is out of range.", hint=f"Use {length(least)} to 3660d.")
    return read


def zone(text: str | None) -> str | None:
    """Read --tz: the name of a time zone; None for UTC. Raises UsageError for one that this machine does not know."""
    if text is None or text.upper() in ("UTC", "Z"):
        return None
    try:
        return ZoneInfo(text).key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        near = nearest(text, sorted(available_timezones()))
        raise UsageError(
            f"--tz {text[:40]!a} is not a time zone that this machine knows{near}.",
            hint="Write it as Europe/Berlin; where no zone is known, install the package tzdata.",
        ) from None


def time(text: str, option: str, *, now: datetime | None = None, place: tzinfo = UTC) -> datetime:
    """Read `2025-01-01`, a full ISO time, `2025-01`, and with `now` also `yesterday`, `-7d` or `now`.

    Of the place's zone unless it names an offset. Days begin at its midnight, `now` is this minute.
    """
    if (period := _period(text, now, place)) is not None:
        return period.start.astimezone(UTC)
    try:
        read = datetime.fromisoformat(text.strip())
        read = (read.replace(tzinfo=place) if read.tzinfo is None else read).astimezone(UTC)
    except (ValueError, OverflowError):
        raise UsageError(
            f"{option} {text[:40]!a} is not a time.",
            hint="Write it as 2025-01-31, 2025-01, 2025-01-31T08:00Z, 2025-01-31T08:00+02:00, yesterday, -7d or now.",
        ) from None
    if read.microsecond % 1000:
        raise UsageError(f"{option} {text[:40]!a} is finer than a millisecond.", hint="Leave out the last digits.")
    return read


@dataclass(frozen=True, kw_only=True)
class _Period:
    """What a word stands for: when it begins, and where it has one, its end."""

    start: datetime
    end: datetime | None = None


_MONTH = re.compile(r"(\d{4})-(\d{2})", re.ASCII)
_AGO = re.compile(r"-(\d{1,5})([dwhm])", re.ASCII)


def _period(text: str, now: datetime | None, place: tzinfo) -> _Period | None:
    """Read the words for times; None for any other text."""
    word = text.strip().lower()
    try:
        if (month := _MONTH.fullmatch(word)) is not None:
            first = datetime(int(month[1]), int(month[2]), 1, tzinfo=place)
            return _Period(start=first, end=(first + timedelta(days=31)).replace(day=1))
        if now is None:
            return None
        now = now.astimezone(place)
        today, day = now.replace(hour=0, minute=0, second=0, microsecond=0), timedelta(days=1)
        words = {
            "now": _Period(start=now.replace(second=0, microsecond=0)),
            "today": _Period(start=today),
            "yesterday": _Period(start=today - day, end=today),
        }
        if (ago := _AGO.fullmatch(word)) is not None:
            count, unit = int(ago[1]), ago[2]
            if unit in "dw":
                return _Period(start=today - count * day * (7 if unit == "w" else 1))
            past = timedelta(hours=count) if unit == "h" else timedelta(minutes=count)
            return _Period(start=words["now"].start.astimezone(UTC) - past)
    except (ValueError, OverflowError):
        return None
    return words.get(word)


def implied_end(start: str, *, now: datetime, place: tzinfo = UTC) -> str | None:
    """Return the end that --from alone stands for: of a month, or of yesterday; None where it stands for none."""
    period = _period(start, now, place)
    return None if period is None or period.end is None else period.end.isoformat()


def date_range(start: str, end: str, *, now: datetime, zone: str | None = None) -> Interval:
    """Read --from and --to, half-open. Refuses what can only be a slip of the pen."""
    place = UTC if zone is None else ZoneInfo(zone)
    first, last = (time(text, option, now=now, place=place) for text, option in ((start, "--from"), (end, "--to")))
    if first >= last:
        raise UsageError(
            f"--to ({moment(last, zone)}) is not after --from ({moment(first, zone)}).",
            hint=f"The range ends before --to: for this one day, use --to {moment(first + timedelta(days=1), zone)}.",
        )
    if first < EARLIEST:
        raise UsageError(f"--from {start[:40]} is before {EARLIEST.year}.", hint="Check the year.")
    tomorrow = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    if last > tomorrow + timedelta(days=1):
        raise UsageError(
            f"--to {end[:40]} lies in the future, where there are no records yet.",
            hint=f"For all there is until now, use --to {moment(tomorrow)}, and later once more with a later --to.",
        )
    return Interval(start=first, end=last)


def window(text: str, interval: Interval) -> timedelta:
    """Read --window, for a range."""
    read = duration(text, "--window", least=timedelta(minutes=1))
    if interval.length / read > WINDOWS_MOST:
        raise UsageError(
            f"--window {text} cuts this range into more than {WINDOWS_MOST:,} windows.", hint="Use a longer one."
        )
    return read


def rate(text: str | None) -> tuple[float | None, float]:
    """Read --rate: requests a minute at most where it is a number, and the share of what is allowed where it is one."""
    if text is None:
        return None, 1.0
    number = _number(text.strip().removesuffix("%"))
    if text.strip().endswith("%") and 1 <= number <= 100:
        return None, number / 100
    if not text.strip().endswith("%") and 0.01 <= number <= 1_000_000:
        return number, 1.0
    raise UsageError(
        f"--rate {text[:30]!a} is neither a number of requests a minute nor a share.",
        hint="Use a number such as 240, or a share of what the server allows, from 1% to 100%, such as 80%.",
    )


def _number(text: str) -> float:
    try:
        return float(text) if text.isascii() else math.nan
    except ValueError:
        return math.nan


def filter_text(given: str | None) -> dict[str, Any] | None:
    """Read --filter: a JSON object, or @ and the name of a file that holds one."""
    if given is None:
        return None
    text, where = text_of(given, "--filter"), "--filter"
    try:
        read = json.loads(text, parse_constant=_no_constant, object_pairs_hook=_no_duplicates)
    except (ValueError, RecursionError) as problem:
        raise UsageError(f"{where} is not JSON: {json_fault(problem)}.", hint=_FILTER_HINT) from None
    if not isinstance(read, dict):
        raise UsageError(f"{where} is JSON, but not an object.", hint=_FILTER_HINT)
    return read


def canonical(content: dict[str, Any]) -> str:
    """Write JSON so that the same content is the same text."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"))


def state_of(given: str | None, environment_says: str | None) -> Path | Address:
    """Return where the state is: the option, else RESUMABLE_STATE, else `state`. Raises UsageError."""
    return config.state_of(given if given is not None else environment_says or "state")


def text_of(given: str, option: str) -> str:
    """Return a text, or what is in the file that it names after an @."""
    return _file(given[1:], option) if given.startswith("@") else given


_FILTER_HINT = """For example --filter '{"conversationFilters": [...]}', or --filter @filter.json."""


def _file(name: str, option: str) -> str:
    try:
        with open(name, "rb") as file:
            content = file.read(FILTER_BYTES_MOST + 1)
    except (OSError, ValueError) as failure:
        why = getattr(failure, "strerror", None) or "that is not a file name"
        raise UsageError(
            f"{option} names the file {name[:80]!a}, which cannot be read: {why}.",
            hint="Is it in another folder?",
        ) from None
    if len(content) > FILTER_BYTES_MOST:
        raise UsageError(f"the file {name[:80]!a} is longer than a megabyte.", hint="Is it another one that was meant?")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UsageError(f"the file {name[:80]!a} is not text in UTF-8.", hint="Save it as UTF-8.") from None


def json_fault(problem: Exception) -> str:
    """Say what is wrong with a text that is to be JSON, and where."""
    if isinstance(problem, json.JSONDecodeError):
        return f"it goes wrong at line {problem.lineno}, column {problem.colno}"
    return "it is nested too deeply" if isinstance(problem, RecursionError) else str(problem)


def _no_constant(name: str) -> float:
    raise ValueError(f"it holds {name}")


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    read = dict(pairs)
    if len(read) != len(pairs):
        raise ValueError("a name comes twice in one object")
    return read
