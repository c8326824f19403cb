"""One call of repair, and what a job must be after it."""

import resumable
from resumable.simulator.simulator import Simulator
from tests.support.planted import Planted


def pages_asked(sim: Simulator) -> int:
    """Return how many pages the simulator has given out in all."""
    return sum(sim.log.pages().values())


def ids(job: resumable.Job) -> list[str]:
    """Return the keys of all records, sorted."""
    return sorted(record["conversationId"] for record in job.records())


def repaired(planted: Planted, sim: Simulator) -> tuple[resumable.Repaired, int]:
    """Repair a job; return what was done and how many pages the server was asked for. It must be whole after it."""
    before = pages_asked(sim)
    status, done = planted.job.repair()
    asked = pages_asked(sim) - before
    assert status.state is resumable.JobState.COMPLETE
    planted.clean()
    return done, asked
