"""Where each thing of a job lies, and by what name: the only module that knows the names.

The manifest, its lock and scratch space are files in the job's folder, since SQLite and the kernel need files. Parts,
receipt and aside/ are keys in the job's store, which is that folder unless the settings name another.
"""

import contextlib
import functools
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from resumable.errors import ManifestUnusable, ResumableError, StorageFailed, UsageError
from resumable.models import Interval, PageKey, moment_of
from resumable.storage import durable, lock
from resumable.storage.bucket_state import BucketState, Changed, Copy
from resumable.storage.folder import FolderStore
from resumable.storage.guarded import GuardedStore
from resumable.storage.lock import Guard
from resumable.storage.store import Store
from resumable.tomlfile import nearest

MANIFEST: Final = "manifest.sqlite"
RECEIPT: Final = "receipt.json"
REPORT: Final = "report.html"
PARTS: Final = "parts"
LOCK: Final = "lock"
_MAKING: Final = f".{MANIFEST}.restored"
_ASIDE: Final = "aside"
_ANSWERS: Final = f"{_ASIDE}/answers"
_LOADS: Final = ".loads"
_PACE: Final = ".pace"
_DELETED: Final = ".deleted-"

_WINDOW = re.compile(r"window=(\d{8}T[\d.]{6,10}Z)(?:-(\d{8}T[\d.]{6,10}Z))?")
_PAGE = re.compile(r"page-(\d{5,10})(?:\.take-(\d{1,9}))?\.parquet")

StoreOf = Callable[[str], Store]
"""Makes the store of a job, by the job's name."""


def compact(moment: datetime) -> str:
    """Write a moment for a file name: `20231001T000000Z`, with milliseconds only where there are any."""
    millis = moment.microsecond // 1000
    return moment.astimezone(UTC).strftime("%Y%m%dT%H%M%S") + (f".{millis:03d}" if millis else "") + "Z"


def window_key(window: Interval) -> str:
    """Return what the parts of a window lie below: its start, and its end too unless it is a day."""
    name = f"{PARTS}/window={compact(window.start)}"
    return name if window.length == timedelta(days=1) else f"{name}-{compact(window.end)}"


def part_key(page: PageKey) -> str:
    """Return where the part of a page lies."""
    take = "" if page.take == 1 else f".take-{page.take}"
    return f"{window_key(page.window)}/page-{page.number:05d}{take}.parquet"


def answer_key(window: Interval, number: int) -> str:
    """Return where an answer is kept that was no page."""
    return f"{_ANSWERS}/{window_key(window).removeprefix(f'{PARTS}/')}-page-{number:05d}.txt"


def kept_answers(store: Store) -> int:
    """Return how many such answers a job keeps."""
    return len(store.list(_ANSWERS))


def remove_unfinished_answers(store: Store) -> None:
    """Remove what a failure or a kill has left of an answer that was being kept. Raises StorageFailed."""
    for key in store.list(_ANSWERS):
        if durable.is_temporary(name_of(key)):
            store.remove(key)


def window_of(key: str) -> Interval | None:
    """Read a window off the key that its parts lie below; None for any other key."""
    match = _WINDOW.fullmatch(name_of(key))
    if match is None:
        return None
    with suppress(ValueError):
        start = moment_of(match[1])
        window = Interval(start=start, end=moment_of(match[2]) if match[2] else start + timedelta(days=1))
        return window if window_key(window) == key else None
    return None


def take_and_number(key: str) -> tuple[int, int] | None:
    """Read take and number off the name of a part; None for any other name."""
    match = _PAGE.fullmatch(name_of(key))
    return None if match is None else (int(match[2] or 1), int(match[1]))


def name_of(key: str) -> str:
    """Return the last piece of a key."""
    return key.rpartition("/")[2]


@dataclass(frozen=True, kw_only=True)
class StateFiles:
    """The state folder: a folder a job, and what the processes of one client share."""

    folder: Path
    store_of: StoreOf | None = None
    """None: each job's folder is its store."""
    bucket: BucketState | None = None
    """Where the jobs are that lie in no folder; then that is scratch space."""

    @classmethod
    def in_bucket(cls, bucket: BucketState) -> "StateFiles":
        """Return those of jobs in a bucket."""
        return cls(folder=bucket.scratch, store_of=bucket.store, bucket=bucket)

    @property
    def place(self) -> str:
        """Where the state is, for people: a path or a URL."""
        return str(self.folder if self.bucket is None else self.bucket.address)

    @property
    def pace(self) -> Path:
        """The folder of the files through which processes share a pace."""
        return self.folder.resolve() / _PACE

    def job(self, name: str) -> "JobFiles":
        """Return where the things of a job lie, whether there is one or not."""
        return JobFiles(name=name, state=self)

    def jobs(self) -> "Iterator[JobFiles]":
        """Yield all jobs, by name, those that lost their manifest too."""
        for name in self._names():
            home = self.job(name)
            try:
                found = home.made() or home.store.kind(PARTS) in (durable.FOLDER, durable.LINK)
            except StorageFailed:
                found = True  # whoever reads it is told why it cannot be read
            if found:
                yield home

    def _names(self) -> list[str]:
        if self.bucket is not None:
            return self.bucket.names()
        return [folder.name for folder in durable.listed(self.folder, through_link=True)]

    def deleted(self) -> "list[Path]":
        """Return the folders of jobs whose deletion did not end."""
        return [path for path in durable.listed(self.folder, through_link=True) if path.name.startswith(_DELETED)]

    def no_job(self, name: str | None = None) -> UsageError:
        """Return the error that says that there is no such job, or none at all."""
        moved = "Was the state folder moved? Name it with --state or RESUMABLE_STATE."
        if name is None:
            what, hint, command = "no job", "To begin one, see:", "resumable backfill --help"
        else:
            near = nearest(name, [home.name for home in self.jobs()])
            what, hint, command = f"no job {name}{near}", "See what there is:", "resumable jobs"
        return UsageError(f"in {self.place} there is {what}.", hint=f"{moved} {hint}", command=command)


