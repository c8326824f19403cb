"""Files that survive a kill and a power cut: the only module that calls fsync, rename or unlink.

A file is written under a temporary name in its own folder, synced, read back and hashed, renamed, the folder synced.
All of it goes through a descriptor of the folder that was opened without following links, so that a link planted in the
job's folder can lead nowhere. An fsync that failed is never repeated: the kernel may have dropped the pages and report
success the second time; the run ends instead.
"""

import contextlib
import errno
import fcntl
import hashlib
import os
import shutil
import stat
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from resumable.errors import StorageFailed

TEMPORARY_SUFFIX = ".tmp"
FILE, FOLDER, LINK = "a file", "a folder", "a link"
_KINDS = (
    (stat.S_ISREG, FILE),
    (stat.S_ISDIR, FOLDER),
    (stat.S_ISLNK, LINK),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
)
_NO_FOLLOW = os.O_NOFOLLOW | os.O_CLOEXEC
_FULL_SYNC: int | None = getattr(fcntl, "F_FULLFSYNC", None)


@dataclass(frozen=True, kw_only=True)
class Saved:
    """What came to rest on the disk: its size in bytes and its SHA-256."""

    size: int
    sha256: bytes


def temporary_name(name: str) -> str:
    """Return the name a file has until it is whole: hidden, and with an ending that no reader globs for."""
    return f".{name}{TEMPORARY_SUFFIX}"


def is_temporary(name: str) -> bool:
    """Tell whether a file has such a name: it was never finished."""
    return name == temporary_name(name[1 : -len(TEMPORARY_SUFFIX)])


def save(path: Path, data: bytes | memoryview, *, public: bool = False) -> Saved:
    """Write a whole file under `path`, durably, or leave `path` as it was.

    Who may read it is who may read its folder, or with `public` whoever the umask lets. Raises StorageFailed; then at
    most one temporary file is left, which the next save of the same path replaces.
    """
    with _storage(path, needed=len(data)), _folder(path.parent) as folder:
        saved = _write_temporary(folder, path.name, data, None if public else _mode(folder) & 0o666)
        os.rename(temporary_name(path.name), path.name, src_dir_fd=folder, dst_dir_fd=folder)
        _sync(folder)
    return saved


def make_folder(path: Path, *, within: Path, public: bool = False, mode: int | None = None) -> None:
    """Make `path` and what is missing between it and `within`, each synced into its parent; never through a link.

    Who may enter it is who may enter the folder that it is made in, or with `public` whoever the umask lets. `mode` is
    of `path` itself, what is above it then is public.
    """
    missing = [path, *path.parents]
    for folder in reversed(missing[: missing.index(within)]):
        with _storage(folder):
            try:
                os.mkdir(folder, 0o777)
            except FileExistsError:
                if not stat.S_ISDIR(os.lstat(folder).st_mode):
                    raise StorageFailed(f"{folder} is in the way: it is not a folder.", hint="Move it away.") from None
                continue
            wanted = mode if folder == path else None
            if wanted is None and mode is None and not public:
                wanted = stat.S_IMODE(os.stat(folder.parent).st_mode) & 0o777
            if wanted is not None:
                with _folder(folder) as descriptor:
                    _permit(descriptor, wanted)
            sync_folder(folder.parent)


def prepare(path: Path) -> None:
    """Make an empty file for others to write into, where nothing is yet: to be read by who may read its folder."""
    with _storage(path), _folder(path.parent) as folder, contextlib.suppress(FileExistsError):
        descriptor = os.open(path.name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_FOLLOW, 0o600, dir_fd=folder)
        with open(descriptor, "wb"):
            _permit(descriptor, _mode(folder) & 0o666)


def permit_as_folder(descriptor: int, path: Path) -> None:
    """Let those read a file that is ours who may read the folder of `path`, which it is in."""
    with _storage(path):
        if os.fstat(descriptor).st_uid == os.geteuid():
            _permit(descriptor, stat.S_IMODE(os.stat(path.parent).st_mode) & 0o666)


def sync_folder(path: Path) -> None:
    """Make the names in a folder durable."""
    with _storage(path), _folder(path) as folder:
        _sync(folder)


def remove(path: Path) -> None:
    """Remove a file (a link itself, never what it points to); one that is gone already is fine."""
    with contextlib.suppress(FileNotFoundError), _storage(path, absent_is_fine=True), _folder(path.parent) as folder:
        os.unlink(path.name, dir_fd=folder)


