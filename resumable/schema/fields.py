"""What a record may hold: field tables as they are declared, and the tree that decoding walks.

A field table is a plain mapping: a name to a `Kind`, to a list of exactly one thing, or to a table of its own. It is
what the pinned tables are written in and what a user's own endpoint is described by.
"""

import enum
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias


class SchemaError(ValueError):
    """A field table cannot be a schema; the message names the field."""


class ColumnKind(enum.StrEnum):
    """What one leaf holds, and in which Arrow type."""

    TEXT = "text"
    """A string."""
    INTEGER = "integer"
    """A whole number of 64 bits."""
    NUMBER = "number"
    """An IEEE double."""
    FLAG = "flag"
    """true or false."""
    INSTANT = "instant"
    """A moment with its zone, in whole milliseconds: timestamp('ms', tz='UTC')."""
    DATE = "date"
    """A day as the server wrote it: a string."""
    TEXT_MAP = "text map"
    """An object of strings with free names: map<string, string>."""
    JSON = "json"
    """Anything: a string that holds its JSON text."""


Declared: TypeAlias = "ColumnKind | list[Declared] | Mapping[str, Declared]"
Fields: TypeAlias = "Mapping[str, Declared]"


@dataclass(frozen=True, kw_only=True, eq=False)
class Leaf:
    """A value with no fields of its own."""

    kind: ColumnKind


@dataclass(frozen=True, kw_only=True, eq=False)
class ListOf:
    """A list whose elements all have one shape."""

    element: "Node"


@dataclass(frozen=True, kw_only=True, eq=False)
class ObjectOf:
    """An object with known members, in column order."""

    members: "Mapping[str, Node]"


Node: TypeAlias = Leaf | ListOf | ObjectOf


def each(declared: Declared, names: str) -> dict[str, Declared]:
    """Declare many fields alike; `names` are separated by white space."""
    return dict.fromkeys(names.split(), declared)


def compile_fields(fields: Fields, path: str = "") -> ObjectOf:
    """Turn a field table into the tree that decoding walks; raise SchemaError naming what it cannot mean."""
    if not fields:
        raise SchemaError(f"{path or 'the schema'} declares no field, and Parquet has no empty structure")
    return ObjectOf(members={name: _compile(declared, _join(path, name)) for name, declared in fields.items()})


def leaves(node: Node) -> Iterator[Leaf]:
    """Yield every leaf of a tree, depth first."""
    if isinstance(node, Leaf):
        yield node
    elif isinstance(node, ListOf):
        yield from leaves(node.element)
    else:
        for member in node.members.values():
            yield from leaves(member)


def outline(node: Node) -> object:
    """Return the tree as plain lists and texts: equal outlines are equal schemas, and their order counts."""
    if isinstance(node, Leaf):
        return node.kind.value
    if isinstance(node, ListOf):
        return [outline(node.element)]
    return {"members": [[name, outline(member)] for name, member in node.members.items()]}


def _compile(declared: object, path: str) -> Node:
    if isinstance(declared, ColumnKind):
        return Leaf(kind=declared)
    if isinstance(declared, Mapping):
        return compile_fields(declared, path)
    if isinstance(declared, list) and len(declared) == 1:
        return ListOf(element=_compile(declared[0], f"{path}[]"))
    raise SchemaError(f"{path} is neither a kind, nor a list of one thing, nor a table of fields")


def _join(path: str, name: object) -> str:
    if not isinstance(name, str):
        raise SchemaError(f"{path or 'the schema'} has a field whose name is no text")
    return f"{path}.{name}" if path else name
