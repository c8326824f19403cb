"""The careful route: any JSON value becomes a row, and what does not fit a column goes to `_unmapped`, whole.

It works a column at a time: all values of one field of the page are looked at together, so that a field which fits
(nearly all of them, even on a page that has a misfit) costs one look at the set of its types.
"""

import json
from collections import Counter
from collections.abc import Callable, Mapping
from itertools import accumulate, chain
from typing import Any

import pyarrow as pa

from resumable.schema.fields import ColumnKind, Leaf, ListOf, Node, ObjectOf
from resumable.schema.free_maps import map_array, mask, only_texts
from resumable.schema.instants import milliseconds, whole_column
from resumable.schema.pointers import Element, Member, Place, Record
from resumable.schema.schema import Schema, arrow_fields, arrow_type
from resumable.schema.strict_json import NotJson

DEEPEST = 200
"""Levels of nesting that a value kept as JSON text may have: deeper text may not be readable everywhere."""
PATTERNS = 200
"""Drift patterns told apart on one page; a server that invents names must not fill the memory."""

_MORE = "(more)"
_NONE = type(None)
_EXACT = 2**53


class Misfits:
    """Collects what did not fit, by record and pointer, and counts it by pattern."""

    def __init__(self) -> None:
        self.by_record: dict[int, dict[str, object]] = {}
        self.drift: Counter[str] = Counter()

    def add(self, place: Place, index: int, value: object, why: str = "") -> None:
        """Keep one value whole; `why` is empty for a field that is merely unknown."""
        record, pointer = place.find(index)
        self.by_record.setdefault(record, {})[pointer] = value
        # A name may be half a surrogate pair, which the manifest cannot hold.
        name = place.pattern().encode(errors="backslashreplace").decode()
        pattern = f"{name} ({why})" if why else name
        known = pattern in self.drift or len(self.drift) < PATTERNS
        self.drift[pattern if known else _MORE] += 1

    def column(self, rows: int) -> pa.Array:
        """Return the `_unmapped` column."""
        if not self.by_record:
            return pa.nulls(rows, pa.string())
        return pa.array([_text(self.by_record[i]) if i in self.by_record else None for i in range(rows)], pa.string())


def table_of(records: list[dict[str, Any]], schema: Schema) -> tuple[pa.Table, dict[str, int]]:
    """Return one row for each record and the drift count; raise NotJson only for nesting beyond all use."""
    misfits = Misfits()
    columns = _members(schema.root, records, Record(), misfits)
    columns.append(misfits.column(len(records)))
    return pa.Table.from_arrays(columns, schema=schema.arrow), dict(misfits.drift)


def bounded_drift(drift: Mapping[str, int]) -> dict[str, int]:
    """Return the drift of a page of which several pieces were read, with as many patterns as one of a single piece."""
    names = [name for name in drift if name != _MORE]
    kept = {name: drift[name] for name in names[:PATTERNS]}
    more = drift.get(_MORE, 0) + sum(drift[name] for name in names[PATTERNS:])
    return kept | ({_MORE: more} if more else {})


def _column(node: Node, values: list[Any], place: Place, misfits: Misfits) -> pa.Array:
    if isinstance(node, Leaf):
        return _LEAVES[node.kind](values, place, misfits)
    if isinstance(node, ListOf):
        return _lists(node, values, place, misfits)
    values = _only(dict, "object", values, place, misfits)
    children = _members(node, values, place, misfits)
    return pa.StructArray.from_arrays(children, fields=arrow_fields(node), mask=mask(values))


def _members(node: ObjectOf, values: list[Any], place: Place, misfits: Misfits) -> list[pa.Array]:
    present: set[str] = set().union(*filter(None, values))
    unknown = present - node.members.keys()
    if unknown:
        _set_aside(unknown, values, place, misfits)
    whole = None not in values
    columns = []
    for name, member in node.members.items():
        if name not in present:
            columns.append(pa.nulls(len(values), arrow_type(member)))
            continue
        found = [v.get(name) for v in values] if whole else [None if v is None else v.get(name) for v in values]
        columns.append(_column(member, found, Member(parent=place, name=name), misfits))
    return columns


def _set_aside(unknown: set[str], values: list[Any], place: Place, misfits: Misfits) -> None:
    for index, value in enumerate(values):
        if value is None or unknown.isdisjoint(value):
            continue
        for name in value:
            if name in unknown and value[name] is not None:
                misfits.add(Member(parent=place, name=name), index, value[name])


def _lists(node: ListOf, values: list[Any], place: Place, misfits: Misfits) -> pa.Array:
    values = _only(list, "list", values, place, misfits)
    ends = list(accumulate((len(value) if value else 0 for value in values), initial=0))
    flat = list(chain.from_iterable(filter(None, values)))
    elements = _column(node.element, flat, Element(parent=place, starts=ends[:-1]), misfits)
    return pa.ListArray.from_arrays(pa.array(ends, pa.int32()), elements, type=arrow_type(node), mask=mask(values))


