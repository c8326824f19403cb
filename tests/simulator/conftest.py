"""A simulator for each test that asks for one."""

from collections.abc import Iterator

import pytest

from resumable.simulator.faults.faults import SimFault
from resumable.simulator.json_values import Json
from resumable.simulator.settings import SimSettings
from resumable.simulator.simulator import Simulator
from tests.simulator.caller import Caller, Clock, Start


@pytest.fixture
def start() -> Iterator[Start]:
    """Start a simulator with these settings and return a caller that has a token."""
    running: list[Simulator] = []

    def begin(*faults: SimFault, clock: Clock | None = None, login: bool = True, **settings: Json) -> Caller:
        chosen = SimSettings(**{"records": 30, "gzip": False, **settings})
        simulator = Simulator(chosen, monotonic=clock) if clock else Simulator(chosen)
        simulator.start()
        running.append(simulator)
        caller = Caller(simulator)
        if login:
            caller.token()
        simulator.inject(*faults)
        return caller

    yield begin
    for simulator in running:
        simulator.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()
