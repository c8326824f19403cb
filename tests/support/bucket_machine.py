"""Machines that share a bucket, in one process: each can be lost with its disk, or stopped and woken, at any write."""

import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import resumable
from resumable.errors import StorageFailed
from resumable.models import JobSpec
from resumable.simulator.simulator import Simulator
from resumable.storage.address import Address
from resumable.storage.bucket_state import BucketState
from resumable.storage.durable import Saved
from resumable.storage.job_files import MANIFEST, StateFiles
from resumable.storage.store import Exists, Moved, Store, Tag
from tests.support.builders import START, virtual_settings
from tests.support.clock import VirtualClock
from tests.support.memory_store import MemoryStore

LIFE = 0.3
ADDRESS = Address(scheme="s3", container="bucket", prefix="state")


@dataclass
class Bucket:
    """What lies in it, by the prefix of each job."""

    stores: dict[str, MemoryStore] = field(default_factory=dict)

    def at(self, address: Address) -> MemoryStore:
        """Return the store at an address."""
        return self.stores.setdefault(str(address), MemoryStore(str(address), contested=True))

    @property
    def job(self) -> MemoryStore:
        """The store of the one job."""
        return self.at(ADDRESS.below("job"))


Happening = Callable[[], None]


@dataclass
class Machine:
    """One machine: what it writes is counted, and at one write something happens to it."""

    bucket: Bucket
    at: int = -1
    """The write at which that is, counted from 0."""
    of: str = ""
    """What the write begins with; all count that do."""
    before: Happening | None = None
    """What happens before that write; the write is done after it, where the machine is still there."""
    after: Happening | None = None
    """What happens after it."""
    lost: bool = False
    frozen: bool = False
    writes: list[str] = field(default_factory=list)
    repeated: bool = False
    """Each answer to a put is lost once, and the put repeated, as a client does by itself."""
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def state(self) -> BucketState:
        """Return the bucket as it sees it."""
        return BucketState(
            ADDRESS, MANIFEST, lambda address, _: _Wire(self, self.bucket.at(address)), life_seconds=LIFE
        )

    def lose(self) -> None:
        """Switch it off: nothing of it runs on."""
        self.lost = True
        self.must_live()

    @contextmanager
    def writing(self, what: str) -> Iterator[None]:
        """Count a write, and let happen what is to."""
        self.must_live()
        with self._lock:
            counts = what.startswith(self.of)
            number = sum(done.startswith(self.of) for done in self.writes)
            self.writes.append(what)
        if counts and number == self.at and self.before is not None:
            self.before()
        yield
        if counts and number == self.at and self.after is not None:
            self.after()

    def must_live(self) -> None:
        """Raise where it is lost, or its thread that renews the lease is stopped."""
        keeper = threading.current_thread().name == "lease"
        if keeper and (self.lost or self.frozen):
            raise StorageFailed("stopped")
        if self.lost:
            raise KeyboardInterrupt

    def settings(self, sim: Simulator, clock: VirtualClock, **more: Any) -> resumable.Settings:  # noqa: ANN401 - any setting
        """Return settings that lead to the bucket."""
        files = StateFiles.in_bucket(self.state())
        settings = virtual_settings(sim, clock, files.folder, **more)
        settings.__dict__["files"] = files
        return settings

    def job(self, sim: Simulator, clock: VirtualClock, **more: Any) -> resumable.Job:  # noqa: ANN401 - any setting
        """Make the job, or find it, on this machine: two days, in pages of 20."""
        spec = JobSpec.of(more.pop("dataset", "conversations"), START, START + timedelta(days=2), page_size=20)
        return resumable.make(spec, self.settings(sim, clock, **more), name="job", clock=clock)

    def run(self, sim: Simulator, clock: VirtualClock, **more: Any) -> resumable.Status:  # noqa: ANN401 - any setting
        """Make the job and run it; its disk is gone afterwards, however that ended."""
        folder = None
        try:
            job = self.job(sim, clock, **more)
            folder = job.folder.parent
            return job.run()
        finally:
            if folder is not None:
                shutil.rmtree(folder, ignore_errors=True)


class _Wire(MemoryStore):
    """A store as one machine sees it."""

    def __init__(self, machine: Machine, real: Store) -> None:
        super().__init__(contested=True)
        self._machine, self._real = machine, real

    def __getattribute__(self, name: str) -> Any:  # noqa: ANN401 - whatever the store has
        if name in ("create", "replace", "save", "remove", "move", "contested") or name.startswith("_"):
            return object.__getattribute__(self, name)
        object.__getattribute__(self, "_machine").must_live()
        return getattr(object.__getattribute__(self, "_real"), name)

    def create(self, key: str, data: bytes | memoryview) -> Tag | Exists:
        with self._machine.writing(f"create {key}"):
            made = self._real.create(key, data)
            return self._real.create(key, data) if self._machine.repeated else made

    def replace(self, key: str, data: bytes | memoryview, tag: Tag) -> Tag | Moved:
        with self._machine.writing(f"replace {key}"):
            made = self._real.replace(key, data, tag)
            return self._real.replace(key, data, tag) if self._machine.repeated else made

    def save(self, key: str, data: bytes | memoryview) -> Saved:
        with self._machine.writing(f"save {key}"):
            return self._real.save(key, data)

    def remove(self, key: str) -> None:
        with self._machine.writing(f"remove {key}"):
            self._real.remove(key)

    def move(self, key: str, target: str) -> None:
        with self._machine.writing(f"move {key}"):
            self._real.move(key, target)
