"""One backfill of a bad week: an outage, a day too heavy, a wall, a watermark; one night later it is whole."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from resumable import Incomplete, JobState
from resumable.errors import ExitCode
from resumable.models import EventKind
from resumable.simulator.faults.faults import FaultKind, Match, SimFault
from resumable.simulator.messages import Kind
from tests.support.builders import make_job
from tests.support.clock import VirtualClock
from tests.support.whole_runs import simulated

DAYS = 5
BUSY = {"2023-10-03": 1_150}
"""More than the wall lets through; the other days have 250."""
HEAVY = Match(kinds=(Kind.CONVERSATIONS,), window="2023-10-02T00:00:00.000Z/2023-10-03T00:00:00.000Z")
MOST = {"conversations": 25 + 75 + 30, "conversation-jobs": 25 + 75 + 50}
"""Requests where nothing is wrong, those that ask if the outage is over, and what the rest costs; usual: 113, 129."""


@pytest.mark.parametrize("dataset", ["conversations", "conversation-jobs"])
def test_a_backfill_through_a_bad_week_is_whole_one_night_later(dataset: str, tmp_path: Path, seed: int) -> None:
    """Three minutes of 503, a day that only answers 504, a wall at 1,000 and data that ends at noon: exit 0 at last.

    It costs a request every 3 seconds of the outage, the halves of two days, and what there was of the day cut off.
    """
    clock = VirtualClock(seed)
    heavy = SimFault(kind=FaultKind.STATUS, on=HEAVY, times=None, status=504)
    by_job = dataset == "conversation-jobs"
    sim = simulated(
        clock,
        heavy,
        records=250,
        records_on=BUSY,
        deep_limit=1_000,
        watermark=datetime(2023, 10, 5, 12, tzinfo=UTC) if by_job else None,
    )
    job = make_job(sim, clock, tmp_path, days=DAYS, dataset=dataset, page_size=100)
    down = SimFault(kind=FaultKind.STATUS, on=Match(kinds=tuple(Kind)), times=None, status=503)
    clock.at(3.0, lambda: sim.inject(down))
    clock.at(183.0, sim.clear_faults)
    clock.at(183.0, lambda: sim.inject(heavy))
    if by_job:
        with pytest.raises(Incomplete, match="1 window the source does not have whole yet") as caught:
            job.run()
        assert caught.value.exit_code == ExitCode.INCOMPLETE
        sim.switch(watermark=None)
        clock.sleep(timedelta(hours=14).total_seconds())
    assert job.run().state is JobState.COMPLETE
    # Slices of a day overlap: what comes in two of them is told, and an export has it once.
    assert {record["conversationId"] for record in job.records()} == set(
        sim.truth(str(job.status().job.spec.interval)).ids
    )
    status = job.status(events=10_000)
    kinds = {event.kind for event in status.events}
    assert EventKind.OUTAGE in kinds
    assert EventKind.QUARANTINED not in kinds
    assert (EventKind.CUT_OFF if by_job else EventKind.SPLIT) in kinds
    assert list(job.verify()) == []
    sent = status.to_json()["requests"]
    assert sent == sim.log.count() - sim.log.count(Kind.TOKEN)
    assert sent <= MOST[dataset]
