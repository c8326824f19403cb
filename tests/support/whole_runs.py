"""Whole runs in virtual time: the simulator that they ask, and what they must end with."""

from pyarrow import dataset

import resumable
from resumable import JobState
from resumable.simulator.faults.faults import SimFault
from resumable.simulator.settings import SimSettings, Style
from resumable.simulator.simulator import Simulator
from tests.support.clock import VirtualClock


def simulated(clock: VirtualClock, *faults: SimFault, **settings: object) -> Simulator:
    """Return a simulator on the test's clock, with small records: 50 on each day, in pages of 20."""
    given = {"records": 50, "style": Style.SMALL, "rate_public": None, "rate_article": None, "latency": 0.3, **settings}
    made = SimSettings(**given)  # type: ignore[arg-type]  # any setting
    return Simulator(made, faults=faults, monotonic=clock.monotonic, today=clock.now)


def ids_of(job: resumable.Job) -> list[str]:
    """Return the id of every conversation in a job's parts."""
    # One column of many files at once: whole records take ten times as long.
    files = [str(path) for path in job.files()]
    return dataset.dataset(files).to_table(columns=["conversationId"])["conversationId"].to_pylist() if files else []


def assert_whole(job: resumable.Job, sim: Simulator) -> None:
    """Check that a job is complete, with just the records that the simulator has, and no file too many."""
    status = job.status()
    assert status.state is JobState.COMPLETE
    ids = ids_of(job)
    assert len(ids) == len(set(ids))
    assert sorted(ids) == sorted(sim.truth(str(status.job.spec.interval)).ids)
    assert sorted(job.folder.glob("parts/*/*")) == sorted(job.files())
