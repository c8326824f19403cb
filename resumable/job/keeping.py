"""Keeps a state small: whole jobs that are not wanted any more, and what jobs no longer need."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from resumable import status as status_of
from resumable.datasets.resolve import of_job
from resumable.errors import ResumableError, UsageError
from resumable.models import JobState
from resumable.storage import durable
from resumable.storage.folder import FolderStore
from resumable.storage.job_files import JobFiles, StateFiles
from resumable.storage.lock import hold
from resumable.storage.removal import everything, remove_below, remove_job


@dataclass(frozen=True, kw_only=True)
class Leftover:
    """Something that nobody needs any more."""

    job: str
    bytes: int
    why: str
    path: Path | None = None
    """Where it is in a state folder, ..."""
    key: str | None = None
    """... or below which key of its job in a bucket; "" for all of it."""
    place: str
    """Where it is, for people."""


def size_of(home: JobFiles) -> int:
    """Return how many bytes a job takes. Raises UsageError where there is none or nothing tells them, StorageFailed."""
    if home.state.bucket is not None:
        found = [size for _, size in everything(home.store)]
        if not found:
            raise home.state.no_job(home.name)
        return sum(found)
    _in_a_folder(home)
    return _bytes(home.folder)


def delete(home: JobFiles, *, now: datetime) -> int:
    """Remove a job with all that it has, and return its bytes; damaged ones too.

    A folder is gone in one step, before its files are removed: killed in between, a hidden one is left, which `prune`
    removes. In a bucket, killed in between, what is left can be deleted again. Raises JobLocked while another process
    runs or reads it, UsageError where there is none, StorageFailed.
    """
    if home.state.bucket is not None:
        size_of(home)  # raises where there is none: to take a lease would make a head
        return remove_job(home.state.bucket, home.name)
    _in_a_folder(home)
    if durable.kind_of(home.folder) != durable.FOLDER:
        raise home.state.no_job(home.name)
    if not durable.exists(home.manifest) and home.lost() is None:
        raise home.missing()
    freed = _bytes(home.folder)
    with hold(home.lock, job=home.name, now=now):
        gone = home.deleted
        durable.remove_folder(gone)
        durable.move(home.folder, gone)
    durable.remove_folder(gone)
    return freed


def leftovers(state: StateFiles, *, older: timedelta, now: datetime) -> Iterator[Leftover]:
    """Yield what no job needs any more: files that repairs moved away, older lists, remains of a deletion.

    What a repair moved away goes once it is so old, a list that is so old once a newer one of the same is complete.
    """
    for folder in state.deleted():
        yield _on_disk(folder.name, folder, "a deletion did not end")
    jobs = list(state.jobs())
    for home in jobs:
        if state.bucket is not None:
            yield from _aside_in_bucket(home, older=older, now=now)
            continue
        for path in home.aside_folders():
            _, changed_ns = durable.state_of(path)
            if now.timestamp() - changed_ns / 1e9 >= older.total_seconds():
                yield _on_disk(home.name, path, "a repair moved it away")
    yield from _old_lists(jobs, older=older, now=now)


def _on_disk(job: str, path: Path, why: str) -> Leftover:
    return Leftover(job=job, path=path, place=str(path), bytes=_bytes(path), why=why)


def _in_bucket(home: JobFiles, key: str, why: str) -> Leftover:
    found = sum(size for _, size in everything(home.store, key))
    return Leftover(job=home.name, key=key, place=home.store.place(key).rstrip("/"), bytes=found, why=why)


def _aside_in_bucket(home: JobFiles, *, older: timedelta, now: datetime) -> Iterator[Leftover]:
    """Yield what repairs moved away, by the time that its name is; answers that were no page stay."""
    for key, at in home.aside_times():
        # Where nothing is left, a store may name the prefix for a while.
        if now - at >= older and (found := _in_bucket(home, key, "a repair moved it away")).bytes:
            yield found


def remove(leftover: Leftover, state: StateFiles, *, now: datetime) -> None:
    """Remove one of these, unless another process is at work in its job. Raises JobLocked, StorageFailed."""
    home = state.job(leftover.job)
    if leftover.path is None:
        if leftover.key and state.bucket is not None:
            remove_below(state.bucket, home.name, leftover.key)
        else:
            delete(home, now=now)
    elif leftover.path in state.deleted():
        durable.remove_folder(leftover.path)
    elif leftover.path == home.folder:
        delete(home, now=now)
    else:
        with hold(home.lock, job=home.name, now=now):
            durable.remove_folder(leftover.path)


def _old_lists(jobs: Sequence[JobFiles], *, older: timedelta, now: datetime) -> Iterator[Leftover]:
    newest: dict[tuple[str, str], datetime] = {}
    lists: list[tuple[tuple[str, str], JobFiles, status_of.Status]] = []
    for home in jobs:
        try:
            known = status_of.read(home, events=0)
            if known is None or not of_job(known.job.spec, known.job.columns).timeless:
                continue
        except ResumableError:
            continue  # nothing is known of it: it stays
        whose = known.job.organisation
        of = (known.job.spec.dataset, "" if whose is None else whose.id or whose.origin)
        lists.append((of, home, known))
        if known.state is JobState.COMPLETE:
            newest[of] = max(newest.get(of, known.job.created_at), known.job.created_at)
    for of, home, known in lists:
        replaced = of in newest and known.job.created_at < newest[of] and now - known.job.created_at >= older
        if replaced and known.state is not JobState.RUNNING:
            why = f"a newer list of {of[0]} is complete"
            in_a_folder = home.state.bucket is None
            yield _on_disk(home.name, home.folder, why) if in_a_folder else _in_bucket(home, "", why)


def _bytes(folder: Path) -> int:
    return sum(durable.state_of(path)[0] for path in durable.files_below(folder))


def _in_a_folder(home: JobFiles) -> None:
    if not isinstance(home.store, FolderStore):
        raise UsageError(
            f"the parts of {home.name} are in {home.store.place('')}, where this command removes nothing.",
            hint="Remove them there, then the folder of the job.",
        )
