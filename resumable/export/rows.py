"""The records of one day, in the order of their starts, a bounded number at a time.

Parts mostly come in order: what starts before all that is still to be read is handed out as it stands, without a copy.
Where a server sends them in another order, sorted runs go to a file beside the target and are merged.
"""

import contextlib
import tempfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

import pyarrow as pa
import pyarrow.compute as pc

from resumable.export.days import NO_DAY, Days
from resumable.export.index import Index, Slice, threads
from resumable.schema import identity
from resumable.storage.reading import ahead

GROUP_BYTES: Final = 20_000_000
"""Of Arrow memory in one table that is handed out: some five thousand conversations, and a row group."""

MOST_BYTES: Final = 3 * GROUP_BYTES
"""Of Arrow memory that waits for its turn; with more, a sorted run goes to a file."""

RUN_ROWS: Final = 500
"""Rows of a run that are read back at one time."""

FEW_RUNS: Final = 8
"""Rows in a stretch, on average, from which slices are cheaper than a copy of the whole."""


@dataclass(frozen=True, kw_only=True)
class Order:
    """What sorts records: their start, then their key; a start of None leaves them as they come."""

    start: str | None
    key: str


def batches(index: Index, days: Iterable[int]) -> Iterator[list[int]]:
    """Put neighbouring days together where most parts of one hold records of the other: they are read once for both."""
    batch: list[int] = []
    known: set[int] = set()
    for day in sorted(days):
        pieces = {each.piece for each in index.days[day]}
        if batch and (batch[-1] == NO_DAY or len(pieces & known) * 2 <= len(pieces)):
            yield batch
            batch, known = [], set()
        batch.append(day)
        known |= pieces
    if batch:
        yield batch


def of_days(
    index: Index, days: list[int], pool: ThreadPoolExecutor, scratch: Path, *, columns: list[str] | None = None
) -> Iterator[tuple[int, pa.Table]]:
    """Yield the records of some days, day after day, each once, sorted; every table has the schema of the parts.

    `columns` names those that are read, as Parquet names them; None for all.
    """
    source = index.source
    start = source.schema.start if days != [NO_DAY] else None
    slices = _united(index, days)

    def read(each: Slice) -> pa.Table:
        piece = source.pieces[each.piece]
        table = source.proven.table(piece.key, piece.part, columns=columns)
        if each.piece in index.cut:
            table, _ = identity.cut(table, source.schema, index.cut[each.piece])
        keep: list[int] | range = range(table.num_rows)
        if source.schema.start is not None and each.rows < table.num_rows:
            wanted = set(days)
            found = index.calendar.of(table.column(source.schema.start))
            keep = [row for row, day in enumerate(found.to_pylist()) if day in wanted]
        if each.piece in index.dropped:
            gone = set(index.dropped[each.piece])
            keep = [row for row in keep if row not in gone]
        # A slice holds on to all of its table; what is mostly left out is copied instead.
        return stretches(table, keep) if len(keep) * 2 > table.num_rows else table.take(pa.array(keep, pa.int64()))

    firsts = [each.first_ms for each in slices]
    tables = ahead(pool, read, slices, most=threads() + 1)
    for table in merged(firsts, tables, Order(start=start, key=source.schema.key), scratch):
        yield from [(days[0], table)] if start is None else _by_day(table, start, index.calendar)


def _united(index: Index, days: list[int]) -> list[Slice]:
    """Return what the parts hold of some days together, in order."""
    found: dict[int, Slice] = {}
    for day in days:
        for each in index.days[day]:
            known = found.get(each.piece, Slice(each.piece, day, 0, each.first_ms))
            first = min(known.first_ms, each.first_ms)
            found[each.piece] = Slice(each.piece, known.day, known.rows + each.rows, first)
    return sorted(found.values(), key=lambda each: (each.first_ms, each.piece))


def _by_day(table: pa.Table, start: str, calendar: Days) -> Iterator[tuple[int, pa.Table]]:
    counts = pc.value_counts(calendar.of(table.column(start)).combine_chunks())
    at = 0
    for day, rows in zip(counts.field("values").to_pylist(), counts.field("counts").to_pylist(), strict=True):
        yield day, table.slice(at, rows)
        at += rows


