"""Jobs on the server that are late, fail, walk in circles or have no room, in virtual time."""

from dataclasses import replace
from pathlib import Path

import pytest

from resumable import Incomplete, JobState, SourceUnsettled
from resumable.errors import ExitCode
from resumable.manifest.reader import required_reader
from resumable.models import EventKind, Shortfall
from resumable.simulator.faults.faults import FaultKind, Match, SimFault
from resumable.simulator.messages import Kind
from resumable.simulator.settings import JobRefusal
from tests.support.builders import make_job
from tests.support.clock import VirtualClock
from tests.support.whole_runs import assert_whole, simulated

JOBS = "conversation-jobs"


@pytest.mark.parametrize("seconds", [6.0, 60.0])
def test_a_job_and_its_results_may_be_late(seconds: float, tmp_path: Path, seed: int) -> None:
    """A 404 after the submission, or after FULFILLED, is asked again for a while: one job a window is made."""
    clock = VirtualClock(seed)
    sim = simulated(clock, job_late=seconds)
    job = make_job(sim, clock, tmp_path, days=3, dataset=JOBS)
    job.run()
    assert_whole(job, sim)
    assert len(sim.log.entries(Kind.JOB_CREATE)) == 3


def test_results_that_never_come_get_new_jobs_and_are_told_as_failed(tmp_path: Path, seed: int) -> None:
    """Not as a source that changed: exit 3, a few jobs a window and not eight in six seconds; later it is complete."""
    clock = VirtualClock(seed)
    gone = SimFault(kind=FaultKind.STATUS, on=Match(kinds=(Kind.JOB_RESULTS,)), times=None, status=404)
    sim = simulated(clock, gone)
    job = make_job(sim, clock, tmp_path, days=1, dataset=JOBS)
    with pytest.raises(Incomplete, match="the server failed 1 window") as caught:
        job.run()
    assert caught.value.exit_code == ExitCode.INCOMPLETE
    assert len(sim.log.entries(Kind.JOB_CREATE)) == 4
    assert clock.monotonic() - 1000.0 > 4 * 100
    sim.clear_faults()
    job.run()
    assert_whole(job, sim)
    assert sim.jobs_alive == []


def test_a_job_of_an_earlier_run_whose_results_are_gone_is_made_anew_at_once(tmp_path: Path, seed: int) -> None:
    """The server still calls it fulfilled: it is not waited for, since nobody has just made it."""
    clock = VirtualClock(seed)
    sim = simulated(clock)
    job = make_job(sim, clock, tmp_path, days=1, dataset=JOBS, max_requests=2)
    with pytest.raises(Incomplete, match="requests allowed"):
        job.run()
    (old,) = sim.jobs_alive
    sim.inject(SimFault(kind=FaultKind.STATUS, on=Match(path=f"{old}/results"), times=None, status=404))
    began = clock.monotonic()
    replace(job, settings=replace(job.settings, max_requests=None)).run()
    assert_whole(job, sim)
    assert clock.monotonic() - began < 20
    assert len(sim.log.entries(Kind.JOB_CREATE)) == 2


def test_a_job_that_fails_is_made_anew_later_and_told_in_the_servers_words(tmp_path: Path, seed: int) -> None:
    """Three more times, with pauses that grow; then the window has failed, which is neither exit 9 nor quarantine."""
    clock = VirtualClock(seed)
    sim = simulated(clock, job_fails=True)
    job = make_job(sim, clock, tmp_path, days=2, dataset=JOBS)
    with pytest.raises(Incomplete, match="The query could not be executed") as caught:
        job.run()
    assert caught.value.exit_code == ExitCode.INCOMPLETE
    made = [entry.at for entry in sim.log.entries(Kind.JOB_CREATE)]
    assert len(made) == 8
    assert made[-1] - made[0] > 30 + 60 + 120
    with_manifest = job.status(events=1000)
    assert with_manifest.totals.pages_quarantined == 0
    assert any("The query could not be executed" in event.text for event in with_manifest.events)
    with required_reader(job.home) as manifest:
        assert manifest.shortfalls() == {Shortfall.FAILED: 2}
    sim.switch(job_fails=False)
    job.run()
    assert_whole(job, sim)
    assert sim.jobs_alive == []


def test_a_job_that_fails_once_costs_one_more(tmp_path: Path, seed: int) -> None:
    """The other windows are read meanwhile."""
    clock = VirtualClock(seed)
    once = SimFault(kind=FaultKind.JOB_FAILED, on=Match(kinds=(Kind.JOB_STATUS,), nth=(1,)))
    sim = simulated(clock, once)
    job = make_job(sim, clock, tmp_path, days=3, dataset=JOBS)
    job.run()
    assert_whole(job, sim)
    assert len(sim.log.entries(Kind.JOB_CREATE)) == 4


