"""What lies where an export into a bucket goes, and how it is changed: on conditions, proven, and told by receipts."""

import contextlib
import hashlib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO, Final

from resumable.errors import JobLocked, StorageFailed, UsageError
from resumable.export import receipt as receipts
from resumable.export.receipt import DayFacts, Receipt
from resumable.export.request import ExportStoreAt
from resumable.storage import durable
from resumable.storage.address import Address
from resumable.storage.lease import HEAD
from resumable.storage.probe import probe
from resumable.storage.store import Exists, ExportStore, Moved, StoredFile, Tag

_READ_BYTES: Final = 8 * 2**20


@dataclass(kw_only=True)
class BucketTarget:
    """What lies at the name of an export in a bucket, and its receipts beside it."""

    store: ExportStore
    name: str
    known: list[Receipt] = field(default_factory=list)
    """What may be there, the newest first: two where an export was killed."""
    told: Tag | None = None
    """Stands for the receipts as they were seen."""
    seen: dict[str, StoredFile] = field(default_factory=dict)

    @property
    def place(self) -> str:
        """Where it is, for people."""
        return self.store.place(self.name)

    @property
    def sidecar(self) -> str:
        """The key of the receipts: hidden, and beside what readers of a folder of Parquet are given."""
        return f".{self.name}.export.json"

    def is_as(self, key: str, size: int, sha256: str, tag: str) -> bool:
        """Tell whether an object is as an export put it: by its tag, or else by its bytes."""
        there = self.seen.get(key)
        if there is None or there.size != size or not sha256:
            return False
        return there.tag == tag or self.hash_of(key) == sha256

    def hash_of(self, key: str) -> str:
        """Return the SHA-256 of an object, which is read whole."""
        with self.store.opened(key) as file:
            return _digest(file)

    def day_is_as(self, facts: DayFacts) -> bool:
        """Tell whether the object of a day is as an export put it."""
        return facts.file is None or self.is_as(f"{self.name}/{facts.file}", facts.size, facts.sha256, facts.tag)

    def tell(self, several: list[Receipt]) -> None:
        """Put the receipts in the place of those that were seen. Raises JobLocked where another process did that."""
        data = receipts.joined(several)
        done = (
            self.store.create(self.sidecar, data)
            if self.told is None
            else self.store.replace(self.sidecar, data, self.told)
        )
        if isinstance(done, Exists | Moved):
            held = self.store.tagged(self.sidecar)
            if held.data != data:  # else it was this very put, whose answer was lost
                raise JobLocked(
                    f"another process is exporting to {self.place} just now.", hint="Wait for it, then try again."
                )
            done = held.tag
        self.told, self.known = done, several

    @property
    def staging(self) -> str:
        """The key below which workers put what is to be moved to its place."""
        return f".{self.name}.export"

    def tidy(self) -> None:
        """Remove what workers have put and nobody has moved: of this export, or of one that was killed."""
        for key in self.store.below(self.staging):
            self.store.remove(key)

    def settle(self, staged: str, key: str, sha256: str, tag: str | None) -> str:
        """Move what a worker has put to its place, where that is as it was seen, and prove it; return its tag.

        Can be repeated: what is there already stays. Raises StorageFailed where something else is there.
        """
        there = self.store.below(key).get(key)
        if there is None or self.hash_of(key) != sha256:
            if (None if there is None else there.tag) != tag:
                raise self._changed(key)
            try:
                self.store.move(staged, key)
            except FileNotFoundError:
                raise self._changed(key) from None
            there = self.store.below(key).get(key)
            if there is None or self.hash_of(key) != sha256:
                raise self._changed(key)
        return there.tag

    def put(self, key: str, path: Path, sha256: str) -> str:
        """Make a file an object, in the place of what was seen there, and prove it; return its tag.

        Raises StorageFailed where the store has other bytes afterwards: another's, or not what it took.
        """
        there = self.seen.get(key)
        self.store.upload(key, path, None if there is None else there.tag)
        now = self.store.below(key).get(key)
        if now is None or now.size != durable.size_of(path) or self.hash_of(key) != sha256:
            raise self._changed(key)
        self.seen[key] = now
        return now.tag

    def _changed(self, key: str) -> StorageFailed:
        return StorageFailed(
            f"{self.store.place(key)} is not what was put there: the store, or another process, changed it.",
            hint="Run the same command again.",
        )


def opened(address: Address, store_at: ExportStoreAt) -> BucketTarget:
    """Look at where an export is to go.

    Raises UsageError for a bucket as a whole and for what belongs to a job, StorageFailed for a store that ignores the
    conditions of a put.
    """
    if not address.prefix:
        raise UsageError(
            f"{address} is a bucket, and no name in one.", hint=f"Such as: {address}/conversations.parquet"
        )
    _no_job_around(address, store_at)
    above, _, name = address.prefix.rpartition("/")
    store = store_at(replace(address, prefix=above))
    probe(store)
    target = BucketTarget(store=store, name=name, seen=dict(store.below(name)))
    with contextlib.suppress(FileNotFoundError):
        held = store.tagged(target.sidecar)
        target.known, target.told = receipts.several(held.data), held.tag
    return target


def _no_job_around(address: Address, store_at: ExportStoreAt) -> None:
    root, pieces = store_at(replace(address, prefix="")), address.prefix.split("/")
    for many in range(1, len(pieces) + 1):
        above = "/".join(pieces[:many])
        with contextlib.suppress(StorageFailed):  # what may not be looked at may not be written to either
            if root.size(f"{above}/{HEAD}") is not None:
                raise UsageError(
                    f"{address} is in the job {pieces[many - 1]}; nothing is written there by this command.",
                    hint="Name a prefix that is no job's.",
                )


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file of this machine."""
    with durable.opened(path) as file:
        return _digest(file)


def _digest(file: BinaryIO) -> str:
    sha256 = hashlib.sha256()
    while data := file.read(_READ_BYTES):
        sha256.update(data)
    return sha256.hexdigest()
