"""The fast route: pyarrow.json reads the records of a page into columns, with no Python object for any of them.

It either returns what the careful route would, or None: never anything else. pyarrow's reader alone does not promise
that. It takes invalid UTF-8, a byte order mark, NaN, whole numbers that a double rounds, null records and times without
a zone, and (26.0.1) crashes the process on a body that starts with `null`. Each is looked for here, once a page.

The body is cut in three: what stands before the list of records, the list, and what stands behind it. Only the list
goes to pyarrow. The rest is small and goes to `strict_json` with `null` in the place of the list, so that the envelope
may hold anything; and because a JSON value may stand wherever another does, the two answers speak for the whole.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pj

from resumable.schema.fields import ColumnKind, Leaf, ListOf, Node, ObjectOf, leaves
from resumable.schema.free_maps import field_pattern, map_array, only_texts, take_out
from resumable.schema.instants import whole_column
from resumable.schema.schema import Schema, arrow_fields, arrow_type
from resumable.schema.strict_json import NotJson, strict_json

CLOSERS = 64
"""Closing brackets looked at, from the end of the body, for the one that ends the records."""

_SPACE = rb"[ \t\r\n]*+"
_EXACT = 2**53
_AS_READ = (ColumnKind.TEXT, ColumnKind.INTEGER, ColumnKind.FLAG, ColumnKind.DATE)


class _Unfit(Exception):
    """This page is not for the fast route."""


@dataclass(frozen=True, kw_only=True)
class Cut:
    """A body without its records: the members around them, and the bytes of the list, still where they came."""

    around: dict[str, Any]
    records: memoryview


@dataclass(frozen=True, kw_only=True, eq=False)
class _Plan:
    """What is prepared once for each schema."""

    options: pj.ParseOptions
    map_names: tuple[bytes, ...]
    """The quoted names of the fields that are maps."""
    maps: re.Pattern[bytes] | None
    """What finds their objects; None where there are none."""


def table_of(records: bytes | memoryview, schema: Schema) -> pa.Table | None:
    """Return the rows of a JSON list of records, or None where the careful route has to look."""
    plan = _plan(schema)
    try:
        objects: list[dict[str, Any]] = []
        wrapped = b"".join((b'{"r":', records, b"}"))
        if any(name in wrapped for name in plan.map_names):
            wrapped, objects = _without_maps(wrapped, plan)
        rows = _read(wrapped, plan)
        reader = _Columns(objects)
        columns = [reader.column(member, rows.field(name)) for name, member in schema.root.members.items()]
        reader.check_maps()
        table = pa.Table.from_arrays([*columns, pa.nulls(len(rows), pa.string())], schema=schema.arrow)
        table.validate(full=True)
    except (_Unfit, pa.ArrowInvalid, UnicodeError):
        return None
    return table


def cut(body: bytes, records_key: str) -> Cut | None:
    """Take the list of records out of a body, or return None where it cannot be told for certain."""
    key = re.escape(json.dumps(records_key).encode())
    found = re.search(key + _SPACE + rb":" + _SPACE + rb"(?=\[)", body)
    if found is None:
        return None
    head, start = body[: found.start()], found.end()
    try:
        # Closed here, the head is an object only if the key stands in the outermost one.
        strict_json(head.rstrip(b" \t\r\n").removesuffix(b",") + b"}")
    except NotJson:
        return None
    for end in _ends(body, start):
        try:
            around = strict_json(body[:start] + b"null" + body[end:])
        except NotJson:
            continue
        return Cut(around=around, records=memoryview(body)[start:end]) if isinstance(around, dict) else None
    return None


def _ends(body: bytes, start: int) -> Iterator[int]:
    """Yield where the list may end, the longest rest first: what is left must close one brace more than it opens."""
    ends, at = [], len(body)
    for _ in range(CLOSERS):
        at = body.rfind(b"]", start, at)
        if at < 0:
            break
        rest = body[at + 1 :]
        if rest.count(b"[") == rest.count(b"]") and rest.count(b"}") == rest.count(b"{") + 1:
            ends.append(at + 1)
    return reversed(ends)


def _read(wrapped: bytes, plan: _Plan) -> pa.StructArray:
    """Let pyarrow read one object whose only member is the list of records."""
    options = pj.ReadOptions(use_threads=False, block_size=len(wrapped) + 1)
    table = pj.read_json(pa.BufferReader(wrapped), read_options=options, parse_options=plan.options)
    if table.num_rows != 1 or table.column(0).num_chunks != 1:
        raise _Unfit
    rows = table.column(0).chunk(0).flatten()
    if rows.null_count:
        raise _Unfit
    return rows


@lru_cache(maxsize=64)
def _plan(schema: Schema) -> _Plan:
    list_ = pa.list_(pa.field("element", _reading_type(schema.root)))
    options = pj.ParseOptions(
        explicit_schema=pa.schema([("r", list_)]), newlines_in_values=True, unexpected_field_behavior="error"
    )
    names = set(_map_names(schema.root))
    quoted = tuple(json.dumps(name).encode() for name in sorted(names))
    return _Plan(options=options, map_names=quoted, maps=field_pattern(names))


def _reading_type(node: Node) -> pa.DataType:
    """Return the type that pyarrow.json is to read a node as; `_Columns` makes the column's own type of it."""
    if isinstance(node, ListOf):
        return pa.list_(pa.field("element", _reading_type(node.element)))
    if isinstance(node, ObjectOf):
        return pa.struct([pa.field(name, _reading_type(member)) for name, member in node.members.items()])
    if node.kind is ColumnKind.INSTANT:
        return pa.string()  # read as an instant it would lose its form, and with it whether it had a zone
    if node.kind is ColumnKind.TEXT_MAP:
        return pa.int64()  # the number of an object that was taken out
    if node.kind is ColumnKind.JSON:
        return pa.null()  # refuses all but null: JSON text has to be written with care
    return arrow_type(node)


