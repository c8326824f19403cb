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
from resumable.schema.strict_json import NotJson, strict_json

_SPACE = rb"[ \t\r\n]*+"
_FLAT = re.compile(rb'\{(?:[^{}"]++|"(?:[^"\\]++|\\.)*+")*+\}', re.DOTALL)
_ESCAPE = ord("\\")
_MAP = Leaf(kind=ColumnKind.TEXT_MAP)


def field_pattern(names: Collection[str]) -> re.Pattern[bytes] | None:
    """Return what finds the start of an object under one of these names, or None where there are no names."""
    quoted = b"|".join(re.escape(json.dumps(name).encode()) for name in sorted(names))
    return re.compile(b"(?:" + quoted + b")" + _SPACE + b":" + _SPACE + rb"(?=\{)") if quoted else None


def take_out(data: bytes, pattern: re.Pattern[bytes]) -> tuple[bytes, list[dict[str, Any]]] | None:
    """Put in the place of every such object its number, counted from 0, and return the JSON and the objects.

    A quoted name before a colon is a key wherever it stands in valid JSON, unless its first quote is an escaped one.
    What is no valid JSON stays so, because only a whole object is replaced, and by a number with a space behind it.
    None where the answer must be left to the careful route, as it is for an object inside of one that is free.
    """
    pieces: list[bytes] = []
    objects: list[dict[str, Any]] = []
    at = 0
    for found in pattern.finditer(data):
        if found.start() < at:
            continue  # inside an object that is already out
        # Read from the bytes: as text a page has twice the size, or four times, and is written back for pyarrow.
        whole = _FLAT.match(data, found.end())
        if whole is None or data[found.start() - 1] == _ESCAPE:
            return None
        try:
            value = strict_json(whole[0])
        except NotJson:
            return None
        if not isinstance(value, dict):
            return None
        pieces += data[at : found.end()], b"%d " % len(objects)
        objects.append(value)
        at = whole.end()
    return b"".join([*pieces, data[at:]]), objects


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
