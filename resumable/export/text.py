"""Rows as text: JSON Lines and CSV."""

from collections.abc import Iterator
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from resumable.export.request import Output
from resumable.export.shape import Shape
from resumable.schema import json_columns
from resumable.schema.fields import ColumnKind, Leaf, Node
from resumable.schema.rebuild import rebuild
from resumable.schema.schema import UNMAPPED

ROWS: Final = 1024
"""Rows that are made text at one time: fewer cost more by the column, and more cost memory."""


class JsonLines:
    """One JSON object a line: a record as it was sent, or a row of a table; members that are null are absent."""

    def __init__(self, output: Output, shape: Shape) -> None:
        """`output` takes the bytes."""
        self._output = output
        self._shape = shape
        columns = shape.columns if shape.table is not None else shape.whole.root.members.items()
        self._columns = [(name, node or _without_node(name)) for name, node in columns]

    def add(self, day: int, rows: pa.Table) -> None:
        """Write rows."""
        for few in _few(rows):
            self._output(_with_ends(self._lines(few)))

    def end(self) -> None:
        """Nothing is left."""

    def _lines(self, rows: pa.RecordBatch) -> pa.Array:
        found = json_columns.members([(name, node, rows.column(name)) for name, node in self._columns])
        lines = json_columns.objects(found, rows.num_rows)
        unmapped = rows.column(UNMAPPED) if self._shape.table is None else None
        if unmapped is None or unmapped.null_count == len(unmapped):
            return lines
        # What the schema has no place for goes back to where it was: that takes the record itself.
        odd = unmapped.is_valid()
        whole = rebuild(pa.Table.from_batches([rows.filter(odd)]), schema=self._shape.whole)
        texts = [json_columns.written(record) for record in whole]
        return pc.replace_with_mask(lines, odd, pa.array(texts, pa.string()))


class Csv:
    """A header and a line a row, by RFC 4180: texts are quoted and never altered, an empty field is no value.

    Lists, objects and free-form maps are JSON text. A text that a spreadsheet takes for a formula stays what it is.
    """

    def __init__(self, output: Output, shape: Shape) -> None:
        """Write the header."""
        self._output = output
        self._nodes = shape.columns
        self._give(self._flat(pa.RecordBatch.from_pylist([], shape.schema)), header=True)

    def add(self, day: int, rows: pa.Table) -> None:
        """Write rows."""
        for few in _few(rows):
            self._give(self._flat(few), header=False)

    def end(self) -> None:
        """Nothing is left."""

    def _give(self, flat: pa.RecordBatch, *, header: bool) -> None:
        sink = pa.BufferOutputStream()
        pa_csv.write_csv(flat, sink, pa_csv.WriteOptions(include_header=header))
        self._output(sink.getvalue().to_pybytes())

    def _flat(self, rows: pa.RecordBatch) -> pa.RecordBatch:
        columns = [as_text(rows.column(name), node) for name, node in self._nodes]
        return pa.RecordBatch.from_arrays(columns, names=[name for name, _ in self._nodes])


def _few(rows: pa.Table) -> Iterator[pa.RecordBatch]:
    """Yield a bounded number of rows at a time, as one chunk: each kernel costs by the chunk."""
    for at in range(0, rows.num_rows, ROWS):
        yield from rows.slice(at, ROWS).combine_chunks().to_batches()


def as_text(column: pa.Array, node: Node | None) -> pa.Array:
    """Return a column as CSV has it: lists, objects and maps as JSON text, instants as Genesys writes them."""
    if node is None:
        return column
    if not isinstance(node, Leaf) or node.kind is ColumnKind.TEXT_MAP:
        return json_columns.texts(column, node)
    return json_columns.instants(column) if node.kind is ColumnKind.INSTANT else column


def _without_node(name: str) -> Leaf:
    """Return what a column is that no field stands for: places in lists and lengths of them, and the unmapped."""
    return Leaf(kind=ColumnKind.JSON if name == UNMAPPED else ColumnKind.INTEGER)


def _with_ends(lines: pa.Array) -> bytes:
    """Return the bytes of the lines, each with its end."""
    whole = pc.binary_join(pa.ListArray.from_arrays(pa.array([0, len(lines)], pa.int32()), lines), "\n")
    return bytes(whole[0].as_buffer()) + b"\n"
