"""Judges a job's folder by the promises, straight from SQLite and the files; it trusts no check of the product's own.

`judged` checks what must hold at any moment, also right after a kill, and disturbs nothing: the manifest is copied and
the copy is read. Its answer, kept, lets `assert_kept` and `assert_not_asked_again` judge what came later.
`assert_complete` checks the end of a job against the truth.
"""

import contextlib
import hashlib
import json
import os
import re
import shutil
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from resumable.datasets.resolve import of_job
from resumable.manifest.rows import job_columns, job_row
from resumable.manifest.tables import VERSION
from resumable.schema.rebuild import rebuild
from resumable.simulator.request_log import Entry
from resumable.simulator.simulator import Truth
from tests.torture.wholeness import Broken, PageName, iso, normal, to_ms, whole_part

KNOWN_NAMES = re.compile(r"manifest\.sqlite(-wal|-shm|-journal)?|lock|receipt\.json|\.receipt\.json\.tmp|parts|aside")
STRANGER = "parts/.stranger"
"""What a storm writes to on a disk that holds nothing but parts."""
RESTORING = ".manifest.sqlite.restored"
"""What a restoration leaves that was killed; the next repair removes it."""
FINAL = re.compile(r"page-(\d{5,})(?:\.take-(\d+))?\.parquet")
TEMPORARY = re.compile(r"\.page-\d{5,}(\.take-\d+)?\.parquet\.tmp")


@dataclass(frozen=True, kw_only=True)
class Part:
    """What a row says of a part, and which file it was then: one that is replaced has another inode."""

    rows: int
    size: int
    sha256: bytes
    inode: int
    changed_ns: int


@dataclass(frozen=True, kw_only=True)
class Ledger:
    """What was found in a folder that kept its promises."""

    state: str | None
    """The job's own state; None where there is no manifest yet."""
    pages: dict[PageName, Part]
    """Every page recorded done."""
    orphans: frozenset[PageName]
    """Whole parts that no row names."""
    temporary: tuple[str, ...]
    """Files that have no final name yet."""
    takes: dict[tuple[int, int], int]
    """The take of every window."""
    complete: frozenset[tuple[int, int]]
    """Windows called complete."""
    receipt: bool


def judged(folder: Path, *, workers: int = 1, context: str = "") -> Ledger:
    """Return what is in a job's folder, or raise Broken with every promise that does not hold.

    Right at any moment between two runs: after a kill, an error, a power cut, a clean end.
    """
    broken: list[str] = []
    with copy_of_manifest(folder) as database:
        pages = _recorded(database, folder, broken) if database else {}
        windows = list(database.execute(_WINDOWS)) if database else []
        state = database.execute("SELECT state FROM job").fetchone()[0] if database else None
        if database:
            broken += _of_windows(database, windows)
    orphans, temporary = _files(folder, pages, broken)
    if len(temporary) > workers:
        broken.append(f"{len(temporary)} temporary files for {workers} workers: {temporary}")
    complete = frozenset((start, end) for start, end, _, said, *_ in windows if said == "complete")
    receipt = (folder / "receipt.json").exists()
    unfinished = len(windows) - len(complete)
    if state == "complete" and (unfinished or not receipt):
        broken.append(f"4: the job is called complete; {unfinished} windows are not, receipt: {receipt}")
    if receipt:
        broken += _of_receipt(folder, windows, closed=state == "complete")
    if broken:
        raise Broken("\n  ".join([f"{context or folder} breaks promises:", *broken]))
    return Ledger(
        state=state,
        pages=pages,
        orphans=orphans,
        temporary=temporary,
        takes={(start, end): take for start, end, take, *_ in windows},
        complete=complete,
        receipt=receipt,
    )


def assert_kept(before: Ledger, after: Ledger) -> None:
    """Check that each page once recorded still is, by the same file; only a window taken again may have new ones."""
    for name, part in before.pages.items():
        if after.takes.get((name.start_ms, name.end_ms), name.take) > name.take:
            continue
        now = after.pages.get(name)
        if now is None:
            raise Broken(f"3: {name.path} was recorded and is so no more")
        if now != part:
            raise Broken(f"3: {name.path} has changed since it was recorded: {part} became {now}")


