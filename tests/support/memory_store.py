"""A store that is gone with the process: what a bucket is to the product, without a bucket."""

import hashlib
import io
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from resumable.storage.durable import FILE, FOLDER, Saved
from resumable.storage.store import Exists, Moved, StoredFile, Tag, Tagged


@dataclass
class MemoryStore:
    """Objects by key; a folder is a prefix that some key has. It has no paths, so that who uses one fails."""

    name: str = "job"
    objects: dict[str, bytes] = field(default_factory=dict)
    contested: bool = False
    _writing: threading.Lock = field(default_factory=threading.Lock)

    def create(self, key: str, data: bytes | memoryview) -> Tag | Exists:
        """Make a key that is not there."""
        with self._writing:
            return Exists() if self.kind(key) is not None else self._put(key, data)

    def replace(self, key: str, data: bytes | memoryview, tag: Tag) -> Tag | Moved:
        """Replace what a key held when its tag was read."""
        with self._writing:
            held = key in self.objects and self.tagged(key).tag == tag
            return self._put(key, data) if held else Moved()

    def save(self, key: str, data: bytes | memoryview) -> Saved:
        """Keep bytes under a key."""
        with self._writing:
            self._put(key, data)
        return Saved(size=len(data), sha256=hashlib.sha256(data).digest())

    def read(self, key: str, last: int | None = None) -> bytes:
        """Return what a key holds, or the end of it."""
        if key not in self.objects:
            raise FileNotFoundError(key)
        data = self.objects[key]
        return data if last is None else data[max(0, len(data) - last) :]

    def tagged(self, key: str) -> Tagged:
        """Return what a key holds, and its hash for a tag."""
        data = self.read(key)
        return Tagged(data=data, tag=Tag(hashlib.sha256(data).hexdigest()))

    @contextmanager
    def opened(self, key: str) -> Iterator[BinaryIO]:
        """Open what a key holds."""
        with io.BytesIO(self.read(key)) as file:
            yield file

    def kind(self, key: str) -> str | None:
        """Tell an object from a prefix."""
        if key in self.objects:
            return FILE
        return FOLDER if self._below(key) else None

    def size(self, key: str) -> int | None:
        """Return the bytes of an object."""
        return len(self.objects[key]) if key in self.objects else None

    def sizes(self, prefix: str) -> Mapping[str, int]:
        """Return the bytes of each object directly below a prefix."""
        return {key: len(self.objects[key]) for key in self.list(prefix) if key in self.objects}

    def remove(self, key: str) -> None:
        """Forget an object."""
        self.objects.pop(key, None)

    def settle(self, prefix: str) -> None:
        """Do nothing: what is removed is removed."""

    def move(self, key: str, target: str) -> None:
        """Give an object, or all below a prefix, another key."""
        if self.kind(key) is None:
            raise FileNotFoundError(key)
        for each in [key] if key in self.objects else self._below(key):
            self.objects[target + each[len(key) :]] = self.objects.pop(each)

    def free(self) -> int | None:
        """Say nothing."""
        return None

    def place(self, key: str) -> str:
        """Return a URL of a scheme that nothing opens."""
        return f"memory://{self.name}/{key}"

    def list(self, prefix: str) -> Sequence[str]:
        """Return what is directly below a prefix."""
        before = f"{prefix}/" if prefix else ""
        return sorted({before + key[len(before) :].partition("/")[0] for key in self._below(prefix)})

    def below(self, prefix: str) -> Mapping[str, StoredFile]:
        """Return all objects below a prefix, and the one that it names itself."""
        keys = [*self._below(prefix), *([prefix] if prefix in self.objects else [])]
        return {key: StoredFile(size=len(self.objects[key]), tag=self.tagged(key).tag) for key in keys}

    def upload(self, key: str, path: Path, tag: Tag | None) -> Tag | Exists | Moved:
        """Keep a file under a key."""
        data = path.read_bytes()
        return self.create(key, data) if tag is None else self.replace(key, data, tag)

    def _below(self, prefix: str) -> "Sequence[str]":
        before = f"{prefix}/" if prefix else ""
        return [key for key in sorted(self.objects) if key.startswith(before)]

    def _put(self, key: str, data: bytes | memoryview) -> Tag:
        self.objects[key] = bytes(data)
        return self.tagged(key).tag