def merged(
    firsts: list[int], tables: Iterable[pa.Table], order: Order, scratch: Path, *, runs_again: bool = True
) -> Iterator[pa.Table]:
    """Yield the rows of tables in order; `firsts` are the least starts of each table, ascending."""
    with contextlib.ExitStack() as stack:
        pending = _PendingRows(order)
        runs: _Runs | None = None
        for place, table in enumerate(tables, 1):
            pending.add(table)
            if pending.bytes < GROUP_BYTES:
                continue
            if runs is None:
                ready = pending.before(firsts[place] if place < len(firsts) else None)
                if ready is not None:
                    yield ready
            if runs_again and pending.bytes >= MOST_BYTES:
                runs = runs or _Runs(order, stack.enter_context(tempfile.TemporaryFile(dir=scratch)))
                runs.add(pending.before(None))
        last = pending.before(None)
        if runs is None:
            if last is not None:
                yield last
            return
        runs.add(last)
        yield from merged(*runs.to_merge(), order, scratch, runs_again=False)


class _PendingRows:
    """Rows that have been read and not been handed out."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._tables: list[pa.Table] = []
        self.bytes = 0

    def add(self, table: pa.Table) -> None:
        """Take more rows."""
        if table.num_rows:
            self._tables.append(table)
            self.bytes += table.nbytes

    def before(self, ms: int | None) -> pa.Table | None:
        """Take out what starts before a moment, or all of it for None, in order; None where that is nothing."""
        if not self._tables:
            return None
        table = pa.concat_tables(self._tables)
        start = self._order.start
        if start is None:
            ready, rest = table, None
        else:
            ranked = sorted_rows(table, self._order)
            many = table.num_rows if ms is None else _how_many_before(table.column(start), ms)
            rows = ranked.to_pylist()
            ready = stretches(table, rows[:many])
            rest = stretches(table, sorted(rows[many:])) if many < len(rows) else None
        self._tables = [] if rest is None else [rest]
        self.bytes = 0 if rest is None else rest.nbytes
        return ready if ready.num_rows else None


class _Runs:
    """Sorted runs of rows in one file without a name, read back bit by bit."""

    def __init__(self, order: Order, file: BinaryIO) -> None:
        self._order = order
        self._file = file
        self._places: list[tuple[int, int, int]] = []
        self._schema: pa.Schema | None = None

    def add(self, run: pa.Table | None) -> None:
        """Put one sorted run away."""
        if run is None:
            return
        self._schema = run.schema
        # So little that a piece of every run of a very long day fits into memory.
        rows = max(1, min(RUN_ROWS, run.num_rows * GROUP_BYTES // 10 // max(1, run.nbytes)))
        for at in range(0, run.num_rows, rows):
            piece = run.slice(at, rows).combine_chunks()
            sink = pa.BufferOutputStream()
            with pa.ipc.new_stream(sink, piece.schema, options=pa.ipc.IpcWriteOptions(compression="lz4")) as writer:
                writer.write_table(piece)
            data = sink.getvalue()
            first = pc.cast(piece.column(self._order.start)[0], pa.int64()).as_py()
            self._places.append((first, self._file.tell(), data.size))
            self._file.write(data)

    def to_merge(self) -> tuple[list[int], Iterator[pa.Table]]:
        """Return what `merged` takes."""
        self._places.sort()
        return [first for first, _, _ in self._places], self._read()

    def _read(self) -> Iterator[pa.Table]:
        for _, at, size in self._places:
            self._file.seek(at)
            with pa.ipc.open_stream(pa.py_buffer(self._file.read(size))) as reader:
                yield reader.read_all()


def sorted_rows(table: pa.Table, order: Order) -> pa.Array:
    """Return the numbers of a table's rows in order."""
    keys = pa.table({"start": table.column(order.start), "key": table.column(order.key)})
    return pc.sort_indices(keys, sort_keys=[("start", "ascending"), ("key", "ascending")])


def stretches(table: pa.Table, rows: "list[int] | range") -> pa.Table:
    """Return some rows of a table in the order given: as slices where they are mostly next to each other."""
    if isinstance(rows, range) and len(rows) == table.num_rows:
        return table
    found: list[tuple[int, int]] = []
    begin = before = -2
    for row in rows:
        if row != before + 1:
            if begin >= 0:
                found.append((begin, before + 1))
            begin = row
        before = row
    if begin >= 0:
        found.append((begin, before + 1))
    if not found:
        return table.slice(0, 0)
    if len(found) * FEW_RUNS > len(rows):
        return table.take(pa.array(rows, pa.int64()))
    return pa.concat_tables([table.slice(start, end - start) for start, end in found])


def _how_many_before(starts: pa.ChunkedArray, ms: int) -> int:
    earlier = pc.sum(pc.less(pc.cast(starts, pa.int64()), ms)).as_py()
    return int(earlier or 0)
