"""One process at a time changes a job: an advisory lock that the kernel drops with its holder."""

import contextlib
import fcntl
import json
import os
import socket
import threading
from collections.abc import Callable, Iterator
from datetime import datetime
from io import FileIO
from pathlib import Path

from resumable.errors import JobLocked, StorageFailed
from resumable.models import iso
from resumable.storage.durable import failed, permit_as_folder

_LOOKS, _LOOK_SECONDS = 200, 0.01
"""Two seconds: so long may a killed holder take to die, or a look at the lock that the machine has put to sleep."""
_MOST_BYTES = 4096
_EXITING, _SIGKILL = 0x4, 1 << 8
"""Of a process in /proc: the kernel is taking it down (PF_EXITING), a kill -9 is on its way."""

Guard = Callable[[], None]
"""Is asked before every write, and raises where the lock is not held any more: `Held.check`."""


def unguarded() -> None:
    """Let every write pass: nobody holds a lock, or nobody else can."""


class Held:
    """A lock that is held, which is the file that was locked, and not its name."""

    def __init__(self, path: Path, descriptor: int, job: str) -> None:
        """`descriptor` is of the locked file, and open as long as this is used."""
        self._path, self._descriptor, self._job = path, descriptor, job

    @property
    def lost(self) -> bool:
        """Tell whether the name of the lock leads to another file, or to none: then others do not know of this one.

        Raises StorageFailed where the disk does not say: a look that failed shows nothing, and nobody took the lock.
        """
        try:
            named = os.stat(self._path, follow_symlinks=False)
        except (FileNotFoundError, NotADirectoryError):
            return True
        except OSError as failure:
            raise failed(self._path, failure) from failure
        try:
            return not os.path.samestat(named, os.fstat(self._descriptor))
        except OSError as failure:
            raise failed(self._path, failure) from failure

    def check(self) -> None:
        """Raise JobLocked where others may hold the job too: somebody has removed the file that was locked.

        To be asked before every write: a process that was stopped does not know what happened meanwhile.
        """
        if self.lost:
            raise JobLocked(
                f"the lock of the job {self._job} was taken away from this process: its file {self._path} is not the"
                " one that was locked. Nothing was written since.",
                hint="See who runs it with:",
                command=f"resumable status {self._job}",
            )


@contextlib.contextmanager
def hold(path: Path, *, job: str, now: datetime) -> Iterator[Held]:
    """Hold the job's lock, or raise JobLocked naming pid and host of who does.

    The lock is the kernel's (`flock`), so a killed holder leaves none behind; the file's text only tells people.
    A holder that is dying is waited for, two seconds at most: after `kill -9` the same command may still find it there.
    """
    with _opened(path, os.O_RDWR | os.O_CREAT, fcntl.LOCK_EX, job) as (file, held_lock):
        try:
            file.truncate()
            file.write(json.dumps({"pid": os.getpid(), "host": socket.gethostname(), "since": iso(now)}).encode())
        except OSError as failure:
            raise failed(path, failure) from failure
        yield held_lock


@contextlib.contextmanager
def hold_to_look(path: Path, *, job: str) -> Iterator[None]:
    """Keep those out who want to change a job, and let others look too.

    Where no file can be locked, such as on a read-only disk, nobody is kept out. Raises JobLocked where somebody
    changes the job.
    """
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(StorageFailed):
            # A shared lock needs no permission to write, and who wants to write cannot get past it.
            stack.enter_context(_opened(path, os.O_RDONLY | os.O_CREAT, fcntl.LOCK_SH, job))
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


@contextlib.contextmanager
def _opened(path: Path, flags: int, kind: int, job: str) -> Iterator[tuple[FileIO, Held]]:
    """Open the lock's file and lock it; a file that lost its name before it was locked is no lock."""
    while True:
        try:
            descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        except OSError as failure:
            raise failed(path, failure) from failure
        with open(descriptor, "rb+" if flags & os.O_RDWR else "rb", buffering=0) as file:
            permit_as_folder(descriptor, path)
            held_lock = Held(path, descriptor, job)
            try:
                _take(descriptor, kind, job)
            except OSError as failure:
                raise failed(path, failure) from failure
            if not held_lock.lost:
                yield file, held_lock
                return


def _take(descriptor: int, kind: int, job: str) -> None:
    """Take the lock, or raise JobLocked: at once where the holder lives, after two seconds where none can be named."""
    moment, holder, read = threading.Event(), None, False
    # `held` looks by taking a shared lock for some microseconds; a few more tries see past it.
    if any(_taken(descriptor, kind) for _ in range(100)):
        return
    for _ in range(_LOOKS):
        # Nobody living is named while a killed holder dies, a new one has not said so yet, or `held` was put to sleep
        # in the middle of its look: on a busy machine that ended one demo in four.
        read = kind == fcntl.LOCK_EX and _taken(descriptor, fcntl.LOCK_SH)
        if read:  # by others, who hold it shared: whom the file names is not at it
            fcntl.flock(descriptor, fcntl.LOCK_UN)
        elif holder := _holder(descriptor):
            break
        moment.wait(_LOOK_SECONDS)
        if _taken(descriptor, kind):
            return
    if read:
        raise JobLocked(
            f"the job {job} is being read by another process, by an export or a verification.",
            hint="Wait for its end, then run the same command.",
        )
    raise JobLocked(
        f"the job {job} is being run by another process ({holder or 'it has not said which'}).",
        hint="Watch it with:",
        command=f"resumable status {job} --watch",
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
