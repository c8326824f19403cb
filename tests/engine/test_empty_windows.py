"""An answer that a window is empty is believed at once only where nothing speaks against it."""

from pathlib import Path

import pytest

from resumable import JobState
from resumable.models import EventKind
from resumable.simulator.faults.faults import FaultKind, Match, SimFault
from resumable.simulator.messages import Kind
from resumable.simulator.simulator import Simulator
from tests.support.builders import make_job
from tests.support.clock import VirtualClock
from tests.support.whole_runs import assert_whole, simulated

PUBLIC = (Kind.CONVERSATIONS,)
NOTHING = b'{"conversations": [], "totalHits": 0}'


def emptied(*days: int, times: int | None = 1) -> list[SimFault]:
    """Return faults by which days seem to be empty, so many times each."""
    return [
        SimFault(
            kind=FaultKind.BODY,
            on=Match(kinds=PUBLIC, window=f"2023-10-{day:02}T00:00:00.000Z/"),
            times=times,
            body=NOTHING.decode(),
        )
        for day in days
    ]


def asked(sim: Simulator) -> int:
    """Return how many pages were asked for."""
    return sim.log.count(Kind.CONVERSATIONS)


@pytest.mark.parametrize("day", [1, 2, 3])
def test_an_empty_day_beside_a_full_one_is_asked_for_a_second_time(day: int, tmp_path: Path, seed: int) -> None:
    """Wherever in the job it is, one answer loses no day; it costs one request."""
    clock = VirtualClock(seed)
    sim = simulated(clock, *emptied(day), records=7)
    job = make_job(sim, clock, tmp_path, days=3)
    job.run()
    assert_whole(job, sim)
    assert asked(sim) == 4
    assert any(event.kind is EventKind.RETRY and "a second time" in event.text for event in job.status().events)


def test_empty_days_of_a_sparse_query_are_believed_at_once(tmp_path: Path, seed: int) -> None:
    """Of ten days of which only the first holds anything, the second alone is asked for again."""
    clock = VirtualClock(seed)
    sim = simulated(clock, records=0, records_on={"2023-10-01": 7})
    job = make_job(sim, clock, tmp_path, days=10)
    job.run()
    assert_whole(job, sim)
    assert asked(sim) == 10 + 1


def test_a_day_that_is_empty_twice_is_empty(tmp_path: Path, seed: int) -> None:
    """A second answer is believed, whatever the neighbours hold."""
    clock = VirtualClock(seed)
    sim = simulated(clock, records=7, records_on={"2023-10-02": 0})
    job = make_job(sim, clock, tmp_path, days=3)
    job.run()
    assert_whole(job, sim)
    assert asked(sim) == 4


def test_the_only_window_of_a_job_is_asked_for_a_second_time(tmp_path: Path, seed: int) -> None:
    """Where nothing else speaks for an empty answer, one request does."""
    clock = VirtualClock(seed)
    sim = simulated(clock, *emptied(1), records=7)
    job = make_job(sim, clock, tmp_path, days=1)
    assert job.run().state is JobState.COMPLETE
    assert_whole(job, sim)
