"""What makes two records one: their key, or, where a record is a bundle of documents, the documents in it.

Users' details are documents, grouped by user: a userId comes on several pages, each time with other periods. So their
identity is the user and the content: each period is a document, and the same one is the same wherever it is listed,
alone or beside others. The identity of such a record is a text: the marks of its documents, and its key.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any, Final

import pyarrow as pa

from resumable.schema.fields import ListOf, ObjectOf
from resumable.schema.rebuild import plain
from resumable.schema.schema import UNMAPPED, Schema

MARK_BYTES: Final = 8
"""Of a document: within one user's there is no collision to be feared."""

_BETWEEN: Final = "."


def lists(schema: Schema) -> list[str]:
    """Return the columns whose elements are the documents of a record, in order."""
    members = schema.root.members.items()
    return [name for name, node in members if isinstance(node, ListOf) and isinstance(node.element, ObjectOf)]


def columns(schema: Schema) -> list[str]:
    """Return the columns that `identities` needs."""
    return [*schema.root.members, UNMAPPED] if schema.bundles else [schema.key]


def identities(table: pa.Table, schema: Schema) -> pa.ChunkedArray:
    """Return what names each record of a table that has at least `columns`: null for one without a key."""
    if not schema.bundles:
        return table.column(schema.key)
    return pa.chunked_array([pa.array([_identity(row, schema) for row in table.to_pylist()], pa.string())])


def documents(identity: object, schema: Schema) -> list[str]:
    """Return what names each document of a record, by its identity: the record's own, or one for each in its bundle."""
    if not schema.bundles:
        return [str(identity)]
    marks, _, key = str(identity).partition(" ")
    return [f"{mark} {key}" for mark in marks.split(_BETWEEN)]


def all_documents(found: pa.ChunkedArray, schema: Schema) -> pa.ChunkedArray:
    """Return the documents of all records, by their identities; null for a record without a key."""
    if not schema.bundles:
        return found
    each = chain.from_iterable([None] if one is None else documents(one, schema) for one in found.to_pylist())
    return pa.chunked_array([pa.array(list(each), pa.string())])


def cut(table: pa.Table, schema: Schema, gone: Sequence[int]) -> tuple[pa.Table, list[int]]:
    """Return a table without some of its documents, by their numbers over all rows, and the rows that have any left."""
    lost, number, rows = set(gone), 0, list[int]()
    kept: dict[str, list[list[Any] | None]] = {name: [] for name in lists(schema)}
    for place, row in enumerate(table.to_pylist()):
        count = len(documents(_identity(row, schema) or "", schema))
        left = [at not in lost for at in range(number, number + count)]
        number += count
        if any(left):
            rows.append(place)
        flags = iter(left)
        for name, column in kept.items():
            elements = row[name]
            # A record that is one document by itself is kept or left out as it is.
            whole = elements is None or _alone(row, schema)
            column.append(elements if whole else [one for one in elements if next(flags)])
    for name, column in kept.items():
        place = table.schema.get_field_index(name)
        table = table.set_column(place, table.schema.field(name), pa.array(column, table.schema.field(name).type))
    return table, rows


def _identity(row: dict[str, Any], schema: Schema) -> str | None:
    if row[schema.key] is None:
        return None
    return f"{_BETWEEN.join(_marks(row, schema))} {row[schema.key]}"


def _marks(row: dict[str, Any], schema: Schema) -> Iterator[str]:
    if _alone(row, schema):
        yield _mark("", {name: plain(node, row[name]) for name, node in schema.root.members.items()}, row[UNMAPPED])
        return
    for name in lists(schema):
        node = schema.root.members[name]
        for element in plain(node, row[name]) or ():
            yield _mark(name, element, None)


def _alone(row: dict[str, Any], schema: Schema) -> bool:
    """Tell whether a record is one document: it lists none, or holds more of them than the columns can."""
    return row[UNMAPPED] is not None or not any(row[name] for name in lists(schema))


def _mark(name: str, content: object, unmapped: str | None) -> str:
    text = json.dumps([name, content, unmapped], sort_keys=True, separators=(",", ":"))
    return hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=MARK_BYTES).hexdigest()
