"""A page before the last that lacks records is doubted where nothing else tells: it is asked for once more."""

from pathlib import Path

import pytest

from resumable import Incomplete
from resumable.datasets.contract import Answer
from resumable.engine.short_pages import ShortPages
from resumable.models import EventKind, Said
from resumable.schema.registry import pinned
from resumable.simulator.faults.faults import FaultKind, Match, SimFault
from resumable.simulator.messages import Kind
from tests.support.builders import make_job, table
from tests.support.clock import VirtualClock
from tests.support.whole_runs import assert_whole, simulated

ARTICLE, USERS = "conversations-pagecount", "user-details"
KINDS = {ARTICLE: Kind.ARTICLE, USERS: Kind.USER_DETAILS}


def lacking(number: int, by: int, *, dataset: str = ARTICLE, nth: tuple[int, ...] = (1,)) -> SimFault:
    """Return the fault by which some answers of a page of the first day lack their last records; no `nth`: all do."""
    on = Match(kinds=(KINDS[dataset],), pages=(number,), window="2023-10-01T00:00:00.000Z", nth=nth)
    return SimFault(kind=FaultKind.DROP, on=on, by=by, times=None)


@pytest.mark.parametrize(("number", "by"), [(1, 1), (2, 1), (2, 19)])
def test_a_page_with_records_too_few_is_asked_for_again(number: int, by: int, tmp_path: Path, seed: int) -> None:
    """Three pages are named, and 49 records would fill them too: one more request brings the fiftieth."""
    clock = VirtualClock(seed)
    sim = simulated(clock, lacking(number, by))
    job = make_job(sim, clock, tmp_path, dataset=ARTICLE)
    job.run()
    assert_whole(job, sim)
    assert sim.log.count(Kind.ARTICLE) == 2 * 3 + 1
    told = [event.text for event in job.status(events=100).events if event.kind is EventKind.RETRY]
    assert len(told) == 1
    assert f"page {number}: {20 - by} records where 20 have room, and it is not the last" in told[0]


def test_users_documents_that_are_missing_of_a_page_are_asked_for_again(tmp_path: Path, seed: int) -> None:
    """Their total is compared with nothing, so that only the room on the page tells."""
    clock = VirtualClock(seed)
    whole = make_job(simulated(clock), clock, tmp_path / "whole", dataset=USERS, page_size=5)
    whole.run()
    sim = simulated(clock, lacking(1, 2, dataset=USERS))
    job = make_job(sim, clock, tmp_path / "doubted", dataset=USERS, page_size=5)
    job.run()
    assert sorted(map(str, job.records())) == sorted(map(str, whole.records()))
    assert any("it is not the last" in event.text for event in job.status(events=100).events)


def test_a_page_that_comes_so_twice_is_believed(tmp_path: Path, seed: int) -> None:
    """A source that has deleted a record since holds up nothing: one request more, and the job is complete."""
    clock = VirtualClock(seed)
    sim = simulated(clock, lacking(2, 1, nth=()))
    job = make_job(sim, clock, tmp_path, days=1, dataset=ARTICLE)
    job.run()
    assert job.status().totals.records == 49
    assert sim.log.count(Kind.ARTICLE) == 4


def test_a_page_that_is_short_in_two_ways_waits_for_another_run(tmp_path: Path, seed: int) -> None:
    """Two answers that differ, neither full, prove nothing: the page is quarantined, and the next run has it."""
    clock = VirtualClock(seed)
    sim = simulated(clock, *(lacking(1, turn, nth=(turn,)) for turn in range(1, 17)))
    job = make_job(sim, clock, tmp_path, days=1, dataset=ARTICLE)
    with pytest.raises(Incomplete, match="1 pages are quarantined"):
        job.run()
    sim.clear_faults()
    job.run()
    assert_whole(job, sim)


def test_one_request_a_run_gets_past_pages_that_are_short(tmp_path: Path, seed: int) -> None:
    """The second look does not count: without it each run would do no more than the one before."""
    clock = VirtualClock(seed)
    sim = simulated(clock, lacking(1, 1, nth=()), lacking(2, 1, nth=()))
    job = make_job(sim, clock, tmp_path, days=1, dataset=ARTICLE, max_requests=1)
    for _ in range(2):
        with pytest.raises(Incomplete, match="the requests allowed are used up"):
            job.run()
    job.run()
    assert sim.log.count(Kind.ARTICLE) == 3 + 2


def page(records: int) -> Answer:
    """Return a page before the last of a contract that names a page count and nothing else."""
    return Answer(table=table(*(f"c{n}" for n in range(records))), said=Said(page_count=99, page_number=1))


@pytest.mark.parametrize(
    ("sizes", "more"),
    [([20] * 40, 0), ([15] * 40, 1), ([15, 15, 12, 15, 20, 15], 3), ([*range(19, 1, -1), 1, 2, 1], 5)],
)
def test_a_source_of_short_pages_costs_few_requests(sizes: list[int], more: int) -> None:
    """None where pages are full, one for a cap that nobody told, five where each page is of another size."""
    short, asked = ShortPages(pinned("conversation")), 0
    for size in sizes:
        if short.doubt(page(size), 1, 20):
            short.settle(page(size), page(size), 1, 20)
            asked += 1
    assert asked == more
