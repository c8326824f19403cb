"""A world in virtual time for the rules of a lease: machines that stall and die, uneven clocks, lost answers.

One thread plays all machines: while one waits inside a call, the others do what falls into that time. So a call ends no
earlier than its time, and sometimes much later, as on a machine that was stopped.
"""

import json
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from resumable.errors import JobLocked, StorageFailed
from resumable.storage.lease import HEAD, Head, Lease, Means, take
from resumable.storage.store import Exists, Moved, Tag, Tagged
from tests.support.memory_store import MemoryStore

LIFE = 60.0
BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)


class Broken(AssertionError):
    """A rule was broken."""


@dataclass(kw_only=True)
class World:
    """What all machines share."""

    random: random.Random
    now: float = 0.0
    objects: MemoryStore = field(default_factory=MemoryStore)
    machines: "list[Machine]" = field(default_factory=list)
    epochs: int = 0
    """The newest epoch that any machine was told it has."""
    acknowledged: set[str] = field(default_factory=set)
    """What was published, as the machine that did it was told."""
    late: list[tuple[float, str, bytes, Tag]] = field(default_factory=list)
    """Puts that are held back on their way."""
    counted: int = 0

    def run(self, until: float) -> None:
        """Let all machines live until then."""
        while self.now < until:
            self.pass_time(min(5.0, until - self.now))

    def pass_time(self, seconds: float) -> None:
        """Let others do what falls into that time."""
        target = self.now + seconds
        while True:
            free = [machine for machine in self.machines if not machine.busy and machine.next_at <= target]
            if not free:
                break
            first = min(free, key=lambda machine: machine.next_at)
            self.now = max(self.now, first.next_at)
            first.step()
            self.judge()
        self.now = max(self.now, target)
        self.deliver()

    def deliver(self) -> None:
        """Let puts arrive whose time has come."""
        due = [put for put in self.late if put[0] <= self.now]
        self.late = [put for put in self.late if put[0] > self.now]
        for _, key, data, tag in due:
            self.objects.replace(key, data, tag)

    def judge(self) -> None:
        """Raise where two rely on the lease at once, or the head does not lead to all that was acknowledged."""
        relying = [machine for machine in self.machines if machine.lease is not None and machine.lease.valid]
        if len(relying) > 1:
            raise Broken(f"at {self.now:.1f} s two machines rely on the lease")
        if HEAD not in self.objects.objects:
            return
        head = Head.decoded(self.objects.read(HEAD))
        if head is None:
            raise Broken("the head is damaged")
        if head.snapshot is None:
            held: set[str] = set()
        elif head.snapshot not in self.objects.objects:
            raise Broken(f"at {self.now:.1f} s the head names {head.snapshot}, which is not there")
        else:
            held = set(json.loads(self.objects.read(head.snapshot)))
        if not self.acknowledged <= held:
            raise Broken(f"at {self.now:.1f} s something that was published is not there any more")


@dataclass(kw_only=True)
class Wire(MemoryStore):
    """The store as one machine sees it: calls take time, answers are lost, puts come late."""

    world: World

    def replace(self, key: str, data: bytes | memoryview, tag: Tag) -> Tag | Moved:
        """Put, and perhaps hear nothing of it."""
        chance = self.world.random.random()
        self._travel()
        if chance < 0.04:
            delay = self.world.random.uniform(0, 3 * LIFE)
            self.world.late.append((self.world.now + delay, key, bytes(data), tag))
            raise StorageFailed("no answer")
        answer = self.world.objects.replace(key, data, tag)
        if chance < 0.08:
            raise StorageFailed("the answer is lost")
        if chance < 0.16:  # lost too, and the put repeated, as clients do by themselves
            self._travel()
            answer = self.world.objects.replace(key, data, tag)
        self._travel()
        return answer

    def create(self, key: str, data: bytes | memoryview) -> Tag | Exists:
        """Make, and perhaps hear that it was there already."""
        self._travel()
        answer = self.world.objects.create(key, data)
        if self.world.random.random() < 0.08:
            answer = self.world.objects.create(key, data)
        self._travel()
        return answer

    def tagged(self, key: str) -> Tagged:
        """Look."""
        self._travel()
        found = self.world.objects.tagged(key)
        self._travel()
        return found

    def read(self, key: str, last: int | None = None) -> bytes:
        """Read."""
        self._travel()
        return self.world.objects.read(key, last)

    def remove(self, key: str) -> None:
        """Delete."""
        self._travel()
        self.world.objects.remove(key)

    def list(self, prefix: str) -> "list[str]":
        """List."""
        return [*self.world.objects.list(prefix)]

    def _travel(self) -> None:
        stalled = self.world.random.random() < 0.02
        self.world.pass_time(self.world.random.uniform(0, 3 * LIFE if stalled else 0.5))


@dataclass(kw_only=True)
class Machine:
    """One that wants the job."""

    world: World
    next_at: float
    lease: Lease | None = None
    busy: bool = False
    known: set[str] = field(default_factory=set)
    rate: float = 1.0
    offset: float = 0.0
    skew: float = 0.0

    def __post_init__(self) -> None:
        """Give it clocks of its own."""
        self.rate = self.world.random.uniform(0.92, 1.08)
        self.offset = self.world.random.uniform(0, 1e6)
        self.skew = self.world.random.uniform(-300, 300)
        self.store = Wire(world=self.world)

    def means(self) -> Means:
        """Return its clocks."""
        return Means(
            monotonic=lambda: self.world.now * self.rate + self.offset,
            now=lambda: BEGINNING + timedelta(seconds=self.world.now + self.skew),
            wait=lambda seconds: self.world.pass_time(seconds / self.rate),
            token=lambda: f"{self.world.random.getrandbits(64):x}",
            holder=f"machine {id(self)}",
            life_seconds=LIFE,
        )

    def step(self) -> None:
        """Do one thing."""
        self.busy = True
        try:
            self._do()
        except JobLocked:
            self.lease = None
        except StorageFailed:
            pass  # it goes on as far as its lease lets it
        finally:
            self.busy = False
            self.next_at = self.world.now + self.world.random.uniform(0, LIFE / 3)

    def _do(self) -> None:
        world, chance = self.world, self.world.random.random()
        if self.lease is None:
            lease = take(self.store, self.means())
            world.epochs = max(world.epochs, lease.head.epoch)
            key = lease.head.snapshot
            try:
                self.known = set(json.loads(self.store.read(key))) if key else set()
            except FileNotFoundError:
                return  # it took so long that another has it, and has cleared up
            self.lease = lease
            lease.adopt_garbage()
        elif chance < 0.05:
            self.lease = None  # it dies, and another is put in its place
        elif chance < 0.12:
            lease, self.lease = self.lease, None
            lease.release()
        elif chance < 0.45:
            self.lease.renew()
        else:
            self.lease.check()
            if self.lease.head.epoch < world.epochs:
                raise Broken(f"at {world.now:.1f} s epoch {self.lease.head.epoch} writes after {world.epochs}")
            world.counted += 1
            fact = f"fact {world.counted}"
            self.known.add(fact)
            self.lease.publish(json.dumps(sorted(self.known)).encode())
            world.acknowledged.add(fact)


def played(seed: int, *, machines: int = 3, seconds: float = 1200.0) -> World:
    """Play a world to its end. Raises Broken."""
    world = World(random=random.Random(seed))
    world.machines = [Machine(world=world, next_at=n * 1.0) for n in range(machines)]
    world.run(seconds)
    return world
