"""Columns as JSON text, made by Arrow's kernels: no Python object for each value.

`texts` writes what `json.dumps(plain(node, value), ensure_ascii=False, separators=(",", ":"))` would, byte for byte.
Members that are null are absent, nulls in lists stay. Python takes four times as long over 2,000 parts of 100
conversations.
"""

import functools
import json
from collections.abc import Callable
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from resumable.schema.fields import ColumnKind, Leaf, ListOf, Node

_NULL: Final = "null"

_ESCAPED: Final = '["\\\\\\x00-\\x1f]'
"""What JSON text escapes, as an expression of RE2: all else stays as it is."""

_PLAIN_NUMBERS: Final = (1e-3, 1e10)
"""From and up to which Arrow writes a double as Python does, but for the `.0` of a whole one."""


def texts(array: pa.Array, node: Node, before: str = "") -> pa.Array:
    """Return each value of a column as JSON text, with `before` in front of it; null stays null."""
    if array.null_count == len(array):
        return pa.nulls(len(array), pa.string())
    if isinstance(node, Leaf):
        return _leaf(array, node.kind, before)
    if isinstance(node, ListOf):
        elements = texts(pc.list_flatten(array), node.element)
        return _wrapped(array, elements, f"{before}[", "]")
    pairs = [(name, member, _field(array, name)) for name, member in node.members.items()]
    return _enclosed(members(pairs), array, before)


def members(columns: "list[tuple[str, Node, pa.Array]]") -> list[pa.Array]:
    """Return the members of objects that are anywhere, as `"name":value`; null where a value is."""
    found = (texts(array, node, f"{written(name)}:") for name, node, array in columns)
    return [each for each in found if each.null_count < len(each)]


def objects(found: list[pa.Array], rows: int) -> pa.Array:
    """Return one JSON object a row of the members of it."""
    if not found:
        return pa.array(["{}"] * rows, pa.string())
    return pc.binary_join_element_wise("{", _joined(found), "}", "")


def written(value: Any) -> str:  # noqa: ANN401 - any JSON value
    """Write a value as JSON; half a surrogate pair, which no encoding has, stays the escape that it was sent as."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text if text.isascii() else text.encode(errors="backslashreplace").decode()


def _enclosed(found: list[pa.Array], array: pa.Array, before: str) -> pa.Array:
    inner = _joined(found) if found else pa.array([""] * len(array), pa.string())
    whole = pc.binary_join_element_wise(f"{before}{{", inner, "}", "")
    return _null_where(whole, array)


def _joined(found: list[pa.Array]) -> pa.Array:
    """Join what is there of each row by commas."""
    first, *rest = found
    if not rest:
        return first.fill_null("")
    if all(each.null_count for each in found):
        # pyarrow 26 leaves a row out of the result where it has nothing to join.
        nothing = functools.reduce(pc.and_, (each.is_null() for each in found))
        first = pc.if_else(nothing, "", first)
    return pc.binary_join_element_wise(first, *rest, ",", null_handling="skip")


def _null_where(whole: pa.Array, array: pa.Array) -> pa.Array:
    """Return texts with null where another array has it."""
    return whole if not array.null_count else pc.if_else(array.is_valid(), whole, pa.scalar(None, pa.string()))


def _wrapped(array: pa.Array, elements: pa.Array, begin: str, end: str) -> pa.Array:
    """Join the texts of elements by commas, a text for each list."""
    lengths = pc.fill_null(pc.list_value_length(array), 0)
    ends = pc.cumulative_sum(pc.cast(lengths, pa.int32()))
    offsets = pa.concat_arrays([pa.array([0], pa.int32()), ends])
    lists = pa.ListArray.from_arrays(offsets, elements.fill_null(_NULL))
    return _null_where(pc.binary_join_element_wise(begin, pc.binary_join(lists, ","), end, ""), array)


def _leaf(array: pa.Array, kind: ColumnKind, before: str) -> pa.Array:
    if kind in (ColumnKind.TEXT, ColumnKind.DATE):
        return _texts(array, before)
    if kind is ColumnKind.INSTANT:
        return pc.binary_join_element_wise(f'{before}"', instants(array), '"', "")
    if kind is ColumnKind.TEXT_MAP:
        return _maps(array, before)
    if kind is ColumnKind.INTEGER:
        found = pc.cast(array, pa.string())
    elif kind is ColumnKind.FLAG:
        found = pc.if_else(array, "true", "false")
    elif kind is ColumnKind.NUMBER:
        found = _numbers(array)
    else:
        found = json_texts(array)
    return pc.binary_join_element_wise(before, found, "") if before else found


def json_texts(array: pa.Array) -> pa.Array:
    """Write JSON text that was kept as this program writes JSON: it was kept in ASCII."""
    return _by_value(array, lambda text: written(json.loads(text)))


def instants(array: pa.Array) -> pa.Array:
    """Write instants as Genesys does: `2023-10-01T00:00:00.000Z`."""
    # Without its zone, the text is made without a database of time zones.
    naive = pc.cast(pc.cast(array, pa.timestamp("ms")), pa.string())
    return pc.binary_join_element_wise(pc.replace_substring(naive, " ", "T", max_replacements=1), "Z", "")


def _texts(array: pa.Array, before: str) -> pa.Array:
    special = pc.match_substring_regex(array, _ESCAPED)
    if not pc.any(special).as_py():
        return pc.binary_join_element_wise(f'{before}"', array, '"', "")
    found = pc.fill_null(special, False)
    with_escapes = pa.array([before + written(text) for text in array.filter(found).to_pylist()], pa.string())
    return pc.replace_with_mask(pc.binary_join_element_wise(f'{before}"', array, '"', ""), found, with_escapes)


def _maps(array: pa.Array, before: str) -> pa.Array:
    offsets = array.offsets
    first, last = offsets[0].as_py(), offsets[-1].as_py()
    keys = _texts(array.keys.slice(first, last - first), "") if last > first else pa.array([], pa.string())
    values = _texts(array.items.slice(first, last - first), "") if last > first else keys
    pairs = pc.binary_join_element_wise(keys, values.fill_null(_NULL), ":")
    lists = pa.ListArray.from_arrays(pc.subtract(offsets, first), pairs)
    return _null_where(pc.binary_join_element_wise(f"{before}{{", pc.binary_join(lists, ","), "}", ""), array)


def _numbers(array: pa.Array) -> pa.Array:
    size = pc.abs(array)
    least, most = _PLAIN_NUMBERS
    plain = pc.or_(pc.and_(pc.greater_equal(size, least), pc.less(size, most)), pc.equal(size, 0.0))
    plain = pc.fill_null(plain, True)
    text = pc.cast(array, pa.string())
    bare = pc.and_(pc.fill_null(pc.equal(pc.floor(array), array), False), pc.invert(pc.ends_with(text, ".0")))
    text = pc.if_else(bare, pc.binary_join_element_wise(text, ".0", ""), text)
    if pc.all(plain).as_py():
        return text
    odd = pc.invert(plain)
    return pc.replace_with_mask(text, odd, _by_value(array.filter(odd), written))


def _by_value(array: pa.Array, write: Callable[[Any], str]) -> pa.Array:
    """Write each different value once, in Python."""
    coded = array.dictionary_encode()
    each = pa.array([write(value) for value in coded.dictionary.to_pylist()], pa.string())
    return each.take(coded.indices)


def _field(objects: pa.StructArray, name: str) -> pa.Array:
    return pc.struct_field(objects, [objects.type.get_field_index(name)])
