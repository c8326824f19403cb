"""Whole jobs of three days, and one bit of one of their files flipped."""

import random
from pathlib import Path

import pytest

import resumable
from resumable.models import PageKey
from resumable.simulator.settings import SimSettings, Style
from resumable.simulator.simulator import Simulator
from tests.support.builders import make_job
from tests.support.clock import VirtualClock
from tests.support.parts import FolderParts


@pytest.fixture(scope="module")
def sim() -> Simulator:
    """Three days of three pages of small records."""
    return Simulator(SimSettings(records=59, style=Style.SMALL, rate_public=None, rate_article=None, job_polls=0))


def made(sim: Simulator, dataset: str, state: Path) -> resumable.Job:
    """Return a complete job of three days."""
    job = make_job(sim, VirtualClock(), state, dataset=dataset, days=3)
    job.run()
    return job


def flip(path: Path, dice: random.Random) -> tuple[bytes, int]:
    """Flip one bit of a file, and return what it held before and which bit that is."""
    good = path.read_bytes()
    bit = dice.randrange(len(good) * 8)
    data = bytearray(good)
    data[bit // 8] ^= 1 << bit % 8
    path.write_bytes(data)
    return good, bit


def pages(job: resumable.Job) -> dict[Path, PageKey]:
    """Return every page by the path of its part."""
    return {FolderParts(job.folder).path(key): key for key in job._pages()}
