"""The lock is the file that was locked, not its name; and those who only look share it."""

import contextlib
import errno
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from resumable import Job, JobLocked, Secret
from resumable.errors import ExitCode, StorageFailed
from resumable.manifest.store import Manifest
from resumable.models import Counter, EventKind, JobState, Request
from resumable.simulator.settings import SimSettings, Style
from resumable.simulator.simulator import Simulator
from resumable.storage.job_files import Keeper
from resumable.storage.lock import hold
from resumable.transport.http import Reply
from tests.support.builders import make_job
from tests.support.clock import VirtualClock
from tests.support.transports import SimulatedTransport


@dataclass
class Meddled(SimulatedTransport):
    """Lets something happen after an answer was fetched and before it is written down."""

    after: int = 0
    meddle: Callable[[], None] = lambda: None
    sent: int = 0

    def send(
        self, request: Request, headers: Mapping[str, str | Secret], *, form: Mapping[str, str | Secret] | None = None
    ) -> Reply:
        """Ask the simulator, and meddle once."""
        answer = super().send(request, headers, form=form)
        self.sent += 1
        if self.sent == self.after:
            self.meddle()
        return answer


@pytest.fixture
def sim() -> Simulator:
    """Three pages a day."""
    return Simulator(SimSettings(records=60, style=Style.SMALL, rate_public=None))


def content(folder: Path) -> dict[str, Any]:
    """Return the parts of a job, and what its manifest says of pages."""
    files = {str(path): path.read_bytes() for path in folder.rglob("*.parquet")}
    return files | {"receipt": (folder / "receipt.json").exists()}


def removed(path: Path) -> None:
    """Remove a lock by hand."""
    path.unlink()


def taken_by_another(path: Path) -> None:
    """Remove a lock by hand, and let another process lock a new one."""
    path.unlink()
    path.write_text("")


def moved(path: Path) -> None:
    """Give the job's folder another name."""
    path.parent.rename(path.parent.with_name("elsewhere"))


@pytest.mark.parametrize("how", [removed, taken_by_another])
@pytest.mark.parametrize("after", [2, 4, 6])
def test_a_process_whose_lock_was_taken_away_writes_nothing_any_more(
    sim: Simulator, tmp_path: Path, how: Callable[[Path], None], after: int
) -> None:
    """It looks before each part and each row: exit 7, and what another process would find is as it was."""
    clock = VirtualClock()
    job = make_job(sim, clock, tmp_path, workers=1)
    seen: list[tuple[dict[str, Any], int]] = []

    def meddle() -> None:
        how(job.folder / "lock")
        seen.append((content(job.folder), job.status().totals.pages_done))

    meddled = Meddled(clock=clock, sim=sim, after=after, meddle=meddle)
    settings = replace(job.settings, transport=lambda _: meddled)
    with pytest.raises(JobLocked, match="was taken away") as ended:
        Job(name="job", settings=settings, clock=clock).run()
    assert ended.value.exit_code is ExitCode.LOCKED
    assert seen == [(content(job.folder), job.status().totals.pages_done)]
    job.run()
    assert job.status().totals.records == 120


def test_a_job_whose_folder_was_moved_is_left_alone(sim: Simulator, tmp_path: Path) -> None:
    """Under the new name another process may be at it."""
    clock = VirtualClock()
    job = make_job(sim, clock, tmp_path, workers=1)
    meddled = Meddled(clock=clock, sim=sim, after=4, meddle=lambda: moved(job.folder / "lock"))
    with pytest.raises(JobLocked):
        Job(name="job", settings=replace(job.settings, transport=lambda _: meddled), clock=clock).run()
    assert not job.folder.exists()
    renamed = Job(name="elsewhere", settings=job.settings, clock=clock)
    renamed.run()
    assert renamed.status().totals.records == 120


def test_a_lock_that_lost_its_name_before_it_was_taken_is_no_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Opened, removed by somebody else, then locked: the file that has the name now is locked in its place."""
    from resumable.storage import lock

    path, take, times = tmp_path / "lock", lock._take, [0]

    def removed_first(descriptor: int, kind: int, job: str) -> None:
        times[0] += 1
        if times[0] == 1:
            path.unlink()
        take(descriptor, kind, job)

    monkeypatch.setattr(lock, "_take", removed_first)
    with hold(path, job="job", now=VirtualClock().now()) as held_lock:
        assert times == [2]
        held_lock.check()
        assert str(os.getpid()) in path.read_text()


@pytest.mark.parametrize("call", ["stat", "fstat"])
def test_a_look_that_the_disk_refuses_is_not_a_lock_that_was_taken(
    call: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error of the disk is told as one, exit 5: nobody else is at the job."""
    path = tmp_path / "lock"
    with hold(path, job="job", now=VirtualClock().now()) as held_lock:
        with monkeypatch.context() as disk:
            disk.setattr(os, call, refused)
            with pytest.raises(StorageFailed, match="Input/output error") as ended:
                held_lock.check()
        assert ended.value.exit_code is ExitCode.STORAGE
        held_lock.check()


def refused(*_: object, **__: object) -> os.stat_result:
    """Answer as a broken disk does."""
    raise OSError(errno.EIO, os.strerror(errno.EIO))


def test_those_who_look_do_not_exclude_each_other(sim: Simulator, tmp_path: Path) -> None:
    """Two exports and a verification of a complete job at once; who wants to change it waits for all of them."""
    clock = VirtualClock()
    job = make_job(sim, clock, tmp_path / "state")
    job.run()
    findings = job.verify()
    assert next(findings, None) is None
    again = job.verify(watch=lambda _: None)
    inside: list[int] = []

    def while_exporting(data: bytes) -> None:
        if not inside:
            inside.append(0)
            inside[0] = job.export(tmp_path / "second.csv").rows
            with pytest.raises(JobLocked, match="is being read by another process"):
                job.run()

    assert job.export(while_exporting, format="csv").rows == 120
    assert inside == [120]
    assert list(again) == []
    job.run()


def test_a_look_waits_for_who_changes_the_job(sim: Simulator, tmp_path: Path) -> None:
    """Exit 7 at once, naming the process."""
    clock = VirtualClock()
    job = make_job(sim, clock, tmp_path / "state")
    job.run()
    with (
        hold(job.folder / "lock", job="job", now=clock.now()),
        pytest.raises(JobLocked, match=f"pid {os.getpid()}"),
    ):
        job.export(tmp_path / "x.csv")
    assert not (tmp_path / "x.csv").exists()


def test_no_change_of_a_manifest_is_committed_once_the_lock_is_lost(sim: Simulator, tmp_path: Path) -> None:
    """Not a page, not an event, not a counter: the guard is asked at the end of each transaction."""
    clock = VirtualClock()
    job = make_job(sim, clock, tmp_path)
    with hold(job.home.lock, job="job", now=clock.now()) as lock:
        manifest = Manifest.open(job.home.manifest, clock, keeper=Keeper(check=lock.check))
        assert manifest is not None
        with contextlib.closing(manifest):
            manifest.event(EventKind.WARNING, "before")
            job.home.lock.unlink()
            changes: list[Callable[[], None]] = [
                lambda: manifest.event(EventKind.WARNING, "after"),
                lambda: manifest.count(Counter.REQUESTS),
                lambda: manifest.set_state(JobState.COMPLETE),
            ]
            for change in changes:
                with pytest.raises(JobLocked, match="was taken away"):
                    change()
    status = job.status()
    assert [event.text for event in status.events] == ["before"]
    assert (status.state, status.counters[Counter.REQUESTS]) == (JobState.PLANNED, 0)
