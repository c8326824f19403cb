"""Objects with free names, taken out of the text: pyarrow.json has no type for them, and so need not read them."""

import json
import re
from collections.abc import Collection, Sequence
from itertools import accumulate, chain
from typing import Any

import pyarrow as pa

from resumable.schema.fields import Kind, Leaf
from resumable.schema.model import arrow_type
from resumable.schema.strict import NotJson, strict_value

_SPACE = r"[ \t\r\n]*+"
_MAP = Leaf(kind=Kind.TEXT_MAP)


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


def map_array(values: list[dict[str, str] | None]) -> pa.MapArray:
    """Return objects of texts as a column; UnicodeEncodeError where one holds half a surrogate pair."""
    ends = list(accumulate((len(value) if value else 0 for value in values), initial=0))
    present = [value for value in values if value]
    keys = pa.array(list(chain.from_iterable(present)), pa.string())
    items = pa.array([item for value in present for item in value.values()], pa.string())
    return pa.MapArray.from_arrays(pa.array(ends, pa.int32()), keys, items, type=arrow_type(_MAP), mask=mask(values))


def mask(values: list[Any]) -> pa.Array | None:
    """Return which values are None, or None where none is."""
    return pa.array([value is None for value in values], pa.bool_()) if None in values else None
