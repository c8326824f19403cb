"""The data dictionary: every column of a dataset and of its tables, with its type and meaning; no data is touched."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from resumable.export import tables
from resumable.export.tables import INTERACTIONS, Level
from resumable.schema.fields import ListOf, Node, ObjectOf
from resumable.schema.meanings import meaning_of, meanings, type_of
from resumable.schema.schema import UNMAPPED, Schema

_UNMAPPED_MEANS = "JSON text of what no column holds exactly, by JSON Pointer; null on nearly every row"


@dataclass(frozen=True, kw_only=True)
class ColumnFacts:
    """What there is to know of a column."""

    name: str
    type: str
    meaning: str
    """Empty where nobody has said it."""


def dictionary(schema: Schema, root: str, table: str | None) -> list[ColumnFacts]:
    """Return the columns of records, with those inside objects and lists by their paths, or of one table.

    Raises UsageError where there is no such table.
    """
    if table is None:
        own = ColumnFacts(name=UNMAPPED, type="text", meaning=_UNMAPPED_MEANS)
        return [*_fields(schema, schema.root, ()), own]
    if table == INTERACTIONS and tables.has_interactions(schema):
        from resumable.export.interactions import COLUMNS  # which needs pyarrow

        means = meanings()[INTERACTIONS]
        return [ColumnFacts(name=name, type=type_of(leaf), meaning=means[name]) for name, leaf in COLUMNS.items()]
    return list(_of_table(schema, tables.table(schema, root, table).levels))


def _fields(schema: Schema, node: ObjectOf, path: tuple[str, ...]) -> Iterator[ColumnFacts]:
    for name, member in node.members.items():
        place = (*path, name)
        yield ColumnFacts(name=".".join(place), type=type_of(member), meaning=meaning_of(schema.name, place))
        inner = _inside(member)
        if inner is not None:
            yield from _fields(schema, inner, place)


def _inside(node: Node) -> ObjectOf | None:
    while isinstance(node, ListOf):
        node = node.element
    return node if isinstance(node, ObjectOf) else None


def _of_table(schema: Schema, levels: Sequence[Level]) -> Iterator[ColumnFacts]:
    taken = set(tables.columns_taken(levels[-1].node))
    path: tuple[str, ...] = ()
    for level, below in pairwise(levels):
        if level.id is not None and level.key is not None:
            node = level.node.members[level.id]
            means = meaning_of(schema.name, (*path, level.id))
            yield ColumnFacts(name=tables.free(level.key, taken), type=type_of(node), meaning=means)
        path = (*path, *below.steps)
        place = f"its place in {'.'.join(path)}, from 0"
        yield ColumnFacts(name=tables.free(str(below.index), taken), type="integer", meaning=place)
    yield from _members(schema, levels[-1].node, path, "")
    if len(levels) == 1:
        yield ColumnFacts(name=UNMAPPED, type="text", meaning=_UNMAPPED_MEANS)


def _members(schema: Schema, node: ObjectOf, path: tuple[str, ...], before: str) -> Iterator[ColumnFacts]:
    for name, member in node.members.items():
        place = (*path, name)
        if isinstance(member, ObjectOf):
            yield from _members(schema, member, place, f"{before}{name}_")
        elif tables.is_list_of_objects(member):
            means = f"how many {name} it has; null where the list was absent"
            yield ColumnFacts(name=tables.counted(f"{before}{name}"), type="integer", meaning=means)
        else:
            yield ColumnFacts(name=f"{before}{name}", type=type_of(member), meaning=meaning_of(schema.name, place))
