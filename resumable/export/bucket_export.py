"""An export into a bucket: made on this machine, put object by object on conditions, proven, and told by its receipt.

A file is one object, which is replaced in one step. A folder is an object a day: each is replaced in one step, and the
receipt beside it is the last to come. A killed one is finished by the next.
"""

import contextlib
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from resumable.errors import UsageError
from resumable.export import made
from resumable.export.bucket_target import BucketTarget, digest_of
from resumable.export.destination import same
from resumable.export.receipt import DayFacts, Receipt, day_name
from resumable.export.request import Format
from resumable.export.spread import Spread
from resumable.export.work import ExportWork
from resumable.storage import durable
from resumable.storage.targets import not_ours

Put = Callable[[dict[str, DayFacts]], dict[str, str]]
"""Puts days where they belong, and returns their tags."""


def write(work: ExportWork, target: BucketTarget, by: Spread | None) -> tuple[int, Receipt]:
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
        if work.request.format is Format.PARQUET:
            return _folder(work, target, staging, by)
        return _file(work, target, staging)


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
    receipt = replace(work.receipt(index, {}), size=durable.size_of(path), sha256=digest_of(path))
    target.tell([receipt, *target.known])
    receipt = replace(receipt, tag=target.put(name, path, receipt.sha256))
    target.tell([receipt])
    return 0, receipt


def _folder(work: ExportWork, target: BucketTarget, staging: Path, by: Spread | None) -> tuple[int, Receipt]:
    old = _old_folder(work, target)
    if old is not None and work.is_as(old) and all(map(target.day_is_as, old.days.values())):
        return len(old.days), old
    index = work.index() if by is None else by.index(work)
    keep = made.unchanged(work, index, old, target.day_is_as)
    keep = {day: _as_seen(target, facts) for day, facts in keep.items()}
    folder, elsewhere = staging / "made", None if by is None else by.into_bucket(work, index, target.staging)
    days = made.day_files(work, index, folder, keep, old=None, elsewhere=elsewhere)
    here = {name: facts for name, facts in days.items() if facts.file and durable.exists(folder / facts.file)}
    days |= {name: replace(facts, sha256=digest_of(folder / str(facts.file))) for name, facts in here.items()}
    kept = {day_name(day) for day in keep}
    fresh = {name: facts for name, facts in days.items() if facts.file and name not in kept}

    def put(fresh: dict[str, DayFacts]) -> dict[str, str]:
        keys = {name: f"{target.name}/{facts.file}" for name, facts in fresh.items()}
        tags = {
            name: target.put(keys[name], folder / str(facts.file), facts.sha256)
            for name, facts in fresh.items()
            if name in here
        }
        return tags if by is None else tags | by.settle(fresh, keys, target.seen)

    receipt = _place_folder(target, work.receipt(index, days), put, fresh)
    target.tidy()
    return len(keep), receipt


def _place_folder(target: BucketTarget, receipt: Receipt, put: Put, fresh: dict[str, DayFacts]) -> Receipt:
    """Have the fresh days of an export put, and take away what it has no more."""
    target.tell([receipt, *target.known])
    tags = put(fresh)
    days = {name: replace(facts, tag=tags.get(name, facts.tag)) for name, facts in receipt.days.items()}
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
