"""Which columns of the parts a table needs: the others are not read."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from resumable.export.tables import Level, TableShape
from resumable.schema.fields import ColumnKind, Leaf, ListOf, Node, ObjectOf
from resumable.schema.schema import UNMAPPED, Schema


def narrowed(schema: Schema, shape: TableShape) -> tuple[Schema, TableShape]:
    """Return a schema without what a table does not need, and the table's shape over it.

    What sorts the records and tells their days stays. Bundles stay whole: which of their documents are left out is told
    by all of their content.
    """
    if schema.bundles:
        return schema, shape
    keep = [name for name in (schema.key, schema.start) if name is not None]
    root = _level(shape.levels, keep)
    levels, node = list[Level](), root
    for level in shape.levels:
        node = _at(node, level.steps)
        levels.append(replace(level, node=node))
    return replace(schema, root=root), replace(shape, levels=tuple(levels))


def paths(schema: Schema) -> list[str]:
    """Return the columns of a schema as Parquet names them, leaf by leaf."""
    return [*_paths(schema.root, ""), UNMAPPED]


def _level(levels: Sequence[Level], keep: Sequence[str]) -> ObjectOf:
    """Return the objects of the first level with what the rest of the levels needs of them."""
    level, *below = levels
    if not below:
        return _own(level.node)
    names = [*keep, *([level.id] if level.id is not None else [])]
    return _with(level.node, names, below[0].steps, _level(below, ()))


def _with(node: ObjectOf, names: Sequence[str], steps: Sequence[str], element: ObjectOf) -> ObjectOf:
    """Return an object with some members and the way to a list, in the order of the columns."""
    members: dict[str, Node] = {}
    for name, member in node.members.items():
        if name == steps[0] and isinstance(member, ObjectOf):
            members[name] = _with(member, (), steps[1:], element)
        elif name == steps[0]:
            members[name] = ListOf(element=element)
        elif name in names:
            members[name] = member
    return ObjectOf(members=members)


def _own(node: ObjectOf) -> ObjectOf:
    """Return a table's own objects: of the lists of objects in them only how long they are is told."""
    members: dict[str, Node] = {}
    for name, member in node.members.items():
        if isinstance(member, ObjectOf):
            members[name] = _own(member)
        elif isinstance(member, ListOf) and isinstance(member.element, ObjectOf):
            members[name] = ListOf(element=_lightest(member.element))
        else:
            members[name] = member
    return ObjectOf(members=members)


def _lightest(node: ObjectOf) -> ObjectOf:
    """Return an object with one member, which tells that it is there: a leaf, and no text where there is another."""
    ranks = {ColumnKind.FLAG: 0, ColumnKind.INTEGER: 1, ColumnKind.NUMBER: 1, ColumnKind.INSTANT: 1}
    leaves = {name: ranks.get(each.kind, 2) for name, each in node.members.items() if isinstance(each, Leaf)}
    name = min(leaves, key=leaves.__getitem__) if leaves else next(iter(node.members))
    member = node.members[name]
    if isinstance(member, ObjectOf):
        return ObjectOf(members={name: _lightest(member)})
    if isinstance(member, ListOf) and isinstance(member.element, ObjectOf):
        return ObjectOf(members={name: ListOf(element=_lightest(member.element))})
    return ObjectOf(members={name: member})


def _at(node: ObjectOf, steps: Sequence[str]) -> ObjectOf:
    for step in steps:
        member = node.members[step]
        inner = member.element if isinstance(member, ListOf) else member
        if not isinstance(inner, ObjectOf):
            raise TypeError(f"{step} holds no objects")
        node = inner
    return node


def _paths(node: Node, path: str) -> Iterator[str]:
    if isinstance(node, ListOf):
        yield from _paths(node.element, f"{path}.list.element")
    elif isinstance(node, ObjectOf):
        for name, member in node.members.items():
            yield from _paths(member, f"{path}.{name}" if path else name)
    else:
        yield path
