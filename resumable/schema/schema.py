"""A pinned schema: the one shape that every part of a job has."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

from resumable.schema.fields import (
    ColumnKind,
    Declared,
    Leaf,
    ListOf,
    Node,
    ObjectOf,
    SchemaError,
    compile_fields,
    outline,
)

if TYPE_CHECKING:
    import pyarrow as pa

UNMAPPED = "_unmapped"
"""The last column of every schema: JSON text of what the other columns cannot hold exactly, keyed by JSON Pointer."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Schema:
    """What a record of one dataset looks like, as a field tree and as Arrow columns; made by `build`."""

    name: str
    version: int
    root: ObjectOf
    key: str
    """The field that names a record."""
    start: str | None
    """The instant that orders records, or None where a record has none."""
    named_by: tuple[str, ...] = ()
    """The fields that the key is made of, where it is no field of the record's own: `group.queueId`."""
    bundles: bool = False
    """Whether a record is a bundle of documents: then the same key may come again, with others (`identity`)."""

    @cached_property
    def arrow(self) -> "pa.Schema":
        """The columns of a part, `_unmapped` last; made on first use, because importing pyarrow costs about 0.1 s."""
        import pyarrow as pa

        fields = [pa.field(name, arrow_type(member)) for name, member in self.root.members.items()]
        return pa.schema([*fields, pa.field(UNMAPPED, pa.string())])

    @cached_property
    def digest(self) -> str:
        """Identify name, version and every field in 64 hex digits, alike on every machine and pyarrow version."""
        text = json.dumps([self.name, self.version, self.key, self.start, outline(self.root)], separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


def build(
    name: str,
    version: int,
    fields: Mapping[str, Declared],
    key: str,
    start: str | None,
    *,
    named_by: tuple[str, ...] = (),
    bundles: bool = False,
) -> Schema:
    """Make a schema of a field table; raise SchemaError naming the field that cannot be part of one."""
    root = compile_fields(fields)
    if UNMAPPED in fields:
        raise SchemaError(f"{UNMAPPED} is the name of a column of our own")
    _require(root, key, (ColumnKind.TEXT, ColumnKind.INTEGER), "key")
    if start is not None:
        _require(root, start, (ColumnKind.INSTANT,), "start")
    return Schema(name=name, version=version, root=root, key=key, start=start, named_by=named_by, bundles=bundles)


@lru_cache(maxsize=4096)
def arrow_type(node: Node) -> "pa.DataType":
    """Return the Arrow type of a node.

    List elements are named "element", as the Parquet specification has it: a part written without an Arrow schema then
    reads back with the very same types.
    """
    import pyarrow as pa

    if isinstance(node, ListOf):
        return pa.list_(pa.field("element", arrow_type(node.element)))
    if isinstance(node, ObjectOf):
        return pa.struct([pa.field(name, arrow_type(member)) for name, member in node.members.items()])
    if node.kind is ColumnKind.INSTANT:
        return pa.timestamp("ms", tz="UTC")
    if node.kind is ColumnKind.TEXT_MAP:
        return pa.map_(pa.string(), pa.string())
    return {ColumnKind.INTEGER: pa.int64(), ColumnKind.NUMBER: pa.float64(), ColumnKind.FLAG: pa.bool_()}.get(
        node.kind, pa.string()
    )


@lru_cache(maxsize=1024)
def arrow_fields(node: ObjectOf) -> "list[pa.Field]":
    """Return the fields of a structure, as the constructors of pyarrow want them."""
    return list(arrow_type(node))


def _require(root: ObjectOf, name: str, kinds: tuple[ColumnKind, ...], role: str) -> None:
    member = root.members.get(name)
    if not isinstance(member, Leaf) or member.kind not in kinds:
        raise SchemaError(f"the {role} field {name} is not declared as {' or '.join(kinds)}")
