"""One process at a time changes a job, and a dead one holds nothing."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from resumable.errors import ExitCode, JobLocked, StorageFailed
from resumable.storage.lock import held, hold

NOW = datetime(2026, 3, 1, tzinfo=UTC)
HOLDER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from resumable.storage.lock import hold
with hold(Path(sys.argv[1]), job="job", now=datetime(2026, 2, 1, tzinfo=UTC)):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def holder(path: Path) -> Iterator[subprocess.Popen[str]]:
    """Let another process hold the lock."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.kill()


def test_a_second_process_is_told_who_holds_the_job_and_leaves(tmp_path: Path) -> None:
    """Exit code 7 at once, naming pid, host and since when; once the holder is killed, the lock is free."""
    path = tmp_path / "lock"
    with holder(path) as process:
        assert held(path)
        pattern = rf"pid {process.pid} on {socket.gethostname()}, since 2026-02-01"
        with pytest.raises(JobLocked, match=pattern) as caught, hold(path, job="job", now=NOW):
            pass
        assert caught.value.exit_code == ExitCode.LOCKED
        assert "resumable status job" in caught.value.hint
        assert held(path)
        process.kill()
        process.wait()
    assert not held(path)
    with hold(path, job="job", now=NOW):
        assert json.loads(path.read_text())["pid"] == os.getpid()
    assert not held(path)


def test_the_same_process_cannot_hold_it_twice(tmp_path: Path) -> None:
    """Two runs of one job in one program are two holders."""
    path = tmp_path / "lock"
    with hold(path, job="job", now=NOW):
        with pytest.raises(JobLocked), hold(path, job="job", now=NOW):
            pass
        assert held(path)


def test_an_error_inside_gives_it_back(tmp_path: Path) -> None:
    """Whatever ends the run, the lock ends with it."""
    path = tmp_path / "lock"
    with pytest.raises(KeyError), hold(path, job="job", now=NOW):
        raise KeyError
    with hold(path, job="job", now=NOW):
        pass


@pytest.mark.parametrize("text", ["", "nonsense", "null", "[]", '{"pid": "x"}', "9" * 3000])
def test_a_lock_file_of_any_content_is_no_lock(text: str, tmp_path: Path) -> None:
    """What an old or killed process left in the file means nothing, and is replaced."""
    path = tmp_path / "lock"
    path.write_text(text)
    assert not held(path)
    with hold(path, job="job", now=NOW):
        assert json.loads(path.read_text())["host"] == socket.gethostname()
        with pytest.raises(JobLocked, match=f"pid {os.getpid()}"), hold(path, job="job", now=NOW):
            pass


def test_a_link_in_the_place_of_the_lock_is_refused(tmp_path: Path) -> None:
    """Nothing behind a planted link is opened or written."""
    (tmp_path / "theirs").write_text("theirs")
    (tmp_path / "lock").symlink_to(tmp_path / "theirs")
    with pytest.raises(StorageFailed), hold(tmp_path / "lock", job="job", now=NOW):
        pass
    assert (tmp_path / "theirs").read_text() == "theirs"


def test_asking_leaves_no_trace(tmp_path: Path) -> None:
    """No lock file is not held, and is not made by asking."""
    assert not held(tmp_path / "lock")
    assert list(tmp_path.iterdir()) == []
