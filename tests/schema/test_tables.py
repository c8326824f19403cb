"""The pinned tables and the schemas made of them."""

import subprocess
import sys

import pyarrow as pa
import pytest

from resumable.schema.fields import ColumnKind, Declared, Fields, SchemaError, leaves
from resumable.schema.registry import NAMES, pinned
from resumable.schema.schema import UNMAPPED, Schema, build

PINNED = {
    "conversation": (1, 211, "95909b57b914666e"),
    "user-detail": (1, 8, "1ad9ec07389b4300"),
    "user": (1, 295, "d957c9b89fd4ca6a"),
    "queue": (1, 255, "98c70840d59c4f9e"),
    "wrapup-code": (1, 11, "530215877c9260d2"),
}


@pytest.mark.parametrize("name", NAMES)
def test_a_pinned_table_never_changes_in_silence(name: str) -> None:
    """A change to a pinned table fails here, so that its version is raised with it."""
    schema = pinned(name)
    assert (schema.version, len(list(leaves(schema.root))), schema.digest[:16]) == PINNED[name]


@pytest.mark.parametrize("name", NAMES)
def test_columns_are_the_fields_and_unmapped(name: str) -> None:
    """The columns are the fields, the key first and `_unmapped` last, and any of them may be null."""
    schema = pinned(name)
    assert schema.arrow.names == [*schema.root.members, UNMAPPED]
    assert schema.arrow.names[0] == schema.key or name == "user-detail"
    assert schema.arrow.field(schema.key).type == pa.string()
    assert all(field.nullable for field in schema.arrow)
    assert schema.arrow.field(UNMAPPED).type == pa.string()


def test_conversations_are_ordered_by_their_start() -> None:
    """A conversation names the instant that orders it; the lists of entities have none."""
    schema = pinned("conversation")
    assert (schema.key, schema.start) == ("conversationId", "conversationStart")
    assert schema.arrow.field("conversationStart").type == pa.timestamp("ms", tz="UTC")
    assert pinned("queue").start is None


def test_a_schema_is_made_once() -> None:
    """Asking twice gives the same schema, columns and all."""
    assert pinned("user") is pinned("user")
    assert pinned("user").arrow is pinned("user").arrow


def small(fields: Fields, key: str = "id", start: str | None = None, version: int = 1) -> Schema:
    """Make a schema of a few fields."""
    return build("small", version, fields, key, start)


def test_the_digest_follows_every_field() -> None:
    """Schemas differ in digest when a field, its kind, its place, the version or the key differs."""
    tables: list[Fields] = [
        {"id": ColumnKind.TEXT, "a": ColumnKind.TEXT},
        {"id": ColumnKind.TEXT, "a": ColumnKind.DATE},
        {"id": ColumnKind.TEXT, "a": [ColumnKind.TEXT]},
        {"id": ColumnKind.TEXT, "a": {"b": ColumnKind.TEXT}},
        {"id": ColumnKind.TEXT, "a": [{"b": ColumnKind.TEXT}]},
        {"a": ColumnKind.TEXT, "id": ColumnKind.TEXT},
    ]
    schemas = [*map(small, tables), small(tables[0], "a"), small(tables[0], version=2)]
    assert len({schema.digest for schema in schemas}) == len(schemas)
    assert small(tables[0]).digest == small(dict(tables[0])).digest


@pytest.mark.parametrize(
    ("fields", "key", "start", "complaint"),
    [
        ({}, "id", None, "no field"),
        ({"id": ColumnKind.TEXT, "a": {}}, "id", None, "a declares no field"),
        ({"id": ColumnKind.TEXT, "a": []}, "id", None, "a is neither"),
        ({"id": ColumnKind.TEXT, "a": [{"b": "text"}]}, "id", None, r"a\[\]\.b is neither"),
        ({"id": ColumnKind.TEXT, "_unmapped": ColumnKind.TEXT}, "id", None, "_unmapped"),
        ({"id": ColumnKind.NUMBER}, "id", None, "key field id .* text or integer"),
        ({"id": ColumnKind.TEXT}, "other", None, "key field other"),
        ({"id": ColumnKind.TEXT, "at": ColumnKind.TEXT}, "id", "at", "start field at"),
    ],
)
def test_a_table_that_means_nothing_is_refused(
    fields: dict[str, Declared], key: str, start: str | None, complaint: str
) -> None:
    """A field table that cannot be a schema is refused, naming the field."""
    with pytest.raises(SchemaError, match=complaint):
        small(fields, key, start)


def test_asking_for_a_schema_imports_no_pyarrow() -> None:
    """Naming a schema, its key and its digest does not cost the import of pyarrow."""
    script = (
        "import sys; from resumable.schema.registry import pinned; pinned('conversation').digest; "
        "sys.exit('pyarrow' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
