"""Leaves worth compressing, by the names that Parquet has for them."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from resumable.schema.decode import decode
from resumable.schema.registry import pinned
from resumable.simulator.settings import SimSettings
from resumable.simulator.simulator import Simulator
from resumable.storage.compression import HEAVY, KEPT_FOR, LIGHT, Compression, compression, leaf_sizes

LONG = "x" * 400


def heavy_leaves(table: pa.Table, least: int) -> list[str]:
    """Return the leaves with so many bytes or more."""
    return [path for path, size in leaf_sizes(table).items() if size >= least]


def test_each_leaf_has_the_name_that_parquet_gives_it() -> None:
    """Of structs, lists and maps in each other; small ones and those under nulls are not named."""
    inner = pa.struct([("text", pa.string()), ("small", pa.int8()), ("numbers", pa.list_(pa.int64()))])
    schema = pa.schema(
        [
            ("id", pa.string()),
            ("rows", pa.list_(pa.field("element", inner))),
            ("map", pa.map_(pa.string(), pa.string())),
            ("nothing", pa.list_(pa.field("element", inner))),
            ("date", pa.date32()),
        ]
    )
    record = {"id": LONG, "rows": [{"text": LONG, "small": 1, "numbers": [1] * 200}], "map": [("k", LONG), (LONG, "v")]}
    table = pa.Table.from_pylist([record, {}, record], schema=schema)
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink)
    group = pq.read_metadata(pa.BufferReader(sink.getvalue())).row_group(0)
    named = [group.column(index).path_in_schema for index in range(group.num_columns)]
    heavy = heavy_leaves(table, 800)
    assert heavy == [
        path for path in named if path.rpartition(".")[2] not in ("small", "date") and "nothing" not in path
    ]
    assert heavy_leaves(table, 10_000) == []


@pytest.mark.parametrize("records", [3, 100])
def test_they_are_those_that_hold_the_bytes(records: int) -> None:
    """On the field model: what Parquet itself counts above the bound is named, and little else."""
    body = b'{"conversations":[%s],"totalHits":%d}' % (
        b",".join(Simulator(SimSettings(records=records)).truth("2023-10-01T00:00:00Z/2023-10-02T00:00:00Z").records),
        records,
    )
    table = decode(body, schema=pinned("conversation"), records_key="conversations").table
    assert table is not None
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="none", use_dictionary=False, write_statistics=False)
    group = pq.read_metadata(pa.BufferReader(sink.getvalue())).row_group(0)
    sizes = {column.path_in_schema: column.total_uncompressed_size for column in map(group.column, range(213))}
    heavy = set(heavy_leaves(table, 1000))
    assert heavy <= {path for path, size in sizes.items() if size >= 900}
    assert {path for path, size in sizes.items() if size >= 3000} <= heavy


def test_a_leaf_is_compressed_as_its_size_pays() -> None:
    """Little not at all, more by snappy, which begins at once, much by zstd; and it reads back."""
    table = pa.table({"small": ["x"], "medium": ["x" * LIGHT], "large": ["x" * HEAVY]})
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, use_dictionary=False, **compression(table))
    group = pq.read_metadata(pa.BufferReader(sink.getvalue())).row_group(0)
    assert [group.column(index).compression for index in range(3)] == ["UNCOMPRESSED", "SNAPPY", "ZSTD"]
    assert pq.read_table(pa.BufferReader(sink.getvalue())).equals(table)
    light = pa.table({"small": ["x"]})
    pq.write_table(light, sink := pa.BufferOutputStream(), **compression(light))
    assert pq.read_table(pa.BufferReader(sink.getvalue())).equals(light)


def test_what_a_page_showed_is_kept_for_the_next_ones_like_it() -> None:
    """For some pages, and not for one that has another number of rows."""
    kept = Compression()
    light, heavy = (pa.table({"text": [text] * 20}) for text in ("x", "x" * HEAVY))
    assert kept.of(light) == compression(light)
    assert [kept.of(heavy) for _ in range(KEPT_FOR - 1)] == [compression(light)] * (KEPT_FOR - 1)
    assert kept.of(heavy) == compression(heavy)
    assert kept.of(light) == compression(heavy)
    assert kept.of(light.slice(6)) == compression(light)
