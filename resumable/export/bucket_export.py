"""An export into a bucket: made on this machine, put object by object on conditions, proven, and told by its receipt.

A file is one object, which is replaced in one step. A folder is an object a day: each is replaced in one step, and the
receipt beside it is the last to come. A killed one is finished by the next.
"""

import contextlib
import hashlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO, Final

from resumable.errors import JobLocked, StorageFailed, UsageError
from resumable.export import made
from resumable.export import receipt as receipts
from resumable.export.destination import same
from resumable.export.receipt import DayFacts, Receipt
from resumable.export.request import ExportStoreAt, Format
from resumable.export.work import ExportWork
from resumable.storage import durable
from resumable.storage.address import Address
from resumable.storage.lease import HEAD
from resumable.storage.probe import probe
from resumable.storage.store import Exists, ExportStore, Moved, StoredFile, Tag
from resumable.storage.targets import not_ours

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

    def put(self, key: str, path: Path, sha256: str) -> str:
        """Make a file an object, in the place of what was seen there, and prove it; return its tag.

        Raises StorageFailed where the store has other bytes afterwards: another's, or not what it took.
        """
        there = self.seen.get(key)
        self.store.upload(key, path, None if there is None else there.tag)
        now = self.store.below(key).get(key)
        if now is None or now.size != durable.size_of(path) or self.hash_of(key) != sha256:
            raise StorageFailed(
                f"{self.store.place(key)} is not what was put there: the store, or another process, changed it.",
                hint="Run the same command again.",
            )
        self.seen[key] = now
        return now.tag


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


def write(work: ExportWork, target: BucketTarget) -> tuple[int, Receipt]:
    """Export to a bucket; return how many days were as they had to be, and the receipt.

    Raises UsageError where something else is there, JobLocked where another process exports to the same name.
    """
    if work.request.format is Format.DELTA:
        raise UsageError(
            "a Delta table is not written to a bucket by this command.",
            hint="Export Parquet there, or a table to a folder.",
        )
    if target.told is not None and not target.known and not work.request.replace:
        raise not_ours(target.store.place(target.sidecar), "is not the receipt of an export")
    with _scratch() as staging:
        work.scratch = staging
        return (_folder if work.request.format is Format.PARQUET else _file)(work, target, staging)


@contextlib.contextmanager
def _scratch() -> Iterator[Path]:
    where = Path(tempfile.gettempdir())
    try:
        with tempfile.TemporaryDirectory(prefix="resumable-export-") as folder:
            yield Path(folder)
    except OSError as failure:
        raise durable.failed(where, failure) from failure


def _file(work: ExportWork, target: BucketTarget, staging: Path) -> tuple[int, Receipt]:
    name, there = target.name, target.seen.get(target.name)
    if strange := next((key for key in target.seen if key != name), None):
        raise _in_the_way(target, strange)
    found = next((each for each in target.known if target.is_as(name, each.size, each.sha256, each.tag)), None)
    if there is not None and found is None and not work.request.replace:
        raise not_ours(target.place, f"is no export of {work.source.job.name} that is as it was written")
    old = same(target.place, found, work.intent, replace_it=work.request.replace)
    if old is not None and work.is_as(old):
        return 1, old
    path = staging / name
    index = made.one_file(work, path, staging)
    receipt = replace(work.receipt(index, {}), size=durable.size_of(path), sha256=_hash(path))
    target.tell([receipt, *target.known])
    receipt = replace(receipt, tag=target.put(name, path, receipt.sha256))
    target.tell([receipt])
    return 0, receipt


def _folder(work: ExportWork, target: BucketTarget, staging: Path) -> tuple[int, Receipt]:
    old = _old_folder(work, target)
    if old is not None and work.is_as(old) and all(map(target.day_is_as, old.days.values())):
        return len(old.days), old
    index = work.index()
    keep = made.unchanged(work, index, old, target.day_is_as)
    keep = {day: _as_seen(target, facts) for day, facts in keep.items()}
    folder = staging / "made"
    days = made.day_files(work, index, folder, keep, old=None)
    fresh = {name: facts for name, facts in days.items() if facts.file and durable.exists(folder / facts.file)}
    days |= {name: replace(facts, sha256=_hash(folder / str(facts.file))) for name, facts in fresh.items()}
    receipt = work.receipt(index, days)
    return len(keep), place_folder(target, folder, receipt, [*fresh])


def place_folder(target: BucketTarget, folder: Path, receipt: Receipt, fresh: list[str]) -> Receipt:
    """Put the fresh days of an export, whose files are in a folder, and take away what it has no more."""
    target.tell([receipt, *target.known])
    days = dict(receipt.days)
    for name in fresh:
        facts = days[name]
        tag = target.put(f"{target.name}/{facts.file}", folder / str(facts.file), facts.sha256)
        days[name] = replace(facts, tag=tag)
    for key in sorted(set(target.seen) - {f"{target.name}/{facts.file}" for facts in days.values()}):
        target.store.remove(key)
    receipt = replace(receipt, days=days)
    target.tell([receipt])
    return receipt


def _as_seen(target: BucketTarget, facts: DayFacts) -> DayFacts:
    there = target.seen.get(f"{target.name}/{facts.file}")
    return facts if there is None else replace(facts, tag=there.tag)


def _old_folder(work: ExportWork, target: BucketTarget) -> Receipt | None:
    """Return the receipt of what is there; None where nothing is, or what may go."""
    if target.name in target.seen:
        raise _in_the_way(target, target.name)
    ours = {f"{target.name}/{each.file}" for receipt in target.known for each in receipt.days.values() if each.file}
    if strange := next((key for key in sorted(target.seen) if key not in ours), None):
        raise UsageError(
            f"{target.place} holds what no export of {work.source.job.name} has put there"
            f" ({strange.removeprefix(f'{target.name}/')}); it was left alone.",
            hint="Name another place, or move that away.",
        )
    if not target.seen:
        return None
    whole = (each for each in target.known if all(map(target.day_is_as, each.days.values())))
    found = next(whole, target.known[0] if target.known else None)
    return same(target.place, found, work.intent, replace_it=work.request.replace)


def _in_the_way(target: BucketTarget, key: str) -> UsageError:
    return UsageError(
        f"{target.store.place(key)} is in the way of {target.place}; it was left alone.",
        hint="Name another place, or move that away.",
    )


def _hash(path: Path) -> str:
    with durable.opened(path) as file:
        return _digest(file)


def _digest(file: BinaryIO) -> str:
    sha256 = hashlib.sha256()
    while data := file.read(_READ_BYTES):
        sha256.update(data)
    return sha256.hexdigest()
