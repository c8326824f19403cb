"""What the sweeps of system calls share: a process that has the product loaded, and a source."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from resumable.simulator.simulator import Simulator
from tests.torture.forkserver import ForkServer
from tests.torture.scenes import SCENES, SOURCE, Scene


@pytest.fixture(scope="module")
def forkserver() -> Iterator[ForkServer]:
    """One for all tests of a module."""
    with ForkServer() as running:
        yield running


@pytest.fixture(scope="module")
def source() -> Iterator[Simulator]:
    """Eight conversations a day: the last page of three is not full, so that nobody looks for one behind it."""
    with Simulator(SOURCE) as running:
        yield running


@pytest.fixture
def scene(request: pytest.FixtureRequest, forkserver: ForkServer, source: Simulator, tmp_path: Path) -> Scene:
    """The scene that the test names, by its kind and its dataset."""
    kind, dataset = request.param
    return SCENES[kind](forkserver, source, dataset, tmp_path)
