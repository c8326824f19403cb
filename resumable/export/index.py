"""The first look at every part: it is proven, its days are found, and of records that repeat the newest is chosen.

Memory holds a few numbers a part; what is known of each record goes to files of a bounded number of keys.
"""

import contextlib
import functools
import hashlib
import os
import tempfile
from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final

import pyarrow as pa
import pyarrow.compute as pc

from resumable.export.days import NO_DAY, Days
from resumable.export.source import ExportSource
from resumable.schema import identity
from resumable.storage.reading import ahead
from resumable.text import Watching

KEYS_AT_ONCE: Final = 1_000_000
"""Record keys looked through at once, at 24 bytes each and some copies."""

UTC_DAYS: Final = Days()

DOCUMENTS_EACH: Final = 16
"""Documents of a bundle, about, where so many files are to be chosen that each fits into memory."""


@dataclass(frozen=True, slots=True)
class Slice:
    """The rows of one part that belong to one day."""

    piece: int
    day: int
    rows: int
    first_ms: int
    """The least start among them."""


@dataclass(kw_only=True)
class Index:
    """What is where."""

    source: ExportSource
    calendar: Days = field(default_factory=Days)
    """Says which day is which."""
    days: dict[int, list[Slice]] = field(default_factory=lambda: defaultdict(list))
    """By day since 1970, each in the order of windows and pages."""
    dropped: dict[int, "array[int]"] = field(default_factory=lambda: defaultdict(lambda: array("I")))
    """By piece, the rows that a newer record stands for."""
    cut: dict[int, "array[int]"] = field(default_factory=lambda: defaultdict(lambda: array("I")))
    """By piece of bundles, the documents that a newer one stands for, by their numbers over all rows."""

    @property
    def duplicates(self) -> int:
        """How many records are left out because a newer one has their key."""
        return sum(map(len, self.dropped.values()))

    def digest(self, day: int) -> str:
        """Identify the rows of a day in 64 hex digits: the same digest is the same content."""
        sha256 = hashlib.sha256()
        for each in self.days.get(day, ()):
            sha256.update(self.source.pieces[each.piece].part.sha256)
            for gone in (self.dropped, self.cut):
                sha256.update(gone[each.piece].tobytes() if each.piece in gone else b"")
        return sha256.hexdigest()


def threads() -> int:
    """Return how many parts are read at one time."""
    return max(1, min(4, os.cpu_count() or 1))


def make(source: ExportSource, scratch: Path, watching: Watching, calendar: Days = UTC_DAYS) -> Index:
    """Look at every part once, by the days of a calendar; `watching` is told of how many.

    Raises VerificationFailed where one is not as recorded, StorageFailed.
    """
    index = Index(source=source, calendar=calendar)
    schema = source.schema
    with contextlib.ExitStack() as stack:
        pool = stack.enter_context(ThreadPoolExecutor(threads()))
        keys = _Keys(files_for(source), scratch, stack)
        look = functools.partial(looked, index)
        pieces = range(len(source.pieces))
        for number, (slices, hashes) in enumerate(ahead(pool, look, pieces, most=threads() + 1)):
            for each in slices:
                index.days[each.day].append(each)
            keys.add(number, hashes)
            watching(number + 1, len(source.pieces), "parts read")
        gone = index.cut if schema.bundles else index.dropped
        gone.update(older(source, keys.repeated()))
    settle_bundles(index)
    return index


def looked(index: Index, number: int) -> tuple[list[Slice], bytes]:
    """Prove a part, and return which days its rows are of, and the hashes of its keys, 16 bytes each."""
    source, schema = index.source, index.source.schema
    piece = source.pieces[number]
    columns = identity.columns(schema) + ([schema.start] if schema.start else [])
    table = source.proven.table(piece.key, piece.part, columns=columns)
    found = identity.all_documents(identity.identities(table, schema), schema)
    return _slices(index, number, table), _hashes(found, number)


