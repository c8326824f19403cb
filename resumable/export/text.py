"""Rows as text: JSON Lines and CSV."""

import json
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from resumable.export.request import Output
from resumable.export.shape import Shape
from resumable.schema.fields import ColumnKind, Leaf, Node
from resumable.schema.rebuild import ROWS, plain, rebuild
from resumable.schema.schema import UNMAPPED


class JsonLines:
    """One JSON object a line: a record as it was sent, or a row of a table; members that are null are absent."""

    def __init__(self, output: Output, shape: Shape) -> None:
        """`output` takes the bytes."""
        self._output = output
        self._shape = shape

    def add(self, day: int, rows: pa.Table) -> None:
        """Write rows."""
        lines: list[str] = []
        for record in self._records(rows):
            lines.append(_json_text(record))
            if len(lines) == ROWS:
                self._give(lines)
                lines = []
        self._give(lines)

    def end(self) -> None:
        """Nothing is left."""

    def _give(self, lines: list[str]) -> None:
        if lines:
            self._output("".join(f"{line}\n" for line in lines).encode())

    def _records(self, rows: pa.Table) -> Iterator[dict[str, Any]]:
        if self._shape.table is None:
            yield from rebuild(rows, schema=self._shape.whole)
            return
        nodes = dict(self._shape.columns)
        for batch in rows.to_batches(max_chunksize=ROWS):
            for row in batch.to_pylist():
                yield {name: _cell(name, nodes[name], value) for name, value in row.items() if value is not None}


class Csv:
    """A header and a line a row, by RFC 4180: texts are quoted and never altered, an empty field is no value.

    Lists, objects and free-form maps are JSON text. A text that a spreadsheet takes for a formula stays what it is.
    """

    def __init__(self, output: Output, shape: Shape) -> None:
        """Write the header."""
        self._output = output
        self._nodes = shape.columns
        self._give(self._flat(shape.apply(shape.records.arrow.empty_table())), header=True)

    def add(self, day: int, rows: pa.Table) -> None:
        """Write rows."""
        for batch in rows.to_batches(max_chunksize=ROWS * 16):
            self._give(self._flat(pa.Table.from_batches([batch])), header=False)

    def end(self) -> None:
        """Nothing is left."""

    def _give(self, flat: pa.Table, *, header: bool) -> None:
        sink = pa.BufferOutputStream()
        pa_csv.write_csv(flat, sink, pa_csv.WriteOptions(include_header=header))
        self._output(sink.getvalue().to_pybytes())

    def _flat(self, rows: pa.Table) -> pa.Table:
        columns = [as_text(rows.column(name), node) for name, node in self._nodes]
        return pa.Table.from_arrays(columns, names=[name for name, _ in self._nodes])


def as_text(column: pa.ChunkedArray, node: Node | None) -> pa.ChunkedArray:
    """Return a column as CSV has it: lists, objects and maps as JSON text, instants as Genesys writes them."""
    if node is None:
        return column
    if not isinstance(node, Leaf) or node.kind is ColumnKind.TEXT_MAP:
        return pa.chunked_array([[_json(node, value) for value in column.to_pylist()]], pa.string())
    if node.kind is not ColumnKind.INSTANT:
        return column
    # Without its zone, the text is made without a database of time zones.
    naive = pc.cast(pc.cast(column, pa.timestamp("ms")), pa.string())
    return pc.binary_join_element_wise(pc.replace_substring(naive, " ", "T", max_replacements=1), "Z", "")


def _json(node: Node, value: Any) -> str | None:  # noqa: ANN401 - any JSON value
    if value is None:
        return None
    return _json_text(plain(node, value))


def _json_text(value: Any) -> str:  # noqa: ANN401 - any JSON value
    """Write a value as JSON; half a surrogate pair, which no encoding has, stays the escape that it was sent as."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text if text.isascii() else text.encode(errors="backslashreplace").decode()


def _cell(name: str, node: Node | None, value: Any) -> Any:  # noqa: ANN401 - any JSON value
    if node is not None:
        return plain(node, value)
    return json.loads(value) if name == UNMAPPED else value
