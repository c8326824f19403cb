"""What people type is read as they meant it."""

from datetime import UTC, datetime, timedelta

import pytest

from resumable.cli import parse
from resumable.cli.text import views
from resumable.errors import Failure
from resumable.manifest.rows import Quarantined
from resumable.models import Interval
from resumable.text import length, paragraph, size, span


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1d", timedelta(days=1)),
        ("12h", timedelta(hours=12)),
        ("90m", timedelta(minutes=90)),
        ("8h30m", timedelta(hours=8, minutes=30)),
        ("1D2H3M4S", timedelta(days=1, hours=2, minutes=3, seconds=4)),
    ],
)
def test_durations(text: str, expected: timedelta) -> None:
    """A duration is days, hours, minutes and seconds, in this order."""
    assert parse.duration(text, "--window") == expected
    assert parse.duration(length(expected), "--window") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2025-01-31", datetime(2025, 1, 31, tzinfo=UTC)),
        ("2025-01-31T08:30", datetime(2025, 1, 31, 8, 30, tzinfo=UTC)),
        ("2025-01-31T08:30:00Z", datetime(2025, 1, 31, 8, 30, tzinfo=UTC)),
        ("2025-01-31T08:30+02:00", datetime(2025, 1, 31, 6, 30, tzinfo=UTC)),
    ],
)
def test_times_are_utc_unless_they_say_otherwise(text: str, expected: datetime) -> None:
    """A time without an offset is UTC."""
    assert parse.time(text, "--from") == expected


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (59.4, "59 s"), (60, "1 m 00 s"), (4020, "1 h 07 m"), (86_399, "1 d 00 h"), (97_200, "1 d 03 h")],
)
def test_spans(seconds: float, text: str) -> None:
    """A span has its two largest units."""
    assert span(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 bytes"), (999, "999 bytes"), (118_000, "118 KB"), (4_300_000_000, "4.3 GB")]
)
def test_sizes(count: int, text: str) -> None:
    """A size has two or three digits."""
    assert size(count) == text


@pytest.mark.parametrize(
    ("failure", "words"),
    [
        (Failure.NO_RECORDS, "held no records"),
        (Failure.OVERLOADED, "in trouble"),
        (Failure.RATE_LIMITED, "asked too often"),
        (Failure.NOT_JSON, "a proxy or a gateway"),
        (Failure.QUERY_REFUSED, "the filters and the ids"),
        (None, None),
    ],
)
def test_the_usual_failures_are_explained(failure: Failure | None, words: str | None) -> None:
    """What kept quarantined pages is said in words, once for all of a kind; their reasons are only shown."""
    day = Interval(start=datetime(2023, 10, 1, tzinfo=UTC), end=datetime(2023, 10, 2, tzinfo=UTC))
    pages = [Quarantined(window=day, number=n, reason="HTTP 504: not JSON", failure=failure) for n in (1, 2)]
    lines = views.problem_lines(pages, "resumable status j --json")
    assert lines[:2] == [f"  2023-10-01 page {number}: HTTP 504: not JSON" for number in (1, 2)]
    assert [words in line for line in lines[2:] if words] == ([True] if words else [])
    assert len(lines) == (3 if words else 2)


def test_a_paragraph_ends_with_its_exit_code_at_the_right() -> None:
    """No line is wider than the terminal, and the code is the last thing on the last one."""
    text = paragraph(["error: " + "word " * 40, "Do this."], ending="exit 3", width=80)
    assert all(len(line) <= 80 for line in text.splitlines())
    assert text.splitlines()[-1].endswith("exit 3")


@pytest.mark.parametrize(
    ("text", "meant"),
    [(None, (None, 1.0)), ("300", (300.0, 1.0)), ("0.5", (0.5, 1.0)), ("80%", (None, 0.8)), (" 100% ", (None, 1.0))],
)
def test_a_rate_is_a_number_or_a_share(text: str | None, meant: tuple[float | None, float]) -> None:
    """Requests a minute, or per cent of what the server allows."""
    assert parse.rate(text) == meant
