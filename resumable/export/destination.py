"""Where an export goes: it is made in a hidden folder beside its target, and takes its place once it is durable.

Whatever is at the target and is no export of the same job, format and table is left alone, unless it is to be replaced:
the receipt beside an export, a hidden file, says whose it is and how it was written. A killed export leaves the hidden
folder, which the next one to the same target removes.
"""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from resumable.errors import JobLocked, StorageFailed, UsageError
from resumable.export import receipt as receipts
from resumable.export.receipt import DayFacts, Receipt
from resumable.storage import durable
from resumable.storage.targets import not_ours

_STAGED = ("made", "spill")
"""What an export makes in its hidden folder, beside what is named as its target."""


@contextlib.contextmanager
def staged(target: Path) -> Iterator[Path]:
    """Make the hidden folder that an export to a target is made in, empty; gone at the end.

    Raises JobLocked where another process is exporting there, UsageError where a stranger's folder has that name.
    """
    durable.restore(target)
    staging = target.with_name(f".{target.name}.export")
    durable.make_folder(staging, within=target.parent, public=True)
    descriptor = os.open(staging, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    with contextlib.ExitStack() as stack:
        stack.callback(os.close, descriptor)
        _lock(descriptor, staging, target)
        left = durable.listed(staging)
        if strange := [path for path in left if not path.name.startswith((target.name, *_STAGED))]:
            raise UsageError(f"{strange[0]} is in the way, and is not of an export.", hint="Move it away.")
        stack.callback(_tidied, staging)
        for path in left:
            durable.remove_folder(path) if durable.kind_of(path) == durable.FOLDER else durable.remove(path)
        yield staging


def _tidied(staging: Path) -> None:
    """Remove whatever has this name now: the folder that was made, or the one that it took the place of."""
    with contextlib.suppress(StorageFailed):
        durable.remove_folder(staging)


def _lock(descriptor: int, staging: Path, target: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        same = os.path.samestat(os.fstat(descriptor), os.stat(staging, follow_symlinks=False))
    except (BlockingIOError, FileNotFoundError):
        same = False
    if not same:
        raise JobLocked(f"another process is exporting to {target} just now.", hint="Wait for it, then try again.")


def sidecar(target: Path) -> Path:
    """Return where the receipt of an export is: beside it, for Polars takes no other files in a folder of Parquet."""
    return target.with_name(f".{target.name}.export.json")


def of_file(target: Path, intent: Receipt, *, replace_it: bool) -> Receipt | None:
    """Return the receipt of the file at a target; None where nothing is there, or what is there may go.

    Raises UsageError where something is there that is no export of the same thing, or has been changed since.
    """
    _sidecar_is_ours(target, replace_it=replace_it)
    kind = durable.kind_of(target)
    if kind is None:
        return None
    if kind != durable.FILE:
        raise _in_the_way(target, kind)
    found = next((each for each in _known(target) if (each.size, each.changed_ns) == durable.state_of(target)), None)
    if found is None and not replace_it:
        raise not_ours(target, f"is no export of {intent.job} that is as it was written")
    return same(target, found, intent, replace_it=replace_it)


def same(target: Path | str, found: Receipt | None, intent: Receipt, *, replace_it: bool) -> Receipt | None:
    """Return the receipt of an export where it is of the same thing; None where another may be replaced."""
    if found is None or found.of_same(intent):
        return found
    if not replace_it:
        raise not_ours(target, f"was exported from {found.what}, not from {intent.what} in this format")
    return None


def place_file(made: Path, target: Path, receipt: Receipt) -> Receipt:
    """Put a file that is whole at its target, with its receipt; what was there goes. A kill leaves one or the other."""
    durable.sync_file(made)
    size, changed_ns = durable.state_of(made)
    with _told(target, replace(receipt, size=size, changed_ns=changed_ns)) as told:
        durable.move(made, target)
    return told


def of_folder(target: Path, intent: Receipt, *, replace_it: bool) -> Receipt | None:
    """Return the receipt of the folder at a target; None where nothing is there, an empty folder, or what may go.

    Raises UsageError where something is in it that no export has put there, whatever is to be replaced, or where it is
    an export of something else.
    """
    _sidecar_is_ours(target, replace_it=replace_it)
    kind = durable.kind_of(target)
    if kind is None:
        return None
    if kind != durable.FOLDER:
        raise _in_the_way(target, kind)
    paths = durable.files_below(target)
    known = _known(target)
    ours = {target / each.file for receipt in known for each in receipt.days.values() if each.file}
    strange = [path for path in paths if path not in ours]
    if strange:
        name = strange[0].relative_to(target)
        raise UsageError(
            f"{target} holds what no export of {intent.job} has put there ({name}); it was left alone.",
            hint="Name another path, or move that away.",
        )
    found = next((each for each in known if intact(target, each)), known[0] if known and paths else None)
    return same(target, found, intent, replace_it=replace_it)


def place_folder(made: Path, target: Path, receipt: Receipt) -> None:
    """Put a folder that is whole at its target, with its receipt; `made` then is what was there."""
    for folder in sorted({path.parent for path in durable.files_below(made)}):
        durable.sync_folder(folder)
    durable.sync_folder(made)
    with _told(target, receipt):
        if durable.kind_of(target) is None:
            durable.move(made, target)
        else:
            durable.exchange(made, target)


def intact(folder: Path, receipt: Receipt) -> bool:
    """Tell whether every file of an export is there, as it was written."""
    return all(as_written(folder, facts) for facts in receipt.days.values())


def as_written(folder: Path, facts: DayFacts) -> bool:
    """Tell whether the file of a day is there, as it was written."""
    if facts.file is None:
        return True
    path = folder / facts.file
    return durable.kind_of(path) == durable.FILE and durable.state_of(path) == (facts.size, facts.changed_ns)


@contextlib.contextmanager
def _told(target: Path, receipt: Receipt) -> Iterator[Receipt]:
    """Keep the receipts of the old export and of the new one while one takes the place of the other."""
    path = sidecar(target)
    durable.save(path, receipts.joined([receipt, *_known(target)]), public=True)
    yield receipt
    durable.save(path, receipts.joined([receipt]), public=True)


def _known(target: Path) -> list[Receipt]:
    """Return what may be at a target, the newest first: two after a kill at the wrong moment."""
    try:
        return receipts.several(durable.read(sidecar(target)))
    except FileNotFoundError:
        return []


def _sidecar_is_ours(target: Path, *, replace_it: bool) -> None:
    """Raise UsageError where something else than receipts has the name that the receipt is to have."""
    path = sidecar(target)
    if durable.kind_of(path) not in (None, durable.FILE):
        raise _in_the_way(path, durable.kind_of(path) or "")
    if durable.kind_of(path) is not None and not _known(target) and not replace_it:
        raise not_ours(path, "is not the receipt of an export")


def _in_the_way(target: Path, kind: str) -> UsageError:
    return UsageError(f"{target} is {kind}; it was left alone.", hint="Name another path, or move that away.")