def _map_names(node: Node) -> Iterator[str]:
    if isinstance(node, ListOf):
        yield from _map_names(node.element)
    elif isinstance(node, ObjectOf):
        for name, member in node.members.items():
            if isinstance(member, Leaf) and member.kind is ColumnKind.TEXT_MAP:
                yield name
            else:
                yield from _map_names(member)


def _without_maps(wrapped: bytes, plan: _Plan) -> tuple[bytes, list[dict[str, Any]]]:
    taken = take_out(wrapped, plan.maps) if plan.maps else None
    if taken is None or not only_texts(taken[1]):
        raise _Unfit
    return taken


class _Columns:
    """Turns what pyarrow read into the columns of the schema; raises _Unfit where a value is not what it seems."""

    def __init__(self, objects: list[dict[str, Any]]) -> None:
        self.objects = objects
        self.seen: list[int] = []
        """Numbers that stood in the place of an object."""

    def check_maps(self) -> None:
        """Refuse a page in which any such number came from the server itself, or any object was lost."""
        if sorted(self.seen) != list(range(len(self.objects))):
            raise _Unfit

    def column(self, node: Node, read: pa.Array) -> pa.Array:
        """Return one column; what needs no change is passed on as it is."""
        if not _needs_a_look(node):
            return read
        if isinstance(node, ListOf):
            return self._lists(node, read)
        if isinstance(node, ObjectOf):
            return self._objects(node, read)
        if node.kind is ColumnKind.INSTANT:
            return self._instants(read)
        if node.kind is ColumnKind.NUMBER:
            _check_exact(read)
        if node.kind is ColumnKind.JSON:
            return pa.nulls(len(read), pa.string())
        return self._maps(read) if node.kind is ColumnKind.TEXT_MAP else read

    def _instants(self, read: pa.Array) -> pa.Array:
        instants = whole_column(read)
        if instants is None:
            raise _Unfit
        return instants

    def _objects(self, node: ObjectOf, read: pa.StructArray) -> pa.StructArray:
        children = [read.field(index) for index in range(len(node.members))]
        made = [self.column(member, child) for member, child in zip(node.members.values(), children, strict=True)]
        if all(new is old for new, old in zip(made, children, strict=True)):
            return read
        return pa.StructArray.from_arrays(made, fields=arrow_fields(node), mask=_mask(read))

    def _lists(self, node: ListOf, read: pa.ListArray) -> pa.ListArray:
        elements = read.values
        made = self.column(node.element, elements)
        if made is elements:
            return read
        return pa.ListArray.from_arrays(read.offsets, made, type=arrow_type(node), mask=_mask(read))

    def _maps(self, read: pa.Array) -> pa.MapArray:
        numbers = read.to_pylist() if read.null_count < len(read) else [None] * len(read)
        self.seen += (number for number in numbers if number is not None)
        if any(number is not None and not 0 <= number < len(self.objects) for number in numbers):
            raise _Unfit
        return map_array([None if number is None else self.objects[number] for number in numbers])


@lru_cache(maxsize=4096)
def _needs_a_look(node: Node) -> bool:
    return any(leaf.kind not in _AS_READ for leaf in leaves(node))


def _mask(read: pa.Array) -> pa.Array | None:
    return read.is_null() if read.null_count else None


def _check_exact(read: pa.Array) -> None:
    """Refuse NaN, infinity, and doubles so large that the text may have held another whole number."""
    # No Python number is handed to pyarrow: with the first it imports pandas where that is installed, 0.3 s and 40 MB.
    if read.null_count < len(read):
        ends = pc.min_max(read).as_py()
        if max(-ends["min"], ends["max"]) >= _EXACT or pc.any(pc.is_nan(read)).as_py():
            raise _Unfit
