"""How a table becomes the bytes of a Parquet file."""

from collections.abc import Mapping
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from resumable.storage.claims import ENTRY
from resumable.storage.compression import compression

_WRITING: Final[dict[str, Any]] = {
    # Measured on the full schema, most of whose leaves are null on most pages: without dictionary and statistics a part
    # is a fifth smaller and half as dear, mostly by its footer, and it reads back with the same schema.
    "use_dictionary": False,
    "write_statistics": False,
    "store_schema": False,
}


def part_bytes(table: pa.Table) -> int:
    """Return about how many bytes the part of a page takes."""
    return len(written(table, "{}", compression(table)))


def written(table: pa.Table, entry: str, compressed: Mapping[str, Any]) -> memoryview:
    """Return the bytes of a file that holds a table, and an entry of the footer; how it is compressed is told."""
    # Not BytesIO: since Python 3.13, where an error keeps its view alive, one that is collected complains on stderr.
    sink = pa.BufferOutputStream()
    with pq.ParquetWriter(sink, table.schema, **_WRITING, **compressed) as writer:
        writer.write_table(table)
        writer.add_key_value_metadata({ENTRY: entry})
    return memoryview(sink.getvalue()).cast("B")
