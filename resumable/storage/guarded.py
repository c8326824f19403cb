"""A store that asks before every write whether the job is still this process's to change."""

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import BinaryIO

from resumable.errors import StorageFailed
from resumable.storage.durable import Saved
from resumable.storage.lock import Guard
from resumable.storage.store import Exists, Moved, Store, Tag, Tagged


@dataclass(frozen=True)
class GuardedStore:
    """Another store, nothing of which is changed once the guard raises."""

    store: Store
    guard: Guard

    @property
    def contested(self) -> bool:
        """Return what the other store says."""
        return self.store.contested

    def create(self, key: str, data: bytes | memoryview) -> Tag | Exists:
        """Ask, then write."""
        self.guard()
        return self.store.create(key, data)

    def replace(self, key: str, data: bytes | memoryview, tag: Tag) -> Tag | Moved:
        """Ask, then write."""
        self.guard()
        return self.store.replace(key, data, tag)

    def save(self, key: str, data: bytes | memoryview) -> Saved:
        """Ask, then write: where others may write too, only in the place of what was there before it was asked."""
        if not self.contested:
            self.guard()
            return self.store.save(key, data)
        try:
            held: Tag | None = self.store.tagged(key).tag
        except FileNotFoundError:
            held = None
        self.guard()
        done = self.store.create(key, data) if held is None else self.store.replace(key, data, held)
        if isinstance(done, Exists | Moved) and self.store.read(key) != data:
            raise StorageFailed(f"{self.place(key)} is being changed by others.", hint="Run the same command again.")
        return Saved(size=len(data), sha256=hashlib.sha256(data).digest())

    def remove(self, key: str) -> None:
        """Ask, then remove."""
        self.guard()
        self.store.remove(key)

    def move(self, key: str, target: str) -> None:
        """Ask, then move."""
        self.guard()
        self.store.move(key, target)

    def read(self, key: str, last: int | None = None) -> bytes:
        """Read."""
        return self.store.read(key, last)

    def tagged(self, key: str) -> Tagged:
        """Read."""
        return self.store.tagged(key)

    def opened(self, key: str) -> AbstractContextManager[BinaryIO]:
        """Open for reading."""
        return self.store.opened(key)

    def kind(self, key: str) -> str | None:
        """Look."""
        return self.store.kind(key)

    def size(self, key: str) -> int | None:
        """Look."""
        return self.store.size(key)

    def sizes(self, prefix: str) -> Mapping[str, int]:
        """Look."""
        return self.store.sizes(prefix)

    def settle(self, prefix: str) -> None:
        """Make durable what was removed before."""
        self.store.settle(prefix)

    def free(self) -> int | None:
        """Ask the disk."""
        return self.store.free()

    def place(self, key: str) -> str:
        """Say where."""
        return self.store.place(key)

    def list(self, prefix: str) -> Sequence[str]:
        """List."""
        return self.store.list(prefix)
