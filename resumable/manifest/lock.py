"""One process at a time changes a job: an advisory lock that the kernel drops with its holder."""

import contextlib
import fcntl
import json
import os
import socket
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from resumable.durable import failed
from resumable.errors import JobLocked
from resumable.models import iso


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
                    f"the job {job} is being run by another process ({_holder(file.read())}).",
                    hint=f"Watch it with: resumable status {job}",
                )
            file.truncate()
            file.write(json.dumps({"pid": os.getpid(), "host": socket.gethostname(), "since": iso(now)}).encode())
        except OSError as failure:
            raise failed(path, failure) from failure
        yield


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


def _holder(text: bytes) -> str:
    try:
        known = json.loads(text)
        return f"pid {int(known['pid'])} on {known['host']}, since {known['since']}"
    except (ValueError, KeyError, TypeError):
        return "it has not said which"
