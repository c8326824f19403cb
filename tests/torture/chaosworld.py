"""What a seed of chaos happens in: a clock whose waits are judged, a folder in memory, organisations made once."""

import contextlib
import functools
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from resumable.simulator.world import world
from resumable.simulator.world.conversations import make_shapes
from tests.support.clock import VirtualClock
from tests.torture.chaoswire import Watcher


class Violation(AssertionError):
    """A seed showed that a promise does not hold."""


class ChaosClock(VirtualClock):
    """A virtual clock that shows each wait to a watcher, and that can stand still while the world goes on."""

    watcher: Watcher | None = None
    slept = 0.0

    def wait(self, condition: threading.Condition, seconds: float | None) -> None:
        """Wait, and let the wait be judged."""
        if self.watcher is not None and seconds is not None and not _of_the_wire():
            self.watcher.waited(seconds, outage=sys._getframe(1).f_globals["__name__"] == "resumable.api.outage")
        super().wait(condition, seconds)

    def true(self) -> float:
        """Return the seconds that have passed in the world."""
        return self.monotonic() + self.slept


def _of_the_wire() -> bool:
    frame = sys._getframe(2)
    return frame.f_code.co_name in ("pause", "sleep")


_shapes = functools.cache(make_shapes)
"""Of an organisation: to invent them takes longer than a whole seed's runs."""


@contextlib.contextmanager
def shared_shapes() -> Iterator[None]:
    """Let simulators of equal organisations share the shapes of their conversations."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(world, "make_shapes", _shapes)
        yield


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """Return a folder in memory where there is one."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(prefix="chaos-", dir=memory if memory.is_dir() else None) as folder:
        yield Path(folder)
