"""Jobs whose every record a test has made up, and what to compare exports with."""

import json
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import resumable
from resumable.manifest.store import Manifest
from resumable.models import JobState, Snapshot, iso
from resumable.schema.decode import decode
from resumable.schema.registry import pinned
from resumable.simulator.settings import SimSettings
from resumable.simulator.simulator import Simulator
from tests.support.builders import START, footer, make_manifest, virtual_settings
from tests.support.clock import VirtualClock
from tests.support.parts import FolderParts

Records = dict[str, dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Page:
    """A page that a test has made up."""

    records: list[dict[str, Any]]
    taken: int = 0
    """Hours after the start of it all."""


Make = Callable[[list[list[Page]]], resumable.Job]


def job_of(folder: Path, windows: list[list[Page]]) -> resumable.Job:
    """Make a complete job of windows of a day, each of pages of records."""
    folder.mkdir(parents=True, exist_ok=True)
    clock = VirtualClock()
    manifest = make_manifest(folder / "manifest.sqlite", clock, windows=len(windows), page_size=100)
    with closing(manifest):
        manifest.set_state(JobState.RUNNING)
        for row, pages in zip(list(manifest.windows()), windows, strict=True):
            take(manifest, folder, row.window.id, pages)
        manifest.set_state(JobState.COMPLETE)
    sim = Simulator(SimSettings(records=0))
    return resumable.Job(name=folder.name, settings=virtual_settings(sim, clock, folder.parent), clock=clock)


def take(manifest: Manifest, folder: Path, window_id: int, pages: list[Page]) -> None:
    """Record the pages of a window's current take, and close it."""
    window = manifest.window(window_id).window
    total = sum(len(page.records) for page in pages)
    seen = Snapshot(number=window.take, page_count=len(pages), total=total)
    if not pages:
        manifest.first_page_done(window, seen, None)
    for number, page in enumerate(pages, 1):
        said = footer(manifest, window, number, len(page.records), page_count=len(pages), total=total)
        said = replace(said, taken_at=iso(START + timedelta(hours=page.taken)))
        part = FolderParts(folder).write(table_of(page.records), said)
        if number == 1:
            manifest.first_page_done(window, seen, part)
        else:
            manifest.page_done(window, number, part, moved=False)
    manifest.complete(manifest.window(window_id).window, bytes(32), duplicates=0, settled=False, young=False)


def taken_again(job: resumable.Job, day: int, pages: list[Page]) -> None:
    """Let a window of a job have a new take."""
    manifest = Manifest.open(job.folder / "manifest.sqlite", job.clock)
    assert manifest is not None
    with closing(manifest):
        window = list(manifest.windows())[day].window
        row = manifest.retake(window, None, "a test says so")
        take(manifest, job.folder, row.window.id, pages)


def table_of(records: list[dict[str, Any]]) -> Any:  # noqa: ANN401 - a table of pyarrow's
    """Return records as a page of conversations is decoded."""
    body = json.dumps({"conversations": records}).encode()
    table = decode(body, schema=pinned("conversation"), records_key="conversations").table
    assert table is not None
    return table


def record(name: str, day: int = 0, minute: int = 0, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
    """Return a small conversation that starts in some minute of a day."""
    start = START + timedelta(days=day, minutes=minute)
    return {"conversationId": name, "conversationStart": iso(start), **more}


def in_order(records: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the ids of records as they must be sorted."""
    return [
        str(r["conversationId"]) for r in sorted(records, key=lambda r: (r["conversationStart"], r["conversationId"]))
    ]


def content(path: Path) -> dict[str, bytes]:
    """Return every file below a path, or the file that it is."""
    if path.is_file():
        return {"": path.read_bytes()}
    return {str(file.relative_to(path)): file.read_bytes() for file in sorted(path.rglob("*")) if file.is_file()}


def three_days(make: Make) -> resumable.Job:
    """Make a job of three days of two pages."""
    return make([[Page(records=[record(f"{day}-{n}", day, n)]) for n in range(2)] for day in range(3)])
