"""What the tables of an export are called and hold, read off a schema's field tree; no data is touched."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from resumable.errors import UsageError
from resumable.schema.fields import ColumnKind, Leaf, ListOf, Node, ObjectOf
from resumable.schema.schema import UNMAPPED, Schema

NAMED: Final[Mapping[str, str]] = {
    "queueId": "queues",
    "userId": "users",
    "evaluatorId": "users",
    "assigneeId": "users",
    "selectedAgentId": "users",
    "proposedAgentId": "users",
    "scoredAgentId": "users",
    "screenMonitoredUserId": "users",
    "wrapUpCode": "wrapupcodes",
}
"""Fields that hold an id, and the dataset that has its name."""


INTERACTIONS: Final = "interactions"
"""The table that is counted, not unfolded: a row for each stay in a queue."""


@dataclass(frozen=True, kw_only=True)
class Level:
    """One list of objects on the way to a table, or the records themselves."""

    steps: tuple[str, ...]
    """From the level above: the objects to go through and the list; nothing for the records."""
    node: ObjectOf
    id: str | None
    """The field that names one of its objects."""
    key: str | None
    """What that is called in the tables below."""
    index: str | None
    """What the place in the list is called; None for the records."""


@dataclass(frozen=True, kw_only=True)
class TableShape:
    """One table of the relational shape."""

    name: str
    levels: tuple[Level, ...]
    """From the records down to its own."""


def tables(schema: Schema, root: str) -> dict[str, TableShape]:
    """Return the tables of a schema by name: one of the records, and one for each list of objects in them.

    A table is named for its list, or for its whole path where two lists have one name.
    """
    top = Level(steps=(), node=schema.root, id=schema.key, key=_key(schema.key, root), index=None)
    found = list(_below((top,)))
    names = [levels[-1].steps[-1] for levels in found]
    shapes = {root: TableShape(name=root, levels=(top,))}
    for levels, name in zip(found, names, strict=True):
        path = ".".join(step for level in levels for step in level.steps)
        unique = path if names.count(name) > 1 or name == root else name
        shapes[unique] = TableShape(name=unique, levels=levels)
    return shapes


def table(schema: Schema, root: str, name: str) -> TableShape:
    """Return the table of that name. Raises UsageError, with those that there are."""
    known = tables(schema, root)
    if name not in known:
        names = [*known, *([INTERACTIONS] if has_interactions(schema) else [])]
        raise UsageError(f"{root} have no table {name[:60]!a}.", hint=f"They have: {', '.join(names)}.")
    return known[name]


def has_interactions(schema: Schema) -> bool:
    """Tell whether the records of a schema are conversations."""
    return schema.name == "conversation"


def with_names(node: ObjectOf) -> ObjectOf:
    """Return a tree in which every id that can have a name has it beside it."""
    members: dict[str, Node] = {}
    for name, member in node.members.items():
        members[name] = _with_names(member)
        if is_named(node, name):
            members[name_of(name)] = Leaf(kind=ColumnKind.TEXT)
    return ObjectOf(members=members)


def _with_names(node: Node) -> Node:
    if isinstance(node, ListOf):
        return ListOf(element=_with_names(node.element))
    return with_names(node) if isinstance(node, ObjectOf) else node


def is_named(node: ObjectOf, field: str) -> bool:
    """Tell whether a field gets a name beside it."""
    member = node.members[field]
    text = isinstance(member, Leaf) and member.kind is ColumnKind.TEXT
    return text and field in NAMED and name_of(field) not in node.members


def name_of(field: str) -> str:
    """Return what the name beside an id is called: `queueName` for `queueId`."""
    return field.removesuffix("Id") + "Name"


def singular(name: str) -> str:
    """Return what one of a list is called: `metric` for `metrics`."""
    if name.endswith("sses"):
        return name[:-2]
    if name.endswith("ies"):
        return name[:-3] + "y"
    return name if name.endswith(("ss", "us")) or not name.endswith("s") else name[:-1]


def columns_taken(node: ObjectOf, before: str = "") -> Iterator[str]:
    """Yield the names of the columns that an object has in a table."""
    for name, member in node.members.items():
        if isinstance(member, ObjectOf):
            yield from columns_taken(member, f"{before}{name}_")
        else:
            yield f"{before}{name}" if not is_list_of_objects(member) else counted(f"{before}{name}")
    if not before:
        yield UNMAPPED


def is_list_of_objects(node: Node) -> bool:
    """Tell whether a field has a table of its own."""
    return isinstance(node, ListOf) and isinstance(node.element, ObjectOf)


def counted(name: str) -> str:
    """Return what the column is called that tells how many a list has, and whether it was there."""
    return f"{singular(name)}Count"


def free(name: str, taken: set[str]) -> str:
    """Return a name for a column of ours that no field of the table has."""
    while name in taken:
        name += "_"
    taken.add(name)
    return name


def _below(levels: tuple[Level, ...]) -> Iterator[tuple[Level, ...]]:
    for steps, element in _lists(levels[-1].node):
        name = singular(steps[-1])
        own = next((each for each in (f"{name}Id", "id") if isinstance(element.members.get(each), Leaf)), None)
        level = Level(
            steps=steps, node=element, id=own, key=None if own is None else _key(own, steps[-1]), index=f"{name}Index"
        )
        yield (*levels, level)
        yield from _below((*levels, level))


def _lists(node: ObjectOf, before: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], ObjectOf]]:
    for name, member in node.members.items():
        if isinstance(member, ObjectOf):
            yield from _lists(member, (*before, name))
        elif isinstance(member, ListOf) and isinstance(member.element, ObjectOf):
            yield (*before, name), member.element


def _key(field: str, plural: str) -> str:
    return f"{singular(plural)}Id" if field == "id" else field
