"""Jobs in a bucket: head, snapshot files and parts are there, and the working manifest of each in scratch space.

The scratch folder may die with the machine: what is in it is in the bucket too, or can be found again from there.
"""

import contextlib
import hashlib
import os
import secrets
import shutil
import socket
import tempfile
import threading
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from resumable.clock import Clock, SystemClock
from resumable.errors import JobLocked, ManifestDamaged, StorageFailed
from resumable.models import iso
from resumable.storage import durable
from resumable.storage.address import Address
from resumable.storage.bucket_client import PATIENCE_SECONDS
from resumable.storage.lease import HEAD, Head, Lease, Means, look, take
from resumable.storage.probe import probe
from resumable.storage.store import Store

LIFE_SECONDS: Final = 60.0
_BESIDE: Final = ("-wal", "-shm", "-journal", "")

PUBLISH_SECONDS: Final = 30.0
PUBLISH_PAGES: Final = 500
PUBLISH_SECONDS_MOST: Final = 600.0
_TRIES = 5
SHARE_OF_PARTS: Final = 10
"""Snapshot files that are not urgent come to at most a tenth of the bytes of the parts."""

Copy = Callable[[Path], bytes]
"""Returns a whole and sound copy of a manifest that others may be writing to."""

StoreAt = Callable[[Address, float], Store]
"""Makes the store at an address, with the seconds for which a request is repeated."""


@dataclass(frozen=True, kw_only=True)
class Changed:
    """What the keeper of a manifest is told after each commit."""

    carried: int | None
    """Bytes of the part that carries the change, so that it is found again; None: nothing does."""


