"""A command line against a simulator of its own, for each test that asks for one."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from resumable.simulator.settings import SimSettings, Style
from resumable.simulator.simulator import Simulator
from tests.support.command_line import CommandLine


@pytest.fixture
def simulated() -> Iterator[Callable[..., Simulator]]:
    """Return a function that starts a simulator with some settings, quick unless they say otherwise."""
    with contextlib.ExitStack() as stack:

        def start(**settings: Any) -> Simulator:  # noqa: ANN401 - as Settings takes them
            small = {"records": 250, "style": Style.SMALL, "gzip": False}
            quick = {**small, "rate_public": None, "rate_article": None, **settings}
            return stack.enter_context(Simulator(SimSettings(**quick)))

        yield start


@pytest.fixture
def cli(simulated: Callable[..., Simulator], tmp_path: Path) -> CommandLine:
    """Return a command line with a simulator of three pages a day."""
    return CommandLine(sim=simulated(), state=tmp_path / "state")
