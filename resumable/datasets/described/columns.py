"""The columns of a described record: as its author wrote them, or as a page of records shows them to be."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from resumable.schema.fields import ColumnKind, Declared, Fields
from resumable.schema.schema import UNMAPPED
from resumable.tomlfile import TomlSource, nearest

MOST_MEMBERS: Final = 200
"""An object with more members than that is no record but a map with free names: it is kept as JSON text."""

DEEPEST: Final = 8
"""Levels of lists and objects that are told apart; what is deeper is kept as JSON text."""


def declared_columns(raw: Mapping[str, Any], source: TomlSource, keys: tuple[str, ...] = ("schema",)) -> Fields:
    """Read a table of columns: a kind, a list of one thing, or a table. Raises UsageError naming the column."""
    if not raw:
        raise source.error(keys, "declares no column", hint="Leave it out to have the columns inferred.")
    return {name: _declared(value, source, (*keys, name)) for name, value in raw.items()}


def inferred_columns(records: list[dict[str, Any]], key: str, start: str | None) -> Fields:
    """Return the columns that hold every value of these records exactly.

    The key is an integer where every record has one, else text; what has no one kind is JSON text, and so is what was
    null in all of them. Other values that come later go to `_unmapped`, whole.
    """
    columns = _members(records, 0)
    # The key and the start come first: they are there even where no record shows them.
    keys = {type(record.get(key)) for record in records}
    first: dict[str, Declared] = {key: ColumnKind.INTEGER if keys == {int} else ColumnKind.TEXT}
    if start is not None:
        first[start] = ColumnKind.INSTANT
    return {**first, **{name: column for name, column in columns.items() if name not in first}}


def _declared(value: object, source: TomlSource, keys: tuple[str, ...]) -> Declared:
    if isinstance(value, dict):
        return declared_columns(value, source, keys)
    if isinstance(value, list):
        if len(value) != 1:
            raise source.error(keys, "is a list that does not hold just one thing", hint='Write ["text"], for one.')
        return [_declared(value[0], source, keys)]
    kinds = [kind.value for kind in ColumnKind]
    if value not in kinds:
        near = nearest(value, kinds) if isinstance(value, str) else ""
        raise source.error(keys, f"is {value!a}; a column can be {', '.join(kinds)}{near}")
    return ColumnKind(value)


def _members(objects: list[dict[str, Any]], depth: int) -> dict[str, Declared]:
    names = dict.fromkeys(name for each in objects for name in each if name != UNMAPPED and _usable(name))
    return {name: _kind_of([each[name] for each in objects if name in each], depth) for name in names}


def _kind_of(values: list[Any], depth: int) -> Declared:
    values = [value for value in values if value is not None]
    types = set(map(type, values))
    if types == {dict}:
        return _object(values, depth)
    if types == {list}:
        elements = [element for value in values for element in value]
        element = _kind_of(elements, depth + 1)
        # Null elements have no exact place in a list of JSON texts, and an empty list says nothing.
        return ColumnKind.JSON if element is ColumnKind.JSON or depth >= DEEPEST else [element]
    if types == {str}:
        return _text(values)
    if types == {bool}:
        return ColumnKind.FLAG
    if types == {int} and all(-(2**63) <= value < 2**63 for value in values):
        return ColumnKind.INTEGER
    if types and types <= {int, float} and all(type(v) is float or abs(v) < 2**53 for v in values):
        return ColumnKind.NUMBER
    return ColumnKind.JSON


def _object(values: list[dict[str, Any]], depth: int) -> Declared:
    names = {name for value in values for name in value}
    if not names or len(names) > MOST_MEMBERS or depth >= DEEPEST:
        return ColumnKind.JSON
    return _members(values, depth + 1) or ColumnKind.JSON


def _text(values: Iterable[str]) -> ColumnKind:
    # Imported where it is used: pyarrow comes with it, and reading a description needs none.
    from resumable.schema.instants import milliseconds

    return ColumnKind.INSTANT if all(milliseconds(value) is not None for value in values) else ColumnKind.TEXT


def _usable(name: str) -> bool:
    try:
        return bool(name.encode("utf-8"))
    except UnicodeEncodeError:
        return False
