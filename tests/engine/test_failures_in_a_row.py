"""Many pages that fail in a row end no run: it goes on to the other windows, and costs little where nothing comes."""

from pathlib import Path

import pytest

from resumable import Incomplete, JobState
from resumable.config import Policy
from resumable.simulator.faults.faults import FaultKind, Match, SimFault
from resumable.simulator.messages import Kind
from tests.support.builders import make_job
from tests.support.clock import VirtualClock
from tests.support.whole_runs import assert_whole, simulated

PAGES = {"conversations": Kind.CONVERSATIONS, "conversation-jobs": Kind.JOB_CREATE}


def no_page(kind: Kind, **on: object) -> SimFault:
    """Return the fault by which requests are answered by a page of HTML, for ever."""
    return SimFault(kind=FaultKind.HTML, on=Match(kinds=(kind,), **on), times=None, status=200)  # type: ignore[arg-type]  # any field of it


def test_a_window_of_many_pages_that_fail_holds_up_no_other(tmp_path: Path, seed: int) -> None:
    """Of the first day's 40 pages 39 fail for ever; the day after it is complete all the same, in the first run."""
    clock = VirtualClock(seed)
    bad = no_page(Kind.CONVERSATIONS, window="2023-10-01T00:00:00.000Z/", pages=tuple(range(2, 41)))
    sim = simulated(clock, bad, records=400)
    job = make_job(sim, clock, tmp_path, days=2, page_size=10)
    with pytest.raises(Incomplete, match="39 pages are quarantined"):
        job.run()
    assert job.status().totals.windows_done == 1
    assert job.status().state is JobState.INCOMPLETE
    sim.clear_faults()
    job.run()
    assert_whole(job, sim)


@pytest.mark.parametrize("dataset", list(PAGES))
def test_where_nothing_comes_each_window_is_tried_and_most_of_them_once(
    dataset: str, tmp_path: Path, seed: int
) -> None:
    """32 with all their tries, beside those that had begun, and the others with one."""
    clock = VirtualClock(seed)
    sim = simulated(clock, no_page(PAGES[dataset]), records=2)
    job = make_job(sim, clock, tmp_path, days=44, dataset=dataset)
    with pytest.raises(Incomplete, match="44 pages are quarantined") as caught:
        job.run()
    assert caught.value.unreachable
    tries = sim.log.count(PAGES[dataset])
    assert tries <= (32 + 7) * Policy().attempts + 5
    sim.clear_faults()
    job.run()
    assert_whole(job, sim)
