"""One process at a time changes a job: an advisory lock that the kernel drops with its holder."""

import contextlib
import fcntl
import json
import os
import socket
import threading
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from resumable.errors import JobLocked, StorageFailed
from resumable.models import iso
from resumable.storage.durable import failed

_LOOKS, _LOOK_SECONDS = 200, 0.01
"""Two seconds: so long may a killed holder take to die, or a look at the lock that the machine has put to sleep."""
_MOST_BYTES = 4096
_EXITING, _SIGKILL = 0x4, 1 << 8
"""Of a process in /proc: the kernel is taking it down (PF_EXITING), a kill -9 is on its way."""


@contextlib.contextmanager
def hold(path: Path, *, job: str, now: datetime) -> Iterator[None]:
    """Hold the job's lock, or raise JobLocked naming pid and host of who does.

    The lock is the kernel's (`flock`), so a killed holder leaves none behind; the file's text only tells people.
    A holder that is dying is waited for, two seconds at most: after `kill -9` the same command may still find it there.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
    except OSError as failure:
        raise failed(path, failure) from failure
    with open(descriptor, "rb+", buffering=0) as file:
        try:
            _take(file.fileno(), fcntl.LOCK_EX, job)
            file.truncate()
            file.write(json.dumps({"pid": os.getpid(), "host": socket.gethostname(), "since": iso(now)}).encode())
        except OSError as failure:
            raise failed(path, failure) from failure
        yield


@contextlib.contextmanager
def hold_to_look(path: Path, *, job: str, now: datetime) -> Iterator[None]:
    """Hold the job's lock as `hold` does; where nothing can be written, keep writers out as far as that is possible.

    Raises JobLocked.
    """
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(hold(path, job=job, now=now))
        except StorageFailed:
            with contextlib.suppress(OSError):
                # A shared lock needs no permission to write, and who wants to write cannot get past it.
                file = stack.enter_context(open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb"))
                _take(file.fileno(), fcntl.LOCK_SH, job)
        yield


def _take(descriptor: int, kind: int, job: str) -> None:
    """Take the lock, or raise JobLocked: at once where the holder lives, after two seconds where none can be named."""
    moment, holder = threading.Event(), None
    # `held` looks by taking a shared lock for some microseconds; a few more tries see past it.
    if any(_taken(descriptor, kind) for _ in range(100)):
        return
    for _ in range(_LOOKS):
        # Nobody living is named while a killed holder dies, a new one has not said so yet, or `held` was put to sleep
        # in the middle of its look: on a busy machine that ended one demo in four.
        if holder := _holder(descriptor):
            break
        moment.wait(_LOOK_SECONDS)
        if _taken(descriptor, kind):
            return
    raise JobLocked(
        f"the job {job} is being run by another process ({holder or 'it has not said which'}).",
        hint=f"Watch it with: resumable status {job} --watch",
    )


def _taken(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        os.sched_yield()
        return False
    return True


def held(path: Path) -> bool:
    """Tell whether some process holds the lock now."""
    try:
        with open(path, "rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return False
    except BlockingIOError:
        return True
    except OSError:
        return False


def _holder(descriptor: int) -> str | None:
    """Name who holds the lock; None where the file names nobody, or one who is dead or dying."""
    with contextlib.suppress(ValueError, KeyError, TypeError):
        known = json.loads(os.pread(descriptor, _MOST_BYTES, 0))
        pid, host = int(known["pid"]), known["host"]
        if host != socket.gethostname() or _alive(pid):
            return f"pid {pid} on {host}, since {known['since']}"
    return None


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False  # who held it before, and was killed
    except PermissionError:
        pass
    try:
        return not _dying(Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace"))
    except OSError:
        return True  # a system without /proc


def _dying(stat: str) -> bool:
    """Tell from the text of /proc/PID/stat whether a process will not do anything any more."""
    state, *fields = stat.rpartition(")")[2].split()
    return state in "ZX" or bool(int(fields[5]) & _EXITING) or bool(int(fields[27]) & _SIGKILL)
