"""From the records of parts to the rows of an export: whole or relational, with names or without, by columns."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.compute as pc

from resumable.export import needed, tables
from resumable.export.tables import Level, TableShape
from resumable.schema.fields import ListOf, Node, ObjectOf
from resumable.schema.schema import UNMAPPED, Schema

Names = dict[str, tuple[pa.Array, pa.Array]]
"""By dataset: ids, and the names at the same places."""


@dataclass(frozen=True, kw_only=True)
class Shape:
    """How rows are made; `apply` does it."""

    records: Schema
    """Of the parts, as far as they are read."""
    whole: Schema
    """Of the parts with names beside the ids, where they are wanted."""
    table: TableShape | None
    names: Names

    @property
    def columns(self) -> list[tuple[str, Node | None]]:
        """Name the columns of a row; a node of None stands for what is no field: indexes, counts, `_unmapped`."""
        if self.table is None:
            return [*self.whole.root.members.items(), (UNMAPPED, None)]
        empty = self.whole.arrow.empty_table().columns
        row = pa.StructArray.from_arrays([column.combine_chunks() for column in empty], fields=list(self.whole.arrow))
        return [(name, node) for name, node, _ in _relational(row, self.table)]

    @property
    def schema(self) -> pa.Schema:
        """The Arrow schema of its rows."""
        if self.table is None:
            return self.whole.arrow
        return self.apply(self.records.arrow.empty_table()).schema

    @property
    def read(self) -> list[str] | None:
        """Name the columns of the parts that are read, as Parquet names them; None for all."""
        return None if self.table is None else needed.paths(self.records)

    def apply(self, table: pa.Table) -> pa.Table:
        """Return the rows of some records, in their order."""
        if self.table is None and not self.names:
            return table
        # A kernel costs by the chunk, and the pages of 100 records make many.
        pieces = [struct_of(batch) for batch in table.combine_chunks().to_batches()] or [
            struct_of(_empty(table.schema))
        ]
        if self.names:
            pieces = [_named(piece, self.records.root, self.names, top=True) for piece in pieces]
        if self.table is None:
            return pa.concat_tables([pa.Table.from_struct_array(piece) for piece in pieces]).cast(self.whole.arrow)
        return pa.concat_tables([_table(piece, self.table) for piece in pieces])


def make(schema: Schema, root: str, *, table: str | None, names: Names) -> Shape:
    """Make a shape. Raises UsageError where there is no such table."""
    whole = _with_names(schema, names)
    if table is None:
        return Shape(records=schema, whole=whole, table=None, names=names)
    # The tables' names are those of the whole tree.
    records, _ = needed.narrowed(schema, tables.table(schema, root, table))
    _, made = needed.narrowed(whole, tables.table(whole, root, table))
    return Shape(records=records, whole=_with_names(records, names), table=made, names=names)


def _with_names(schema: Schema, names: Names) -> Schema:
    return replace(schema, root=tables.with_names(schema.root)) if names else schema


def _empty(schema: pa.Schema) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist([], schema=schema)


def struct_of(batch: pa.RecordBatch) -> pa.StructArray:
    """Return the records of a batch as one array."""
    return pa.StructArray.from_arrays(batch.columns, fields=list(batch.schema))


def _table(records: pa.StructArray, shape: TableShape) -> pa.Table:
    found = list(_relational(records, shape))
    return pa.Table.from_arrays([array for _, _, array in found], names=[name for name, _, _ in found])


def _relational(records: pa.StructArray, shape: TableShape) -> Iterator[tuple[str, Node | None, pa.Array]]:
    """Yield the columns of a table: the keys of the levels above and the places in their lists, then its own."""
    taken = set(tables.columns_taken(shape.levels[-1].node))
    keys: list[tuple[str, Node | None, pa.Array]] = []
    objects = records
    for level, below in zip(shape.levels, [*shape.levels[1:], None], strict=True):
        if below is None:
            break
        keys += _key(objects, level, taken)
        lists = objects
        for step in below.steps:
            lists = child_of(lists, step)
        parents = pc.list_parent_indices(lists)
        objects = pc.list_flatten(lists)
        keys = [(name, node, array.take(parents)) for name, node, array in keys]
        keys.append((tables.free(str(below.index), taken), None, _places(lists, parents)))
    own = list(_columns(objects, shape.levels[-1].node, ""))
    yield from keys
    yield from own
    if len(shape.levels) == 1:
        yield UNMAPPED, None, child_of(records, UNMAPPED)


def _key(objects: pa.StructArray, level: Level, taken: set[str]) -> list[tuple[str, Node | None, pa.Array]]:
    if level.id is None or level.key is None:
        return []
    return [(tables.free(level.key, taken), level.node.members[level.id], child_of(objects, level.id))]


def _places(lists: pa.ListArray, parents: pa.Array) -> pa.Array:
    """Return, for each element, its place in its own list, from 0."""
    ends = pc.cumulative_sum(pc.fill_null(pc.cast(pc.list_value_length(lists), pa.int64()), 0))
    starts = pc.subtract(ends, pc.fill_null(pc.cast(pc.list_value_length(lists), pa.int64()), 0))
    positions = pa.array(range(len(parents)), pa.int64())
    return pc.cast(pc.subtract(positions, starts.take(parents)), pa.int32())


def _columns(objects: pa.StructArray, node: ObjectOf, before: str) -> Iterator[tuple[str, Node | None, pa.Array]]:
    for name, member in node.members.items():
        array = child_of(objects, name)
        if isinstance(member, ObjectOf):
            yield from _columns(array, member, f"{before}{name}_")
        elif tables.is_list_of_objects(member):
            yield tables.counted(f"{before}{name}"), None, pc.list_value_length(array)
        else:
            yield f"{before}{name}", member, array


def child_of(objects: pa.StructArray, name: str) -> pa.Array:
    """Return one member of each object, null where the object is: the plain child ignores that, and slices."""
    # Not `if_else` with a null: on texts, pyarrow 17 to 23 gives arrays whose offsets lead past their bytes.
    return pc.struct_field(objects, [objects.type.get_field_index(name)])


def _named(array: pa.Array, node: Node, names: Names, *, top: bool = False) -> pa.Array:
    """Return the values with a name beside every id that has one."""
    if isinstance(node, ListOf):
        lengths = pc.fill_null(pc.cast(pc.list_value_length(array), pa.int64()), 0)
        ends = pa.concat_arrays([pa.array([0], pa.int64()), pc.cumulative_sum(lengths)])
        elements = _named(pc.list_flatten(array), node.element, names)
        type_ = pa.list_(pa.field("element", elements.type))
        return pa.ListArray.from_arrays(pc.cast(ends, pa.int32()), elements, type=type_, mask=array.is_null())
    if not isinstance(node, ObjectOf):
        return array
    fields, children = [], []
    for name, member in node.members.items():
        child = child_of(array, name)
        found = _named(child, member, names)
        fields.append(pa.field(name, found.type))
        children.append(found)
        if tables.is_named(node, name):
            ids, called = names.get(tables.NAMED[name], (pa.array([], pa.string()), pa.array([], pa.string())))
            fields.append(pa.field(tables.name_of(name), pa.string()))
            children.append(called.take(pc.index_in(child, value_set=ids)))
    if top:
        fields.append(pa.field(UNMAPPED, pa.string()))
        children.append(child_of(array, UNMAPPED))
    return pa.StructArray.from_arrays(children, fields=fields, mask=array.is_null() if array.null_count else None)