class BucketState:
    """A prefix of a bucket that holds jobs."""

    def __init__(
        self,
        address: Address,
        file_name: str,
        store_at: StoreAt,
        *,
        life_seconds: float = LIFE_SECONDS,
        clock: Clock | None = None,
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Nothing is asked of the bucket until then; `file_name` is what a manifest's file is called."""
        self.address = address
        self._file_name = file_name
        self._store_at = store_at
        self._life = life_seconds
        self._clock = clock or SystemClock()
        self._tell = tell
        self._held: dict[str, LeaseHeld] = {}
        self._fetched: dict[str, str] = {}
        self._stores: dict[tuple[Address, float], Store] = {}
        self._scratch: Path | None = None
        self._probed = False

    @property
    def scratch(self) -> Path:
        """The folder of the working files, which goes with this process."""
        if self._scratch is None:
            self._scratch = Path(tempfile.mkdtemp(prefix="resumable-"))
            weakref.finalize(self, shutil.rmtree, self._scratch, ignore_errors=True)
        return self._scratch

    def try_out(self) -> None:
        """Raise StorageFailed where the store does not keep its conditions; once is enough."""
        if not self._probed:
            probe(self._at(self.address, PATIENCE_SECONDS))
            self._probed = True

    def store(self, name: str) -> Store:
        """Return the store of a job."""
        return self._at(self.address.below(name), PATIENCE_SECONDS)

    def names(self) -> list[str]:
        """Return what may be jobs, by name."""
        root = self._at(self.address, PATIENCE_SECONDS)
        return [key for key in root.list("") if root.kind(key) == durable.FOLDER]

    def made(self, name: str) -> bool:
        """Tell whether a job has a manifest."""
        if name in self._held:
            return durable.exists(self.working(name))
        seen = look(self._heads(name))
        return seen is not None and (seen.head is None or seen.head.snapshot is not None)

    def running(self, name: str) -> bool:
        """Tell whether somebody seems to be at work on a job, as far as one look can tell."""
        if name in self._held:
            return True
        seen = look(self._heads(name))
        if seen is None or seen.head is None or not seen.head.holder:
            return False
        return self._clock.now() - seen.head.at < timedelta(seconds=3 * seen.head.life_seconds)

    def folder(self, name: str) -> Path:
        """Return the scratch folder of a job, which is there."""
        durable.make_folder(folder := self.scratch / name, within=self.scratch)
        return folder

    def working(self, name: str) -> Path:
        """Return the manifest that this process changes, while it holds the job."""
        return self.folder(name) / self._file_name

    def readable(self, name: str) -> Path:
        """Return a manifest to look at: the one that is being changed here, or the newest that was published.

        Raises ManifestDamaged, StorageFailed.
        """
        if name in self._held:
            return self.working(name)
        place = self.scratch / ".looked-at" / name / self._file_name
        seen = look(self._heads(name))
        if seen is None or (seen.head is not None and seen.head.snapshot is None):
            _remove(place)
            self._fetched.pop(name, None)
        elif seen.head is None or self._fetched.get(name) != seen.head.sha256:
            self._fetched[name] = self._fetch(name, seen.head, place)
        return place

    def _fetch(self, name: str, head: Head | None, place: Path) -> str:
        """Put the manifest that a head names into a file, and return its hash; once more where it has just moved on."""
        store = self._heads(name)
        for _ in range(_TRIES):
            if head is None:
                raise _damaged(store, name, "it says nothing")
            key = head.snapshot
            if key is None:
                break
            try:
                data = store.read(key)
            except FileNotFoundError:
                newer = look(store)
                if newer is None or newer.head is None or newer.head.snapshot == key:
                    raise _damaged(store, name, f"{key}, which it names, is gone") from None
                head = newer.head
                continue
            if hashlib.sha256(data).hexdigest() != head.sha256:
                raise _damaged(store, name, f"{key} is not as it was published")
            durable.make_folder(place.parent, within=self.scratch)
            _remove(place)
            durable.save(place, data)
            return head.sha256
        return ""

    def lease(self, name: str) -> Lease:
        """Take the lease of a job, and no more than that. Raises JobLocked, StorageFailed."""
        self.try_out()
        return take(self._heads(name), self._means(name), tell=self._tell)

    @contextlib.contextmanager
    def hold(self, name: str, copy: Copy) -> "Iterator[LeaseHeld]":
        """Hold the lease of a job, with its manifest as the working one; publish what is changed, and let go of it.

        Raises JobLocked, StorageFailed. A manifest that cannot be fetched is not there: a repair makes it again.
        """
        lease, path = self.lease(name), self.working(name)
        _remove(path)
        with LeaseHeld(lease, path, copy, self._clock) as held:
            lease.adopt_garbage()
            with contextlib.suppress(ManifestDamaged):
                self._fetch(name, lease.head, path)
            self._held[name] = held
            try:
                yield held
            finally:
                del self._held[name]
                self._fetched.pop(name, None)

    @contextlib.contextmanager
    def hold_to_look(self, name: str, copy: Copy) -> Iterator[None]:
        """Keep those out who want to change a job; who may not write to the bucket keeps nobody out."""
        if look(self._heads(name)) is None:
            yield
            return
        with contextlib.ExitStack() as stack:
            with contextlib.suppress(StorageFailed):
                stack.enter_context(self.hold(name, copy))
            yield

    def _heads(self, name: str) -> Store:
        """Return the store of a job, impatient enough for a lease."""
        return self._at(self.address.below(name), self._life / 4)

    def _at(self, address: Address, patience_seconds: float) -> Store:
        key = (address, patience_seconds)
        if key not in self._stores:
            self._stores[key] = self._store_at(*key)
        return self._stores[key]

    def _means(self, name: str) -> Means:
        now = self._clock.now()
        return Means(
            monotonic=self._clock.monotonic,
            now=self._clock.now,
            wait=self._wait,
            token=lambda: secrets.token_hex(12),
            holder=f"pid {os.getpid()} on {socket.gethostname()}, since {iso(now)}",
            life_seconds=self._life,
        )

    def _wait(self, seconds: float) -> None:
        condition = threading.Condition()
        with condition:
            self._clock.wait(condition, seconds)


class LeaseHeld:
    """A job that is held: its lease is renewed, and its manifest published, by a thread of its own."""

    def __init__(self, lease: Lease, path: Path, copy: Copy, clock: Clock) -> None:
        """Nothing is changed until then."""
        self._lease = lease
        self._path = path
        self._copy = copy
        self._clock = clock
        self._changes = 0
        self._published = 0
        self._published_at = clock.monotonic()
        self._pages = 0
        self._unpublished_bytes = 0
        self._last_size = 0
        self._over = False
        self._condition = threading.Condition()
        self._publishing = threading.Lock()
        self._thread = threading.Thread(target=self._attend, name="lease", daemon=True)

    def __enter__(self) -> "LeaseHeld":
        """Begin to renew."""
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: object) -> None:
        """Publish what is left, and let others have the job. What went wrong before is not hidden by what does here."""
        with self._condition:
            self._over = True
            self._condition.notify_all()
        self._thread.join()
        if self._lease.lost:
            return
        try:
            self.publish()
            self._lease.release()
        except (JobLocked, StorageFailed):
            if kind is None:
                raise

    def check(self) -> None:
        """Raise JobLocked or StorageFailed where the job may be another's by now."""
        self._lease.check()

    def committed(self, changed: Changed) -> None:
        """Take note of a change of the manifest; return only once it is published, where no part carries it."""
        with self._condition:
            self._changes += 1
            self._pages += 1 if changed.carried else 0
            self._unpublished_bytes += changed.carried or 0
            if self._due():
                self._condition.notify_all()
        if changed.carried is None:
            self.publish()

    def publish(self) -> None:
        """Publish the manifest, unless that which it is now is published already. Raises JobLocked, StorageFailed."""
        wanted = self._changes
        with self._publishing:
            if self._published >= wanted:
                return
            changes = self._changes
            if durable.exists(self._path):
                data = self._copy(self._path)
                self._lease.publish(data)
                self._last_size = len(data)
            with self._condition:
                self._published, self._published_at = changes, self._clock.monotonic()
                self._pages = self._unpublished_bytes = 0

    def _due(self) -> bool:
        if self._changes == self._published:
            return False
        age = self._clock.monotonic() - self._published_at
        small = self._last_size * SHARE_OF_PARTS <= self._unpublished_bytes
        return age >= PUBLISH_SECONDS_MOST or (small and (age >= PUBLISH_SECONDS or self._pages >= PUBLISH_PAGES))

    def _attend(self) -> None:
        """Renew the lease in time, and publish what is due, until it is over or lost."""
        every = self._lease.head.life_seconds / 3
        renewed_at = self._clock.monotonic()
        while True:
            with self._condition:
                if not self._over and not self._due():
                    left = renewed_at + every - self._clock.monotonic()
                    self._clock.wait(self._condition, max(0.0, min(left, 1.0)))
                if self._over or self._lease.lost:
                    return
                due = self._due()
            begun = self._clock.monotonic()
            if not due and begun - renewed_at < every:
                continue
            try:
                if due:
                    self.publish()
                else:
                    self._lease.renew()
                renewed_at = begun
            except JobLocked:
                return  # whoever writes next is told
            except StorageFailed:
                # Tried again soon; whoever writes after the lease has run out is told.
                renewed_at = begun - every * 0.8


def _remove(path: Path) -> None:
    for ending in _BESIDE:
        durable.remove(Path(f"{path}{ending}"))


def _damaged(store: Store, name: str, why: str) -> ManifestDamaged:
    return ManifestDamaged(
        f"the manifest of the job {name} cannot be read: {store.place(HEAD)}: {why}.",
        hint="Make it again from the parts:",
        command=f"resumable repair {name}",
    )
