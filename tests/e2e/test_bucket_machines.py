"""Machines that are lost with their disks, stopped and woken, or not answered: at every step of the order of writes."""

import contextlib
import functools
import random
from collections.abc import Callable, Iterable
from typing import Any

import pytest

import resumable
from resumable.errors import JobLocked, ResumableError, StorageFailed
from resumable.models import JobState
from resumable.simulator.messages import Kind
from resumable.simulator.settings import SimSettings
from resumable.simulator.simulator import Simulator
from resumable.storage.lease import HEAD as HEAD_KEY
from resumable.storage.parts import Parts
from resumable.storage.store import Exists
from tests.support.bucket_machine import Bucket, Machine
from tests.support.clock import VirtualClock

DRAWN = 2
WORKERS = 2
DATASETS = {
    "conversations": Kind.CONVERSATIONS,
    "conversation-jobs": Kind.JOB_RESULTS,
    "conversations-pagecount": Kind.ARTICLE,
}
"""Those that are tried, with the requests for their pages."""


def simulator() -> Simulator:
    """Two days of 59 conversations: six pages of twenty."""
    return Simulator(SimSettings(records=59, explicit_nulls=False, rate_public=None, rate_article=None))


@functools.cache
def undisturbed(dataset: str) -> dict[str, dict[str, Any]]:
    """Return the records that a run brings to which nothing happens, by their ids."""
    job = Machine(Bucket()).job(simulator(), VirtualClock(), dataset=dataset)
    job.run()
    return {record["conversationId"]: record for record in job.records()}


def steps(dataset: str) -> list[str]:
    """Return the writes of a run that nothing happens to."""
    machine = Machine(Bucket())
    machine.run(simulator(), VirtualClock(), dataset=dataset, workers=WORKERS)
    return machine.writes


def lost_at(number: int, dataset: str, *, after: bool) -> None:
    """Lose a machine at a write, let another finish, and compare everything with what is there."""
    bucket, sim, clock = Bucket(), simulator(), VirtualClock()
    first, page, asked_by_then = Machine(bucket, at=number), DATASETS[dataset], 0

    def lose() -> None:
        nonlocal asked_by_then
        asked_by_then = sim.log.count(page)
        first.lose()

    first.before, first.after = (None, lose) if after else (lose, None)
    lost = False
    try:
        first.run(sim, clock, dataset=dataset, workers=WORKERS)
    except KeyboardInterrupt:
        lost = True
    assert lost or number >= len(first.writes)
    # Its other threads ran on until they came to the bucket, as those of a machine that is really gone do not.
    ran_on = sim.log.count(page) - asked_by_then if lost else 0
    parts_before = {key: data for key, data in bucket.job.objects.items() if key.endswith(".parquet")}
    second = Machine(bucket)
    job = second.job(sim, clock, dataset=dataset, workers=WORKERS)
    status = job.run()
    assert status.state is JobState.COMPLETE
    truth = undisturbed(dataset)
    records = [*job.records()]
    assert len(records) == len(truth)
    assert {record["conversationId"]: record for record in records} == truth
    assert [*job.verify()] == []
    for key, data in parts_before.items():
        assert bucket.job.objects[key] == data, f"{key} was changed after it was there"
    asked = sim.log.count(page) - ran_on
    assert asked <= 6 + WORKERS, f"{asked} requests for 6 pages"


def sweep(dataset: str, numbers: list[int]) -> int:
    """Try some of the steps, before and after each; return how many that were."""
    for number in numbers:
        for after in (False, True):
            try:
                lost_at(number, dataset, after=after)
            except (AssertionError, ResumableError) as failure:
                raise AssertionError(
                    f"{dataset}: lost {'after' if after else 'before'} write {number}: {failure}"
                ) from failure
    return 2 * len(numbers)


def test_a_machine_lost_at_any_step_loses_nothing(seed: int) -> None:
    """Another finishes: every record once, no part changed, no more asked again than was in flight."""
    count = len(steps("conversations"))
    assert count > 15
    sweep("conversations", random.Random(seed).sample(range(count), DRAWN))


@pytest.mark.torture
@pytest.mark.parametrize("dataset", DATASETS)
def test_a_machine_lost_at_every_step_loses_nothing(dataset: str, tally: Callable[[str, int], None]) -> None:
    """All of them, by every way of paging."""
    tally("machines lost with their disks", sweep(dataset, [*range(len(steps(dataset)))]))


def lost_again(chance: random.Random, dataset: str) -> int:
    """Lose some machines one after the other, with answers to puts lost too; let another finish, and compare."""
    bucket, sim, clock, lost = Bucket(), simulator(), VirtualClock(chance.randrange(2**32)), 0
    for _ in range(chance.randint(1, 4)):
        machine = Machine(bucket, at=chance.randrange(14), repeated=chance.random() < 0.5)
        machine.before, machine.after = (machine.lose, None) if chance.random() < 0.5 else (None, machine.lose)
        try:
            machine.run(sim, clock, dataset=dataset, workers=WORKERS)
        except KeyboardInterrupt:
            lost += 1
    parts_before = {key: data for key, data in bucket.job.objects.items() if key.endswith(".parquet")}
    job = Machine(bucket).job(sim, clock, dataset=dataset, workers=WORKERS)
    assert job.run().state is JobState.COMPLETE
    records = [*job.records()]
    assert len(records) == len(undisturbed(dataset))
    assert {record["conversationId"]: record for record in records} == undisturbed(dataset)
    assert [*job.verify()] == []
    assert {key: bucket.job.objects.get(key) for key in parts_before} == parts_before
    return lost


