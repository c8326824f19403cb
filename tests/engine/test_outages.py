"""Outages in virtual time: everybody waits together, one asks, nothing is quarantined for it, and patience ends it."""

from datetime import timedelta
from pathlib import Path

import pytest

from resumable import Incomplete, Interrupted, JobState
from resumable.clock import Stop
from resumable.errors import ExitCode
from resumable.models import EventKind
from resumable.simulator.faults.faults import FaultKind, Match, SimFault
from resumable.simulator.messages import Kind
from resumable.simulator.simulator import Simulator
from tests.support.builders import make_job
from tests.support.clock import VirtualClock
from tests.support.whole_runs import assert_whole, ids_of, simulated

EVERYTHING = tuple(Kind)
DOWN = {
    "503": SimFault(kind=FaultKind.STATUS, on=Match(kinds=EVERYTHING), times=None, status=503),
    "502 to all but tokens": SimFault(kind=FaultKind.STATUS, times=None, status=502),
    "504": SimFault(kind=FaultKind.STATUS, times=None, status=504),
    "reset": SimFault(kind=FaultKind.RESET_BEFORE, on=Match(kinds=EVERYTHING), times=None),
}
WINDOWS = 12


def outage(clock: VirtualClock, sim: Simulator, how: SimFault, *, at: float, seconds: float) -> None:
    """Let the source be out from some second of the test on, for so long."""
    clock.at(at, lambda: sim.inject(how))
    clock.at(at + seconds, sim.clear_faults)


@pytest.mark.parametrize("how", DOWN)
@pytest.mark.parametrize(("workers", "seconds"), [(1, 180), (8, 100)])
def test_an_outage_is_waited_out_and_costs_few_requests(
    how: str, seconds: int, workers: int, tmp_path: Path, seed: int
) -> None:
    """All windows are there, nothing was quarantined, and beside its pages it cost an asking every 3 seconds."""
    clock = VirtualClock(seed)
    sim = simulated(clock)
    job = make_job(sim, clock, tmp_path, days=WINDOWS, workers=workers)
    outage(clock, sim, DOWN[how], at=2.0, seconds=seconds)
    job.run()
    assert_whole(job, sim)
    status = job.status(events=1000)
    assert not any(event.kind is EventKind.QUARANTINED for event in status.events)
    told = [event.text for event in status.events if event.kind is EventKind.OUTAGE]
    assert len(told) == 2, told
    assert sim.log.count() <= 3 * WINDOWS + 4 + 2 * workers + 6 + seconds / 3 * 1.25


@pytest.mark.parametrize("how", ["503", "reset"])
def test_an_outage_past_patience_ends_the_run_and_nothing_is_quarantined(how: str, tmp_path: Path, seed: int) -> None:
    """After 30 minutes: exit 3, saying since when and why; status says it too, and the next run completes the job."""
    clock = VirtualClock(seed)
    sim = simulated(clock)
    job = make_job(sim, clock, tmp_path, days=WINDOWS)
    outage(clock, sim, DOWN[how], at=2.0, seconds=31 * 60)
    with pytest.raises(Incomplete, match=r"no answer since 20\d\d-\d\d-\d\d") as caught:
        job.run()
    assert caught.value.exit_code == ExitCode.INCOMPLETE
    assert caught.value.unreachable
    status = job.status(events=1000)
    assert status.totals.pages_quarantined == 0
    assert status.job.outage_since is not None
    why = status.to_json()["outage"]["why"].partition(" (correlation id")[0]
    assert why in caught.value.message
    lasted = clock.now() - status.job.outage_since
    assert timedelta(minutes=30) <= lasted < timedelta(minutes=30, seconds=30)
    assert sim.log.count() < 3 * WINDOWS + 100 + 34 + 45 + 30
    clock.sleep(120)
    job.run()
    assert_whole(job, sim)
    assert job.status().job.outage_since is None


@pytest.mark.parametrize("how", DOWN)
def test_an_outage_at_the_very_start_is_waited_out(how: str, tmp_path: Path, seed: int) -> None:
    """Tokens, whose data it is, pages: whatever is asked first, the run begins when it is answered."""
    clock = VirtualClock(seed)
    sim = simulated(clock)
    job = make_job(sim, clock, tmp_path, days=2)
    outage(clock, sim, DOWN[how], at=0.0, seconds=180)
    job.run()
    assert_whole(job, sim)
    assert job.status().job.outage_since is None
    assert sim.log.count() < 10 + 12 + 180 / 3 * 1.25


def test_an_outage_of_tokens_alone_is_waited_out(tmp_path: Path, seed: int) -> None:
    """Where only the login service is out, its outage ends with a token, and past patience with exit 3."""
    for minutes in (3, 31):
        clock = VirtualClock(seed)
        sim = simulated(clock, token_lifetime=60.0)
        job = make_job(sim, clock, tmp_path / str(minutes), days=WINDOWS, rate_per_minute=20)
        down = SimFault(kind=FaultKind.STATUS, on=Match(kinds=(Kind.TOKEN,)), times=None, status=503)
        outage(clock, sim, down, at=30.0, seconds=minutes * 60)
        if minutes == 3:
            job.run()
            assert_whole(job, sim)
        else:
            with pytest.raises(Incomplete, match="no answer since"):
                job.run()
            assert job.status().totals.pages_quarantined == 0


