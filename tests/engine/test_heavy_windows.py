"""Windows that are too heavy, in virtual time: they are split or asked for in smaller pages, and all is there."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import resumable
from resumable import Incomplete, JobState
from resumable.errors import Failure, TransportFault
from resumable.models import EventKind, Request
from resumable.simulator.faults.faults import FaultKind, Match, SimFault
from resumable.simulator.messages import Kind
from resumable.simulator.simulator import Simulator
from resumable.transport.http import Reply
from tests.support.builders import make_job, virtual_settings
from tests.support.clock import VirtualClock
from tests.support.transports import SimulatedTransport
from tests.support.whole_runs import assert_whole, ids_of, simulated

DAY_2 = "2023-10-02T00:00:00.000Z/2023-10-03T00:00:00.000Z"


def all_there(job: resumable.Job, sim: Simulator) -> None:
    """Check that a job is complete with all that the simulator has; slices of one day overlap."""
    status = job.status()
    assert status.state is JobState.COMPLETE
    assert set(ids_of(job)) == set(sim.truth(str(status.job.spec.interval)).ids)
    assert sorted(job.folder.glob("parts/*/*")) == sorted(job.files())


class Narrow(SimulatedTransport):
    """A way to the simulator on which pages of more than so many records are too big."""

    most = 6

    def send(self, request: Request, headers: Any, *, form: Any = None) -> Reply:  # noqa: ANN401 - as the transport has
        """Refuse an answer that holds too much."""
        paging = (request.body or {}).get("paging", {})
        size = int(paging.get("pageSize") or str(request.params.get("pageSize", 1)))
        day = str((request.body or {}).get("interval", DAY_2))
        reply = super().send(request, headers, form=form)
        if size > self.most and day == DAY_2 and request.path.endswith(("query", "results")):
            raise TransportFault("too big: more than 134217728 bytes decoded", failure=Failure.TOO_BIG)
        return reply


def make_spec(sim: Simulator, clock: VirtualClock, state: Path, spec: resumable.JobSpec) -> resumable.Job:
    """Make a job of any spec."""
    return resumable.make(spec, virtual_settings(sim, clock, state, interval_max=spec.window), name="job", clock=clock)


@pytest.mark.parametrize("dataset", ["conversations", "conversation-jobs"])
def test_a_page_that_is_too_big_is_asked_for_in_smaller_ones(
    dataset: str, tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Down to what is taken, in this window alone; the others have the job's page size, and the history tells."""
    clock = VirtualClock(seed)
    sim = simulated(clock)
    monkeypatch.setattr("tests.support.builders.SimulatedTransport", Narrow)
    job = make_job(sim, clock, tmp_path, dataset=dataset, days=3 if dataset == "conversations" else 1)
    job.run()
    assert_whole(job, sim)
    status = job.status(events=1000)
    assert status.smaller_pages == 1
    sizes = [event.text for event in status.events if event.kind is EventKind.PAGE_SIZE]
    assert [text.split(": ")[1].split(" ")[0] for text in sizes] == ["10", "5"]


