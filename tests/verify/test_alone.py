"""A verification changes nothing, keeps out of the way of a run, and works where nothing can be written."""

import contextlib
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from resumable import Flaw, JobLocked
from resumable.errors import StorageFailed, VerificationFailed
from resumable.manifest.reader import ManifestReader
from resumable.manifest.store import Manifest
from resumable.storage.lock import hold
from resumable.storage.parts import Parts
from tests.support.clock import VirtualClock
from tests.support.machine import AS_ROOT, forbidden, needs
from tests.support.planted import Planted

NOBODY = 65534


def seen(folder: Path) -> dict[str, tuple[int, int, int, bytes]]:
    """Return all that must stay: of every file its times, its inode and its bytes; the lock's text is the holder's."""
    return {
        str(path.relative_to(folder)): (
            path.stat().st_mtime_ns,
            path.stat().st_ctime_ns,
            path.stat().st_ino,
            path.read_bytes() if path.is_file() else b"",
        )
        for path in folder.rglob("*")
        if path.name not in ("lock", "manifest.sqlite-shm", "manifest.sqlite-wal")
    }


@pytest.mark.parametrize("quick", [False, True])
def test_nothing_is_changed(planted: Planted, quick: bool) -> None:
    """No byte, no time, no file: not of a whole job, and not of one with faults, orphans and leftovers."""
    before = seen(planted.folder)
    planted.clean(quick=quick)
    assert seen(planted.folder) == before
    planted.path(1).unlink()
    planted.path(7).write_bytes(b"orphan")
    (planted.parts.folder / ".x.tmp").write_bytes(b"leftover")
    planted.change("UPDATE window SET duplicates = 1 WHERE id = 2")
    before = seen(planted.folder)
    events = planted.job.status(events=100).events
    assert len(planted.verify(quick=quick)[0]) >= 3
    assert seen(planted.folder) == before
    assert planted.job.status(events=100).events == events


def test_what_a_kill_left_in_the_log_stays_there(planted: Planted) -> None:
    """Rows that only the write-ahead log has are seen, and are not folded into the manifest."""
    code = (
        "import os, sqlite3, sys\n"
        "database = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "database.execute('UPDATE window SET duplicates = 5 WHERE id = 1')\n"
        "os.kill(os.getpid(), 9)\n"
    )
    subprocess.run([sys.executable, "-c", code, str(planted.folder / "manifest.sqlite")], check=False)
    log = planted.folder / "manifest.sqlite-wal"
    before, logged = seen(planted.folder), log.read_bytes()
    assert logged
    assert Flaw.DUPLICATE in {finding.flaw for finding in planted.verify()[0]}
    assert seen(planted.folder) == before
    assert log.read_bytes() == logged


def test_a_job_that_is_being_run_is_left_alone(planted: Planted) -> None:
    """Exit 7 at once, saying who runs it."""
    with (
        hold(planted.folder / "lock", job="job", now=VirtualClock().now()),
        pytest.raises(JobLocked, match=f"another process .pid {os.getpid()} on ") as caught,
    ):
        planted.verify()
    assert caught.value.exit_code == 7
    planted.clean()


def test_nobody_changes_a_job_while_it_is_verified(planted: Planted) -> None:
    """A run that wants to begin meanwhile is told what is at it."""
    planted.path(1).unlink()
    findings = planted.job.verify()
    next(findings)
    with pytest.raises(JobLocked, match="is being read by another process"):
        planted.job.run()
    assert list(findings) == []
    with pytest.raises(VerificationFailed, match="page 1 is gone"):
        planted.job.run()


@contextlib.contextmanager
def unprivileged() -> Iterator[None]:
    """Be nobody for a while: root may write anywhere."""
    os.setegid(NOBODY)
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)


@pytest.fixture
def guarded(planted: Planted) -> Iterator[Planted]:
    """A job that others may read and nobody but its owner may write, in a folder that they can reach."""
    if os.geteuid() != 0:
        forbidden("becoming another user: only root may")
    folder = Path(tempfile.mkdtemp())  # pytest's own folders are closed to others
    shutil.copytree(planted.folder, folder / "job")
    (folder / "job" / "lock").touch()
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        yield Planted(job=replace(planted.job, settings=replace(planted.job.settings, state=folder)))
    finally:
        shutil.rmtree(folder)


