"""The product in this process, against a simulator in it too."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import resumable
from resumable import Endpoints, Job, JobSpec, Query, Secret
from resumable.clock import SystemClock
from resumable.config import Policy
from resumable.models import iso
from resumable.simulator.simulator import Simulator
from tests.support.harness import plain

QUICK = Policy(first_wait_seconds=0.01, longest_wait_seconds=0.05)
"""Waits too short to be noticed, for tests of what comes after them."""

TIMELESS = ("users", "queues", "wrapupcodes")
KEYS = {"user-details": "userId", "user-detail-jobs": "userId", "users": "id", "queues": "id", "wrapupcodes": "id"}


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


def truth_of(job: Job, sim: Simulator, query: dict[str, Any] | None = None) -> dict[tuple[str, str], Any]:
    """Return what a job must hold, by window and key: users' details have one record a user in every window."""
    spec = job.status().job.spec
    key = KEYS.get(spec.dataset, "conversationId")
    dataset = spec.dataset.replace("user-detail-jobs", "user-details")
    if spec.dataset in TIMELESS:
        return {("", record[key]): plain(record) for record in sim.truth(None, dataset=dataset)}
    body = dict(query or {})
    if spec.dataset == "conversation-jobs":
        body["startOfDayIntervalMatching"] = True
    found, start = {}, spec.interval.start
    while start < spec.interval.end:
        window = f"{iso(start)}/{iso(start + timedelta(days=1))}"
        records = sim.truth(window, dataset=dataset, query=body)
        found |= {(window if key == "userId" else "", record[key]): plain(record) for record in records}
        start += timedelta(days=1)
    return found


def records_of(job: Job) -> dict[tuple[str, str], Any]:
    """Return what a job holds, by window and key; nothing may come twice."""
    from resumable.manifest.reader import ManifestReader
    from resumable.models import PageKey
    from resumable.schema.rebuild import rebuild
    from resumable.schema.registry import pinned
    from tests.support.parts import FolderParts

    spec = job.status().job.spec
    key = KEYS.get(spec.dataset, "conversationId")
    names = {"user-details": "user-detail", "user-detail-jobs": "user-detail"}
    names |= {"users": "user", "queues": "queue", "wrapupcodes": "wrapup-code"}
    schema = pinned(names.get(spec.dataset, "conversation"))
    manifest = ManifestReader.open_to_read(job.folder / "manifest.sqlite")
    assert manifest is not None
    found: dict[tuple[str, str], Any] = {}
    for row in manifest.windows():
        for page in manifest.pages(row.window):
            part = PageKey(window=row.window.interval, take=row.window.take, number=page.number)
            for record in rebuild(FolderParts(job.folder).table(part), schema=schema):
                name = (str(row.window.interval) if key == "userId" else "", record[key])
                assert name not in found, f"{name} came twice"
                found[name] = plain(record)
    manifest.close()
    return found