def assert_not_asked_again(before: Ledger, asked: Iterable[Entry]) -> None:
    """Check that no request of a later run is for a page that was recorded before; contracts with page numbers.

    Not for runs in which a window was taken again.
    """
    finished = {(normal(name.interval), name.number) for name in before.pages}
    for entry in asked:
        if entry.page is not None and (normal(entry.interval or ""), entry.page) in finished:
            raise Broken(f"3: page {entry.page} of {entry.interval} was recorded, and was asked for again")


def assert_complete(folder: Path, truth: Truth) -> Ledger:
    """Check that a job is complete and holds just the records of the truth, each once and whole; return its ledger."""
    ledger = judged(folder)
    if ledger.state != "complete":
        raise Broken(f"5: the job ended {ledger.state}")
    if ledger.orphans or ledger.temporary:
        raise Broken(f"a complete job has files that no row names: {ledger.temporary} {sorted(ledger.orphans)}")
    got: dict[str, Any] = {}
    for key, record in records(folder, ledger):
        if key in got:
            raise Broken(f"5: the record {key} came twice")
        got[key] = plain(record)
    for key, wanted in zip(truth.ids, truth, strict=True):
        if key not in got:
            raise Broken(f"5: the record {key} is missing; {len(got)} came, {len(truth)} are there")
        if got.pop(key) != plain(wanted):
            raise Broken(f"5: the record {key} is not what the source has")
    if got:
        raise Broken(f"5: {len(got)} records came that the source does not have: {sorted(got)[:3]}")
    return ledger


def records(folder: Path, ledger: Ledger) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every record of the pages that count, with its key as the column of the file says it."""
    with copy_of_manifest(folder) as database:
        if database is None:
            raise Broken(f"{folder} has no manifest")
        job = job_row(database.execute(f"SELECT {job_columns(VERSION)} FROM job").fetchone())  # noqa: S608 - constants
    schema = of_job(job.spec, job.columns).schema
    for name in sorted(ledger.pages):
        if ledger.takes[name.start_ms, name.end_ms] == name.take:
            with closing(pq.ParquetFile(folder / name.path)) as file:
                table = file.read()
            yield from zip(table.column(schema.key).to_pylist(), rebuild(table, schema=schema), strict=True)


def plain(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Return a JSON value without its null members: absent and null are the same."""
    if isinstance(value, dict):
        return {name: plain(member) for name, member in value.items() if member is not None}
    return [plain(element) for element in value] if isinstance(value, list) else value


_WINDOWS = (
    "SELECT start_ms, end_ms, take, state, page_count, total, settled, done, records, bytes, id, whole_take FROM window"
)


@contextlib.contextmanager
def copy_of_manifest(folder: Path) -> Iterator[sqlite3.Connection | None]:
    """Open a copy of a manifest and of its write-ahead log: the look folds nothing into the file itself."""
    with tempfile.TemporaryDirectory() as place:
        copy = Path(place) / "m"
        for ending in ("", "-wal", "-journal"):  # both are named after their file
            with contextlib.suppress(FileNotFoundError):
                shutil.copy(folder / f"manifest.sqlite{ending}", f"{copy}{ending}")
        if not copy.exists():
            yield None
            return
        with closing(sqlite3.connect(copy)) as database:
            found = database.execute("PRAGMA integrity_check").fetchall()
            if found != [("ok",)]:
                raise Broken(f"SQLite finds the manifest damaged: {found[:3]}")
            empty = database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0
            yield None if empty else database


def _recorded(database: sqlite3.Connection, folder: Path, broken: list[str]) -> dict[PageName, Part]:
    """Promise 1: a page recorded done names a part of the recorded size and SHA-256, with as many rows."""
    found: dict[PageName, Part] = {}
    rows = database.execute(
        "SELECT start_ms, end_ms, page.take, number, rows, size, sha256, window.take, stale FROM page"
        " LEFT JOIN window ON window.id = page.window WHERE page.state = 'done'"
    )
    for start, end, take, number, count, size, digest, current, stale in rows:
        if start is None:
            broken.append(f"1: a row for page {number} names a window that is not there")
            continue
        name = PageName(start_ms=start, end_ms=end, take=take, number=number)
        path = folder / name.path
        if not path.is_file() or path.is_symlink():
            if not (stale and take < current):  # their parts go first, then their rows
                broken.append(f"1: {name.path} is recorded, and there is no such file")
            continue
        data = path.read_bytes()
        if (len(data), hashlib.sha256(data).digest()) != (size, digest):
            broken.append(f"1: {name.path} is recorded with {size} bytes and is {len(data)} others")
            continue
        whole = pq.read_metadata(pa.BufferReader(data)).num_rows
        if whole != count:
            broken.append(f"1: {name.path} is recorded with {count} rows and has {whole}")
        stat = path.stat()
        found[name] = Part(rows=count, size=size, sha256=digest, inode=stat.st_ino, changed_ns=stat.st_mtime_ns)
    return found


