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

_LOOKS, _LOOK_SECONDS = 50, 0.002
_MOST_BYTES = 4096


@contextlib.contextmanager
def hold(path: Path, *, job: str, now: datetime) -> Iterator[None]:
    """Hold the job's lock, or raise JobLocked naming pid and host of who does.

    The lock is the kernel's (`flock`), so a killed holder leaves none behind; the file's text only tells people.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
    except OSError as failure:
        raise failed(path, failure) from failure
    with open(descriptor, "rb+", buffering=0) as file:
        try:
            if not _locked(file.fileno()):
                raise JobLocked(
                    f"the job {job} is being run by another process ({_holder(descriptor)}).",
                    hint="Watch it with:",
                    command=f"resumable status {job} --watch",
                )
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
                _share(file.fileno(), job)
        yield


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Keep other processes out that want to be alone with a folder too; waits for them. Raises StorageFailed."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as failure:
        raise failed(folder, failure) from failure
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _share(descriptor: int, job: str) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        raise JobLocked(
            f"the job {job} is being run by another process ({_holder(descriptor)}).",
            hint="Watch it with:",
            command=f"resumable status {job} --watch",
        ) from None


def _locked(descriptor: int) -> bool:
    # `held` looks by taking a shared lock for some microseconds; a few more tries see past it.
    for _ in range(100):
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        os.sched_yield()
    return False


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


def _holder(descriptor: int) -> str:
    """Name who holds the lock. One that has just got it is given some milliseconds to say so."""
    moment = threading.Event()
    for _ in range(_LOOKS):
        with contextlib.suppress(ValueError, KeyError, TypeError):
            known = json.loads(os.pread(descriptor, _MOST_BYTES, 0))
            pid, host = int(known["pid"]), known["host"]
            if host != socket.gethostname() or _alive(pid):
                return f"pid {pid} on {host}, since {known['since']}"
        moment.wait(_LOOK_SECONDS)
    return "it has not said which"


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False  # who held it before, and was killed
    except PermissionError:
        pass
    return True