def move(path: Path, target: Path) -> None:
    """Give a file, a link or a folder another name on the same disk, durably; what has that name already is replaced.

    Raises StorageFailed; FileNotFoundError where there is nothing.
    """
    with _storage(path, absent_is_fine=True), _folder(path.parent) as folder, _folder(target.parent) as other:
        os.rename(path.name, target.name, src_dir_fd=folder, dst_dir_fd=other)
        _sync(other)
        _sync(folder)


def read(path: Path) -> bytes:
    """Return a regular file's bytes, without following a link; raises FileNotFoundError or StorageFailed."""
    with opened(path) as file:
        return file.read()


@contextlib.contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """Open a regular file for reading, without following a link; raises FileNotFoundError or StorageFailed."""
    with _storage(path, absent_is_fine=True), _folder(path.parent) as folder:
        try:
            descriptor = os.open(path.name, os.O_RDONLY | _NO_FOLLOW | os.O_NONBLOCK, dir_fd=folder)
        except OSError as failure:
            if failure.errno == errno.ELOOP:
                raise FileNotFoundError(errno.ENOENT, "is a link, not a file", str(path)) from None
            if failure.errno in (errno.ENXIO, errno.ENODEV):
                raise FileNotFoundError(errno.ENOENT, "is a socket or a device, not a file", str(path)) from None
            raise
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise FileNotFoundError(errno.ENOENT, "is not a regular file", str(path))
        with open(descriptor, "rb") as file:
            yield file


def exists(path: Path) -> bool:
    """Tell whether a path leads to anything. Raises StorageFailed where the disk will not say."""
    with _storage(path):
        return path.exists()


def is_folder(path: Path) -> bool:
    """Tell whether a path leads to a folder. Raises StorageFailed where the disk will not say."""
    with _storage(path):
        return path.is_dir()


def listed(folder: Path, *, through_link: bool = False) -> list[Path]:
    """Return what is in a folder, by name; nothing where there is none, or only a link to one. Raises StorageFailed."""
    with _storage(folder):
        wanted = folder.is_dir() and (through_link or not folder.is_symlink())
        return sorted(folder.iterdir()) if wanted else []


def files_below(folder: Path) -> list[Path]:
    """Return all that is below a folder and is no folder, by name; no link is followed. Raises StorageFailed."""
    with _storage(folder):
        return sorted(
            Path(at, name) for at, folders, files in os.walk(folder) for name in [*files, *_links(at, folders)]
        )


def size_of(path: Path) -> int:
    """Return the bytes of a file. Raises StorageFailed."""
    with _storage(path):
        return path.stat().st_size


def state_of(path: Path) -> tuple[int, int]:
    """Return a file's bytes and when it was last changed, in ns by the disk's clock. Raises StorageFailed."""
    with _storage(path):
        found = path.lstat()
    return found.st_size, found.st_mtime_ns


def kind_of(path: Path) -> str | None:
    """Name what a path itself is, without following a link; None where it is nothing. Raises StorageFailed."""
    with _storage(path):
        try:
            mode = path.lstat().st_mode
        except (FileNotFoundError, NotADirectoryError):
            return None
    return next((name for is_one, name in _KINDS if is_one(mode)), "a device")


@contextlib.contextmanager
def created(path: Path) -> Iterator[BinaryIO]:
    """Make a file to be written bit by bit; once the block is left without an error, its content is durable.

    Its name is so only once its folder is synced. For folders that nobody reads yet: under a final name use `save`.
    """
    with _storage(path), _folder(path.parent) as folder:
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | _NO_FOLLOW
        with open(os.open(path.name, flags, 0o666, dir_fd=folder), "w+b") as file:
            yield file
            file.flush()
            _sync(file.fileno())


def sync_file(path: Path) -> None:
    """Make durable what others have written into a file."""
    with opened(path) as file, _storage(path):
        _sync(file.fileno())


def share(path: Path, target: Path) -> None:
    """Give a file a second name: as a link where the disk can do that, else as a durable copy."""
    with contextlib.suppress(OSError), _folder(path.parent) as folder, _folder(target.parent) as other:
        os.link(path.name, target.name, src_dir_fd=folder, dst_dir_fd=other, follow_symlinks=False)
        return
    with opened(path) as source, created(target) as copy:
        shutil.copyfileobj(source, copy, 2**20)
        copy.flush()
        found = os.fstat(source.fileno())
        os.utime(copy.fileno(), ns=(found.st_atime_ns, found.st_mtime_ns))


