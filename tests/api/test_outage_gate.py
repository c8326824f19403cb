"""The gate of outages between threads, in virtual time."""

from datetime import timedelta

import pytest

from resumable.api.outage import OutageGate
from resumable.clock import Stop
from resumable.errors import Failure, Fault
from tests.support.builders import MemoryJournal
from tests.support.clock import VirtualClock

DOWN = Fault("nobody there", failure=Failure.NO_ANSWER)


@pytest.mark.parametrize("answered", [False, True])
def test_whose_trouble_a_failure_is_waits_for_what_another_one_looks_for(answered: bool, seed: int) -> None:
    """While one asks whether anything is answered, the failure of another is neither its own nor the source's."""
    clock = VirtualClock(seed)
    stop = Stop(clock)
    gate = OutageGate(stop, MemoryJournal(), patience=timedelta(minutes=30))
    gate.entered("first")
    gate.entered("second")
    told = []

    def look() -> bool:
        stop.wait(5.0)
        return answered

    def first() -> None:
        assert not gate.failed("first", DOWN, look=look)
        stop.wait(2.0)
        told.append(gate.failed("first", DOWN, look=look))

    def second() -> None:
        stop.wait(1.0)
        told.append(gate.failed("second", DOWN, look=look))

    both = iter((first, second))
    clock.run_threads(lambda: next(both)(), ["first", "second"])
    assert told == [not answered, not answered]
    assert clock.monotonic() == 1000.0 + 1.0 + 5.0