def _unkept(_: Changed) -> None:
    """Do nothing: the manifest lies where it is to stay."""


@dataclass(frozen=True, kw_only=True)
class Keeper:
    """What who changes a job asks before every write, and tells after every commit of its manifest."""

    check: Guard = lock.unguarded
    committed: Callable[[Changed], None] = _unkept


@dataclass(frozen=True, kw_only=True)
class JobFiles:
    """Where the things of one job lie."""

    name: str
    state: StateFiles

    @classmethod
    def at(cls, folder: Path) -> "JobFiles":
        """Return those of the job whose folder this is."""
        return StateFiles(folder=folder.parent).job(folder.name)

    @property
    def folder(self) -> Path:
        """The job's folder: of its manifest, its lock and scratch space; of a job in a bucket all of it is scratch."""
        return self.state.folder / self.name if self.state.bucket is None else self.state.bucket.folder(self.name)

    @property
    def place(self) -> str:
        """Where it is, for people: a path or a URL."""
        return str(self.folder) if self.state.bucket is None else f"{self.state.place}/{self.name}"

    @functools.cached_property
    def store(self) -> Store:
        """What its parts, its receipt and aside/ lie in."""
        return FolderStore(self.folder) if self.state.store_of is None else self.state.store_of(self.name)

    def guarded(self, guard: Guard) -> "JobFiles":
        """Return the same, with a store that asks before every write whether this process still holds the lock."""
        return replace(self, state=replace(self.state, store_of=lambda _: GuardedStore(self.store, guard)))

    @property
    def manifest(self) -> Path:
        """Its SQLite file, for who holds the job."""
        return self.folder / MANIFEST

    def to_look_at(self) -> Path:
        """Return its SQLite file, for who only reads: in a bucket the newest that was published.

        Raises ManifestDamaged, StorageFailed.
        """
        return self.manifest if self.state.bucket is None else self.state.bucket.readable(self.name)

    def made(self) -> bool:
        """Tell whether it has a manifest."""
        return durable.exists(self.manifest) if self.state.bucket is None else self.state.bucket.made(self.name)

    def running(self) -> bool:
        """Tell whether some process seems to be changing it now."""
        return lock.held(self.lock) if self.state.bucket is None else self.state.bucket.running(self.name)

    @contextlib.contextmanager
    def hold(self, *, now: datetime, copy: Copy) -> "Iterator[Keeper]":
        """Hold it alone: by its lock, or in a bucket by its lease. Raises JobLocked, StorageFailed.

        `copy` copies a manifest, for others to find in a bucket.
        """
        if self.state.bucket is None:
            with lock.hold(self.lock, job=self.name, now=now) as held:
                yield Keeper(check=held.check)
        else:
            with self.state.bucket.hold(self.name, copy) as leased:
                yield Keeper(check=leased.check, committed=leased.committed)

    @contextlib.contextmanager
    def hold_to_look(self, *, copy: Copy) -> Iterator[None]:
        """Keep those out who want to change it. Raises JobLocked, StorageFailed."""
        bucket = self.state.bucket
        with lock.hold_to_look(self.lock, job=self.name) if bucket is None else bucket.hold_to_look(self.name, copy):
            yield

    @property
    def loads(self) -> Path:
        """Where loads into warehouses keep what is under way; beside the jobs, and none itself."""
        return self.state.folder.resolve() / _LOADS

    @property
    def making(self) -> Path:
        """The SQLite file in which a rebuild makes a manifest, before it takes its place."""
        return self.folder / _MAKING

    @property
    def lock(self) -> Path:
        """The file that its one process holds."""
        return self.folder / LOCK

    @property
    def report(self) -> Path:
        """Where a report goes for which no other place is named."""
        return self.folder / REPORT

    @property
    def deleted(self) -> Path:
        """Where the folder goes that is being deleted; hidden, so that it is no job."""
        return self.state.folder / f"{_DELETED}{self.name}"

    def aside_folders(self) -> list[Path]:
        """Return what repairs have moved away, a folder each."""
        return [path for path in durable.listed(self.folder / _ASIDE) if durable.kind_of(path) == durable.FOLDER]

    def aside_times(self) -> Iterator[tuple[str, datetime]]:
        """Yield the key below which each repair has put what it took away, and when that was."""
        for key in self.store.list(_ASIDE):
            with suppress(ValueError):
                yield key, moment_of(name_of(key))

    def aside(self, at: str) -> str:
        """Return the key below which a repair, named by its time, puts what it takes away."""
        return f"{_ASIDE}/{at}"

    def aside_folder(self, at: str) -> Path:
        """Return the folder into which that repair puts the files of a manifest."""
        return self.folder / self.aside(at)

    def lost(self) -> ManifestUnusable | None:
        """Return what to say of a job that has parts, where its manifest is not there; None where it has none."""
        windows = (key for key in self.store.list(PARTS) if window_of(key) is not None)
        if not any(take_and_number(key) for window in windows for key in self.store.list(window)):
            return None
        return ManifestUnusable(
            f"{self.place} has parts and no manifest: it was lost.",
            hint="Make it again from the parts:",
            command=f"resumable repair {self.name}",
        )

    def missing(self) -> ResumableError:
        """Return the error that says that the manifest is not there: it was lost, or there is no such job."""
        return self.lost() or self.state.no_job(self.name)