def test_a_job_that_may_only_be_read_is_verified(guarded: Planted) -> None:
    """Without permission to write, not even to make the index of a log, nothing is missed."""
    with unprivileged():
        guarded.clean()
        guarded.clean(quick=True)
    guarded.path(1).unlink()
    with unprivileged():
        assert guarded.only(Flaw.MISSING).number == 1


def test_a_job_that_may_only_be_read_is_left_alone_while_it_is_run(guarded: Planted) -> None:
    """The lock is respected by those who may not write it, and respects them."""
    with (
        hold(guarded.folder / "lock", job="job", now=VirtualClock().now()),
        unprivileged(),
        pytest.raises(JobLocked, match=f"pid {os.getpid()}"),
    ):
        guarded.verify()
    guarded.path(1).unlink()
    with unprivileged():
        findings = guarded.job.verify()
        next(findings)
    with pytest.raises(JobLocked):
        guarded.job.run()
    findings.close()  # type: ignore[attr-defined]  # a generator


def test_without_a_lock_to_read_it_goes_on(guarded: Planted) -> None:
    """A copy on a read-only medium may have none."""
    (guarded.folder / "lock").unlink()
    with unprivileged():
        guarded.clean()


def test_a_log_that_cannot_be_read_is_not_passed_over(guarded: Planted) -> None:
    """What is in it may be what matters: exit 5 rather than a verdict on half of the rows."""
    with closing(sqlite3.connect(guarded.folder / "manifest.sqlite", isolation_level=None)) as database:
        database.execute("UPDATE window SET duplicates = 5 WHERE id = 1")
        logged = (guarded.folder / "manifest.sqlite-wal").read_bytes()
    (guarded.folder / "manifest.sqlite-wal").write_bytes(logged)
    with unprivileged(), pytest.raises(StorageFailed):
        guarded.verify()


@AS_ROOT
@needs("mount", "umount")
def test_a_read_only_disk_is_verified(planted: Planted, tmp_path: Path) -> None:
    """No lock can be made, and no index: it is verified all the same, and its status can be read."""
    (planted.folder / "lock").unlink()
    state = tmp_path / "mounted"
    state.mkdir()
    subprocess.run(["mount", "--bind", str(planted.folder.parent), str(state)], check=True)
    try:
        subprocess.run(["mount", "-o", "remount,ro,bind", str(state)], check=True)
        there = Planted(job=replace(planted.job, settings=replace(planted.job.settings, state=state)))
        there.clean()
        assert there.job.status().totals.pages_done == 6
    finally:
        subprocess.run(["umount", str(state)], check=True)


def test_a_disk_that_refuses_the_folder_ends_it(planted: Planted, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is no fault of a single part is an error, and not a finding a page."""
    real = Parts.look

    def refused(self: Parts, *given: object, **more: object) -> object:
        real(self, *given, **more)  # type: ignore[arg-type]  # whatever it takes
        raise StorageFailed("too many files are open.")

    monkeypatch.setattr(Parts, "look", refused)
    with pytest.raises(StorageFailed, match="too many files"):
        planted.verify()
    monkeypatch.undo()
    planted.clean()


def test_a_manifest_without_a_log_is_verified(planted: Planted) -> None:
    """On a disk that carries no log the manifest has a journal, and nothing beside it."""
    with closing(sqlite3.connect(planted.folder / "manifest.sqlite")) as database:
        database.execute("PRAGMA journal_mode=DELETE")
    before = seen(planted.folder)
    planted.clean()
    assert seen(planted.folder) == before


def test_a_reader_and_a_verification_share_a_job(planted: Planted) -> None:
    """A status is read while a verification goes on, and the other way round."""
    reader = ManifestReader.open_to_read(planted.folder / "manifest.sqlite")
    assert reader is not None
    with closing(reader):
        planted.clean()
        assert reader.totals().pages_done == 6
    writer = Manifest.open(planted.folder / "manifest.sqlite", VirtualClock())
    assert writer is not None
    writer.close()
