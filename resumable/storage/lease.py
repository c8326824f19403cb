"""The lock of a job in a bucket: a lease on its head, one object that also says which snapshot file is its manifest.

It ends by itself, and no two clocks are compared: who waits takes it over only after having seen the same tag for the
whole life of the lease, and who holds it counts its life from before the put that renewed it was sent, and stops at a
life less 30 %. The head changes only by `replace` with the tag that was seen, so that of two who believe to hold it one
is told otherwise, and nothing that was held back on its way can take it.
"""

import hashlib
import json
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Final

from resumable.errors import JobLocked, StorageFailed
from resumable.models import iso, moment_of
from resumable.storage.store import Exists, Moved, Store, Tag

HEAD: Final = "head.json"
MANIFESTS: Final = "manifest"
SAFE_SHARE: Final = 0.7
"""Of its life, a lease is relied on: the rest is for clocks that run unevenly."""

_LOOKS_IN_A_LIFE = 12
_FORMAT = 1
_LIFE_MOST = 3600.0
_TRIES = 5


@dataclass(frozen=True, kw_only=True)
class Head:
    """What the head of a job says."""

    epoch: int
    """Grows by one with each who takes the lease."""
    holder: str
    """Who holds it, for people; empty where nobody does."""
    nonce: str
    """Another one in each put, so that no two heads are the same bytes."""
    life_seconds: float
    renewed_at: str
    """By the holder's clock, for people: nothing is decided by it."""
    number: int = 0
    """Of the snapshot file, in its epoch."""
    snapshot: str | None = None
    """The key of the snapshot file; None before the first."""
    sha256: str = ""
    """Of the snapshot file."""

    def encoded(self) -> bytes:
        """Write it."""
        return json.dumps({"format": _FORMAT, **asdict(self)}, sort_keys=True).encode()

    @property
    def at(self) -> datetime:
        """When it was renewed."""
        return moment_of(self.renewed_at)

    @classmethod
    def decoded(cls, data: bytes) -> "Head | None":
        """Read it; None for what is no head."""
        try:
            facts = json.loads(data)
            if facts.pop("format") != _FORMAT:
                return None
            head = cls(**facts)
            sound = head.epoch >= 0 and head.number >= 0 and 0 < head.life_seconds <= _LIFE_MOST
            texts = isinstance(head.holder, str) and isinstance(head.nonce, str) and isinstance(head.sha256, str)
            sound = sound and texts and isinstance(head.snapshot, str | None)
            return head if sound and head.at else None
        except (ValueError, TypeError, KeyError, AttributeError):
            return None


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A head that was looked at."""

    head: Head | None
    """None where it is damaged."""
    tag: Tag


def look(store: Store) -> Seen | None:
    """Return the head of a job, or None where there is none."""
    try:
        found = store.tagged(HEAD)
    except FileNotFoundError:
        return None
    return Seen(head=Head.decoded(found.data), tag=found.tag)


def snapshot_key(epoch: int, number: int) -> str:
    """Return the key of a snapshot file: no two are ever the same."""
    return f"{MANIFESTS}/{epoch}-{number}.sqlite"


@dataclass(frozen=True, kw_only=True)
class Means:
    """What a lease is held by: time, and who."""

    monotonic: Callable[[], float]
    now: Callable[[], datetime]
    wait: Callable[[float], None]
    token: Callable[[], str]
    """Makes a nonce."""
    holder: str
    life_seconds: float


class Waiter:
    """Watches a lease that another holds, until that is seen to live or has not been renewed for its whole life."""

    def __init__(self, monotonic: Callable[[], float], life_seconds: float) -> None:
        """`life_seconds` is that of a damaged head, which does not say its own."""
        self._monotonic = monotonic
        self._life = life_seconds
        self._tag: Tag | None = None
        self._since = 0.0

    def may_take(self, seen: Seen, *, looked_at: float) -> bool:
        """Tell whether it may be taken over. `looked_at` is the second before the look began. Raises JobLocked."""
        head = seen.head
        if head is not None and not head.holder:
            return True
        if self._tag is None:
            self._tag, self._since = seen.tag, self._monotonic()
            return False
        if seen.tag != self._tag:
            raise JobLocked(
                f"the job is being run by another process ({'another' if head is None else head.holder}).",
                hint="See how it goes with: resumable status",
            )
        return looked_at - self._since >= (self._life if head is None else head.life_seconds)


def take(store: Store, means: Means, *, tell: Callable[[str], None] = lambda _: None) -> "Lease":
    """Take the lease of a job, waiting to see whether who has it still lives. Raises JobLocked, StorageFailed."""
    waiter, told = Waiter(means.monotonic, means.life_seconds), False
    while True:
        looked_at = means.monotonic()
        seen = look(store)
        if seen is None or waiter.may_take(seen, looked_at=looked_at):
            return _taken(store, means, seen)
        life = means.life_seconds if seen.head is None else seen.head.life_seconds
        if not told:
            who = "somebody" if seen.head is None else seen.head.holder
            tell(f"the job is held by {who}; waiting up to {life:.0f} s to see whether that is still there")
            told = True
        means.wait(life / _LOOKS_IN_A_LIFE)


def _taken(store: Store, means: Means, seen: Seen | None) -> "Lease":
    sent = means.monotonic()
    old = None if seen is None else seen.head
    epoch = (_last_epoch(store) if old is None else old.epoch) + 1
    head = Head(
        epoch=epoch,
        holder=means.holder,
        nonce=means.token(),
        life_seconds=means.life_seconds,
        renewed_at=iso(means.now()),
        snapshot=None if old is None else old.snapshot,
        sha256="" if old is None else old.sha256,
    )
    data = head.encoded()
    answer = store.create(HEAD, data) if seen is None else store.replace(HEAD, data, seen.tag)
    if isinstance(answer, Exists | Moved):
        # By ourselves, where the answer was lost and the put repeated; else another was first.
        found = look(store)
        if found is None or found.head != head:
            raise JobLocked("another process has just taken the job.", hint="See how it goes with: resumable status")
        answer = found.tag
    return Lease(store, means, head, answer, sent)


def _last_epoch(store: Store) -> int:
    """Return the last epoch that any snapshot file is of, where the head that knew it is gone."""
    epochs = [0]
    for key in store.list(MANIFESTS):
        number = key.rpartition("/")[2].partition("-")[0]
        epochs += [int(number)] if number.isascii() and number.isdigit() else []
    return max(epochs)


class Lease:
    """A lease that is held. Safe to use from all threads."""

    def __init__(self, store: Store, means: Means, head: Head, tag: Tag, sent: float) -> None:
        """Use `take`. `sent` is the second before the put by which it was taken."""
        self._store = store
        self._means = means
        self._head = head
        self._tag = tag
        self._lock = threading.RLock()
        self._attempted = {head.nonce: sent}
        self._lost = False
        self._valid_until = sent + SAFE_SHARE * means.life_seconds
        self._garbage: list[tuple[str, float]] = []

    @property
    def head(self) -> Head:
        """What the head said when it was last changed."""
        return self._head

    @property
    def lost(self) -> bool:
        """Whether another was seen to have it."""
        return self._lost

    @property
    def valid(self) -> bool:
        """Whether it may be relied on, by this machine's own clock."""
        return not self._lost and self._means.monotonic() < self._valid_until

    def check(self) -> None:
        """Return if the lease may be relied on. Raises JobLocked where another has it, StorageFailed where none tells.

        To be asked before every write. One that has run out is renewed, which fails where anybody has taken it since.
        """
        for _ in range(_TRIES):
            if self.valid:
                return
            self.renew()  # whose answer may have taken longer than it is good for
        raise StorageFailed("the store answers too slowly to hold the job.", hint="Run the same command again.")

    def renew(self) -> None:
        """Put the head anew. Raises JobLocked where it is another's, StorageFailed."""
        with self._lock:
            self._put(lambda head: head)

    def publish(self, data: bytes) -> None:
        """Make a copy of the manifest the one that the head names, durably. Raises JobLocked, StorageFailed."""
        with self._lock:
            self.check()
            number, digest = self._head.number, hashlib.sha256(data).hexdigest()
            while True:
                number += 1
                key = snapshot_key(self._head.epoch, number)
                if not isinstance(self._store.create(key, data), Exists) or self._holds(key, data):
                    break
            before = self._head.snapshot
            self._put(lambda head: replace(head, number=number, snapshot=key, sha256=digest))
            self._clear(before)

    def release(self) -> None:
        """Let others take it at once, and rely on it no more, whether that is heard or not. Raises as `renew` does."""
        with self._lock:
            try:
                self._put(lambda head: replace(head, holder=""))
            finally:
                self._lost = True

    def adopt_garbage(self) -> None:
        """Take over what others left: snapshot files that no head names any more."""
        now = self._means.monotonic()
        self._garbage += [(key, now) for key in self._store.list(MANIFESTS) if key != self._head.snapshot]

    def _put(self, change: Callable[[Head], Head]) -> None:
        if self._lost:
            raise self._taken_away()
        for _ in range(_TRIES):
            sent = self._means.monotonic()
            fresh = replace(change(self._head), nonce=self._means.token(), renewed_at=iso(self._means.now()))
            self._attempted[fresh.nonce] = sent
            answer = self._store.replace(HEAD, fresh.encoded(), self._tag)
            if not isinstance(answer, Moved):
                self._is(fresh, answer, sent)
                return
            found = look(self._store)
            if found is None or found.head is None or found.head.nonce not in self._attempted:
                self._lost = True
                raise self._taken_away()
            # A put of our own, whose answer was lost: this one, or an earlier one that came late.
            self._is(found.head, found.tag, self._attempted[found.head.nonce])
            if found.head == fresh:
                return
        raise StorageFailed("the head of the job changes under this process.", hint="Run the same command again.")

    def _is(self, head: Head, tag: Tag, sent: float) -> None:
        self._head, self._tag = head, tag
        self._attempted = {nonce: at for nonce, at in self._attempted.items() if at >= sent}
        self._valid_until = max(self._valid_until, sent + SAFE_SHARE * self._means.life_seconds)

    def _clear(self, before: str | None) -> None:
        """Delete the snapshot files that no head has named for the life of a lease: who looked then has read them."""
        now = self._means.monotonic()
        if before is not None and before != self._head.snapshot:
            self._garbage.append((before, now))
        old = [key for key, since in self._garbage if now - since >= self._means.life_seconds]
        self._garbage = [(key, since) for key, since in self._garbage if key not in old]
        for key in old:
            self._store.remove(key)

    def _holds(self, key: str, data: bytes) -> bool:
        try:
            return self._store.read(key) == data
        except FileNotFoundError:
            return False  # who has the job by now has cleared it away

    def _taken_away(self) -> JobLocked:
        return JobLocked(
            f"the job was taken over by another process, since this one ({self._means.holder}) had not renewed its"
            " lease. Nothing was written since.",
            hint="See how it goes with: resumable status",
        )
