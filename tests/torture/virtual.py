"""Whole runs on a virtual clock: hours pass in a second, and one seed repeats a schedule."""

import itertools
from dataclasses import dataclass
from pathlib import Path

import resumable
from resumable.clock import Stop
from resumable.simulator.faults.faults import SimFault
from resumable.simulator.messages import Kind
from resumable.simulator.request_log import Entry
from resumable.simulator.settings import SimSettings, Style
from resumable.simulator.simulator import Simulator
from tests.support.builders import make_job
from tests.support.clock import VirtualClock
from tests.support.truth import records_of, truth_of

PAGE = Kind.CONVERSATIONS


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A simulator and a job of it, on one clock."""

    clock: VirtualClock
    sim: Simulator
    job: resumable.Job

    def run(self) -> resumable.Status:
        """Run the job to whatever its end is."""
        return self.job.run(stop=Stop(self.clock))

    def assert_whole(self) -> None:
        """Check that the job holds just what the simulator has, and that no good page was sent twice."""
        assert records_of(self.job) == truth_of(self.job, self.sim)
        twice = {page: count for page, count in self.sim.log.pages().items() if count > 1}
        assert not twice, f"asked for again, although they had come: {twice}"

    @property
    def token_requests(self) -> list[Entry]:
        """The requests for tokens."""
        return self.sim.log.entries(Kind.TOKEN)

    @property
    def least_gap(self) -> float:
        """The shortest time between two requests for tokens."""
        moments = [entry.at for entry in self.token_requests]
        return min((late - early for early, late in itertools.pairwise(moments)), default=float("inf"))


def stage(tmp_path: Path, seed: int, *faults: SimFault, days: int = 2, **settings: object) -> Stage:
    """Make a job of four pages a day; `settings` are the simulator's."""
    clock = VirtualClock(seed)
    quick = {"records": 70, "style": Style.SMALL, "latency": 0.2, **settings}
    sim = Simulator(
        SimSettings(**quick),  # type: ignore[arg-type]  # any of its settings
        faults=faults,
        monotonic=clock.monotonic,
        today=clock.now,
    )
    return Stage(clock=clock, sim=sim, job=make_job(sim, clock, tmp_path, days=days))
