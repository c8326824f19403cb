"""Machines that share an allowance by the server's headers, as events on one heap: hours of them in a second."""

import heapq
import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass, field

from resumable.api.pace import Pace, read_rate
from resumable.simulator.api.rates import Rates, Standing
from resumable.simulator.settings import RateWindow, SimSettings

CAP = 300
WORKERS = 4
LATER_SECONDS = 120.0
"""So much later the second half of them begins."""


@dataclass(frozen=True, kw_only=True)
class Arrival:
    """A request at the server."""

    at: float
    """Seconds since it all began."""
    machine: int
    admitted: bool


@dataclass
class _Machine:
    number: int
    pace: Pace = field(default_factory=lambda: Pace(documented=CAP))
    free: int = 0
    wakes_at: float = float("-inf")


def arrivals(seed: int, count: int, kind: RateWindow, *, seconds: float) -> Iterator[Arrival]:
    """Yield what arrives at the server of so many machines."""
    chance, rates, settings, turns = random.Random(seed), Rates(), SimSettings(rate_kind=kind), itertools.count()
    begun = 1000 + chance.uniform(0, 100)
    machines = [_Machine(number) for number in range(count)]
    heap: list[tuple[float, int, _Machine, float | None, Standing | None]] = []

    def later(at: float, machine: _Machine, sent: float | None = None, answer: Standing | None = None) -> None:
        heapq.heappush(heap, (at, next(turns), machine, sent, answer))

    for machine in machines:
        start = begun + machine.number * 1.7 + (LATER_SECONDS if machine.number >= (count + 1) // 2 else 0)
        machine.free, machine.wakes_at = WORKERS, start
        later(start, machine)
    while heap:
        now, _, machine, sent, answer = heapq.heappop(heap)
        if sent is not None and answer is None:
            standing = rates.admit("token", CAP, settings, now)
            yield Arrival(at=now - begun, machine=machine.number, admitted=standing.admitted)
            later(now + 0.4, machine, sent, standing)
        elif sent is not None and answer is not None:
            _learn(machine.pace, now, sent, answer)
            machine.free += 1
        while machine.free and now < begun + seconds:
            wait = machine.pace.wait_seconds(now)
            if wait > 0:
                if not now < machine.wakes_at <= now + wait + 2e-6:
                    machine.wakes_at = now + wait + 1e-6
                    later(machine.wakes_at, machine)
                break
            machine.pace.take(now)
            machine.free -= 1
            later(now + chance.uniform(0.01, 0.06), machine, now)


def _learn(pace: Pace, now: float, sent: float, answer: Standing) -> None:
    pace.eased()
    said = read_rate(dict(answer.headers()))
    assert said is not None
    pace.learn(now, said, asked_at=sent)
    if not answer.admitted:
        pace.refused()
        pace.hold(now + answer.reset_seconds)