def files_for(source: ExportSource) -> int:
    """Return over how many files the keys are spread, so that each can be looked through in memory."""
    many = sum(piece.part.rows for piece in source.pieces) * (DOCUMENTS_EACH if source.schema.bundles else 1)
    return max(1, -(-many // KEYS_AT_ONCE))


def older(source: ExportSource, repeated: Iterable[list[tuple[int, int]]]) -> dict[int, "array[int]"]:
    """Return, of the places where keys come more than once, all but the newest of each: rows by part, ascending."""
    gone: dict[int, array[int]] = defaultdict(lambda: array("I"))
    taken: dict[int, str] = {}
    for rows in repeated:
        _drop(gone, rows, taken, source)
    return {number: array("I", sorted(numbers)) for number, numbers in gone.items()}


def settle_bundles(index: Index) -> None:
    """Drop the rows of bundles of which every document is cut."""
    source, schema = index.source, index.source.schema
    for number, numbers in index.cut.items():
        piece = source.pieces[number]
        _, left = identity.cut(source.proven.table(piece.key, piece.part), schema, numbers)
        if lost := set(range(piece.part.rows)) - set(left):
            index.dropped[number] = array("I", sorted(lost))


def _slices(index: Index, number: int, table: pa.Table) -> list[Slice]:
    source, calendar = index.source, index.calendar
    start = source.schema.start
    if start is None:
        window = source.pieces[number].key.window
        day = calendar.day(int(window.start.timestamp()) * 1000) if source.dated else NO_DAY
        return [Slice(number, day, table.num_rows, 0)]
    starts = table.column(start)
    ends = pc.min_max(pc.cast(starts, pa.int64()))
    least, most = ends["min"].as_py(), ends["max"].as_py()
    if starts.null_count == 0 and least is not None and calendar.day(least) == calendar.day(most):
        return [Slice(number, calendar.day(least), table.num_rows, least)]  # nearly every part
    frame = pa.table({"day": calendar.of(starts), "ms": pc.fill_null(pc.cast(starts, pa.int64()), 0)})
    grouped = frame.group_by("day", use_threads=False).aggregate([("ms", "count"), ("ms", "min")])
    found = (grouped.column(name).to_pylist() for name in ("day", "ms_count", "ms_min"))
    return [Slice(number, day, rows, first) for day, rows, first in zip(*found, strict=True)]


def _hashes(keys: pa.ChunkedArray, piece: int) -> bytes:
    # A record without a key repeats none.
    known = (f"={key}" if key is not None else f"{piece} {row}" for row, key in enumerate(keys.to_pylist()))
    return b"".join(hashlib.blake2b(key.encode(), digest_size=16).digest() for key in known)


class _Keys:
    """The hashes of all keys, spread over so many files that each can be looked through in memory."""

    def __init__(self, many: int, scratch: Path, stack: contextlib.ExitStack) -> None:
        self._files: list[BinaryIO] = []
        for _ in range(many):
            file = tempfile.TemporaryFile(dir=scratch)  # noqa: SIM115 - the stack closes it
            self._files.append(stack.enter_context(file))

    def add(self, piece: int, hashes: bytes) -> None:
        """Keep the hashes of a part's keys: each goes to its file."""
        for file, line in zip(self._files, spread(piece, hashes, len(self._files)), strict=True):
            file.write(line)

    def repeated(self) -> Iterator[list[tuple[int, int]]]:
        """Yield, for each key that comes more than once, where: pairs of part and row."""
        for file in self._files:
            file.seek(0)
            yield from repeated_in(file.read())


def spread(piece: int, hashes: bytes, many: int) -> list[bytes]:
    """Spread the hashes of a part's keys, 16 bytes a row, by themselves: each with the number of part and row."""
    halves = array("Q", hashes)
    lines = [array("Q") for _ in range(many)]
    for row, (one, other) in enumerate(zip(halves[::2], halves[1::2], strict=True)):
        lines[one % many].extend((one, other, piece << 32 | row))
    return [line.tobytes() for line in lines]


def repeated_in(lines: bytes) -> Iterator[list[tuple[int, int]]]:
    """Yield, for each key that comes more than once among what `spread` made, where: pairs of part and row."""
    known = array("Q", lines)
    one = pa.array(known[::3], pa.uint64())
    order = pc.sort_indices(one)
    ranked = one.take(order)
    same = pc.indices_nonzero(pc.equal(ranked[1:], ranked[:-1])) if len(ranked) > 1 else []
    yield from _groups(known, order, [place.as_py() for place in same])


def _groups(known: "array[int]", order: pa.Array, same: list[int]) -> Iterator[list[tuple[int, int]]]:
    """Yield the rows of each key that comes more than once; `same` are the places in order whose next one is alike."""
    run: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for place, following in zip(same, [*same[1:], -1], strict=False):
        ends = following != place + 1
        for at in (place, place + 1) if ends else (place,):
            line = order[at].as_py() * 3
            where = (known[line + 2] >> 32, known[line + 2] & 0xFFFFFFFF)
            run.setdefault((known[line], known[line + 1]), []).append(where)
        if ends:
            yield from (rows for rows in run.values() if len(rows) > 1)
            run = {}


def _drop(
    gone: dict[int, "array[int]"], rows: list[tuple[int, int]], taken: dict[int, str], source: ExportSource
) -> None:
    """Keep the newest of the rows of one key: by when its page was taken, then by window, page and row."""
    for piece, _ in rows:
        if piece not in taken:
            taken[piece] = source.taken_at(source.pieces[piece])
    keep = max(rows, key=lambda place: (taken[place[0]], place))
    for piece, row in rows:
        if (piece, row) != keep:
            gone[piece].append(row)
