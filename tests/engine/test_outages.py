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
from tests.engine.test_pages import assert_whole, simulated
from tests.support.builders import make_job
from tests.support.clock import VirtualClock

EVERYTHING = tuple(Kind)
DOWN = {
    "503": SimFault(kind=FaultKind.STATUS, on=Match(kinds=EVERYTHING), times=None, status=503),
    "502 to all but tokens": SimFault(kind=FaultKind.STATUS, times=None, status=502),
    "504": SimFault(kind=FaultKind.STATUS, times=None, status=504),
    "reset": SimFault(kind=FaultKind.RESET_BEFORE, on=Match(kinds=EVERYTHING), times=None),
}
WINDOWS = 19


def outage(clock: VirtualClock, sim: Simulator, how: SimFault, *, at: float, seconds: float) -> None:
    """Let the source be out from some second of the test on, for so long."""
    clock.at(at, lambda: sim.inject(how))
    clock.at(at + seconds, sim.clear_faults)


@pytest.mark.parametrize("seconds", [100, 180])
@pytest.mark.parametrize("how", DOWN)
@pytest.mark.parametrize("workers", [1, 8])
def test_an_outage_is_waited_out_and_costs_few_requests(
    how: str, seconds: int, workers: int, tmp_path: Path, seed: int
) -> None:
    """All 19 windows are there, no page was quarantined, and beside its pages the run cost an asking every 3 seconds."""
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