def test_a_record_that_is_too_big_by_itself_is_quarantined(
    tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Down to one record a page, and told; the other windows are there, and the next run takes it once it can."""
    clock = VirtualClock(seed)
    sim = simulated(clock)
    monkeypatch.setattr("tests.support.builders.SimulatedTransport", Narrow)
    monkeypatch.setattr(Narrow, "most", 0)
    job = make_job(sim, clock, tmp_path, days=3)
    with pytest.raises(Incomplete, match="1 pages are quarantined"):
        job.run()
    assert job.status().quarantined[0].failure is Failure.TOO_BIG
    monkeypatch.setattr(Narrow, "most", 1000)
    job.run()
    assert_whole(job, sim)


@pytest.mark.parametrize("page", [1, 2])
def test_a_day_that_answers_504_is_split(page: int, tmp_path: Path, seed: int) -> None:
    """After its attempts, its first page or a later one, open or not: in halves that are answered."""
    clock = VirtualClock(seed)
    heavy = SimFault(kind=FaultKind.STATUS, on=Match(window=DAY_2, pages=(page,)), times=None, status=504)
    sim = simulated(clock, heavy)
    job = make_job(sim, clock, tmp_path, days=4)
    job.run()
    all_there(job, sim)
    status = job.status(events=1000)
    assert status.totals.windows == 5
    assert sum(event.kind is EventKind.SPLIT for event in status.events) == 1
    asked = [entry for entry in sim.log.entries(Kind.CONVERSATIONS) if entry.interval == DAY_2]
    assert len(asked) == (6 if page == 1 else 2 + 6)


def test_504_down_to_an_hour_is_quarantined_and_no_window_is_left_out(tmp_path: Path, seed: int) -> None:
    """A day that is too heavy however it is cut ends as hours that are quarantined, which the next run takes."""
    clock = VirtualClock(seed)
    heavy = SimFault(kind=FaultKind.STATUS, on=Match(window="2023-10-02T"), times=None, status=504)
    sim = simulated(clock, heavy, records_on={"2023-10-01": 400, "2023-10-02": 3})
    job = make_job(sim, clock, tmp_path, days=2, rate_per_minute=600)
    with pytest.raises(Incomplete):
        job.run()
    sim.clear_faults()
    job.run()
    all_there(job, sim)


@pytest.mark.parametrize(("records", "page_size"), [(2500, 100), (990, 70), (1000, 70), (1001, 100), (999, 100)])
def test_a_wall_that_is_lower_than_assumed_splits_by_the_servers_words(
    records: int, page_size: int, tmp_path: Path, seed: int
) -> None:
    """Whatever was recorded of the open window, all is there in the end, and the job remembers the wall."""
    clock = VirtualClock(seed)
    sim = simulated(clock, deep_limit=1000, records_on={"2023-10-02": records})
    job = make_job(sim, clock, tmp_path, days=3, page_size=page_size)
    job.run()
    all_there(job, sim)
    behind = -(-records // page_size) * page_size > 1000
    assert job.status().job.deep_limit == (1000 if behind else None)


def test_a_wall_named_in_an_earlier_run_is_known_to_the_next(tmp_path: Path, seed: int) -> None:
    """What was open when that run ended is split at once, with no page asked behind the wall."""
    clock = VirtualClock(seed)
    sim = simulated(clock, records=300)
    job = make_job(sim, clock, tmp_path, days=2, max_requests=9)
    with pytest.raises(Incomplete):
        job.run()
    sim.switch(deep_limit=100)
    again = make_job(sim, clock, tmp_path, days=2, deep_limit=100)
    before = len(sim.log.entries(Kind.CONVERSATIONS))
    again.run()
    all_there(again, sim)
    assert all(entry.status == 200 for entry in sim.log.entries(Kind.CONVERSATIONS)[before:])


def test_a_wall_in_the_results_of_a_job_splits_its_window(tmp_path: Path, seed: int) -> None:
    """The pages of that job go, its slices get jobs of their own, and none stays on the server."""
    clock = VirtualClock(seed)
    words = '{"code": "bad.request", "message": "Pagination may not exceed 400000 results.", "status": 400}'
    on = Match(kinds=(Kind.JOB_RESULTS,), window=DAY_2, nth=(3,))
    sim = simulated(clock, SimFault(kind=FaultKind.STATUS, on=on, status=400, body=words), records=200)
    job = make_job(sim, clock, tmp_path, days=3, dataset="conversation-jobs")
    job.run()
    all_there(job, sim)
    assert job.status().totals.windows == 4
    assert sim.jobs_alive == []


def test_an_interval_that_is_too_long_is_split_at_midnight(tmp_path: Path, seed: int) -> None:
    """The server's words for the longest interval cut windows that are longer, and no day is cut in two by that."""
    clock = VirtualClock(seed)
    sim = simulated(clock, interval_days=2.0)
    spec = resumable.JobSpec.of("conversations", "2023-10-01", "2023-10-06", page_size=20, window=timedelta(days=5))
    job = make_spec(sim, clock, tmp_path, spec)
    job.run()
    assert_whole(job, sim)
    assert job.status().totals.windows == 3


def test_a_page_size_that_the_server_refuses_becomes_the_one_it_names(tmp_path: Path, seed: int) -> None:
    """Pages of 20 where it takes 15 at most: its windows are taken in pages of 15."""
    clock = VirtualClock(seed)
    sim = simulated(clock, page_size_cap=15)
    job = make_job(sim, clock, tmp_path, days=2)
    job.run()
    assert_whole(job, sim)
    assert job.status().smaller_pages == 2


@pytest.mark.parametrize(("records", "page_size"), [(990, 70), (1000, 70), (1001, 100), (2500, 70)])
def test_no_page_behind_a_wall_that_is_known_is_asked_for(
    records: int, page_size: int, tmp_path: Path, seed: int
) -> None:
    """What counts is page number x page size: of 990 records in pages of 70 the last one ends behind 1,000."""
    clock = VirtualClock(seed)
    sim = simulated(clock, deep_limit=1000, records_on={"2023-10-02": records})
    job = make_job(sim, clock, tmp_path, days=2, page_size=page_size, deep_limit=1000)
    job.run()
    all_there(job, sim)
    assert all(entry.status == 200 for entry in sim.log.entries(Kind.CONVERSATIONS))