def exchange(path: Path, target: Path) -> None:
    """Let two folders on one disk change names, durably: in one step where the system has one.

    Where it has none, `target` is missing for a moment, and is `aside(target)` then: see `restore`.
    """
    with _storage(target), _folder(path.parent) as folder, _folder(target.parent) as other:
        if not _exchanged(folder, path.name, other, target.name):
            os.rename(target.name, aside(target).name, src_dir_fd=other, dst_dir_fd=other)
            os.rename(path.name, target.name, src_dir_fd=folder, dst_dir_fd=other)
            os.rename(aside(target).name, path.name, src_dir_fd=other, dst_dir_fd=folder)
        _sync(other)
        _sync(folder)


def aside(target: Path) -> Path:
    """Return the name that `exchange` may give a folder for a moment."""
    return target.with_name(f".{target.name}.aside")


def restore(target: Path) -> None:
    """Undo an `exchange` that was killed in its moment; else do nothing."""
    if kind_of(target) is None and kind_of(aside(target)) is not None:
        move(aside(target), target)


def remove_folder(path: Path) -> None:
    """Remove a folder with all that is in it, never through a link; one that is gone already is fine."""
    with _storage(path), contextlib.suppress(FileNotFoundError):
        if path.is_symlink():
            os.unlink(path)
        else:
            shutil.rmtree(path)


def _write_temporary(folder: int, name: str, data: bytes | memoryview, mode: int | None) -> Saved:
    flags = os.O_RDWR | os.O_CREAT | os.O_TRUNC | _NO_FOLLOW
    first = 0o666 if mode is None else mode
    with open(os.open(temporary_name(name), flags, first, dir_fd=folder), "r+b", buffering=0) as file:
        if mode is not None:
            _permit(file.fileno(), mode)
        rest = memoryview(data)
        while len(rest):
            rest = rest[file.write(rest) or 0 :]
        _sync(file.fileno())
        # Read back what the kernel holds: a write that reported more than it took shows here, before the name does.
        file.seek(0)
        found = hashlib.file_digest(file, "sha256").digest()
        size = os.fstat(file.fileno()).st_size
    if size != len(data) or found != hashlib.sha256(data).digest():
        raise OSError(errno.EIO, f"wrote {len(data)} bytes and read back {size} others")
    return Saved(size=size, sha256=found)


def _mode(descriptor: int) -> int:
    return stat.S_IMODE(os.fstat(descriptor).st_mode) & 0o777


def _permit(descriptor: int, mode: int) -> None:
    """Set the permissions of what is open, whatever the umask; a disk that has none keeps its own."""
    if _mode(descriptor) != mode:
        with contextlib.suppress(PermissionError):
            os.fchmod(descriptor, mode)


def _sync(descriptor: int) -> None:
    if _FULL_SYNC is None:
        os.fsync(descriptor)
    else:  # pragma: no cover - macOS: fsync alone leaves the data in the drive's cache there
        fcntl.fcntl(descriptor, _FULL_SYNC)


def _links(folder: str, names: list[str]) -> list[str]:
    return [name for name in names if os.path.islink(os.path.join(folder, name))]


def _exchanged(folder: int, name: str, other: int, target: str) -> bool:
    """Swap two names in one step; False where the system or the disk has no such step."""
    import ctypes  # used once an export, and dear beside a status

    call = getattr(ctypes.CDLL(None, use_errno=True), "renameat2" if sys.platform == "linux" else "renameatx_np", None)
    # RENAME_EXCHANGE of Linux and RENAME_SWAP of macOS are the same number.
    return call is not None and call(folder, os.fsencode(name), other, os.fsencode(target), ctypes.c_uint(2)) == 0


@contextlib.contextmanager
def _folder(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | _NO_FOLLOW)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _storage(path: Path, *, needed: int = 0, absent_is_fine: bool = False) -> Iterator[None]:
    try:
        yield
    except OSError as failure:
        if absent_is_fine and isinstance(failure, FileNotFoundError):
            raise
        raise failed(path, failure, needed=needed) from failure


def failed(path: Path, failure: OSError, *, needed: int = 0) -> StorageFailed:
    """Say what the disk refused, in words, with what to do about it."""
    reason = failure.strerror or str(failure)
    if failure.errno in (errno.ENOSPC, errno.EDQUOT):
        wanted = f" (needed {needed:,} bytes)" if needed else ""
        return StorageFailed(
            f"no space left on the disk that holds {path.parent}{wanted}.",
            hint="Make room, then run the same command.",
        )
    return StorageFailed(f"the disk refused {path}: {reason}.", hint="Fix that, then run the same command.")
