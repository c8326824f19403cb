"""One process at a time changes a job, and a dead one holds nothing."""

import fcntl
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
from resumable.storage import lock
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


def _names_a_dead_holder(path: Path) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    path.write_text(json.dumps({"pid": gone.pid, "host": socket.gethostname(), "since": "2026-02-01T00:00:00Z"}))


def test_a_holder_that_is_dying_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the lock is taken and nobody living is named, it is looked at again until it is free."""
    path, looks = tmp_path / "lock", 0
    _names_a_dead_holder(path)
    dying, named = open(path, "rb"), lock._holder  # noqa: SIM115 - closed by the third look
    fcntl.flock(dying, fcntl.LOCK_EX)

    def look(descriptor: int) -> str | None:
        nonlocal looks
        looks += 1
        if looks == 3:
            dying.close()
        return named(descriptor)

    monkeypatch.setattr(lock, "_holder", look)
    with hold(path, job="job", now=NOW):
        assert json.loads(path.read_text())["pid"] == os.getpid()
    assert looks == 3


def test_one_that_never_dies_ends_the_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After its two seconds the wait is over: exit code 7, and that nobody is named is said."""
    path = tmp_path / "lock"
    _names_a_dead_holder(path)
    assert round(lock._LOOKS * lock._LOOK_SECONDS, 6) == 2
    monkeypatch.setattr(lock, "_LOOK_SECONDS", 0.0)
    with open(path, "rb") as dying:
        fcntl.flock(dying, fcntl.LOCK_EX)
        with pytest.raises(JobLocked, match="it has not said which"), hold(path, job="job", now=NOW):
            pass


def test_a_killed_process_that_is_not_gone_yet_holds_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A zombie still has its number; as the holder of a lock it is dead."""
    path = tmp_path / "lock"
    monkeypatch.setattr(lock, "_LOOK_SECONDS", 0.0)
    with holder(path) as process, open(path, "rb") as inherited:
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        fcntl.flock(inherited, fcntl.LOCK_EX)
        with pytest.raises(JobLocked, match="it has not said which"), hold(path, job="job", now=NOW):
            pass


@pytest.mark.parametrize(
    ("state", "flags", "pending", "dying"),
    [
        ("S", 0x400000, 0, False),
        ("T", 0x400000, 1 << 14, False),
        ("Z", 0x400000, 0, True),
        ("R", 0x400004, 0, True),
        ("D", 0x400000, 1 << 8, True),
    ],
    ids=["asleep", "stopped, SIGTERM pending", "zombie", "exiting", "kill -9 pending"],
)
def test_what_the_kernel_says_of_a_process_tells_whether_it_dies(
    state: str, flags: int, pending: int, dying: bool
) -> None:
    """Its state, its flags and its pending signals, behind a name that may hold anything."""
    middle = " ".join(["0"] * 21)
    stat = f"17 (a) Z (b) {state} 1 17 17 0 -1 {flags} {middle} {pending} 0 0 0"
    assert stat.rpartition(")")[2].split()[28] == str(pending)
    assert lock._dying(stat) is dying
