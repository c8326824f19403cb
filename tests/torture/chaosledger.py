"""What `judge` looks for in a job's folder, thousands of times a minute: each part is read once, by its hash."""

import hashlib
import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from resumable.datasets.resolve import of_job
from resumable.manifest.rows import job_columns, job_row
from resumable.manifest.tables import VERSION
from resumable.schema.rebuild import rebuild
from tests.torture.judge import Ledger, Part, plain
from tests.torture.wholeness import Broken, PageName, iso, to_ms

Window = tuple[int, int]

_ENTRY = re.compile(rb'\{"(?:client|columns)":')  # by which name a part's own words begin depends on its version
_HASH = re.compile(rb'"sha256":"([0-9a-f]{64})"')
_FINAL = re.compile(r"page-\d{5,10}(\.take-\d{1,9})?\.parquet")


def looked(folder: Path, *, workers: int) -> Ledger:
    """Return what is in a job's folder. Raises Broken where promises 1, 2 or 4 do not hold."""
    with closing(sqlite3.connect(f"file:{folder}/manifest.sqlite?mode=ro", uri=True)) as database:
        if not database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            return _nothing()
        state = database.execute("SELECT state FROM job").fetchone()[0]
        windows = database.execute(
            "SELECT start_ms, end_ms, take, state, page_count, total, settled, done, records, bytes, id FROM window"
        ).fetchall()
        pages = _recorded(database, folder)
    complete = frozenset((row[0], row[1]) for row in windows if row[3] == "complete")
    takes = {(row[0], row[1]): row[2] for row in windows}
    for row in windows:
        _judge_window(row, [name for name in pages if (name.start_ms, name.end_ms, name.take) == row[:3]], pages)
    orphans, temporary = _files(folder, pages)
    if len(temporary) > workers + 1:
        raise Broken(f"{len(temporary)} temporary files for {workers} workers: {temporary}")
    receipt = (folder / "receipt.json").exists()
    if state == "complete" and (len(complete) < len(windows) or not receipt):
        raise Broken(f"4: the job is called complete; {len(windows) - len(complete)} windows are not ({receipt=})")
    return Ledger(
        state=state,
        pages=pages,
        orphans=orphans,
        temporary=temporary,
        takes=takes,
        complete=complete,
        receipt=receipt,
    )


def contents(folder: Path, names: list[PageName]) -> list[tuple[str, Any]]:
    """Return every record of some pages, with its key."""
    with closing(sqlite3.connect(f"file:{folder}/manifest.sqlite?mode=ro", uri=True)) as database:
        job = job_row(database.execute(f"SELECT {job_columns(VERSION)} FROM job").fetchone())  # noqa: S608 - constants
    schema = of_job(job.spec, job.columns).schema
    found = []
    for name in sorted(names):
        with closing(pq.ParquetFile(folder / name.path)) as file:
            table = file.read(use_threads=False)
        table.validate(full=True)
        keys = table.column(schema.key).to_pylist()
        found += [(key, plain(record)) for key, record in zip(keys, rebuild(table, schema=schema), strict=True)]
    return found


def _nothing() -> Ledger:
    return Ledger(
        state=None, pages={}, orphans=frozenset(), temporary=(), takes={}, complete=frozenset(), receipt=False
    )


def _recorded(database: sqlite3.Connection, folder: Path) -> dict[PageName, Part]:
    """Promise 1: a page recorded done names a part of the recorded size and SHA-256, that says it is that page."""
    found: dict[PageName, Part] = {}
    rows = database.execute(
        "SELECT start_ms, end_ms, page.take, number, rows, size, sha256, window.take, stale FROM page"
        " JOIN window ON window.id = page.window WHERE page.state = 'done'"
    )
    for start, end, take, number, count, size, digest, current, stale in rows:
        name = PageName(start_ms=start, end_ms=end, take=take, number=number)
        path = folder / name.path
        if not path.is_file():
            if stale and take < current:  # their parts go first, then their rows
                continue
            raise Broken(f"1: {name.path} is recorded, and there is no such file")
        data = path.read_bytes()
        if (len(data), hashlib.sha256(data).digest()) != (size, digest):
            raise Broken(f"1: {name.path} is recorded with {size} bytes and is {len(data)} others")
        if _said(data) != (name, count):
            raise Broken(f"1: {name.path} is recorded with {count} rows and says that it is {_said(data)}")
        stat = path.stat()
        found[name] = Part(rows=count, size=size, sha256=digest, inode=stat.st_ino, changed_ns=stat.st_mtime_ns)
    return found


def _files(folder: Path, pages: dict[PageName, Part]) -> tuple[frozenset[PageName], tuple[str, ...]]:
    """Promise 2: what has a final name is whole."""
    orphans: set[PageName] = set()
    temporary: list[str] = []
    for path in _every_file(folder):
        if _FINAL.fullmatch(path.name):
            said = _said(path.read_bytes())
            where = str(path.relative_to(folder))
            if said is None or said[0].path != where:
                raise Broken(f"2: {where} is torn, or says that it is {said}")
            if said[0] not in pages:
                orphans.add(said[0])
        elif path.name.endswith(".tmp"):
            temporary.append(path.name)
    return frozenset(orphans), tuple(temporary)


def _every_file(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file())


def _judge_window(row: tuple[Any, ...], names: list[PageName], pages: dict[PageName, Part]) -> None:
    """Promise 4: a window is complete only if it has every page of one snapshot, and the records add up."""
    start, _, _, state, page_count, total, settled, done, count, size, _ = row
    sums = (len(names), sum(pages[name].rows for name in names), sum(pages[name].size for name in names))
    if sums != (done, count, size):
        raise Broken(f"4: the window of {iso(start)} sums up {(done, count, size)}, its pages make {sums}")
    if state != "complete":
        return
    if sorted(name.number for name in names) != list(range(1, page_count + 1)):
        raise Broken(f"4: the window of {iso(start)} is called complete with {len(names)} of {page_count} pages")
    if total is not None and sums[1] != total and not settled:
        raise Broken(f"4: the window of {iso(start)} is complete with {sums[1]} records, and {total} were named")


_seen: dict[bytes, tuple[PageName, int] | None] = {}


def _said(data: bytes) -> tuple[PageName, int] | None:
    """Return which page a part says it is and its rows; None unless it is of the hash that it says."""
    digest = hashlib.sha256(data).digest()
    if digest not in _seen:
        if len(_seen) > 500:
            _seen.clear()
        _seen[digest] = _looked_through(data)
    return _seen[digest]


def _looked_through(data: bytes) -> tuple[PageName, int] | None:
    entry = _ENTRY.search(data)
    if entry is None:
        return None
    said = json.JSONDecoder().raw_decode(data[entry.start() :].decode("latin-1"))[0]
    places = [match for match in _HASH.finditer(data) if match[1].decode() == said["sha256"]]
    if len(places) != 1:
        return None
    first, last = places[0].span(1)
    if hashlib.sha256(data[:first] + b"0" * 64 + data[last:]).hexdigest() != said["sha256"]:
        return None
    start, end = (to_ms(text) for text in said["window"])
    return PageName(start_ms=start, end_ms=end, take=said["take"], number=said["number"]), said["rows"]
