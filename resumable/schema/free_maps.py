"""Objects with free names, taken out of the text: pyarrow.json has no type for them, and so need not read them."""

import json
import re
from array import array
from collections.abc import Collection, Iterable, Sequence
from itertools import accumulate, chain
from typing import Any

import pyarrow as pa

from resumable.schema.fields import ColumnKind, Leaf
from resumable.schema.schema import arrow_type
from resumable.schema.strict_json import NotJson, strict_value

_SPACE = r"[ \t\r\n]*+"
_MAP = Leaf(kind=ColumnKind.TEXT_MAP)


def field_pattern(names: Collection[str]) -> re.Pattern[str] | None:
    """Return what finds the start of an object under one of these names, or None where there are no names."""
    quoted = "|".join(re.escape(json.dumps(name)) for name in sorted(names))
    return re.compile(f"(?:{quoted}){_SPACE}:{_SPACE}" + r"(?=\{)") if quoted else None


def take_out(text: str, pattern: re.Pattern[str]) -> tuple[str, list[dict[str, Any]]] | None:
    """Put in the place of every such object its number, counted from 0, and return the text and the objects.

    A quoted name before a colon is a key wherever it stands in valid JSON, unless its first quote is an escaped one.
    What is no valid JSON stays so, because only a whole object is replaced, and by a number with a space behind it.
    None where the answer must be left to the careful route.
    """
    pieces: list[str] = []
    objects: list[dict[str, Any]] = []
    at = 0
    for found in pattern.finditer(text):
        if found.start() < at:
            continue  # inside an object that is already out
        if text[found.start() - 1] == "\\":
            return None
        try:
            value, end = strict_value(text, found.end())
        except NotJson:
            return None
        pieces += text[at : found.end()], f"{len(objects)} "
        objects.append(value)
        at = end
    return "".join([*pieces, text[at:]]), objects


def only_texts(values: Sequence[dict[str, Any] | None]) -> bool:
    """Tell whether every member of every object is a text."""
    return set(map(type, chain.from_iterable(value.values() for value in values if value))) <= {str}


def map_array(values: Sequence[dict[str, str] | None]) -> pa.MapArray:
    """Return objects of texts as a column; UnicodeEncodeError where one holds half a surrogate pair.

    Made of its buffers: `pa.array` would import pandas where that is installed, 0.3 s and 40 MB.
    """
    present = [value for value in values if value]
    keys = _text_array(list(chain.from_iterable(present)))
    items = _text_array([item for value in present for item in value.values()])
    type_ = arrow_type(_MAP)
    entries = pa.StructArray.from_arrays([keys, items], fields=[type_.key_field, type_.item_field])
    ends = _offsets(len(value) if value else 0 for value in values)
    return pa.Array.from_buffers(type_, len(values), [_validity(values), ends], children=[entries])


def _text_array(texts: Sequence[str]) -> pa.StringArray:
    pieces = [text.encode() for text in texts]
    return pa.StringArray.from_buffers(len(pieces), _offsets(map(len, pieces)), pa.py_buffer(b"".join(pieces)))


def _offsets(lengths: Iterable[int]) -> pa.Buffer:
    return pa.py_buffer(array("i", accumulate(lengths, initial=0)))


def _validity(values: Sequence[object]) -> pa.Buffer | None:
    """Return one bit for each value, the first in the lowest; None where no value is None."""
    if None not in values:
        return None
    bits = "".join("0" if value is None else "1" for value in reversed(values))
    return pa.py_buffer(int(bits, 2).to_bytes(-(-len(values) // 8), "little"))


def mask(values: list[Any]) -> pa.Array | None:
    """Return which values are None, or None where none is."""
    return pa.array([value is None for value in values], pa.bool_()) if None in values else None
