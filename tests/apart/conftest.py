"""What the tests of this folder share: desks, each with a second server of its own."""

import contextlib
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest

from tests.apart.clock import TODAY
from tests.apart.cloud import Cloud
from tests.apart.desk import Desk, MakeDesk, Time
from tests.apart.manners import Manners
from tests.apart.truth import World
from tests.apart.wire import Wire


@pytest.fixture
def desk_at(tmp_path: Path) -> Iterator[MakeDesk]:
    """Return a function that makes a desk at a server with some world and manners, at some time."""
    with contextlib.ExitStack() as stack:

        def make(world: World | None = None, manners: Manners | None = None, *, at: datetime = TODAY) -> Desk:
            time = Time(at)
            wire = stack.enter_context(Wire(Cloud(world, manners=manners, now=lambda: time.now())))
            return Desk(wire=wire, state=tmp_path / "state", time=time, extra={"TICKETS_TOKEN": "canary-token-tickets"})

        yield make


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Callable[[Desk, World], Desk]]:
    """Return a function that makes a desk with the state folder and the clock of another, at another organisation."""
    with contextlib.ExitStack() as stack:

        def make(first: Desk, world: World) -> Desk:
            time = first.time
            cloud = Cloud(world, client="client-elsewhere", now=lambda: time.now())
            wire = stack.enter_context(Wire(cloud))
            return Desk(wire=wire, state=first.state, time=time, extra=first.extra)

        yield make