@pytest.mark.torture
@pytest.mark.timeout(3600)
def test_machines_lost_one_after_the_other_lose_nothing(
    seed: int, trials: Callable[[str], int], tally: Callable[[str, int], None]
) -> None:
    """At writes drawn at random, by any way of paging: the last one finishes, and no part has changed."""
    for number in range(trials("machines")):
        chance = random.Random(f"{seed} {number}")
        dataset = chance.choice([*DATASETS])
        try:
            tally("machines lost one after the other", lost_again(chance, dataset))
        except (AssertionError, ResumableError) as failure:
            raise AssertionError(f"number {number} of seed {seed}, {dataset}: {failure}") from failure


def overtaken(bucket: Bucket, number: int, what: str) -> dict[str, bytes]:
    """Stop a machine at a write, let another finish the job, and wake it; return what was there by then."""
    sim, seen = simulator(), dict[str, bytes]()
    zombie = Machine(bucket, at=number, of=what)

    def stopped() -> None:
        zombie.frozen = True
        Machine(bucket).run(sim, VirtualClock(), workers=WORKERS)
        seen.update(bucket.job.objects)
        zombie.frozen = False

    zombie.before = stopped
    with contextlib.suppress(JobLocked, StorageFailed):
        zombie.run(sim, VirtualClock(), workers=1)
        # It had let go of the job when it was stopped, and has taken it again since.
        assert what == HEAD, "it did not notice that the job had been taken"
        seen.pop(HEAD_KEY, None)
    assert seen or what == HEAD, "it was never stopped"
    return seen


def zombies(steps: Iterable[tuple[int, str]]) -> None:
    """Try some of the steps."""
    for number, what in steps:
        bucket = Bucket()
        seen = overtaken(bucket, number, what)
        names = [name for name in seen if not name.startswith("manifest/")]
        changed = [key for key in names if bucket.job.objects.get(key) != seen[key]]
        assert not changed, f"woken before write {number} of {what!a} it changed {changed}"
        assert [*Machine(bucket).job(simulator(), VirtualClock()).verify()] == []


PART, RECEIPT, HEAD = "create parts/", "create receipt.json", f"replace {HEAD_KEY}"


def test_a_machine_that_wakes_up_late_takes_nothing(seed: int) -> None:
    """It was stopped before a put, and another finished the job: what it puts then changes nothing, and it ends."""
    zombies([(random.Random(seed).randrange(6), PART), (0, RECEIPT)])


@pytest.mark.torture
def test_a_machine_that_wakes_up_late_takes_nothing_at_any_step(tally: Callable[[str, int], None]) -> None:
    """At every part, at the receipt, and at puts of the head."""
    steps = [*((number, PART) for number in range(6)), (0, RECEIPT), *((number, HEAD) for number in range(1, 12))]
    zombies(steps)
    tally("machines that woke up late", len(steps))


def test_puts_whose_answers_are_lost_are_no_faults() -> None:
    """Each is repeated, and refused because it was done: all of them are judged by what is there."""
    bucket, sim = Bucket(), simulator()
    status = Machine(bucket, repeated=True).run(sim, VirtualClock())
    assert status.totals.records == 118
    assert sim.log.count(Kind.CONVERSATIONS) == 6


@pytest.mark.parametrize("bug", ["put instead of create", "exists is a fault"])
def test_a_rule_of_the_parts_left_out_is_noticed(bug: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A part that is put over another's, and one of our own that is taken for a fault."""
    real = Parts.write

    def wrong(self: Parts, table: Any, footer: Any) -> Any:  # noqa: ANN401 - passed on
        store = _Wrong(self.store, bug)
        mine = object.__new__(Parts)
        mine.__dict__.update({**self.__dict__, "store": store})
        return real(mine, table, footer)

    monkeypatch.setattr(Parts, "write", wrong)

    def tried() -> None:
        zombies([(2, "save parts/" if bug == "put instead of create" else PART)])
        test_puts_whose_answers_are_lost_are_no_faults()

    with pytest.raises((AssertionError, pytest.fail.Exception, StorageFailed)):
        tried()


class _Wrong:
    """A store of parts with one of its rules left out."""

    contested = True

    def __init__(self, real: Any, bug: str) -> None:  # noqa: ANN401 - a guarded store
        self._real, self._bug = real, bug

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the store has
        return getattr(self._real, name)

    def create(self, key: str, data: bytes) -> Any:  # noqa: ANN401 - as the store does
        if self._bug == "put instead of create":
            self._real.guard()
            self._real.store.save(key, data)
            return self._real.tagged(key).tag
        made = self._real.create(key, data)
        if isinstance(made, Exists) and self._bug == "exists is a fault":
            raise StorageFailed("it is there already")
        return made


def test_a_job_is_found_by_its_parts_where_its_head_is_lost() -> None:
    """Head and snapshot files are gone, or damaged: a repair makes the manifest again, and asks for nothing."""
    for damage in ("gone", "head damaged", "snapshot damaged"):
        bucket, sim, clock = Bucket(), simulator(), VirtualClock()
        Machine(bucket).run(sim, clock)
        for key in [key for key in bucket.job.objects if key.startswith(("head", "manifest/"))]:
            if damage == "gone":
                del bucket.job.objects[key]
            elif key.startswith(damage.partition(" ")[0][:4]) or (damage[0] == "s" and key[0] == "m"):
                bucket.job.objects[key] = b"{"
        state = Machine(bucket)
        job = resumable.Job(name="job", settings=state.settings(sim, clock), clock=clock)
        asked = sim.log.count(Kind.CONVERSATIONS)
        status, done = job.repair()
        assert (done.restored, status.totals.records) == (6, 118)
        assert sim.log.count(Kind.CONVERSATIONS) == asked
        assert [*job.verify()] == []
