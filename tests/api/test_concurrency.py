"""The crew: as many workers as rate and latency need, fewer while the server is in trouble."""

import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from resumable.api.concurrency import Concurrency
from resumable.clock import SystemClock
from resumable.config import MOST_WORKERS, from_environment
from resumable.errors import StorageFailed
from resumable.models import JobState
from resumable.simulator.faults.faults import FaultKind, SimFault
from resumable.simulator.settings import SimSettings, Style
from resumable.simulator.simulator import Simulator
from tests.support.builders import make_job
from tests.support.clock import VirtualClock


def concurrency(clock: VirtualClock | None = None, *, usual: int = 8, most: int | None = 32) -> Concurrency:
    """Return one on a machine of two processors."""
    return Concurrency(clock or VirtualClock(), usual=usual, most=most, processors=2)


def answered(
    concurrency: Concurrency, clock: VirtualClock, *, times: int, latency: float, own: float, per_minute: float
) -> None:
    """Let so many pages come, each after a latency and with some work of its own."""
    for _ in range(times):
        with concurrency.working():
            clock.sleep(latency + own)
            concurrency.answered(latency, per_minute=per_minute)


@pytest.mark.parametrize(
    ("latency", "per_minute", "size"),
    [(0.5, 300, 8), (1.0, 300, 8), (3.0, 300, 19), (6.0, 300, 32), (60.0, 300, 32), (6.0, 60, 9)],
)
def test_it_is_as_large_as_rate_and_latency_need(latency: float, per_minute: float, size: int) -> None:
    """Never below the usual, never above the most, and in between what keeps the rate at that latency."""
    clock = VirtualClock()
    workers = concurrency(clock)
    answered(workers, clock, times=100, latency=latency, own=0.02, per_minute=per_minute)
    assert workers.size == size


def test_work_that_takes_the_time_itself_wants_no_more_workers() -> None:
    """Where a page costs more than its answer takes, more workers would only wait for each other: a few do as well."""
    clock = VirtualClock()
    workers = concurrency(clock)
    answered(workers, clock, times=100, latency=0.001, own=0.02, per_minute=1_000_000)
    assert workers.size == 3
    for _ in range(20):
        clock.sleep(1.0)
        workers.troubled()
    assert workers.size == 3, "trouble leaves as many as that"
    answered(workers, clock, times=100, latency=0.1, own=0.1, per_minute=1_000_000)
    assert workers.size == 5
    answered(workers, clock, times=100, latency=0.5, own=0.02, per_minute=1_000_000)
    assert workers.size == 32


def test_it_follows_a_latency_that_changes() -> None:
    """Up when answers become slow, and down again."""
    clock = VirtualClock()
    workers = concurrency(clock)
    answered(workers, clock, times=50, latency=5.0, own=0.02, per_minute=300)
    assert workers.size > 25
    answered(workers, clock, times=50, latency=0.3, own=0.02, per_minute=300)
    assert workers.size == 8


def test_trouble_makes_it_smaller_and_good_answers_larger_again() -> None:
    """Down to half of the usual and no further, once a second at most; all of it is back after some answers."""
    clock = VirtualClock()
    workers = concurrency(clock)
    for _ in range(20):
        workers.troubled()
    assert workers.size == 5, "many at once count once"
    for _ in range(20):
        clock.sleep(1.0)
        workers.troubled()
    assert workers.size == 4
    answered(workers, clock, times=60, latency=0.5, own=0.02, per_minute=300)
    assert workers.size == 8


def test_a_size_that_was_given_is_kept() -> None:
    """With a number of the user's own there are never more."""
    clock = VirtualClock()
    workers = concurrency(clock, usual=3, most=None)
    answered(workers, clock, times=100, latency=9.0, own=0.02, per_minute=300)
    assert (workers.size, workers.most) == (3, 3)
    assert from_environment({"RESUMABLE_WORKERS": "3"}).workers_most is None
    assert from_environment({}).workers_most == MOST_WORKERS


def test_work_of_the_processor_is_done_by_few_threads_however_many_ask() -> None:
    """Allocators keep what a thread once needed: three desks on two processors, for 32 workers at once."""
    workers = Concurrency(SystemClock(), usual=32, processors=2)
    seated: set[int] = set()
    lock, enough, full = threading.Lock(), threading.Barrier(3, timeout=20), threading.Event()

    def work() -> int:
        with lock:
            seated.add(threading.get_ident())
        if not full.is_set():
            enough.wait()  # so long until three are there at once
            full.set()
        return threading.get_ident()

    with ThreadPoolExecutor(32) as pool:
        done_by = set(pool.map(lambda _: workers.on_cpu(work), range(300)))
    workers.close()
    assert done_by == seated
    assert len(seated) == 3


def test_a_small_crew_works_where_it_stands() -> None:
    """No more workers than desks need no other threads."""
    workers = Concurrency(SystemClock(), usual=3, processors=2)
    assert workers.on_cpu(threading.get_ident) == threading.get_ident()
    workers.close()


def test_what_fails_at_a_desk_fails_for_who_asked() -> None:
    """The error itself comes back, whatever its kind, and the desk is free again."""
    workers = concurrency()

    def fail(error: BaseException) -> None:
        raise error

    for error in (StorageFailed("full"), KeyboardInterrupt()):
        with pytest.raises(type(error)) as caught:
            workers.on_cpu(partial(fail, error))
        assert caught.value is error
    assert workers.on_cpu(lambda: 7) == 7
    workers.close()


@pytest.mark.parametrize("most", [None, 32])
def test_a_run_keeps_the_rate_at_a_latency_of_six_seconds(most: int | None, tmp_path: Path, seed: int) -> None:
    """With 8 workers 300 requests take six seconds each eight at a time; a crew that may grow keeps the rate."""
    clock = VirtualClock(seed)
    pages = 100 if most is None else 300  # the few need no time to become more
    sim = Simulator(SimSettings(records=2 * pages, style=Style.SMALL, latency=6.0), monotonic=clock.monotonic)
    job = make_job(sim, clock, tmp_path, days=1, page_size=2, workers_most=most)
    begun = clock.monotonic()
    assert job.run().state is JobState.COMPLETE
    minutes = (clock.monotonic() - begun) / 60
    print(f"{pages / minutes:.0f} requests a minute")
    if most is None:
        assert pages / minutes < 85
    else:
        assert pages / minutes > 200


def test_a_run_in_trouble_uses_fewer_workers(tmp_path: Path, seed: int) -> None:
    """Errors of the server make the crew smaller, and the job is completed all the same."""
    clock = VirtualClock(seed)
    sim = Simulator(SimSettings(records=600, style=Style.SMALL, latency=1.0), monotonic=clock.monotonic)
    sim.inject(SimFault(kind=FaultKind.STATUS, status=503, times=4))
    job = make_job(sim, clock, tmp_path, days=1, page_size=20)
    sizes: list[int] = []
    real = Concurrency.troubled

    def spied(self: Concurrency) -> None:
        real(self)
        sizes.append(self.size)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Concurrency, "troubled", spied)
        assert job.run().state is JobState.COMPLETE
    assert min(sizes) < 8