def _only(wanted: type, word: str, values: list[Any], place: Place, misfits: Misfits) -> list[Any]:
    """Return the values with None for all that are not of the wanted type, which are set aside."""
    if set(map(type, values)) <= {wanted, _NONE}:
        return values
    kept = []
    for index, value in enumerate(values):
        fits = type(value) is wanted
        if not fits and value is not None:
            misfits.add(place, index, value, f"{_word(value)}, not {word}")
        kept.append(value if fits else None)
    return kept


def _sifted(fit: Callable[[Any], Any], why: str, values: list[Any], place: Place, misfits: Misfits) -> list[Any]:
    """Return what `fit` makes of each value, with None where it makes None of it, which is set aside."""
    kept = []
    for index, value in enumerate(values):
        fitted = None if value is None else fit(value)
        if fitted is None and value is not None:
            misfits.add(place, index, value, why)
        kept.append(fitted)
    return kept


def _texts(values: list[Any], place: Place, misfits: Misfits) -> pa.Array:
    values = _only(str, "text", values, place, misfits)
    try:
        return pa.array(values, pa.string())
    except UnicodeEncodeError:
        return pa.array(_sifted(_encodable, "half a surrogate pair", values, place, misfits), pa.string())


def _integers(values: list[Any], place: Place, misfits: Misfits) -> pa.Array:
    if set(map(type, values)) <= {int, _NONE}:
        try:
            return pa.array(values, pa.int64())
        except (OverflowError, pa.ArrowInvalid):
            pass
    return pa.array(_sifted(_as_integer, "not an integer of 64 bits", values, place, misfits), pa.int64())


def _numbers(values: list[Any], place: Place, misfits: Misfits) -> pa.Array:
    if not set(map(type, values)) <= {float, _NONE}:
        values = _sifted(_as_double, "not a number that a double holds", values, place, misfits)
    return pa.array(values, pa.float64())


def _flags(values: list[Any], place: Place, misfits: Misfits) -> pa.Array:
    return pa.array(_only(bool, "true or false", values, place, misfits), pa.bool_())


def _instants(values: list[Any], place: Place, misfits: Misfits) -> pa.Array:
    values = _only(str, "an instant", values, place, misfits)
    try:
        instants = whole_column(pa.array(values, pa.string()))
    except UnicodeEncodeError:
        instants = None
    if instants is None:
        instants = pa.array(_sifted(milliseconds, "not an instant", values, place, misfits), pa.int64())
    return instants.cast(arrow_type(Leaf(kind=ColumnKind.INSTANT)))


def _text_maps(values: list[Any], place: Place, misfits: Misfits) -> pa.Array:
    values = _only(dict, "object", values, place, misfits)
    if not only_texts(values):
        values = [None if v is None else _strings(v, place, i, misfits) for i, v in enumerate(values)]
    try:
        return map_array(values)
    except UnicodeEncodeError:
        return map_array([None if v is None else _encodables(v, place, i, misfits) for i, v in enumerate(values)])


def _strings(value: dict[str, Any], place: Place, index: int, misfits: Misfits) -> dict[str, str]:
    for name, item in value.items():
        if item is not None and type(item) is not str:
            misfits.add(Member(parent=place, name=name, free=True), index, item, f"{_word(item)}, not text")
    return {name: item for name, item in value.items() if type(item) is str}


def _encodables(value: dict[str, str], place: Place, index: int, misfits: Misfits) -> dict[str, str]:
    kept = {}
    for name, item in value.items():
        if _encodable(name) is None or _encodable(item) is None:
            misfits.add(Member(parent=place, name=name, free=True), index, item, "half a surrogate pair")
        else:
            kept[name] = item
    return kept


def _json_texts(values: list[Any], _place: Place, _misfits: Misfits) -> pa.Array:
    return pa.array([None if value is None else _text(value) for value in values], pa.string())


def _encodable(text: str) -> str | None:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return None
    return text


def _as_integer(value: object) -> int | None:
    if type(value) is float and value.is_integer() and abs(value) < _EXACT:
        return int(value)
    return value if type(value) is int and -(2**63) <= value < 2**63 else None


def _as_double(value: object) -> float | None:
    if type(value) is int:
        # Above 2**53 only some whole numbers are doubles; the fast route cannot tell which, so none is taken here.
        return float(value) if abs(value) < _EXACT else None
    return value if type(value) is float else None


def _word(value: object) -> str:
    words = {dict: "an object", list: "a list", str: "text", bool: "true or false"}
    return words.get(type(value), "a number")


def _text(value: object) -> str:
    """Write a value as JSON text, in ASCII, because half a surrogate pair has no other form."""
    level, depth = [value], 0
    while level:
        level = [inner for outer in level for inner in _inside(outer)]
        depth += 1
        if depth > DEEPEST:
            raise NotJson(f"nested deeper than {DEEPEST} levels")
    return json.dumps(value, separators=(",", ":"))


def _inside(value: object) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


_LEAVES: dict[ColumnKind, Callable[[list[Any], Place, Misfits], pa.Array]] = {
    ColumnKind.TEXT: _texts,
    ColumnKind.INTEGER: _integers,
    ColumnKind.NUMBER: _numbers,
    ColumnKind.FLAG: _flags,
    ColumnKind.INSTANT: _instants,
    ColumnKind.DATE: _texts,
    ColumnKind.TEXT_MAP: _text_maps,
    ColumnKind.JSON: _json_texts,
}
