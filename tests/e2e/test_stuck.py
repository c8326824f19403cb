"""A backfill through all that could keep it from its end, in virtual time: everything is there, and what it cost."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import resumable
from resumable import JobSpec, JobState
from resumable.errors import Failure, TransportFault
from resumable.models import Counter, EventKind, Request
from resumable.simulator.faults.faults import FaultKind, Match, SimFault
from resumable.simulator.messages import Kind
from resumable.simulator.settings import SimSettings, Style
from resumable.simulator.simulator import Simulator
from resumable.transport.http import Reply
from tests.support.builders import START, virtual_settings
from tests.support.clock import VirtualClock
from tests.support.transports import SimulatedTransport

EVERYTHING = tuple(Kind)
DAYS = 19


class BigPages(SimulatedTransport):
    """A way to the simulator on which the pages of the 15th are too big where they hold more than 30 records."""

    def send(self, request: Request, headers: Any, *, form: Any = None) -> Reply:  # noqa: ANN401 - as the transport has
        """Refuse an answer that holds too much."""
        reply = super().send(request, headers, form=form)
        body = request.body or {}
        big = str(body.get("interval", "")).startswith("2023-10-15T") and body["paging"]["pageSize"] > 30
        if big and reply.status == 200:
            raise TransportFault("too big: more than 134217728 bytes decoded", failure=Failure.TOO_BIG)
        return reply


def troubled(clock: VirtualClock) -> Simulator:
    """Return a simulator with a 504 day, a wall at 1,000, a count out of range, and an outage of three minutes."""
    day_5 = "2023-10-05T00:00:00.000Z/2023-10-06T00:00:00.000Z"
    faults = (
        SimFault(kind=FaultKind.STATUS, on=Match(window=day_5), times=None, status=504),
        SimFault(kind=FaultKind.TOTAL, on=Match(kinds=(Kind.CONVERSATIONS,), nth=(3,)), value=2**63),
        SimFault(kind=FaultKind.TOTAL, on=Match(kinds=(Kind.CONVERSATIONS,), nth=(4,)), value=-5),
    )
    settings = SimSettings(
        deep_limit=1000,
        latency=0.3,
        style=Style.SMALL,
        records_on={"2023-10-09": 1600, "2023-10-12": 990, "2023-10-15": 90},
    )
    sim = Simulator(settings, faults=faults, monotonic=clock.monotonic, today=clock.now)
    out = SimFault(kind=FaultKind.STATUS, on=Match(kinds=EVERYTHING), times=None, status=503)

    def begin() -> None:
        sim.inject(out)

    def end() -> None:
        sim.clear_faults()
        sim.inject(faults[0])

    clock.at(3.0, begin)
    clock.at(183.0, end)
    return sim


def test_a_backfill_gets_through_an_outage_a_504_day_a_wall_and_pages_that_are_too_big(
    tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit 0 with every record; beside the pages themselves it cost fewer requests than the outage has seconds."""
    clock = VirtualClock(seed)
    sim = troubled(clock)
    monkeypatch.setattr("tests.support.builders.SimulatedTransport", BigPages)
    spec = JobSpec.of("conversations", START, START + timedelta(days=DAYS), page_size=70)
    job = resumable.make(spec, virtual_settings(sim, clock, tmp_path), name="job", clock=clock)
    status = job.run()
    assert status.state is JobState.COMPLETE
    ids = {record["conversationId"] for record in job.records()}
    assert ids == set(sim.truth(str(spec.interval)).ids)
    assert sorted(job.folder.glob("parts/*/*")) == sorted(job.files())
    events = job.status(events=10_000).events
    kinds = [event.kind for event in events]
    assert EventKind.QUARANTINED not in kinds
    assert kinds.count(EventKind.OUTAGE) == 2
    assert kinds.count(EventKind.SPLIT) >= 2
    assert status.job.deep_limit == 1000
    assert status.smaller_pages >= 1
    pages, requests = status.totals.pages_done, status.counters[Counter.REQUESTS]
    print(f"{requests} requests for {pages} pages of {len(ids)} records, in {clock.monotonic() - 1000:.0f} s")
    assert requests - pages < 150
    assert clock.monotonic() - 1000.0 < 400
