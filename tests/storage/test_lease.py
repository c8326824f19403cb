"""The lease of a job in a bucket: its rules in virtual time, over thousands of worlds, and each rule left out once."""

import dataclasses
import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest

from resumable.errors import JobLocked, StorageFailed
from resumable.models import moment_of
from resumable.storage import lease as lease_module
from resumable.storage.lease import HEAD, Head, Lease, Means, Seen, Waiter, look, snapshot_key, take
from resumable.storage.store import Moved, Tag
from tests.storage.lease_world import BEGINNING, LIFE, Broken, played
from tests.support.memory_store import MemoryStore

WORLDS = 150
CAUGHT_WITHIN = 150


class Clock:
    """A second hand that a test moves."""

    def __init__(self) -> None:
        """It stands at 100."""
        self.at = 100.0

    def means(self, holder: str = "pid 1 on here") -> Means:
        """Return what a lease is held by."""
        tokens = iter(range(1000))
        return Means(
            monotonic=lambda: self.at,
            now=lambda: BEGINNING,
            wait=self._wait,
            token=lambda: f"{holder}-{next(tokens)}",
            holder=holder,
            life_seconds=LIFE,
        )

    def _wait(self, seconds: float) -> None:
        self.at += seconds


def test_the_rules_hold_in_every_world() -> None:
    """Never do two rely on it, no older epoch writes after a newer one, and nothing acknowledged is lost."""
    counted = epochs = 0
    for seed in range(WORLDS):
        try:
            world = played(seed)
        except Broken as broken:
            raise AssertionError(f"seed {seed}: {broken}") from broken
        counted, epochs = counted + len(world.acknowledged), epochs + world.epochs
    assert counted > WORLDS * 5
    assert epochs > WORLDS * 2


@pytest.mark.torture
def test_the_rules_hold_in_thousands_of_worlds(tally: Callable[[str, int], None]) -> None:
    """The same, with two to five machines."""
    for seed in range(1000, 4000):
        try:
            world = played(seed, machines=2 + seed % 4, seconds=1800.0)
        except Broken as broken:
            raise AssertionError(f"seed {seed}: {broken}") from broken
        tally("leases taken over in virtual time", world.epochs)


def _no_check(self: Lease) -> None:
    """Believe."""


def _by_clock(self: Waiter, seen: Seen, *, looked_at: float) -> bool:
    head = seen.head
    return head is not None and (not head.holder or (BEGINNING - head.at).total_seconds() + looked_at % 1000 > LIFE)


def _head_first(self: Lease, data: bytes) -> None:
    self.check()
    number = self.head.number + 1
    key = snapshot_key(self.head.epoch, number)
    digest = hashlib.sha256(data).hexdigest()
    self._put(lambda head: dataclasses.replace(head, number=number, snapshot=key, sha256=digest))
    self._store.create(key, data)


def _deleted_first(self: Lease, data: bytes) -> None:
    if self.head.snapshot is not None:
        self._store.remove(self.head.snapshot)
    _published(self, data)


def _not_judged(self: Lease, change: Callable[[Head], Head]) -> None:
    fresh = dataclasses.replace(change(self.head), nonce=self._means.token())
    answer = self._store.replace(HEAD, fresh.encoded(), self._tag)
    self._is(fresh, self._tag if isinstance(answer, Moved) else answer, self._means.monotonic())


_published = Lease.publish


@pytest.mark.parametrize(
    ("where", "name", "bug"),
    [
        (Lease, "check", _no_check),
        (Waiter, "may_take", _by_clock),
        (Lease, "publish", _head_first),
        (Lease, "publish", _deleted_first),
        (Lease, "_put", _not_judged),
        (lease_module, "SAFE_SHARE", 1.5),
    ],
    ids=["no check", "takeover by clock", "head before snapshot", "deleted first", "refusal ignored", "no margin"],
)
def test_a_rule_left_out_is_noticed(monkeypatch: pytest.MonkeyPatch, where: Any, name: str, bug: Any) -> None:  # noqa: ANN401 - whatever is replaced
    """Each rule is needed: without it some world breaks."""
    monkeypatch.setattr(where, name, bug)
    for seed in range(CAUGHT_WITHIN):
        try:
            played(seed)
        except Broken:
            return
    raise AssertionError("nothing was noticed")


def test_a_waiter_takes_over_after_a_whole_life() -> None:
    """Seen by itself, from the end of its first look; the new epoch begins with the snapshot that was published."""
    store, clock = MemoryStore(), Clock()
    first = take(store, clock.means())
    first.publish(b"manifest")
    said: list[str] = []
    began = clock.at
    second = take(store, clock.means("pid 2 on there"), tell=said.append)
    assert LIFE <= clock.at - began <= 1.2 * LIFE
    assert (second.head.epoch, second.head.snapshot) == (2, "manifest/1-1.sqlite")
    assert "pid 1 on here" in said[0]
    with pytest.raises(JobLocked):
        first.renew()
    with pytest.raises(JobLocked):
        first.check()
    second.check()


