"""Complete means looked at: parts, folders and manifests taken away, swapped or copied, at any moment of a run."""

import contextlib
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import resumable
from resumable import JobState
from resumable.errors import ManifestUnusable, VerificationFailed
from resumable.simulator.simulator import Simulator
from resumable.status import read
from tests.support.builders import make_job
from tests.support.clock import VirtualClock
from tests.support.planted import Planted, footer_of
from tests.support.whole_runs import simulated

DAYS = ("window=20231001T000000Z", "window=20231002T000000Z")


def _swapped(one: Path, other: Path) -> None:
    aside = one.with_name("swapped")
    one.rename(aside)
    other.rename(one)
    aside.rename(other)


def _gone(planted: Planted) -> None:
    planted.path(2).unlink()


def _all_gone(planted: Planted) -> None:
    shutil.rmtree(planted.folder / "parts")


def _day_gone(planted: Planted) -> None:
    shutil.rmtree(planted.folder / "parts" / DAYS[1])


def _cut(planted: Planted) -> None:
    path = planted.path(3)
    path.write_bytes(path.read_bytes()[:-1])


def _linked(planted: Planted) -> None:
    path = planted.path(1)
    path.rename(planted.folder / "elsewhere")
    path.symlink_to(planted.folder / "elsewhere")


def _days_swapped(planted: Planted) -> None:
    """Swap the folders of two days, and let sizes say nothing."""
    parts = planted.folder / "parts"
    _swapped(parts / DAYS[0], parts / DAYS[1])
    for day, name in enumerate(DAYS):
        for number in (1, 2, 3):
            size = (parts / name / f"page-{number:05d}.parquet").stat().st_size
            planted.change(
                "UPDATE page SET size = ? WHERE number = ? AND window = (SELECT id FROM window ORDER BY start_ms"
                " LIMIT 1 OFFSET ?)",
                size,
                number,
                day,
            )
    planted.change("UPDATE window SET bytes = (SELECT sum(size) FROM page WHERE page.window = window.id)")


@pytest.mark.parametrize("harm", [_gone, _all_gone, _day_gone, _cut, _linked, _days_swapped])
def test_complete_job_that_lost_something_is_not_called_complete(
    planted: Planted, harm: Callable[[Planted], None]
) -> None:
    """Every time: by a run, which asks for nothing, and by a status; a repair brings all of it back."""
    records = len(list(planted.job.records()))
    harm(planted)
    before = read(planted.job.home, look=True)
    assert before is not None
    assert before.state is JobState.INCOMPLETE
    assert before.problems
    with pytest.raises(VerificationFailed, match="2023-10-0"):
        planted.job.run()
    status, _ = planted.job.repair()
    assert status.state is JobState.COMPLETE
    assert len(list(planted.job.records())) == records
    planted.job.run()


def test_whole_job_is_called_complete(planted: Planted) -> None:
    """Nothing is missed where all is there, and a folder may have been given another name."""
    planted.job.run()
    moved = planted.folder.rename(planted.folder.with_name("moved"))
    found = read(resumable.find("moved", planted.job.settings, clock=planted.job.clock).home, look=True)
    assert moved.is_dir()
    assert found is not None
    assert (found.state, found.missing) == (JobState.COMPLETE, ())


def test_parts_of_another_job_are_told_and_decide(planted: Planted, tmp_path: Path) -> None:
    """Where two jobs' parts were swapped, neither manifest is believed; a repair makes the one of the parts."""
    other = tmp_path / "other"
    shutil.copytree(planted.folder, other)
    planted.update("job", "uuid = '00000000-0000-4000-8000-000000000000'", "1")
    ours = footer_of(planted, 1).job
    with pytest.raises(ManifestUnusable, match="not of the job that is there"):
        planted.job.run()
    with pytest.raises(ManifestUnusable):
        list(planted.job.records())
    with pytest.raises(ManifestUnusable):
        planted.job.status()
    assert sorted(path.name for path in planted.folder.glob("parts/*/*")) == sorted(
        path.name for path in other.glob("parts/*/*")
    )
    status, done = planted.job.repair()
    assert (status.state, status.job.uuid, done.restored) == (JobState.COMPLETE, ours, 6)
    assert any(planted.folder.glob("aside/*/manifest.sqlite"))


def test_receipt_of_another_job_is_told(planted: Planted) -> None:
    """A complete job with another job's receipt ends with exit 8, and a repair writes its own."""
    receipt = planted.folder / "receipt.json"
    text = receipt.read_text(encoding="utf-8")
    receipt.write_text(text.replace(footer_of(planted, 1).job, "another"), encoding="utf-8")
    with pytest.raises(ManifestUnusable, match="another"):
        planted.job.run()
    planted.job.repair()
    planted.job.run()
    assert receipt.read_text(encoding="utf-8").count(footer_of(planted, 1).job)


MOMENTS = pytest.mark.parametrize("nth", range(1, 9))


def _at(clock: VirtualClock, nth: int, harm: Callable[[], None]) -> Simulator:
    """Return a simulator that does harm while it answers one request."""
    asked = 0

    def latency() -> float:
        nonlocal asked
        asked += 1
        if asked == nth:
            harm()
        return 0.3

    return simulated(clock, latency=latency)


@MOMENTS
@pytest.mark.parametrize("what", ["parts", DAYS[0]])
def test_what_is_taken_away_during_a_run_is_missed(what: str, nth: int, tmp_path: Path, seed: int) -> None:
    """At any request: the run never ends as complete over what is not there, and a repair brings all of it."""
    clock = VirtualClock(seed)
    gone = tmp_path / "job" / ("parts" if what == "parts" else f"parts/{what}")
    sim = _at(clock, nth, lambda: shutil.rmtree(gone, ignore_errors=True))
    job = make_job(sim, clock, tmp_path, workers=1)
    complete = False
    with contextlib.suppress(VerificationFailed):
        job.run()
        complete = True
    assert not complete or len([*job.files()]) == sum(path.exists() for path in job.files())
    status, _ = job.repair()
    assert status.state is JobState.COMPLETE
    assert len(list(job.records())) == 100
    assert list(job.verify()) == []


@MOMENTS
def test_manifest_that_is_replaced_during_a_run_is_missed(nth: int, tmp_path: Path, seed: int) -> None:
    """At any request: what the run records is lost then, and it does not end as complete."""
    clock = VirtualClock(seed)
    manifest = tmp_path / "job" / "manifest.sqlite"

    def replace() -> None:
        shutil.copy(manifest, manifest.with_name("copy"))
        manifest.with_name("copy").replace(manifest)

    job = make_job(_at(clock, nth, replace), clock, tmp_path, workers=1)
    with pytest.raises(ManifestUnusable, match="taken away or replaced"):
        job.run()
    status, _ = job.repair()
    assert status.state is JobState.COMPLETE
    assert len(list(job.records())) == 100
