"""Jobs to export: one brought from a simulator, and ones whose every record a test has made up."""

import csv
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

import resumable
from resumable.models import JobSpec, iso
from resumable.simulator.settings import SimSettings
from resumable.simulator.simulator import Simulator
from tests.export.jobs import Make, Page, Records, job_of
from tests.support.builders import START, virtual_settings
from tests.support.clock import VirtualClock
from tests.support.truth import plain

DAYS = 3
INTERVAL = f"{iso(START)}/{iso(START + timedelta(days=DAYS))}"


@pytest.fixture(autouse=True)
def long_fields() -> Iterator[None]:
    """Let Python's own reader of CSV read fields of any length; it stops at 131,072 characters else."""
    usual = csv.field_size_limit(sys.maxsize)
    yield
    csv.field_size_limit(usual)


@pytest.fixture(scope="session")
def sim() -> Simulator:
    """Three days of conversations, some of which go on into the next day."""
    return Simulator(SimSettings(records=60))


@pytest.fixture(scope="session")
def job(sim: Simulator, tmp_path_factory: pytest.TempPathFactory) -> resumable.Job:
    """A complete job of three days in slices, of which more than one have the same conversations; nobody changes it."""
    clock = VirtualClock()
    spec = JobSpec.of("conversations", START, START + timedelta(days=DAYS), window=timedelta(hours=6), page_size=10)
    made = resumable.make(
        spec, virtual_settings(sim, clock, tmp_path_factory.mktemp("export")), name="job", clock=clock
    )
    made.run()
    return made


@pytest.fixture(scope="session")
def truth(sim: Simulator) -> Records:
    """Every record that the job must hold, by its id."""
    return {record["conversationId"]: plain(record) for record in sim.truth(INTERVAL, dataset="conversations")}


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Return how to make a complete job of windows of a day, each of pages of records."""

    def made(windows: list[list[Page]], *, name: str = "job") -> resumable.Job:
        return job_of(tmp_path / "state" / name, windows)

    return made
