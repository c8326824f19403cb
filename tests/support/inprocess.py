"""The product in this process, against a simulator in it too."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import resumable
from resumable import Endpoints, JobSpec, Query, Secret
from resumable.clock import SystemClock
from resumable.config import Policy
from resumable.simulator.simulator import Simulator

QUICK = Policy(first_wait_seconds=0.01, longest_wait_seconds=0.05)
"""Waits too short to be noticed, for tests of what comes after them."""


class WallClock(SystemClock):
    """The machine's clock with a wall time of the test's own."""

    def __init__(self, at: datetime = datetime(2024, 1, 1, tzinfo=UTC)) -> None:
        """Start at some time."""
        self.at = at

    def now(self) -> datetime:
        """Return the time that the test set."""
        return self.at


def settings_for(sim: Simulator, state: Path, **more: Any) -> resumable.Settings:  # noqa: ANN401 - any setting
    """Return the settings that lead to a simulator, with waits too short to be noticed."""
    settings = resumable.Settings(
        endpoints=Endpoints(api=sim.url, login=sim.url),
        client_id=sim.settings.client_id,
        client_secret=Secret(sim.settings.client_secret),
        state=state,
        rate_per_minute=1_000_000,
        policy=QUICK,
    )
    return replace(settings, **more)


def spec_for(dataset: str, start: str, end: str, *, page_size: int = 20, query: Query | None = None) -> JobSpec:
    """Return a spec with windows of a day."""
    return JobSpec.of(dataset, start, end, query=query, page_size=page_size)
