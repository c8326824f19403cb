"""Windows of jobs are counted by the query beside them: what is asked, how often, and what becomes of a difference."""

import itertools
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import resumable
from resumable import Incomplete, JobState
from resumable.datasets.resolve import get
from resumable.engine.counts import Comparison, compared, stretches
from resumable.models import Interval
from resumable.simulator.messages import Kind
from resumable.simulator.simulator import Simulator
from tests.support.builders import make_job
from tests.support.clock import VirtualClock
from tests.support.whole_runs import simulated


def _sim(clock: VirtualClock, **settings: object) -> Simulator:
    return simulated(clock, job_polls=1, **settings)


def _queries(sim: Simulator) -> int:
    return len(sim.log.entries(Kind.CONVERSATIONS))


def test_job_that_brings_less_than_is_counted_waits_for_a_later_run(tmp_path: Path, seed: int) -> None:
    """Two downloads of one run that agree settle nothing; once the source has all of it, the job is whole."""
    clock = VirtualClock(seed)
    sim = _sim(clock, job_lack_share=0.2)
    job = make_job(sim, clock, tmp_path, dataset="conversation-jobs")
    with pytest.raises(Incomplete, match="50 conversations by the details query, and 40 records came"):
        job.run()
    assert len(sim.log.entries(Kind.JOB_CREATE)) == 4
    assert sim.jobs_alive == []
    status = job.status()
    assert (status.totals.windows_done, status.totals.records) == (0, 80)
    assert any("50 are counted at the source, and 40 came" in line for line in status.problems)
    sim.switch(job_lack_share=0.0)
    assert job.run().state is JobState.COMPLETE
    assert len(list(job.records())) == 100


def test_second_run_that_brings_the_same_settles_it(tmp_path: Path, seed: int) -> None:
    """What remains different is told as what it is, with one more download a window."""
    clock = VirtualClock(seed)
    sim = _sim(clock, job_lack_share=0.2)
    job = make_job(sim, clock, tmp_path, dataset="conversation-jobs")
    with pytest.raises(Incomplete):
        job.run()
    receipt = job.run().receipt
    assert receipt is not None
    assert len(sim.log.entries(Kind.JOB_CREATE)) == 6
    assert receipt["settled_windows"] == 2
    assert receipt["counted"] == {"windows": 2, "records": 100, "windows_with_more": 2, "windows_with_fewer": 0}
    assert [window["counted"] for window in receipt["windows"]] == [50, 50]
    assert list(job.verify()) == []


def test_source_that_brings_other_records_each_time_is_not_settled(tmp_path: Path, seed: int) -> None:
    """A later download that differs from the one before waits once more."""
    clock = VirtualClock(seed)
    sim = _sim(clock, job_lack_share=0.2)
    job = make_job(sim, clock, tmp_path, dataset="conversation-jobs", days=1)
    for share in (0.2, 0.1):
        sim.switch(job_lack_share=share)
        with pytest.raises(Incomplete):
            job.run()
    assert job.run().state is JobState.COMPLETE


def test_query_is_not_counted(tmp_path: Path, seed: int) -> None:
    """Where answers name a total, nothing else is asked: one request a page."""
    clock = VirtualClock(seed)
    sim = simulated(clock)
    make_job(sim, clock, tmp_path).run()
    assert _queries(sim) == 2 * 3


def test_count_is_one_request_a_window_and_can_be_turned_off(tmp_path: Path, seed: int) -> None:
    """With `count=False` there is none."""
    clock = VirtualClock(seed)
    sim = _sim(clock)
    make_job(sim, clock, tmp_path / "a", dataset="conversation-jobs").run()
    assert _queries(sim) == 2
    make_job(sim, clock, tmp_path / "b", dataset="conversation-jobs", count=False).run()
    assert _queries(sim) == 2


def test_long_window_is_counted_in_stretches_that_meet_at_midnight() -> None:
    """No stretch is longer than a request may cover, and none shares a UTC day with another."""
    start = datetime(2023, 10, 1, 5, tzinfo=UTC)
    window = Interval(start=start, end=start + timedelta(days=20))
    found = list(stretches(window, timedelta(days=7)))
    assert [found[0].start, found[-1].end] == [window.start, window.end]
    assert all(one.end == other.start for one, other in itertools.pairwise(found))
    assert all(one.length <= timedelta(days=7) for one in found)
    assert all(one.end.hour == 0 for one in found[:-1])
    assert list(stretches(window, None)) == [window]


def test_count_of_documents_says_only_whether_there_is_anything() -> None:
    """Users' details: a total that is no number of users is compared with nothing but an empty window."""
    users, conversations = (get(name).counting for name in ("user-detail-jobs", "conversation-jobs"))
    assert users is not None
    assert conversations is not None
    assert [compared(users, 70, came).how for came in (1, 0)] == [Comparison.NONE, Comparison.COUNTS_MORE]
    assert [compared(conversations, 70, came).how for came in (1, 70, 71)] == [
        Comparison.COUNTS_MORE,
        Comparison.ALIKE,
        Comparison.COUNTS_FEWER,
    ]


def test_kill_between_two_downloads_loses_nothing(tmp_path: Path, seed: int) -> None:
    """However few requests each run may make, it ends with every record, and with no false complete before."""
    clock = VirtualClock(seed)
    sim = _sim(clock, job_lack_share=0.2)
    for turn in range(40):
        job = make_job(sim, clock, tmp_path, dataset="conversation-jobs", max_requests=4, workers=1)
        if turn == 12:
            sim.switch(job_lack_share=0.0)
        try:
            if job.run().state is JobState.COMPLETE:
                break
        except resumable.Incomplete:
            assert job.status().state is not JobState.COMPLETE
    assert len(list(job.records())) == 100