def _files(folder: Path, pages: dict[PageName, Part], broken: list[str]) -> tuple[frozenset[PageName], tuple[str, ...]]:
    """Promises 2 and 10: what has a final name is whole, and nothing is there that has no name of ours."""
    orphans: set[PageName] = set()
    temporary: list[str] = []
    recorded = {name.path: name for name in pages}
    for path in sorted(folder.rglob("*")):
        where = str(path.relative_to(folder))
        if where.startswith(f"aside{os.sep}"):
            continue  # what a repair found, whatever it is
        if path.parent == folder:
            if not (KNOWN_NAMES.fullmatch(path.name) or path.name.startswith(RESTORING)):
                broken.append(f"10: {where} is none of the files of a job")
            if path.name == ".receipt.json.tmp":
                temporary.append(where)
        elif path.is_dir():
            if not re.fullmatch(r"parts/window=[0-9TZ.-]+", where):
                broken.append(f"10: {where} is none of the folders of a job")
        elif FINAL.fullmatch(path.name):
            try:
                said = whole_part(path)
            except Broken as why:
                broken.append(f"2: {where} {why}")
            else:
                if said.path != where:
                    broken.append(f"2: {where} says that it is {said.path}")
                if where not in recorded:
                    orphans.add(said)
        elif TEMPORARY.fullmatch(path.name):
            temporary.append(where)
        elif where == STRANGER:
            continue
        else:
            broken.append(f"10: {where} is none of the files of a job")
    return frozenset(orphans), tuple(temporary)


def _of_windows(database: sqlite3.Connection, windows: list[tuple[Any, ...]]) -> Iterator[str]:
    """Promise 4: a window is complete only if it has every page of one snapshot, and the records add up."""
    for start, end, take, state, page_count, total, settled, done, count, size, key, whole in windows:
        rows = database.execute(
            "SELECT number, rows, size FROM page WHERE window = ? AND take = ? AND state = 'done' ORDER BY number",
            (key, take),
        ).fetchall()
        where = f"the window {iso(start)}/{iso(end)}"
        sums = (len(rows), sum(row[1] for row in rows), sum(row[2] for row in rows))
        if sums != (done, count, size):
            yield f"4: {where} sums up {(done, count, size)}, its pages make {sums}"
        if state != "complete":
            continue
        if [row[0] for row in rows] != list(range(1, page_count + 1)) or whole != take:
            yield f"4: {where} is called complete with pages {[row[0] for row in rows]} of {page_count}"
        if total is not None and sums[1] != total and not settled:
            yield f"4: {where} is called complete with {sums[1]} records, {total} were named and nothing settled that"
    yield from _cover(database, windows)


def _cover(database: sqlite3.Connection, windows: list[tuple[Any, ...]]) -> Iterator[str]:
    reached, end = database.execute("SELECT start_ms, end_ms FROM job").fetchone()
    for first, last in sorted((row[0], row[1]) for row in windows):
        if first > reached:
            yield f"4: no window covers {iso(reached)}/{iso(first)}"
        reached = max(reached, last)
    if reached < end:
        yield f"4: no window covers {iso(reached)}/{iso(end)}"


def _of_receipt(folder: Path, windows: list[tuple[Any, ...]], *, closed: bool) -> Iterator[str]:
    """Promises 2 and 4: a receipt is whole, of windows that were complete, and of a closed job it says what they say.

    A job that is taken up again after its end keeps its receipt until the next one; readers see what that is about.
    """
    try:
        said = json.loads((folder / "receipt.json").read_bytes())
    except ValueError:
        yield "2: the receipt is torn"
        return
    named = {(to_ms(window["from"]), to_ms(window["to"])) for window in said["windows"]}
    if not named <= {(start, end) for start, end, *_, whole in windows if whole is not None}:
        yield "4: there is a receipt of windows that have never been complete"
    if closed and (said["records"], said["pages"]) != (sum(w[8] for w in windows), sum(w[7] for w in windows)):
        yield f"4: the receipt says {said['records']} records in {said['pages']} pages, the windows others"
