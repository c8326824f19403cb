"""`--tz`: days as a place has them, of 23 and 25 hours too, from the command line to the parts and back."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.dataset as ds
import pytest
from deltalake import DeltaTable

from resumable.engine.windows import cut
from resumable.export.days import NO_DAY, days_of
from resumable.models import Interval
from tests.support.command_line import CommandLine

BERLIN = "Europe/Berlin"
AUTUMN = ("--from", "2023-10-28", "--to", "2023-10-31", "--tz", BERLIN)


def utc(*when: int) -> datetime:
    """Return a moment of UTC."""
    return datetime(*when, tzinfo=UTC)  # type: ignore[misc,arg-type]  # its numbers, in their order


@pytest.mark.parametrize(
    ("start", "end", "hours"),
    [
        (utc(2023, 10, 27, 22), utc(2023, 10, 30, 23), [24, 25, 24]),
        (utc(2023, 3, 24, 23), utc(2023, 3, 27, 22), [24, 23, 24]),
        (utc(2023, 10, 28, 12), utc(2023, 10, 30, 2), [10, 25, 3]),
    ],
)
def test_days_begin_at_the_midnights_of_a_place(start: datetime, end: datetime, hours: list[int]) -> None:
    """They are disjoint, cover the range, and the day on which clocks are changed is as long as it is."""
    windows = list(cut(Interval(start=start, end=end), timedelta(days=1), BERLIN))
    assert [window.length // timedelta(hours=1) for window in windows] == hours
    assert [window.end for window in windows[:-1]] == [window.start for window in windows[1:]]
    assert (windows[0].start, windows[-1].end) == (start, end)


def test_weeks_never_take_an_hour_more_than_a_week() -> None:
    """The server takes 7 days at most: the week with 169 hours is cut a day earlier."""
    windows = list(cut(Interval(start=utc(2023, 10, 22, 22), end=utc(2023, 11, 19, 23)), timedelta(days=7), BERLIN))
    assert max(window.length for window in windows) <= timedelta(days=7)
    assert windows[-1].end == utc(2023, 11, 19, 23)


@pytest.mark.parametrize("dataset", ["conversations", "conversations-pagecount"])
def test_a_job_keeps_its_zone(dataset: str, cli: CommandLine) -> None:
    """Status has the dates that were typed, a rebuilt manifest has the same windows, and all records are there."""
    outcome = cli("backfill", dataset, *AUTUMN, "--job", "j")
    assert outcome.code == 0, outcome.stderr
    assert f"2023-10-28 .. 2023-10-31 {BERLIN}" in cli("status", "j").stdout
    status = cli("status", "j", "--json").json
    assert (status["from"], status["to"]) == ("2023-10-27T22:00:00.000Z", "2023-10-30T23:00:00.000Z")
    assert status["windows"]["total"] == 3
    ids = {record["conversationId"] for record in cli.job("j").records()}
    assert ids >= set(cli.sim.truth("2023-10-28T00:00:00Z/2023-10-30T00:00:00Z").ids)
    assert cli("verify", "j").code == 0
    (cli.state / "j" / "manifest.sqlite").unlink()
    assert cli("repair", "j").code == 0
    assert cli("status", "j", "--json").json["windows"] == {"total": 3, "done": 3}
    assert {record["conversationId"] for record in cli.job("j").records()} == ids
    assert cli("backfill", dataset, *AUTUMN, "--job", "j").code == 0
    assert cli("backfill", dataset, *AUTUMN[:4], "--job", "j").code == 2


def test_its_name_is_of_its_own_dates(cli: CommandLine) -> None:
    """A month of Berlin is named as that month, and a plan of it is of the same range."""
    found = cli("plan", "conversations", "--from", "2023-10", "--tz", BERLIN, "--json").json
    assert (found["from"], found["to"]) == ("2023-09-30T22:00:00.000Z", "2023-10-31T23:00:00.000Z")
    assert found["windows"]["total"] == 31
    assert cli("backfill", "conversations", "--from", "2023-10-28", "--to", "2023-10-29", "--tz", BERLIN).code == 0
    (job,) = cli("jobs", "--json").json["jobs"]
    assert job["job"].startswith("conversations-2023-10-28-")


@pytest.mark.parametrize("to", ["x.parquet", "x.delta"])
def test_an_export_is_cut_at_the_same_midnights(to: str, cli: CommandLine, tmp_path: Path) -> None:
    """Its partitions are the job's own days, or those of --tz; a second export writes none of them again."""
    assert cli("backfill", "conversations", *AUTUMN, "--job", "j").code == 0
    once = {record["conversationId"]: str(record["conversationStart"]) for record in cli.job("j").records()}
    starts = [datetime.fromisoformat(start) for start in once.values()]
    target = tmp_path / to
    for flags, zone in (((), BERLIN), (("--tz", "Asia/Tokyo"), "Asia/Tokyo"), (("--tz", "UTC"), "UTC")):
        assert cli("export", "j", "--to", str(target), *flags).code == 0
        for again in ("1", "2"):
            rows = read_export(target)
            local = Counter(start.astimezone(ZoneInfo(zone)).date().isoformat() for start in starts)
            assert Counter(rows.column("day").cast("string").to_pylist()) == local, (zone, again)
            assert "nothing was written" in cli("export", "j", "--to", str(target), *flags).stderr
    refused = cli("export", "j", "--to", str(tmp_path / "x.csv"), "--tz", BERLIN)
    assert refused.code == 2
    assert "--tz says which days an export is cut into, and csv has no days." in refused.stderr


def read_export(target: Path) -> pa.Table:
    """Read an export that is cut into days."""
    if target.suffix == ".delta":
        return DeltaTable(target).to_pyarrow_table()
    return ds.dataset(target, partitioning=ds.partitioning(pa.schema([("day", pa.string())]), flavor="hive")).to_table()


def test_days_are_told_apart_where_clocks_go_back_over_midnight() -> None:
    """In St. John's of 2010 a minute after midnight was an hour before it: no day begins twice."""
    days = days_of("America/St_Johns")
    midnight = days.midnight_ms(days.day(int(utc(2010, 11, 7, 12).timestamp()) * 1000))
    moments = [midnight + minutes * 60_000 for minutes in range(-5, 90)]
    found = days.of(pa.chunked_array([pa.array([*moments, None], pa.timestamp("ms", "UTC"))])).to_pylist()
    assert found[:-1] == sorted(found[:-1]) == [days.day(ms) for ms in moments]
    assert (found[4], found[5], found[-1]) == (found[5] - 1, found[94], NO_DAY)


def test_a_zone_that_is_none_is_refused_with_the_nearest(cli: CommandLine) -> None:
    """So is one for a list, and one with windows that begin at no midnight."""
    plan = ("plan", "conversations", "--from", "2023-10-01", "--to", "2023-10-02")
    wrong = cli(*plan, "--tz", "Europe/Berlim")
    assert wrong.code == 2
    assert "did you mean Europe/Berlin" in wrong.stderr
    assert cli(*plan, "--tz", BERLIN, "--window", "12h").code == 2
    assert cli("plan", "users", "--tz", BERLIN).code == 2
