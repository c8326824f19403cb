"""The way back: rows become the records that the server sent."""

import json
from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from resumable.schema.fields import ColumnKind, Leaf, ListOf, Node
from resumable.schema.instants import written
from resumable.schema.pointers import tokens
from resumable.schema.schema import UNMAPPED, Schema

ROWS = 256
"""Rows that are Python objects at one time."""


def rebuild(table: pa.Table, *, schema: Schema) -> Iterator[dict[str, Any]]:
    """Yield every record as it was sent, from its columns and from `_unmapped`.

    Members that were null are absent, nulls in lists stay, and an instant is written as `2023-10-01T00:00:00.000Z`.
    The schema is needed to tell JSON text from other text.
    """
    for batch in table.to_batches(max_chunksize=ROWS):
        for row in batch.to_pylist():
            unmapped = row.pop(UNMAPPED)
            record = plain(schema.root, row)
            for pointer, value in json.loads(unmapped).items() if unmapped else ():
                _put(record, tokens(pointer), value)
            yield record


def plain(node: Node, value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Return a cell as the JSON value that was sent; members that are null are absent."""
    if value is None:
        return None
    if isinstance(node, ListOf):
        return [plain(node.element, element) for element in value]
    if isinstance(node, Leaf):
        return _leaf(node.kind, value)
    members = ((name, plain(member, value[name])) for name, member in node.members.items() if value[name] is not None)
    return dict(members)


def _leaf(kind: ColumnKind, value: Any) -> Any:  # noqa: ANN401 - any JSON value
    if kind is ColumnKind.INSTANT:
        return written(value)
    if kind is ColumnKind.TEXT_MAP:
        return dict(value)
    return json.loads(value) if kind is ColumnKind.JSON else value


def _put(record: Any, path: list[str], value: object) -> None:  # noqa: ANN401 - any JSON value
    """Put a value where its pointer says: objects and lists on the way are there, for they did fit."""
    at = record
    for token in path[:-1]:
        at = at[int(token)] if isinstance(at, list) else at[token]
    last: Any = int(path[-1]) if isinstance(at, list) else path[-1]
    at[last] = value
