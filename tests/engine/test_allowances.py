"""Runs that may send so many requests only: each of them gets on, however few they are."""

from pathlib import Path

import pytest

from resumable import Incomplete
from resumable.simulator.messages import Kind
from tests.support.builders import make_job
from tests.support.clock import VirtualClock
from tests.support.whole_runs import assert_whole, simulated


@pytest.mark.parametrize("dataset", ["conversations", "conversations-pagecount", "conversation-jobs"])
def test_one_request_a_run_gets_there(dataset: str, tmp_path: Path, seed: int) -> None:
    """Whose data it is, how a job on the server stands, a second look at an empty day: they do not count."""
    clock = VirtualClock(seed)
    sim = simulated(clock, records_on={"2023-10-02": 0})
    job = make_job(sim, clock, tmp_path, days=3, dataset=dataset, max_requests=1)
    runs, said = 0, set[str]()
    while runs < 40:
        runs += 1
        try:
            job.run()
            break
        except Incomplete as error:
            said.add(error.message.partition(":")[0])
    assert_whole(job, sim)
    assert said == {"the requests allowed are used up"}
    assert runs <= 3 * 7
    pages = sim.log.count(Kind.CONVERSATIONS) + sim.log.count(Kind.ARTICLE) + sim.log.count(Kind.JOB_RESULTS)
    assert pages <= 2 * 3 + 2 + 3, "three pages of two days, an empty day looked at twice, a count a day"


def test_requests_for_pages_are_counted(tmp_path: Path, seed: int) -> None:
    """Four may be sent: four are."""
    clock = VirtualClock(seed)
    sim = simulated(clock)
    job = make_job(sim, clock, tmp_path, max_requests=4)
    with pytest.raises(Incomplete, match="the requests allowed are used up: 4 of 6 pages are safe"):
        job.run()
    assert sim.log.count(Kind.CONVERSATIONS) == 4
