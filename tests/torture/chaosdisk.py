"""A disk that can be killed, refused and cut from its power at any call, below the product and above the real one.

It stands in for `os` and `open` in `resumable.storage.durable` and for `sqlite3` in the manifest's connection, so
that all of the product's own code runs. What no fsync has brought to rest is remembered: when the power is cut,
unsynced files are torn, unsynced names go back to what they were, and the manifest loses what it had committed
without an fsync. No call reaches the machine's own fsync. Only one thread runs at a time under the virtual clock:
nothing needs a lock.
"""

import contextlib
import errno
import io
import os
import random
import sqlite3
import stat
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from resumable.manifest import connection
from resumable.storage import durable

ERRNOS = (errno.EIO, errno.ENOSPC, errno.EDQUOT, errno.EROFS)
SQLITE_CODES = (sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_FSYNC, sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY)


class Crash(BaseException):
    """The process is gone: nothing of it may change anything any more."""


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """What happens to the disk in one run, by the number of the call; None: it does not."""

    kill_at: int | None = None
    """The process is killed at this call, counted from 1: before it is done, or after."""
    power: bool = False
    """Not only the process ends, but the machine."""
    refuse_at: int | None = None
    """This call is refused."""
    refuse_calls: int = 1
    """So many calls from there on are."""