@pytest.mark.parametrize("known", [None, 1644712373], ids=["any", "one begins beside a last try"])
def test_an_outage_that_comes_and_goes_quarantines_nothing(known: int | None, tmp_path: Path, seed: int) -> None:
    """A minute out, ten seconds not, ten times over: the run makes use of the ten seconds."""
    clock = VirtualClock(known or seed)
    sim = simulated(clock)
    job = make_job(sim, clock, tmp_path, days=WINDOWS, rate_per_minute=60)
    for number in range(10):
        outage(clock, sim, DOWN["503"], at=3.0 + number * 70, seconds=60)
    job.run()
    assert_whole(job, sim)
    assert not any(event.kind is EventKind.QUARANTINED for event in job.status(events=1000).events)


def test_a_signal_ends_the_wait_for_the_end_of_an_outage_at_once(tmp_path: Path, seed: int) -> None:
    """The run ends in the same moment, with what it has, whoever waits or asks."""
    clock = VirtualClock(seed)
    sim = simulated(clock)
    job = make_job(sim, clock, tmp_path, days=WINDOWS)
    stop = Stop(clock)
    outage(clock, sim, DOWN["503"], at=2.0, seconds=31 * 60)
    clock.at(700.0, lambda: stop.request("SIGINT"))
    with pytest.raises(Interrupted):
        job.run(stop=stop)
    assert clock.monotonic() - 1000.0 < 701.0
    assert job.status().state is JobState.INTERRUPTED


def test_a_page_that_fails_while_others_are_answered_is_no_outage(tmp_path: Path, seed: int) -> None:
    """It is quarantined after its attempts as ever, and so is a second and a third one, beside windows that come."""
    clock = VirtualClock(seed)
    bad = [
        SimFault(kind=FaultKind.STATUS, on=Match(window=f"2023-10-0{day}T00:00:00.000Z/", pages=(2,)), times=None)
        for day in (2, 3, 4)
    ]
    sim = simulated(clock, *bad, records=200)
    job = make_job(sim, clock, tmp_path, days=6, rate_per_minute=120)
    with pytest.raises(Incomplete, match="3 pages are quarantined"):
        job.run()
    assert clock.monotonic() - 1000.0 < 300
    assert job.status().totals.pages_done == 60 - 3


def test_days_that_are_all_too_heavy_are_split_in_the_end(tmp_path: Path, seed: int) -> None:
    """Where nothing but 504 comes for whole days, five minutes show that they are too heavy: all is there."""
    clock = VirtualClock(seed)
    heavy = [
        SimFault(
            kind=FaultKind.STATUS, on=Match(window=whole_day(day), kinds=(Kind.CONVERSATIONS,)), times=None, status=504
        )
        for day in range(1, 9)
    ]
    sim = simulated(clock, *heavy)
    job = make_job(sim, clock, tmp_path, days=8)
    job.run()
    assert job.status().totals.windows_done == 16
    assert set(ids_of(job)) == set(sim.truth(str(job.status().job.spec.interval)).ids)


def whole_day(day: int) -> str:
    """Return the interval of a whole day, as requests name it."""
    return f"2023-10-{day:02d}T00:00:00.000Z/2023-10-{day + 1:02d}T00:00:00.000Z"


@pytest.mark.parametrize("days", [2, 12])
@pytest.mark.parametrize("dataset", ["conversations", "conversation-jobs"])
def test_pages_that_fail_for_ever_and_are_all_that_is_left_are_no_outage(
    days: int, dataset: str, tmp_path: Path, seed: int
) -> None:
    """However many there are, and in a run that has asked for nothing else: all are quarantined after their tries."""
    clock = VirtualClock(seed)
    kinds = (Kind.CONVERSATIONS,) if dataset == "conversations" else (Kind.JOB_CREATE,)
    bad = [
        SimFault(kind=FaultKind.STATUS, on=Match(window=whole_day(day), kinds=kinds), times=None, status=500)
        for day in range(4, 4 + days)
    ]
    sim = simulated(clock, *bad)
    job = make_job(sim, clock, tmp_path, days=3 + days, dataset=dataset)
    for _ in range(2):
        began = clock.monotonic()
        with pytest.raises(Incomplete, match=f"{days} pages are quarantined"):
            job.run()
        assert clock.monotonic() - began < 300
        assert job.status().totals.windows_done == 3
    sim.clear_faults()
    job.run()
    assert_whole(job, sim)


def test_a_page_that_fails_for_ever_ends_no_outage_and_prolongs_none(tmp_path: Path, seed: int) -> None:
    """It is the only one left when the source is back: something else is asked for, and it is quarantined."""
    clock = VirtualClock(seed)
    bad = SimFault(kind=FaultKind.STATUS, on=Match(window=whole_day(2), pages=(2,)), times=None, status=500)
    sim = simulated(clock, bad)
    job = make_job(sim, clock, tmp_path, days=3)
    clock.at(1.2, lambda: sim.inject(DOWN["503"]))
    clock.at(101.2, sim.clear_faults)
    clock.at(101.2, lambda: sim.inject(bad))
    with pytest.raises(Incomplete, match="1 pages are quarantined"):
        job.run()
    assert clock.monotonic() - 1000.0 < 400
