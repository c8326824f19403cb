"""An export of a table reads the columns that it needs, and makes the rows that it makes of all of them."""

from typing import Any

import pytest

from resumable.export import needed, shape, tables
from resumable.schema.registry import pinned
from tests.export.jobs import Records, table_of

SCHEMA = pinned("conversation")
TABLES = tables.tables(SCHEMA, "conversations")


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("names", [{}, {"queues": (["q"], ["Queue"]), "users": (["u"], ["User"])}])
def test_a_table_is_the_same_whichever_columns_are_read(name: str, names: Any, truth: Records) -> None:  # noqa: ANN401 - of pyarrow
    """Column by column, with names and without: as of records that are read whole."""
    import pyarrow as pa

    records = table_of(list(truth.values()))
    known = {dataset: (pa.array(ids), pa.array(called)) for dataset, (ids, called) in names.items()}
    made = shape.make(SCHEMA, "conversations", table=name, names=known)
    whole = shape.make(SCHEMA, "conversations", table=None, names=known).whole
    all_of_it = shape.Shape(records=SCHEMA, whole=whole, table=tables.table(whole, "conversations", name), names=known)
    assert made.apply(read(records, made.read, made.records.arrow)).equals(all_of_it.apply(records))
    assert made.schema == all_of_it.schema
    assert [column for column, _ in made.columns] == [column for column, _ in all_of_it.columns]


def read(records: Any, columns: list[str] | None, schema: Any) -> Any:  # noqa: ANN401 - tables and schemas of pyarrow's
    """Return some columns of a table as Parquet gives them."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    sink = pa.BufferOutputStream()
    pq.write_table(records, sink, store_schema=False)
    found = pq.ParquetFile(pa.BufferReader(sink.getvalue())).read(columns=columns)
    assert found.schema == schema
    return found


def test_few_columns_are_read_for_a_table() -> None:
    """Its own, the keys above and the start; of a list of objects below it, one that tells how long it is."""
    narrow, _ = needed.narrowed(SCHEMA, TABLES["metrics"])
    assert {path.split(".")[-1] for path in needed.paths(narrow)} == {
        "conversationId",
        "conversationStart",
        "participantId",
        "sessionId",
        "emitDate",
        "name",
        "value",
        "_unmapped",
    }


def test_bundles_are_read_whole() -> None:
    """Which of their documents are left out is told by all of their content."""
    schema = pinned("user-detail")
    for made in tables.tables(schema, "users").values():
        assert needed.narrowed(schema, made)[0] is schema