@dataclass(eq=False)
class Disk:
    """What is durable and what is not yet. One for a seed; `begin` and `end` frame each run."""

    dice: random.Random
    trouble: Trouble = field(default_factory=Trouble)
    calls: int = 0
    dead: bool = False
    refused: int = 0
    """Calls refused in this run."""
    synced_again: list[str] = field(default_factory=list)
    """Files whose fsync failed and was tried again: never to be."""
    _fresh: dict[int, Path] = field(default_factory=dict)
    """Files written since their last fsync, by inode."""
    _failed: set[int] = field(default_factory=set)
    _undo: dict[str, list[Callable[[], None]]] = field(default_factory=dict)
    """What takes back the changes of names in a folder that was not synced since, oldest first."""
    _images: dict[Path, tuple[bytes, bytes]] = field(default_factory=dict)
    soft_commits: int = 0
    """Commits since the last one with an fsync."""
    connections: "list[_Connection]" = field(default_factory=list)

    def begin(self, trouble: Trouble) -> None:
        """Start a process."""
        self.trouble, self.calls, self.dead, self.refused = trouble, 0, False, 0

    def end(self) -> None:
        """Leave the disk as the end of the process, or of the machine, leaves it."""
        for made in self.connections:
            made.close()
        self.connections.clear()
        if self.dead:
            self._restore_manifests()
            if self.trouble.power:
                self._cut()
        # The kernel writes everything out before long, where the machine goes on.
        self._fresh.clear()
        self._failed.clear()
        self._undo.clear()
        self._images.clear()
        self.soft_commits = 0

    @contextlib.contextmanager
    def call(self, name: str) -> Iterator[None]:
        """Let one call through, refuse it, or end the process before or after it."""
        if self.dead:
            raise Crash
        self.calls += 1
        killed = self.calls == self.trouble.kill_at
        if killed and self.dice.random() < 0.5:
            self.dead = True
            raise Crash
        if self._refuses():
            self.refused += 1
            raise _refusal(name, self.dice)
        yield
        if killed:
            self.dead = True
            raise Crash

    def _refuses(self) -> bool:
        first = self.trouble.refuse_at
        return first is not None and first <= self.calls < first + self.trouble.refuse_calls

    def written(self, file: os.stat_result, path: Path) -> None:
        """Remember that a file has content which only memory holds."""
        if stat.S_ISREG(file.st_mode):
            self._fresh[file.st_ino] = path
            self._failed.discard(file.st_ino)

    def synced(self, descriptor: int) -> None:
        """Bring a file, or the names in a folder, to rest."""
        self._fresh.pop(os.fstat(descriptor).st_ino, None)
        self._undo.pop(place_of(descriptor), None)

    def sync_failed(self, descriptor: int) -> None:
        """Lose what was to be synced, as a kernel may; and it will call the next fsync a success."""
        file = os.fstat(descriptor)
        if stat.S_ISREG(file.st_mode):
            self._failed.add(file.st_ino)
        if file.st_ino in self._fresh:
            os.truncate(descriptor, file.st_size // 2)

    def sync_tried(self, descriptor: int) -> None:
        """Take note of an fsync of a file that could not be synced before."""
        if os.fstat(descriptor).st_ino in self._failed:
            self.synced_again.append(place_of(descriptor))

    def renamed(self, folder: str, undo: Callable[[], None]) -> None:
        """Remember how to take back a change of names."""
        self._undo.setdefault(folder, []).append(undo)

    def image(self, database: Path) -> None:
        """Keep a manifest as it is when its process dies: to close it in good order would change it."""
        if database not in self._images and database.exists():
            log = Path(f"{database}-wal")
            self._images[database] = (database.read_bytes(), log.read_bytes() if log.exists() else b"")

    def _restore_manifests(self) -> None:
        for database, (content, log) in self._images.items():
            kept = log if not self.trouble.power else torn_log(log, self.soft_commits, self.dice)
            database.write_bytes(content)
            Path(f"{database}-wal").write_bytes(kept)
            Path(f"{database}-shm").unlink(missing_ok=True)

    def _cut(self) -> None:
        for path in self._fresh.values():
            if path.exists():
                with path.open("r+b") as file:
                    size = os.fstat(file.fileno()).st_size
                    if self.dice.random() < 0.5:
                        file.truncate(self.dice.randint(0, size))
                    else:
                        file.write(b"\0" * self.dice.randint(0, size))
        for changes in self._undo.values():
            # A journal keeps their order: the last ones are lost, and any number of them.
            for undo in reversed(changes[self.dice.randint(0, len(changes)) :]):
                undo()


def place_of(descriptor: int) -> str:
    """Return the path that a descriptor is of."""
    return os.readlink(f"/proc/self/fd/{descriptor}")


def torn_log(log: bytes, soft_commits: int, dice: random.Random) -> bytes:
    """Return a write-ahead log without some of the last transactions: those committed with no fsync may be gone."""
    if len(log) < 32 or not soft_commits:
        return log
    size, salts = 24 + struct.unpack(">I", log[8:12])[0], log[16:24]
    ends = []
    for start in range(32, len(log) - size + 1, size):
        if log[start + 8 : start + 16] != salts:
            break
        if struct.unpack(">I", log[start + 4 : start + 8])[0]:
            ends.append(start + size)
    lost = dice.randint(0, min(soft_commits, len(ends)))
    if not lost:
        return log
    kept = ends[-lost - 1] if lost < len(ends) else 32
    # Some of the next transaction may have come to rest: its checksums tell that it is not whole.
    return log[: dice.randint(kept, ends[-lost] - 1)]


def _refusal(name: str, dice: random.Random) -> Exception:
    if name in ("begin", "commit"):
        code = dice.choice(SQLITE_CODES if name == "commit" else (sqlite3.SQLITE_FULL, sqlite3.SQLITE_CANTOPEN))
        error = sqlite3.OperationalError("the disk refuses")
        error.sqlite_errorcode, error.sqlite_errorname = code, "SQLITE"
        return error
    number = dice.choice(ERRNOS)
    return OSError(number, os.strerror(number))


class _Os:
    """`os` for `resumable.storage.durable`."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever os has
        return getattr(os, name)

    def open(self, path: Any, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:  # noqa: ANN401 - as os has it
        with self._disk.call("open"):
            descriptor = os.open(path, flags, mode, dir_fd=dir_fd)
            # A database that is laid empty is SQLite's from then on: what becomes of it is told by its own calls.
            if flags & os.O_CREAT and not (made := place_of(descriptor)).endswith(".sqlite"):
                self._disk.written(os.fstat(descriptor), Path(made))
        return descriptor

    def fsync(self, descriptor: int) -> None:
        self._disk.sync_tried(descriptor)
        try:
            with self._disk.call("fsync"):
                self._disk.synced(descriptor)
        except OSError:
            self._disk.sync_failed(descriptor)
            raise

    def rename(self, old: str, new: str, *, src_dir_fd: int, dst_dir_fd: int) -> None:
        with self._disk.call("rename"):
            folder = place_of(dst_dir_fd)
            before, after = Path(folder, old), Path(folder, new)
            replaced = after.read_bytes() if after.exists() else None
            inode = before.stat().st_ino
            os.rename(old, new, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)
            if inode in self._disk._fresh:
                self._disk._fresh[inode] = after
            self._disk.renamed(folder, lambda: _rename_back(before, after, replaced))

    def unlink(self, name: str, *, dir_fd: int) -> None:
        with self._disk.call("unlink"):
            path = Path(place_of(dir_fd), name)
            content = path.read_bytes() if path.is_file() else None
            os.unlink(name, dir_fd=dir_fd)
            if content is not None:
                self._disk.renamed(str(path.parent), lambda: _bring_back(path, content))

    def mkdir(self, path: Any, mode: int = 0o777) -> None:  # noqa: ANN401 - as os has it
        with self._disk.call("mkdir"):
            os.mkdir(path, mode)
            self._disk.renamed(str(Path(path).parent), lambda: _remove_tree(Path(path)))


class _File(io.FileIO):
    """A file that may take less than it is given, or nothing."""

    disk: Disk

    def write(self, data: Any, /) -> int:  # noqa: ANN401 - any buffer
        with self.disk.call("write"):
            return super().write(data) or 0


def _rename_back(before: Path, after: Path, replaced: bytes | None) -> None:
    with contextlib.suppress(FileNotFoundError):
        after.rename(before)
    if replaced is not None:
        after.write_bytes(replaced)


def _bring_back(path: Path, content: bytes) -> None:
    if path.parent.is_dir() and not path.exists():
        path.write_bytes(content)


def _remove_tree(folder: Path) -> None:
    for path in sorted(folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    with contextlib.suppress(FileNotFoundError):
        folder.rmdir()


class _Sqlite:
    """`sqlite3` for the manifest's connection."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever sqlite3 has
        return getattr(sqlite3, name)

    def connect(self, database: str, **options: Any) -> sqlite3.Connection:  # noqa: ANN401 - as sqlite3 has it
        made: _Connection = sqlite3.connect(database, factory=_Connection, **options)
        made.disk, made.writes = self._disk, "mode=ro" not in database
        self._disk.connections.append(made)
        return made


class _Connection(sqlite3.Connection):
    """A connection whose transactions can fail, and which can be gone in the midst of one."""

    disk: Disk
    writes: bool
    level = "FULL"
    closed = False

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:  # noqa: ANN401 - as sqlite3 has it
        if sql.startswith("PRAGMA synchronous="):
            self.level = sql.rpartition("=")[2]
        if sql == "COMMIT":
            with self.disk.call("commit"):
                done = super().execute(sql)
                self.disk.soft_commits = 0 if self.level == "FULL" else self.disk.soft_commits + 1
            return done
        if sql == "BEGIN IMMEDIATE":
            with self.disk.call("begin"):
                return super().execute(sql)
        return super().execute(sql, parameters)

    def close(self) -> None:
        if self.writes and self.disk.dead and not self.closed:
            name = super().execute("PRAGMA database_list").fetchone()[2]
            self.disk.image(Path(name))
        self.closed = True
        super().close()


@contextlib.contextmanager
def standing_in(disk: Disk) -> Iterator[None]:
    """Put the disk below the product."""

    def opened(descriptor: int, mode: str, buffering: int = -1) -> io.FileIO | io.BufferedReader:
        if buffering == 0:
            file = _File(descriptor, mode.replace("b", ""))
            file.disk = disk
            return file
        return open(descriptor, "rb")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(durable, "os", _Os(disk))
        patch.setattr(durable, "open", opened, raising=False)
        patch.setattr(connection, "sqlite3", _Sqlite(disk))
        yield
