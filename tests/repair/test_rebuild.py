"""A manifest that is lost or damaged is made again from the parts, and asks the server only for what none proves."""

import json
import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, BinaryIO

import pytest

import resumable
from resumable import ManifestUnusable, UsageError
from resumable.manifest import tables
from resumable.repair import rebuild
from resumable.simulator.settings import SimSettings, Style
from resumable.simulator.simulator import Simulator
from resumable.storage.folder import FolderStore
from tests.repair.repaired import ids, pages_asked, repaired
from tests.support.builders import make_job
from tests.support.clock import VirtualClock
from tests.support.planted import Planted, flipped

Harm = Callable[[Path], Any]

MANIFESTS: dict[str, Harm] = {
    "gone": lambda path: path.unlink(),
    "empty": lambda path: path.write_bytes(b""),
    "zeros": lambda path: path.write_bytes(bytes(path.stat().st_size)),
    "another file": lambda path: path.write_text("not a database, and long enough not to be one" * 40),
    "half": lambda path: os.truncate(path, path.stat().st_size // 8192 * 4096),
    "its tables": lambda path: _overwritten(path, 100, 3000),
    "its middle": lambda path: _overwritten(path, 4096, path.stat().st_size - 4096),
}


def _overwritten(path: Path, start: int, length: int) -> None:
    with path.open("r+b") as file:
        file.seek(start)
        file.write(b"\xa5" * length)


@pytest.mark.parametrize("what", MANIFESTS)
def test_a_manifest_is_made_again_from_the_parts(what: str, planted: Planted, sim: Simulator) -> None:
    """The server is asked for nothing, and the job is the one it was."""
    before, job = ids(planted.job), planted.job.status().job
    path = planted.folder / "manifest.sqlite"
    MANIFESTS[what](path)
    harmed = path.read_bytes() if path.exists() else None
    done, asked = repaired(planted, sim)
    assert (done.restored, asked) == (6, 0)
    assert ids(planted.job) == before
    now = planted.job.status().job
    assert (now.uuid, now.spec, now.schema_digest) == (job.uuid, job.spec, job.schema_digest)
    if harmed:
        assert [old.read_bytes() for old in (planted.folder / "aside").glob("*/manifest.sqlite")] == [harmed]


def test_a_row_that_makes_no_sense_costs_no_page(planted: Planted, sim: Simulator) -> None:
    """What SQLite calls sound and nobody can read is made again, too."""
    planted.update("job", "query = 'nonsense'", "id = 1")
    assert repaired(planted, sim)[1] == 0


def test_only_what_no_part_proves_is_asked_for(planted: Planted, sim: Simulator) -> None:
    """With the manifest gone, and parts gone or damaged, it is those parts."""
    (planted.folder / "manifest.sqlite").unlink()
    planted.path(1).unlink()
    flipped(planted.path(2), 900)
    planted.path(3, day=1).unlink()
    done, asked = repaired(planted, sim)
    assert (done.restored, asked) == (3, 3)


def test_a_window_of_which_nothing_is_left_is_taken_again(planted: Planted, sim: Simulator) -> None:
    """The range is in every part, so that no window is forgotten."""
    (planted.folder / "manifest.sqlite").unlink()
    shutil.rmtree(planted.path(1).parent)
    assert repaired(planted, sim)[1] == 3


def test_parts_of_another_job_are_put_aside(planted: Planted, sim: Simulator, tmp_path: Path) -> None:
    """A manifest is made for the job that most parts are of; the others' parts are no use to it."""
    other = make_job(sim, VirtualClock(), tmp_path / "other")
    other.run()
    shutil.copy(next(other.files()), planted.path(1))
    (planted.folder / "manifest.sqlite").unlink()
    done, asked = repaired(planted, sim)
    assert (done.restored, asked) == (5, 1)


@pytest.mark.parametrize("version", [tables.VERSION + 1, 99])
def test_a_newer_manifest_is_left_untouched(planted: Planted, version: int) -> None:
    """It is not this program's to make again."""
    with closing(sqlite3.connect(planted.folder / "manifest.sqlite")) as database:
        database.execute(f"PRAGMA user_version={version}")
        database.commit()
    before = (planted.folder / "manifest.sqlite").read_bytes()
    with pytest.raises(ManifestUnusable, match="newer version"):
        planted.job.repair()
    assert (planted.folder / "manifest.sqlite").read_bytes() == before
    assert not (planted.folder / "aside").exists()


def test_parts_that_say_nothing_make_no_manifest(planted: Planted) -> None:
    """It is said, and everything stays as it is."""
    (planted.folder / "manifest.sqlite").unlink()
    for path in planted.parts.folder.rglob("*.parquet"):
        path.write_bytes(b"nothing")
    with pytest.raises(ManifestUnusable, match="no part in"):
        planted.job.repair()
    assert len([*planted.parts.folder.rglob("*.parquet")]) == 6


def test_a_job_that_never_was_is_a_usage_error(planted: Planted) -> None:
    """Nothing is made of an empty folder."""
    shutil.rmtree(planted.folder)
    planted.folder.mkdir()
    with pytest.raises(UsageError):
        planted.job.repair()


KINDS = ("conversations-pagecount", "conversation-jobs", "users", "queues")


@pytest.fixture(params=KINDS)
def other(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[resumable.Job, Simulator]:
    """A complete job of another contract."""
    sim = Simulator(SimSettings(records=59, style=Style.SMALL, users=60, queues=60))
    job = make_job(sim, VirtualClock(), tmp_path, dataset=request.param)
    job.run()
    return job, sim


def rows_in(job: resumable.Job) -> list[str]:
    """Return all records as text, sorted."""
    return sorted(json.dumps(record, sort_keys=True) for record in job.records())


def test_every_contract_is_restored_without_a_request(other: tuple[resumable.Job, Simulator]) -> None:
    """Whether pages have numbers or cursors: a complete job's parts prove that it is."""
    job, sim = other
    before, requests = rows_in(job), len(sim.log)
    (job.folder / "manifest.sqlite").unlink()
    status, done = job.repair()
    assert status.state is resumable.JobState.COMPLETE
    assert done.restored == len([*job.files()])
    assert rows_in(job) == before
    assert len(sim.log) == requests
    assert [finding.text for finding in job.verify()] == []


@pytest.mark.parametrize("lost", [False, True], ids=["manifest-kept", "manifest-lost"])
def test_every_contract_gets_a_lost_part_back(other: tuple[resumable.Job, Simulator], lost: bool) -> None:
    """Where only a cursor leads to a page, its window is taken again; nothing else is."""
    job, _ = other
    before = rows_in(job)
    next(job.files()).unlink()
    if lost:
        (job.folder / "manifest.sqlite").unlink()
    job.repair()
    assert rows_in(job) == before
    assert [finding.text for finding in job.verify()] == []


def test_a_job_in_the_middle_is_restored_and_finished(sim: Simulator, tmp_path: Path) -> None:
    """What its parts prove is not asked for again, and the rest is."""
    job = make_job(sim, VirtualClock(), tmp_path, max_requests=4)
    with pytest.raises(resumable.Incomplete):
        job.run()
    have = len([*job.files()])
    assert 0 < have < 6
    (job.folder / "manifest.sqlite").unlink()
    whole = replace(job, settings=replace(job.settings, max_requests=None))
    before = pages_asked(sim)
    whole.repair()
    assert pages_asked(sim) - before == 6 - have
    assert [finding.text for finding in whole.verify()] == []


def test_slices_of_a_split_window_are_windows_again(tmp_path: Path) -> None:
    """A day that was too deep to page through is restored as the slices it was taken in."""
    sim = Simulator(SimSettings(records=59, style=Style.SMALL))
    job = make_job(sim, VirtualClock(), tmp_path, deep_limit=40)
    job.run()
    before, requests = ids(job), len(sim.log)
    names = sorted(path.name for path in (job.folder / "parts").iterdir())
    windows = job.status().totals.windows
    assert windows > 2
    (job.folder / "manifest.sqlite").unlink()
    status, _ = job.repair()
    assert sorted(path.name for path in (job.folder / "parts").iterdir()) == names
    assert status.totals.windows <= windows
    assert ids(job) == before
    empty = windows - len([name for name in names if name.startswith("window=")])
    assert len(sim.log) - requests <= empty


def test_a_restored_job_can_be_looked_back_on(planted: Planted, sim: Simulator) -> None:
    """When each window was taken is read off its parts, so that a top-up takes the young ones, and no others."""
    (planted.folder / "manifest.sqlite").unlink()
    planted.job.repair()
    with closing(sqlite3.connect(planted.folder / "manifest.sqlite")) as database:
        taken = [ms for (ms,) in database.execute("SELECT whole_ms FROM window")]
        (done,) = database.execute("SELECT completed_ms FROM job").fetchone()
    assert all(0 < ms <= done for ms in taken)
    assert timedelta(milliseconds=max(taken) - min(taken)) < timedelta(hours=1)


def test_a_complete_job_that_lost_rows_is_not_called_complete(planted: Planted, sim: Simulator) -> None:
    """Run once more, it says that its manifest does not agree with itself, and what mends it."""
    planted.change("DELETE FROM page WHERE window = 1 AND number = 2")
    with pytest.raises(ManifestUnusable, match="does not agree with itself") as caught:
        planted.job.run()
    assert caught.value.hint.endswith("resumable repair job")
    with pytest.raises(ManifestUnusable):
        planted.job.check_complete()
    assert repaired(planted, sim)[1] == 0


def test_a_part_is_read_whole_once(planted: Planted, monkeypatch: pytest.MonkeyPatch) -> None:
    """To make a manifest again takes the end of each part, to see whose it is, and each part once."""
    (planted.folder / "manifest.sqlite").unlink()
    opened: list[str] = []
    real = FolderStore.opened

    def spied(store: FolderStore, key: str) -> AbstractContextManager[BinaryIO]:
        opened.append(key)
        return real(store, key)

    monkeypatch.setattr(FolderStore, "opened", spied)
    rebuild.restore(planted.job.home, planted.job.clock, at="then")
    assert {key: opened.count(key) for key in opened} == dict.fromkeys(opened, 2)
    assert len(set(opened)) == 6
