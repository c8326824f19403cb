"""Parts written of decoded pages open everywhere, with the pinned types."""

from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from resumable.schema.decode import decode
from resumable.schema.fields import ColumnKind, Leaf, ListOf, Node
from resumable.schema.rebuild import rebuild
from resumable.schema.registry import NAMES, pinned
from resumable.schema.schema import Schema
from tests.support.json_records import body_of

SAMPLES: dict[ColumnKind, Any] = {
    ColumnKind.TEXT: "ü😀\0",
    ColumnKind.INTEGER: 2**63 - 1,
    ColumnKind.NUMBER: 4.5,
    ColumnKind.FLAG: True,
    ColumnKind.INSTANT: "2023-10-01T12:34:56.789Z",
    ColumnKind.DATE: "2023-10-01",
    ColumnKind.TEXT_MAP: {"a": "b", "": "c"},
    ColumnKind.JSON: {"a": [1, None]},
}


def full(node: Node) -> Any:  # noqa: ANN401 - any JSON value
    """Make a value of a node with every field present."""
    if isinstance(node, Leaf):
        return SAMPLES[node.kind]
    if isinstance(node, ListOf):
        return [full(node.element), None, full(node.element)]
    return {name: full(member) for name, member in node.members.items()}


def write_part(path: Path, found: list[Any], schema: Schema) -> pa.Table:
    """Write one page as the product's parts are written."""
    table = decode(body_of(found), schema=schema, records_key="records").table
    assert table is not None
    pq.write_table(table, path, compression="zstd", use_dictionary=False, write_statistics=False, store_schema=False)
    return table


@pytest.fixture(params=NAMES)
def schema(request: pytest.FixtureRequest) -> Schema:
    """Each pinned schema in turn."""
    return pinned(request.param)


@pytest.fixture
def parts(tmp_path: Path, schema: Schema) -> Path:
    """Two parts of one job: one with every field, and one with hardly any but something unmapped."""
    folder = tmp_path / "parts" / "window=20231001T000000Z"
    folder.mkdir(parents=True)
    write_part(folder / "page-00001.parquet", [full(schema.root)] * 2, schema)
    write_part(folder / "page-00002.parquet", [{schema.key: "only", "new": {"a": 1}}, {}], schema)
    return folder.parent


def test_a_part_reads_back_with_the_same_schema(tmp_path: Path, schema: Schema) -> None:
    """A part needs no Arrow schema in its footer to come back with the very same types and values."""
    path = tmp_path / "page-00001.parquet"
    found = [full(schema.root), {}, {schema.key: "x", "new": 1}]
    table = write_part(path, found, schema)
    back = pq.read_table(path)
    assert back.schema.equals(schema.arrow)
    assert back.equals(table)
    assert list(rebuild(back, schema=schema)) == found


def test_pyarrow_opens_all_parts(parts: Path, schema: Schema) -> None:
    """The parts folder opens whole in pyarrow."""
    back = pq.read_table(parts)
    assert back.drop_columns(["window"]).schema.equals(schema.arrow)
    assert back.num_rows == 4


def test_pandas_opens_all_parts(parts: Path, schema: Schema) -> None:
    """The parts folder opens whole in pandas."""
    frame = pd.read_parquet(parts)
    assert len(frame) == 4
    assert frame["_unmapped"].notna().sum() == 1
    assert frame[schema.key].tolist()[2] == "only"


def test_duckdb_opens_all_parts(parts: Path, schema: Schema) -> None:
    """The parts folder opens whole in DuckDB, down to the last leaf."""
    # As text, row by row: that reads every leaf, and DuckDB's way from instants to Python would want pytz installed.
    rows = duckdb.sql(
        f"select _unmapped, cast(part as varchar), part.{schema.key} "  # noqa: S608 - our own path
        f"from read_parquet('{parts}/**/*.parquet', hive_partitioning=false) part order by filename, file_row_number"
    ).fetchall()
    assert [row[0] for row in rows] == [None, None, '{"/new":{"a":1}}', None]
    assert rows[2][2] == "only"
    if "INSTANT" in str(schema.root):
        assert "2023-10-01 12:34:56.789+00" in rows[0][1]


def test_polars_opens_all_parts(parts: Path, schema: Schema) -> None:
    """The parts folder opens whole in Polars."""
    frame = pl.read_parquet(f"{parts}/**/*.parquet", hive_partitioning=False)
    assert frame.shape == (4, len(schema.arrow))
    assert frame[schema.key].to_list()[2] == "only"


def test_attributes_are_a_map_everywhere(tmp_path: Path) -> None:
    """The attributes of a participant are a map in DuckDB and pyarrow, and a map or its entries in Polars."""
    part = tmp_path / "page-00001.parquet"
    write_part(part, [full(pinned("conversation").root)], pinned("conversation"))
    asked = f"select participants[1].attributes['a'] from '{part}'"  # noqa: S608 - our own path
    assert duckdb.sql(asked).fetchall() == [("b",)]
    people = pl.read_parquet(part)["participants"].to_list()[0]
    entries = people[0]["attributes"]  # a dict, or a list of entries before Polars had maps
    if isinstance(entries, list):
        entries = {entry["key"]: entry["value"] for entry in entries}
    assert entries == {"a": "b", "": "c"}
    again = pq.read_table(part)["participants"].to_pylist()[0]
    assert again[0]["attributes"] == [("a", "b"), ("", "c")]