def test_a_waiter_leaves_a_holder_who_lives() -> None:
    """As soon as the tag has changed, naming who it is."""
    store, clock = MemoryStore(), Clock()
    holder = take(store, clock.means())
    other = clock.means("pid 2 on there")
    waits = 0

    def wait(seconds: float) -> None:
        nonlocal waits
        waits += 1
        clock.at += seconds
        holder.renew()

    with pytest.raises(JobLocked, match="pid 1 on here") as caught:
        take(store, dataclasses.replace(other, wait=wait))
    assert (caught.value.exit_code, waits) == (7, 1)
    holder.check()


def test_what_was_released_is_taken_at_once() -> None:
    """Without a wait."""
    store, clock = MemoryStore(), Clock()
    take(store, clock.means()).release()
    assert take(store, clock.means("pid 2 on there")).head.epoch == 2
    assert clock.at == 100.0


def test_a_lease_that_ran_out_is_renewed_where_nobody_took_it() -> None:
    """The put tells: after a sleep of a day it is ours still, if no one came."""
    store, clock = MemoryStore(), Clock()
    held = take(store, clock.means())
    clock.at += 86_400
    assert not held.valid
    held.check()
    assert held.valid


def test_an_answer_that_was_lost_is_judged_by_content() -> None:
    """A put that reports that another was first may be our own: the nonce in the head tells."""

    class Deaf(MemoryStore):
        def replace(self, key: str, data: bytes | memoryview, tag: Tag) -> Tag | Moved:
            """Put, and report what a repeated put hears."""
            super().replace(key, data, tag)
            return Moved()

    store, clock = Deaf(), Clock()
    held = take(store, clock.means())
    held.renew()
    held.publish(b"manifest")
    assert look(store) == Seen(head=held.head, tag=store.tagged(HEAD).tag)
    held.release()


def test_an_outage_of_the_head_is_no_loss() -> None:
    """It cannot be renewed, so that nothing is written after its time; once the store answers all goes on."""

    class Away(MemoryStore):
        away = False

        def replace(self, key: str, data: bytes | memoryview, tag: Tag) -> Tag | Moved:
            """Refuse while it is away."""
            if self.away:
                raise StorageFailed("no answer")
            return super().replace(key, data, tag)

    store, clock = Away(), Clock()
    held = take(store, clock.means())
    store.away = True
    held.check()
    clock.at += 0.8 * LIFE
    with pytest.raises(StorageFailed):
        held.check()
    store.away = False
    held.check()


def test_old_snapshot_files_go_after_a_life() -> None:
    """Who has read a head has that long to fetch what it names; what a machine that was lost has left goes too."""
    store, clock = MemoryStore(), Clock()
    store.save("manifest/0-7.sqlite", b"left")
    held = take(store, clock.means())
    held.adopt_garbage()
    for number in range(4):
        held.publish(f"{number}".encode())
    assert len(store.list("manifest")) == 5
    clock.at += 0.5 * LIFE
    held.renew()
    clock.at += 0.6 * LIFE
    held.publish(b"last")
    assert store.list("manifest") == ["manifest/1-4.sqlite", "manifest/1-5.sqlite"]


def test_an_epoch_never_comes_again() -> None:
    """Where the head is gone or damaged, the snapshot files tell how far epochs had come."""
    store, clock = MemoryStore(), Clock()
    store.save("manifest/41-7.sqlite", b"left")
    assert take(store, clock.means()).head.epoch == 42
    for damage in (b"", b"{}", b"null", b'{"format": 1}', json.dumps({"format": 1, "epoch": -1}).encode()):
        store.save(HEAD, damage)
        assert take(store, clock.means()).head.epoch == 42


@pytest.mark.parametrize(
    "change", [{"epoch": -1}, {"life_seconds": 0}, {"life_seconds": 1e9}, {"holder": 1}, {"renewed_at": "soon"}]
)
def test_a_head_that_makes_no_sense_is_none(change: dict[str, Any]) -> None:
    """It decides who may write, so that nothing in it is taken on trust."""
    facts: dict[str, Any] = {"epoch": 1, "holder": "x", "nonce": "n", "life_seconds": 60.0}
    head = Head(**{**facts, "renewed_at": "2026-01-01T00:00:00.000Z"})
    assert Head.decoded(head.encoded()) == head
    assert head.at == moment_of("2026-01-01T00:00:00Z")
    assert Head.decoded(json.dumps({**json.loads(head.encoded()), **change}).encode()) is None