@pytest.mark.parametrize("times", [1, None])
def test_cursors_that_go_round_end_the_take(times: int | None, tmp_path: Path, seed: int) -> None:
    """A cursor met before in this take ends it. Once: a new take completes it; always: exit 9 at last, and bounded."""
    clock = VirtualClock(seed)
    on = Match(kinds=(Kind.JOB_RESULTS,), nth=(5,) if times else ())
    every = SimFault(kind=FaultKind.CURSOR_CIRCLE, on=on, times=times)
    sim = simulated(clock, replace(every, on=replace(on, every=5 if times is None else None)), records=200)
    job = make_job(sim, clock, tmp_path, days=1, dataset=JOBS)
    if times is None:
        with pytest.raises(SourceUnsettled) as caught:
            job.run()
        assert caught.value.exit_code == ExitCode.UNSETTLED
        assert len(sim.log.entries(Kind.JOB_RESULTS)) < 50
        sim.clear_faults()
    job.run()
    assert_whole(job, sim)


def test_pages_that_come_again_under_fresh_cursors_end_the_take(tmp_path: Path, seed: int) -> None:
    """A server that gives the same page for ever, each time with another cursor, is no endless download."""
    clock = VirtualClock(seed)
    again = SimFault(kind=FaultKind.OTHER_PAGE, on=Match(kinds=(Kind.JOB_RESULTS,), every=2), times=None, by=-1)
    sim = simulated(clock, again, records=200)
    job = make_job(sim, clock, tmp_path, days=1, dataset=JOBS)
    with pytest.raises(SourceUnsettled):
        job.run()
    assert len(sim.log.entries(Kind.JOB_RESULTS)) <= 12
    sim.clear_faults()
    job.run()
    assert_whole(job, sim)


@pytest.mark.parametrize("refusal", list(JobRefusal))
def test_a_server_full_of_the_jobs_of_others_is_waited_for(refusal: JobRefusal, tmp_path: Path, seed: int) -> None:
    """Ten minutes without room: each refusal is followed by a longer wait, and nothing is given up on."""
    clock = VirtualClock(seed)
    sim = simulated(clock, job_limit=2, job_places_taken=2, job_refusal=refusal)
    job = make_job(sim, clock, tmp_path, days=5, dataset=JOBS)

    def leave() -> None:
        sim.switch(job_places_taken=0)

    clock.at(600.0, leave)
    job.run()
    assert_whole(job, sim)
    refused = [entry for entry in sim.log.entries(Kind.JOB_CREATE) if entry.status in (400, 429)]
    assert len(refused) < 40
    events = job.status(events=1000).events
    assert not any(event.kind is EventKind.QUARANTINED for event in events)


def test_a_server_that_never_has_room_ends_with_exit_3(tmp_path: Path, seed: int) -> None:
    """After an hour, saying that others have all the room, and blaming no rate; the next run completes."""
    clock = VirtualClock(seed)
    sim = simulated(clock, job_limit=2, job_places_taken=2)
    job = make_job(sim, clock, tmp_path, days=3, dataset=JOBS)
    with pytest.raises(Incomplete):
        job.run()
    assert all("others have as many jobs" in problem for problem in job.status().problems)
    assert clock.monotonic() - 1000.0 < 2 * 3600
    sim.switch(job_places_taken=0)
    job.run()
    assert_whole(job, sim)
    assert job.status().state is JobState.COMPLETE


def test_a_place_for_a_job_is_waited_for_as_long_as_the_server_asks_and_nothing_else_is(
    tmp_path: Path, seed: int
) -> None:
    """After "too many jobs" no job is submitted before that; the jobs that are there go on."""
    clock = VirtualClock(seed)
    sim = simulated(clock, job_limit=2, job_refusal=JobRefusal.TOO_MANY)
    job = make_job(sim, clock, tmp_path, days=6, dataset=JOBS)
    job.run()
    assert_whole(job, sim)
    refused = [entry for entry in sim.log.entries(Kind.JOB_CREATE) if entry.status == 429]
    assert refused
    for entry in refused:
        until = entry.at + entry.latency + 1.0
        assert not [one.at for one in sim.log.entries(Kind.JOB_CREATE) if entry.at + entry.latency < one.at < until]
    assert any(one.at < refused[0].at + 1.3 for one in sim.log if one.at > refused[0].at + 0.3)


def test_a_rate_limit_that_hits_a_submission_holds_everybody(tmp_path: Path, seed: int) -> None:
    """It is the rate of all requests: none is sent before the wait is over."""
    clock = VirtualClock(seed)
    limit = SimFault(
        kind=FaultKind.STATUS,
        on=Match(kinds=(Kind.JOB_CREATE,), nth=(3,)),
        status=429,
        headers=(("Retry-After", "20"),),
    )
    sim = simulated(clock, limit)
    job = make_job(sim, clock, tmp_path, days=4, dataset=JOBS)
    job.run()
    assert_whole(job, sim)
    (refused,) = [entry for entry in sim.log.entries(Kind.JOB_CREATE) if entry.status == 429]
    told = refused.at + refused.latency
    assert not [entry for entry in sim.log if told < entry.at < told + 20.0]
