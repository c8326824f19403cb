"""Exports that several workers make: the same files as by one process, whichever worker does what."""

import pickle
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import resumable
from resumable.errors import StorageFailed, UsageError, VerificationFailed
from resumable.export.export import Exported
from resumable.export.spread import Crew
from tests.export.jobs import Make, Page, content, record, taken_again, three_days
from tests.support.object_stores import object_store


@dataclass
class Here:
    """Workers that are this process; what goes to them and comes back is what can be sent."""

    calls: list[str] = field(default_factory=list)
    sent: bytes = b""

    def call(self, function: Callable[..., Any], *arguments: Any, returns: int = 1) -> Sequence[Any]:  # noqa: ANN401 - of any function
        """Call it at once."""
        self.calls.append(function.__name__)
        # The settings of a test have a transport in them, which stays here.
        recipe, *others = arguments
        self.sent += (data := pickle.dumps(others))
        found = function(recipe, *pickle.loads(data))  # noqa: S301 - just made
        assert len(found) == returns
        return [pickle.loads(pickle.dumps(each)) for each in found]  # noqa: S301 - just made

    def result(self, promised: Any) -> Any:  # noqa: ANN401 - of any function
        """Return what is there already."""
        return promised


def by_crew(job: resumable.Job, to: Path | str, *, count: int = 2, **more: Any) -> tuple[Exported, Here]:  # noqa: ANN401 - what export takes
    """Export by workers."""
    here = Here()
    crew = Crew(workers=here, count=count, opened=lambda _: job.settings)
    return job.export(to, crew=crew, **more), here


def test_the_files_are_those_of_one_process(job: resumable.Job, tmp_path: Path) -> None:
    """A real job whose days overlap, whole and as tables: the same bytes, duplicates and counts."""
    for number, table in enumerate((None, "segments", "interactions")):
        one = job.export(tmp_path / f"one-{number}", table=table)
        two, here = by_crew(job, tmp_path / f"two-{number}", table=table)
        assert (two.rows, two.records, two.duplicates) == (one.rows, one.records, one.duplicates)
        assert content(tmp_path / f"two-{number}") == content(tmp_path / f"one-{number}")
        assert {"look", "compare", "write"} == {*here.calls}


def test_the_newest_of_a_repeated_record_is_in_it(make: Make, tmp_path: Path) -> None:
    """Wherever the others are: what workers find of one key is compared by one of them."""
    pages = [[Page(records=[record("a", 0), record(f"b{day}", day)], taken=day)] for day in range(5)]
    job = make(pages)
    for count in (1, 3, 8):
        done, _ = by_crew(job, tmp_path / f"out-{count}", count=count)
        assert (done.records, done.duplicates) == (6, 4)
        job.export(tmp_path / f"one-{count}")
        assert content(tmp_path / f"out-{count}") == content(tmp_path / f"one-{count}")


def test_only_the_days_that_changed_are_written(make: Make, tmp_path: Path) -> None:
    """The others are taken over; where nothing changed nobody is asked."""
    job = three_days(make)
    by_crew(job, tmp_path / "out")
    done, here = by_crew(job, tmp_path / "out")
    assert (done.days_written, here.calls) == (0, [])
    taken_again(job, 1, [Page(records=[record("new", 1)], taken=3)])
    done, _ = by_crew(job, tmp_path / "out")
    assert (done.days_written, done.days_kept) == (1, 2)
    job.export(tmp_path / "fresh")
    assert content(tmp_path / "out") == content(tmp_path / "fresh")


def test_a_job_without_records_has_its_columns(make: Make, tmp_path: Path) -> None:
    """One file without rows, as by one process."""
    job = make([[]])
    by_crew(job, tmp_path / "out")
    job.export(tmp_path / "fresh")
    assert content(tmp_path / "out") == content(tmp_path / "fresh")


def test_into_a_bucket_days_are_put_beside_and_moved_when_all_are_there(make: Make, tmp_path: Path) -> None:
    """By a real store: the same objects as by one process, and nothing of the way there is left."""
    store, job = object_store("seaweed"), three_days(make)
    job.settings.__dict__["bucket"] = store.client()
    address = store.address()
    done, here = by_crew(job, f"{address}/out")
    assert here.calls.count("settle") == 3
    job.export(tmp_path / "out")
    there = job.settings.store_at(address)
    assert {key.removeprefix("out/"): there.read(key) for key in there.below("out")} == content(tmp_path / "out")
    assert dict(there.below(".out.export")) == {}
    assert job.export(f"{address}/out").days_written == 0
    taken_again(job, 1, [Page(records=[record("new", 1)], taken=3)])
    done, here = by_crew(job, f"{address}/out")
    assert (done.days_kept, here.calls.count("settle")) == (2, 1)
    job.export(tmp_path / "out")
    assert {key.removeprefix("out/"): there.read(key) for key in there.below("out")} == content(tmp_path / "out")


def test_a_damaged_part_ends_it_and_what_was_there_stays(make: Make, tmp_path: Path) -> None:
    """Every worker proves what it reads."""
    job = three_days(make)
    by_crew(job, tmp_path / "out")
    before = content(tmp_path / "out")
    taken_again(job, 1, [Page(records=[record("new", 1)], taken=3)])
    part = max(job.files())
    part.write_bytes(part.read_bytes()[:-1] + b"?")
    with pytest.raises(VerificationFailed):
        by_crew(job, tmp_path / "out")
    assert content(tmp_path / "out") == before


def test_a_worker_that_sees_another_job_ends_it(make: Make, tmp_path: Path) -> None:
    """Its state is another one, or has changed: nothing is exported."""
    job, here = three_days(make), Here()

    def opened(_: str) -> resumable.Settings:
        if len(here.calls) == 2:
            taken_again(job, 0, [Page(records=[record("x")], taken=9)])
        return job.settings

    with pytest.raises(StorageFailed, match="sees another job"):
        job.export(tmp_path / "out", crew=Crew(workers=here, count=2, opened=opened))
    assert not (tmp_path / "out").exists()


def test_an_engine_writes_parquet_alone(make: Make, tmp_path: Path) -> None:
    """One file is one process's work: exit 2."""
    with pytest.raises(UsageError, match="writes Parquet"):
        by_crew(three_days(make), tmp_path / "out.csv")
