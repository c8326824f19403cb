"""A long list of records is read slice by slice: what reading takes beside the columns is a slice's, not the page's.

Whole, a page of 1,000 conversations (5 MB) takes 16 MB to be read and with attributes 48, and one of 10,000 takes 450;
three threads read at once. A slice that does not fit takes the careful route alone, and its page stays quick.

A cut is made where one record seems to end and another one to begin with the same member as the first. It need not be
proven there: if what stands before it, closed, is a JSON list, the cut was between two records and in no text.
"""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Final

import pyarrow as pa

from resumable.schema import decode_any, decode_fast
from resumable.schema.schema import Schema
from resumable.schema.strict_json import NotJson, strict_json

SLICE_BYTES: Final = 3_000_000
"""Of JSON that are read at once. To begin with one costs 2 ms; 5 MB take 38 ms whole, 41 in two slices, 58 in six."""

TRIES: Final = 16
"""Places looked at for one cut; where none is between two records, the slice goes on to the end."""

_FIRST: Final = re.compile(rb'\[[ \t\r\n]*+(\{[ \t\r\n]*+"[^"\\]{1,200}+"[ \t\r\n]*+:)')


def table_of(
    records: memoryview, schema: Schema, *, slice_bytes: int = SLICE_BYTES
) -> tuple[pa.Table, dict[str, int]] | None:
    """Return the rows of a JSON list of records and their drift; None where the careful route has to look at it all."""
    if len(records) <= slice_bytes:
        table = decode_fast.table_of(records, schema)
        return None if table is None else (table, {})
    tables: list[pa.Table] = []
    drift: Counter[str] = Counter()
    for piece in slices(records, slice_bytes):
        table = decode_fast.table_of(piece, schema)
        if table is None:
            found = _carefully(piece, schema)
            if found is None:
                whole = decode_fast.table_of(records, schema)
                return None if whole is None else (whole, {})
            table = found[0]
            drift.update(found[1])
        tables.append(table)
    return pa.concat_tables(tables), decode_any.bounded_drift(drift)


def slices(records: memoryview, slice_bytes: int) -> Iterator[bytes]:
    """Yield lists that together have the elements of one, each of about so many bytes; without a cut, the list."""
    end = len(records) - 1  # the closing bracket
    wanted = end // -(-end // slice_bytes) + 1
    seam, at = _seam(records), 1
    while at < end:
        found = None if seam is None or end - at <= wanted else _cut(records, seam, at, wanted)
        stop, after = found or (end, end)
        yield b"".join((b"[", records[at:stop], b"]"))
        at = after


def _seam(records: memoryview) -> re.Pattern[bytes] | None:
    """Return what stands between two records that begin with the same member as the first one."""
    first = _FIRST.match(records)
    if first is None:
        return None
    return re.compile(rb"\}[ \t\r\n]*+(,)[ \t\r\n]*+(?=" + re.escape(first[1]) + rb")")


def _cut(records: memoryview, seam: re.Pattern[bytes], at: int, wanted: int) -> tuple[int, int] | None:
    """Return where a slice ends and where the next one begins."""
    for tried, found in enumerate(seam.finditer(records, at + wanted)):
        if tried == TRIES:
            break
        piece = bytes(records[at : found.start(1)])
        # Inside of a record a list would be open. A text may hold brackets too: this only spares a reading in vain.
        if piece.count(b"[") == piece.count(b"]"):
            return found.start(1), found.end(1)
    return None


def _carefully(piece: bytes, schema: Schema) -> tuple[pa.Table, dict[str, int]] | None:
    try:
        found = strict_json(piece)
        if isinstance(found, list) and all(isinstance(record, dict) for record in found):
            return decode_any.table_of(found, schema)
    except NotJson:
        pass
    return None
