"""A complete job of any number of parts, made without a server: a simulated day again and again, under other ids."""

import hashlib
import json
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from resumable.clock import SystemClock
from resumable.manifest.rows import JobRow
from resumable.manifest.store import Manifest
from resumable.models import Interval, JobSpec, JobState, Query, Snapshot, Window, iso
from resumable.schema.decode import decode
from resumable.schema.registry import pinned
from resumable.simulator.settings import SimSettings
from resumable.simulator.simulator import Simulator
from resumable.storage.parts import Footer
from tests.support.parts import FolderParts

START = datetime(2023, 10, 1, tzinfo=UTC)
DAY = timedelta(days=1)
BASE_PAGES = 20
CARRIED = 50
"""Conversations of a window that were still active in the next one, and come again on its first page."""


def make_job(folder: Path, *, windows: int, pages: int, rows: int = 100) -> None:
    """Write the manifest and the parts of a job of `windows` days of `pages` pages; conversations start in order."""
    folder.mkdir(parents=True)
    base = _base(rows)
    spec = JobSpec(
        dataset="conversations",
        interval=Interval(start=START, end=START + windows * DAY),
        query=Query(),
        window=DAY,
        page_size=rows,
    )
    days = [Interval(start=START + n * DAY, end=START + (n + 1) * DAY) for n in range(windows)]
    manifest = Manifest.create(
        folder / "manifest.sqlite",
        SystemClock(),
        name=folder.name,
        spec=spec,
        schema_digest=pinned("conversation").digest,
        windows=iter(days),
    )
    with closing(manifest):
        parts = FolderParts(folder)
        manifest.set_state(JobState.RUNNING)
        for row in list(manifest.windows()):
            _fill(row.window, manifest, parts, base, pages)
        manifest.set_state(JobState.COMPLETE)


def make_job_apart(folder: Path, *, windows: int, pages: int) -> None:
    """Make such a job in a process of its own: a child's peak memory is never less than that of who started it."""
    code = (
        "import sys; from pathlib import Path; from tests.benchmarks.manyparts import make_job;"
        "make_job(Path(sys.argv[1]), windows=int(sys.argv[2]), pages=int(sys.argv[3]))"
    )
    subprocess.run([sys.executable, "-c", code, str(folder), str(windows), str(pages)], check=True)


def _fill(window: Window, manifest: Manifest, parts: FolderParts, base: list[pa.Table], pages: int) -> None:
    rows = base[0].num_rows
    snapshot = Snapshot(number=1, page_count=pages, total=pages * rows)
    for number in range(1, pages + 1):
        table = _page(base[number % len(base)], window.interval, number, pages)
        part = parts.write(table, _footer(manifest.job(), window.interval, number, snapshot, rows))
        if number == 1:
            manifest.first_page_done(window, snapshot, part)
        else:
            manifest.page_done(window, number, part, moved=False)
    digest = hashlib.sha256(str(window.interval).encode()).digest()
    manifest.complete(window, digest, duplicates=0, settled=False, young=False)


def _footer(job: JobRow, window: Interval, number: int, snapshot: Snapshot, rows: int) -> Footer:
    return Footer(
        job=job.uuid,
        job_name=job.name,
        spec=job.spec.to_json(),
        query_digest=job.spec.digest,
        schema_digest=pinned("conversation").digest,
        window=window,
        take=1,
        number=number,
        rows=rows,
        page_count=snapshot.page_count,
        total=snapshot.total,
        snapshot_page_count=snapshot.page_count,
        snapshot_total=snapshot.total,
        taken_at=iso(window.start + DAY),
    )


def _base(rows: int) -> list[pa.Table]:
    with Simulator(SimSettings(records=BASE_PAGES * rows)) as sim:
        records = [
            record
            for record in sim.truth(f"{iso(START)}/{iso(START + DAY)}", dataset="conversations")
            if record["conversationStart"] >= iso(START)
        ]
    schema = pinned("conversation")
    pages = [records[n * rows : (n + 1) * rows] for n in range(BASE_PAGES)]
    tables = [
        decode(json.dumps({"c": page}).encode(), schema=schema, records_key="c", envelope=[]).table for page in pages
    ]
    return [table for table in tables if table is not None and table.num_rows == rows]


def _page(base: pa.Table, window: Interval, number: int, pages: int) -> pa.Table:
    rows = base.num_rows
    if number == 1:  # the first rows are those that the window before ended with
        before = Interval(start=window.start - DAY, end=window.start)
        carried = [(before, pages, n) for n in range(rows - CARRIED, rows)]
    else:
        carried = []
    places = [*carried, *((window, number, n) for n in range(len(carried), rows))]
    ids = [f"{hashlib.md5(f'{w.start} {p} {n}'.encode(), usedforsecurity=False).hexdigest()}" for w, p, n in places]
    ids = [f"{i[:8]}-{i[8:12]}-{i[12:16]}-{i[16:20]}-{i[20:]}" for i in ids]
    step = DAY / (pages * rows)
    starts = [w.start + (((p - 1) * rows + n) * step) for w, p, n in places]
    starts = [at.replace(microsecond=at.microsecond // 1000 * 1000) for at in starts]
    instant = pa.timestamp("ms", tz="UTC")
    names = base.column_names
    columns = list(base.columns)
    columns[names.index("conversationId")] = pa.chunked_array([pa.array(ids, pa.string())])
    columns[names.index("conversationStart")] = pa.chunked_array([pa.array(starts, instant)])
    ends = [at + timedelta(minutes=7) for at in starts]
    columns[names.index("conversationEnd")] = pc.if_else(
        pc.is_valid(columns[names.index("conversationEnd")]), pa.chunked_array([pa.array(ends, instant)]), None
    )
    return pa.Table.from_arrays(columns, schema=base.schema)
