"""Which records an export keeps, and in which order."""

import json
import random
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import resumable
from resumable.export import index, rows
from resumable.export.checked_parts import Proven
from resumable.models import PageKey, PartFact
from resumable.simulator.settings import SimSettings
from resumable.simulator.simulator import Simulator
from tests.export.jobs import Make, Page, in_order, record
from tests.support.builders import START, make_job, virtual_settings
from tests.support.clock import VirtualClock
from tests.support.truth import plain


def lines(job: resumable.Job, **how: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - as Job.export takes them
    """Return the records of an export."""
    found: list[bytes] = []
    job.export(found.append, format="jsonl", **how)
    return [json.loads(line) for line in b"".join(found).splitlines()]


def test_of_records_with_one_key_the_newest_is_kept(make: Make) -> None:
    """It counts when the page was taken: whichever window it is in, and whatever is taken at other times."""
    job = make(
        [
            [Page(records=[record("a", externalTag="old"), record("b", externalTag="new")], taken=5)],
            [
                Page(records=[record("b", externalTag="old"), record("c", 1)], taken=3),
                Page(records=[record("d", 1)], taken=9),
            ],
            [Page(records=[record("a", externalTag="new"), record("c", 1, externalTag="new")], taken=7)],
        ]
    )
    assert {each["conversationId"]: each.get("externalTag") for each in lines(job)} == {
        "a": "new", "b": "new", "c": "new", "d": None
    }  # fmt: skip


def test_where_two_were_taken_at_once_the_later_window_and_page_are_kept(make: Make) -> None:
    """So that the same parts give the same export."""
    twice = [record("a", externalTag="1"), record("a", externalTag="2")]
    later = [Page(records=[record("b", 1, externalTag="1")]), Page(records=[record("b", 1, externalTag="2")])]
    assert [each["externalTag"] for each in lines(make([[Page(records=twice)], later]))] == ["2", "2"]


def test_a_key_with_two_starts_is_one_record(make: Make) -> None:
    """The newest, on its own day."""
    job = make([[Page(records=[record("a", 0)], taken=1)], [Page(records=[record("a", 1)], taken=2)]])
    assert [each["conversationStart"][:10] for each in lines(job)] == ["2023-10-02"]


def test_records_without_a_key_or_a_start_are_all_kept(make: Make, tmp_path: Path) -> None:
    """They repeat nothing; those without a start have a partition of their own."""
    job = make([[Page(records=[record("a"), {"externalTag": "x"}, {"externalTag": "y"}, {"conversationId": "n"}])]])
    assert sorted(str(each.get("externalTag")) for each in lines(job)) == ["None", "None", "x", "y"]
    job.export(tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "day=2023-10-01", "day=__HIVE_DEFAULT_PARTITION__"
    ]  # fmt: skip


def test_starts_before_1970_fall_on_their_day(make: Make, tmp_path: Path) -> None:
    """A day is rounded down, not towards 1970."""
    old = {"conversationId": "a", "conversationStart": "1969-12-30T23:59:59.999Z"}
    make([[Page(records=[old, record("b")])]]).export(tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["day=1969-12-30", "day=2023-10-01"]


@pytest.mark.parametrize("group_bytes", [1, 3000, 20_000, 20_000_000])
def test_records_are_sorted_whatever_the_order_they_came_in(
    make: Make, monkeypatch: pytest.MonkeyPatch, group_bytes: int, seed: int
) -> None:
    """By start, then by key: with pages in order, in none, over days, and with runs that go through a file."""
    monkeypatch.setattr(rows, "GROUP_BYTES", group_bytes)
    monkeypatch.setattr(rows, "MOST_BYTES", 3 * group_bytes)
    monkeypatch.setattr(rows, "RUN_ROWS", 7)
    chance = random.Random(seed)
    days = []
    known = []
    for day in range(4):
        some = [record(f"{day}-{n:03d}", chance.choice((0, 1, 2, day)), chance.randrange(60)) for n in range(60)]
        if day == 3:
            some.sort(key=lambda each: each["conversationStart"])
        known += some
        days.append([Page(records=some[at : at + 10]) for at in range(0, 60, 10)])
    found = lines(make(days))
    assert [each["conversationId"] for each in found] == in_order(known)


def test_runs_through_a_file_lose_nothing_of_a_record(
    job: resumable.Job, truth: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whole records of the source, with groups so small that every one waits in a file."""
    monkeypatch.setattr(rows, "GROUP_BYTES", 1)
    monkeypatch.setattr(rows, "MOST_BYTES", 1)
    assert {each["conversationId"]: each for each in lines(job)} == truth


def test_keys_are_told_apart_a_bounded_number_at_a_time(
    job: resumable.Job, truth: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With room for seven keys at once the export is the same."""
    monkeypatch.setattr(index, "KEYS_AT_ONCE", 7)
    assert [each["conversationId"] for each in lines(job)] == in_order(truth.values())


def test_users_details_are_records_of_their_window(tmp_path: Path) -> None:
    """A user has one in every window: none of them stands for another, and each is on its window's day."""
    sim = Simulator(SimSettings(users=7))
    job = make_job(sim, VirtualClock(), tmp_path / "state", dataset="user-details")
    job.run()
    found = lines(job)
    assert len(found) == len(list(job.records())) > len({each["userId"] for each in found})
    job.export(tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["day=2023-10-01", "day=2023-10-02"]


def test_a_list_has_no_days(tmp_path: Path) -> None:
    """Users are one file, each of them once, as they were sent."""
    sim = Simulator(SimSettings(users=30))
    job = make_job(sim, VirtualClock(), tmp_path / "state", dataset="users", days=1)
    job.run()
    assert {each["id"]: each for each in lines(job)} == {u["id"]: plain(u) for u in sim.truth(None, dataset="users")}
    job.export(tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["part-00000.parquet"]


def test_days_that_share_most_parts_are_read_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A window of a week whose pages come in no order costs two looks at each part, and not one for each day."""
    sim, clock = Simulator(SimSettings(records=40)), VirtualClock()
    spec = resumable.JobSpec.of(
        "conversation-jobs", START, START + timedelta(days=6), window=timedelta(days=6), page_size=40
    )
    job = resumable.make(spec, virtual_settings(sim, clock, tmp_path), name="job", clock=clock)
    job.run()
    read: list[object] = []
    table = Proven.table

    def counted(proven: Proven, key: PageKey, fact: PartFact, *, columns: list[str] | None = None) -> pa.Table:
        read.append(key)
        return table(proven, key, fact, columns=columns)

    monkeypatch.setattr(Proven, "table", counted)
    found = lines(job)
    assert [each["conversationId"] for each in found] == in_order(job.records())
    assert len(read) <= 2 * len(list(job.files())) + 2
