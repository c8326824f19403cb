"""What columns mean, in our own words: `meanings.toml` and `list_meanings.toml`, read on first use."""

import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Final

from resumable.schema.fields import ColumnKind, Leaf, ListOf, Node

TYPES: Final[Mapping[ColumnKind, str]] = {
    ColumnKind.TEXT: "text",
    ColumnKind.INTEGER: "integer",
    ColumnKind.NUMBER: "number",
    ColumnKind.FLAG: "true or false",
    ColumnKind.INSTANT: "instant, UTC",
    ColumnKind.DATE: "date",
    ColumnKind.TEXT_MAP: "map of texts",
    ColumnKind.JSON: "JSON text",
}


@cache
def meanings() -> Mapping[str, Mapping[str, str]]:
    """Return all of them: by schema and place of the object, then by field."""
    return tomllib.loads(files("resumable.schema").joinpath("meanings.toml").read_text(encoding="utf-8"))


@cache
def list_meanings() -> tuple[frozenset[str], Mapping[str, str]]:
    """Return the schemas of lists, aggregates and audits, and what their columns mean, by name."""
    found = tomllib.loads(files("resumable.schema").joinpath("list_meanings.toml").read_text(encoding="utf-8"))
    return frozenset(found["schemas"]), found["columns"]


def meaning_of(schema: str, path: Sequence[str]) -> str:
    """Return what a field of a schema means; empty where nobody has said it."""
    schemas, columns = list_meanings()
    place = columns if schema in schemas else meanings().get(".".join((schema, *path[:-1])), {})
    return place.get(path[-1], "")


def type_of(node: Node) -> str:
    """Return the type of a field in words."""
    if isinstance(node, ListOf):
        return f"list of {type_of(node.element)}"
    return TYPES[node.kind] if isinstance(node, Leaf) else "object"
