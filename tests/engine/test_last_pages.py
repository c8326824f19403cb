"""Totals are approximate: a page named too many settles, and a last page that is full is followed."""

import json
from pathlib import Path

import pytest

from resumable import Incomplete, JobState
from resumable.models import Shortfall
from resumable.simulator.faults.faults import FaultKind, Match, SimFault
from resumable.simulator.messages import Kind
from tests.support.builders import make_job
from tests.support.clock import VirtualClock
from tests.support.whole_runs import assert_whole, simulated

PUBLIC = (Kind.CONVERSATIONS,)


def named(total: int) -> SimFault:
    """Return the fault by which every answer names another total."""
    return SimFault(kind=FaultKind.TOTAL, on=Match(kinds=PUBLIC), times=None, value=total)


def test_a_total_that_is_one_too_high_settles_and_the_receipt_says_so(tmp_path: Path, seed: int) -> None:
    """40 records of which 41 are named: page 3 is empty in two takes, and the day has two pages."""
    clock = VirtualClock(seed)
    sim = simulated(clock, named(41), records=40)
    job = make_job(sim, clock, tmp_path, days=1)
    job.run()
    assert_whole(job, sim)
    window = json.loads((job.folder / "receipt.json").read_text())["windows"][0]
    assert (window["served"], window["settled"]) == ({"pages": 2, "total": 41}, True)
    assert list(job.verify()) == []


def test_records_where_the_total_has_one_fewer_are_found(tmp_path: Path, seed: int) -> None:
    """41 records of which 40 are named: behind the full second page there is a third."""
    clock = VirtualClock(seed)
    sim = simulated(clock, named(40), records=41)
    job = make_job(sim, clock, tmp_path, days=1)
    job.run()
    assert_whole(job, sim)
    assert list(job.verify()) == []
    (job.folder / "manifest.sqlite").unlink()
    job.repair()
    assert_whole(job, sim)


def test_a_total_that_is_right_costs_one_request_where_the_last_page_is_full(tmp_path: Path, seed: int) -> None:
    """Past the end there is nothing, and the take is whole."""
    clock = VirtualClock(seed)
    sim = simulated(clock, records=40)
    job = make_job(sim, clock, tmp_path, days=1)
    job.run()
    assert_whole(job, sim)
    assert sim.log.count(Kind.CONVERSATIONS) == 3
    assert job.status().receipt is not None
    assert (job.status().receipt or {})["settled_windows"] == 0


def test_a_last_page_that_lacks_many_records_is_compared_in_another_run(tmp_path: Path, seed: int) -> None:
    """Ten records that do not come are more than a total is off: two takes of one run may agree in trouble."""
    clock = VirtualClock(seed)
    empty = SimFault(kind=FaultKind.RECORDS_EMPTY, on=Match(kinds=PUBLIC, pages=(3,)), times=None)
    sim = simulated(clock, empty, records=50)
    job = make_job(sim, clock, tmp_path, days=1)
    with pytest.raises(Incomplete, match="fewer records came than the source named"):
        job.run()
    assert job.status().shortfalls == {Shortfall.FEWER: 1}
    sim.clear_faults()
    assert job.run().state is JobState.COMPLETE
    assert_whole(job, sim)


def test_the_same_in_two_runs_settles_it(tmp_path: Path, seed: int) -> None:
    """A source that never brings what it names is told, and holds up no job for ever."""
    clock = VirtualClock(seed)
    sim = simulated(clock, named(60), records=50)
    job = make_job(sim, clock, tmp_path, days=1)
    sim.switch(records=40)
    with pytest.raises(Incomplete):
        job.run()
    assert job.run().state is JobState.COMPLETE


def test_a_page_in_the_middle_that_is_empty_is_not_the_end(tmp_path: Path, seed: int) -> None:
    """What has records behind it is missing, and stays quarantined."""
    clock = VirtualClock(seed)
    empty = SimFault(kind=FaultKind.RECORDS_EMPTY, on=Match(kinds=PUBLIC, pages=(2,)), times=None)
    sim = simulated(clock, empty, records=50)
    job = make_job(sim, clock, tmp_path, days=1)
    with pytest.raises(Incomplete, match="quarantined"):
        job.run()
    assert job.status().totals.pages_quarantined == 1


def behind(status: int) -> SimFault:
    """Return the fault by which the page behind the last one, of 40 records, is answered by a status for ever."""
    return SimFault(kind=FaultKind.STATUS, on=Match(kinds=PUBLIC, pages=(3,)), times=None, status=status)


def test_a_page_behind_the_last_one_that_fails_is_looked_at_once_more(tmp_path: Path, seed: int) -> None:
    """All that was named is there: the window waits for one more run, and whatever comes then completes it."""
    for heals in (True, False):
        clock = VirtualClock(seed)
        sim = simulated(clock, behind(500), records=40)
        job = make_job(sim, clock, tmp_path / str(heals), days=2)
        with pytest.raises(Incomplete, match="2 pages are quarantined"):
            job.run()
        if heals:
            sim.clear_faults()
        job.run()
        assert_whole(job, sim)
        assert job.status().totals.pages_quarantined == 0


def test_a_page_behind_the_last_one_that_is_refused_is_the_end(tmp_path: Path, seed: int) -> None:
    """Servers that know no page past the end say so by a 400 or a 404, or give the last one again."""
    for number, fault in enumerate(
        [behind(400), behind(404), SimFault(kind=FaultKind.OTHER_PAGE, on=Match(pages=(3,)), times=None, by=-1)]
    ):
        clock = VirtualClock(seed)
        sim = simulated(clock, fault, records=40)
        job = make_job(sim, clock, tmp_path / str(number), days=1)
        job.run()
        assert_whole(job, sim)
        assert sim.log.count(Kind.CONVERSATIONS) == 3


@pytest.mark.parametrize(("records", "pages"), [(20, 2), (40, 2), (50, 3)])
def test_an_exact_count_is_doubted_only_where_a_single_answer_names_it(
    records: int, pages: int, tmp_path: Path, seed: int
) -> None:
    """The article's pageCount of 1 beside a full page costs a request; two pages that agree cost none."""
    clock = VirtualClock(seed)
    sim = simulated(clock, records=records)
    job = make_job(sim, clock, tmp_path, days=1, dataset="conversations-pagecount")
    job.run()
    assert_whole(job, sim)
    assert sim.log.count(Kind.ARTICLE) == pages


def test_a_page_count_of_1_that_is_wrong_loses_nothing(tmp_path: Path, seed: int) -> None:
    """The article's first answer is full and says that it is all: the page behind it shows that it is not."""
    clock = VirtualClock(seed)
    once = SimFault(kind=FaultKind.TOTAL, on=Match(kinds=(Kind.ARTICLE,), pages=(1,)), value=1)
    sim = simulated(clock, once)
    job = make_job(sim, clock, tmp_path, days=1, dataset="conversations-pagecount")
    job.run()
    assert_whole(job, sim)
