"""Times as people mean them: words and months, so that a nightly command needs no `date`."""

from datetime import UTC, datetime

import pytest

from resumable.cli import parse
from resumable.errors import UsageError
from tests.support.command_line import CommandLine

NOW = datetime(2026, 3, 1, 14, 25, 37, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("now", datetime(2026, 3, 1, 14, 25, tzinfo=UTC)),
        ("today", datetime(2026, 3, 1, tzinfo=UTC)),
        ("Yesterday", datetime(2026, 2, 28, tzinfo=UTC)),
        ("-7d", datetime(2026, 2, 22, tzinfo=UTC)),
        ("-2w", datetime(2026, 2, 15, tzinfo=UTC)),
        ("-12h", datetime(2026, 3, 1, 2, 25, tzinfo=UTC)),
        ("-90m", datetime(2026, 3, 1, 12, 55, tzinfo=UTC)),
        ("2023-10", datetime(2023, 10, 1, tzinfo=UTC)),
    ],
)
def test_words_stand_for_moments(text: str, meant: datetime) -> None:
    """Days begin at midnight, and hours are counted back from this minute."""
    assert parse.time(text, "--from", now=NOW) == meant


@pytest.mark.parametrize("text", ["2023-13", "-7", "-7y", "-9999999d", "last week", "0000-01", "7d"])
def test_what_is_no_time_is_refused_with_the_ways_to_write_one(text: str) -> None:
    """The hint shows each form once."""
    with pytest.raises(UsageError, match="is not a time") as refused:
        parse.time(text, "--from", now=NOW)
    assert "yesterday, -7d or now" in refused.value.hint


@pytest.mark.parametrize(
    ("start", "end"), [("2023-12", "2024-01-01T00:00:00+00:00"), ("yesterday", "2026-03-01T00:00:00+00:00")]
)
def test_a_month_and_yesterday_need_no_end(start: str, end: str) -> None:
    """Each is a range of its own; a date is not, for nobody knows how long a range was meant."""
    assert parse.implied_end(start, now=NOW) == end
    assert parse.implied_end("2023-12-05", now=NOW) is None


def test_a_month_is_one_word(cli: CommandLine) -> None:
    """`--from 2023-10` is October, under the name that its dates would give it."""
    outcome = cli("plan", "conversations", "--from", "2023-10", "--json")
    assert (outcome.json["from"], outcome.json["to"]) == ("2023-10-01T00:00:00.000Z", "2023-11-01T00:00:00.000Z")


def test_a_nightly_command_may_name_the_last_days_alone(cli: CommandLine) -> None:
    """With --look-back a range inside the known one is the same job, and a later end extends it."""
    command = ("backfill", "conversations", "--job", "nightly", "--look-back", "2d")
    assert cli(*command, "--from", "2023-10-01", "--to", "2023-10-05").code == 0
    asked = len(cli.sim.log)
    assert cli(*command, "--from", "2023-10-03", "--to", "2023-10-04").code == 0
    assert cli("status", "nightly", "--json").json["to"] == "2023-10-05T00:00:00.000Z"
    assert len(cli.sim.log) <= asked + 1
    assert cli(*command, "--from", "2023-10-03", "--to", "2023-10-06").code == 0
    known = cli("status", "nightly", "--json").json
    assert (known["from"], known["to"]) == ("2023-10-01T00:00:00.000Z", "2023-10-06T00:00:00.000Z")
    assert cli(*command, "--from", "2023-10-08", "--to", "2023-10-09").code == 2
    assert cli(*command, "--from", "2023-09-30", "--to", "2023-10-09").code == 2
