"""What a job must hold: the records of a simulator and those of a job, in one form, to be compared."""

from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from typing import Any

from resumable import Job
from resumable.manifest.reader import ManifestReader
from resumable.models import PageKey, WindowContract, iso
from resumable.schema.rebuild import rebuild
from resumable.schema.registry import pinned
from resumable.simulator.simulator import Simulator
from tests.support.parts import FolderParts

TIMELESS = ("users", "queues", "wrapupcodes")
KEYS = {"user-details": "userId", "user-detail-jobs": "userId", "users": "id", "queues": "id", "wrapupcodes": "id"}
_SCHEMAS = {
    "user-details": "user-detail",
    "user-detail-jobs": "user-detail",
    "users": "user",
    "queues": "queue",
    "wrapupcodes": "wrapup-code",
}


def plain(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Return a JSON value without its null members: absent and null are the same."""
    if isinstance(value, dict):
        return {name: plain(member) for name, member in value.items() if member is not None}
    return [plain(element) for element in value] if isinstance(value, list) else value


def by_id(records: Iterator[dict[str, Any]]) -> dict[str, Any]:
    """Return records by their id; no id may come twice."""
    found: dict[str, Any] = {}
    for record in records:
        assert record["conversationId"] not in found, f"{record['conversationId']} came twice"
        found[record["conversationId"]] = plain(record)
    return found


def assert_equal_to_truth(job: Job, sim: Simulator, *, dataset: str, query: dict[str, Any] | None = None) -> None:
    """Check that a job holds just the records that the simulator has, each once, each whole."""
    interval = job.status().job.spec.interval
    truth = {
        record["conversationId"]: plain(record) for record in sim.truth(str(interval), dataset=dataset, query=query)
    }
    got = by_id(job.records())
    assert got.keys() == truth.keys()
    assert got == truth


def truth_of(job: Job, sim: Simulator, query: dict[str, Any] | None = None) -> dict[tuple[str, str], Any]:
    """Return what a job must hold, by window and key: users' details have one record a user in every window."""
    spec = job.status().job.spec
    key = KEYS.get(spec.dataset, "conversationId")
    dataset = spec.dataset.replace("user-detail-jobs", "user-details").replace("-history", "s")
    if spec.dataset in TIMELESS:
        return {("", record[key]): plain(record) for record in sim.truth(None, dataset=dataset)}
    of_jobs = _of_jobs(job)
    found: dict[tuple[str, str], Any] = {}
    start = spec.interval.start
    while start < spec.interval.end:
        window = f"{iso(start)}/{iso(start + timedelta(days=1))}"
        by_job = dataset == "conversation-jobs" or start in of_jobs
        body = {**(query or {}), **({"startOfDayIntervalMatching": True} if by_job else {})}
        records = sim.truth(window, dataset="conversation-jobs" if by_job else dataset, query=body)
        found |= {(window if key == "userId" else "", record[key]): plain(record) for record in records}
        start += timedelta(days=1)
    return found


def _of_jobs(job: Job) -> set[datetime]:
    """Return where the windows begin that came by jobs on the server, of a dataset with two contracts."""
    manifest = ManifestReader.open_to_read(job.folder / "manifest.sqlite")
    assert manifest is not None
    with closing(manifest):
        return {row.window.interval.start for row in manifest.windows() if row.contract is WindowContract.JOBS}


def records_of(job: Job) -> dict[tuple[str, str], Any]:
    """Return what a job holds, by window and key; nothing may come twice."""
    spec = job.status().job.spec
    key = KEYS.get(spec.dataset, "conversationId")
    schema = pinned(_SCHEMAS.get(spec.dataset, "conversation"))
    manifest = ManifestReader.open_to_read(job.folder / "manifest.sqlite")
    assert manifest is not None
    found: dict[tuple[str, str], Any] = {}
    with closing(manifest):
        for row in manifest.windows():
            for page in manifest.pages(row.window):
                part = PageKey(window=row.window.interval, take=row.window.take, number=page.number)
                for record in rebuild(FolderParts(job.folder).table(part), schema=schema):
                    name = (str(row.window.interval) if key == "userId" else "", record[key])
                    assert name not in found, f"{name} came twice"
                    found[name] = plain(record)
    return found
