"""A folder as a store: each key is a path below it, and every write is one of `durable`'s."""

import contextlib
import hashlib
import io
import os
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from resumable.storage import durable, file_systems
from resumable.storage.durable import Saved
from resumable.storage.lock import alone
from resumable.storage.store import Exists, Moved, Tag, Tagged


@dataclass(frozen=True)
class FolderStore:
    """The store that is a folder of a local disk; it must exist before the first write. No link is followed."""

    root: Path

    @property
    def contested(self) -> bool:
        """Return False: the kernel takes the lock from nobody who lives."""
        return False

    def create(self, key: str, data: bytes | memoryview) -> Tag | Exists:
        """Make a key that is not there; processes of one machine keep each other out."""
        with self._alone(key):
            if self.kind(key) is not None:
                return Exists()
            return self._written(key, data)

    def replace(self, key: str, data: bytes | memoryview, tag: Tag) -> Tag | Moved:
        """Make bytes the content of a key that still holds others; processes of one machine keep each other out."""
        with self._alone(key):
            try:
                held = self.tagged(key).tag
            except FileNotFoundError:
                return Moved()
            return self._written(key, data) if held == tag else Moved()

    def save(self, key: str, data: bytes | memoryview) -> Saved:
        """Write a whole file, durably, and its folders; then at most one temporary file is left where it failed."""
        path = self.path(key)
        durable.make_folder(path.parent, within=self.root)
        return durable.save(path, data)

    def read(self, key: str, last: int | None = None) -> bytes:
        """Return a file's bytes, or the last of them."""
        if last is None:
            return durable.read(self.path(key))
        with self.opened(key) as file:
            file.seek(max(0, file.seek(0, io.SEEK_END) - last))
            return file.read()

    def tagged(self, key: str) -> Tagged:
        """Return a file's bytes; their hash is the tag, since times and inodes of a disk come again."""
        data = self.read(key)
        return Tagged(data=data, tag=Tag(hashlib.sha256(data).hexdigest()))

    def opened(self, key: str) -> AbstractContextManager[BinaryIO]:
        """Open a regular file for reading."""
        return durable.opened(self.path(key))

    def kind(self, key: str) -> str | None:
        """Name what is there: a disk has links, pipes, sockets and devices too."""
        return durable.kind_of(self.path(key))

    def size(self, key: str) -> int | None:
        """Return the bytes of a file."""
        return durable.state_of(self.path(key))[0] if self.kind(key) == durable.FILE else None

    def sizes(self, prefix: str) -> Mapping[str, int]:
        """Return the bytes of each regular file in a folder; nothing where there is only a link to one."""
        folder, before = self.path(prefix), f"{prefix}/" if prefix else ""
        if not durable.is_folder(folder) or folder.is_symlink():
            return {}
        sizes = {}
        try:
            with os.scandir(folder) as found:
                for entry in found:
                    with contextlib.suppress(FileNotFoundError):  # it was taken away in this very moment
                        if entry.is_file(follow_symlinks=False):
                            sizes[f"{before}{entry.name}"] = entry.stat(follow_symlinks=False).st_size
        except FileNotFoundError:
            return {}
        except OSError as failure:
            raise durable.failed(folder, failure) from failure
        return sizes

    def remove(self, key: str) -> None:
        """Remove a file, or a link itself."""
        durable.remove(self.path(key))

    def settle(self, prefix: str) -> None:
        """Sync the folder."""
        if durable.is_folder(folder := self.path(prefix)):
            durable.sync_folder(folder)

    def move(self, key: str, target: str) -> None:
        """Give a file, a link or a folder another name, whose folders are made."""
        path = self.path(target)
        durable.make_folder(path.parent.absolute(), within=self.root.absolute())
        durable.move(self.path(key), path)

    def free(self) -> int | None:
        """Return what a user may still write to the disk."""
        return file_systems.free_bytes(self.root)

    def path(self, key: str) -> Path:
        """Return where a key is on the disk."""
        return self.root / key

    def place(self, key: str) -> str:
        """Return the path."""
        return str(self.path(key))

    def list(self, prefix: str) -> Sequence[str]:
        """Return what is in a folder, by name; nothing where there is only a link to one."""
        before = f"{prefix}/" if prefix else ""
        return [f"{before}{path.name}" for path in durable.listed(self.path(prefix))]

    def _alone(self, key: str) -> AbstractContextManager[None]:
        folder = self.path(key).parent
        durable.make_folder(folder, within=self.root)
        return alone(folder)

    def _written(self, key: str, data: bytes | memoryview) -> Tag:
        return Tag(self.save(key, data).sha256.hex())
