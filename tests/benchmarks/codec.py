"""What one page costs the processor, on the full schema: from JSON to columns, and from columns to Parquet."""

import itertools
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from io import BytesIO

import pyarrow as pa
import pyarrow.parquet as pq

from resumable.models import Interval
from resumable.schema.decode import decode, decode_carefully
from resumable.schema.registry import pinned
from resumable.simulator.settings import SimSettings
from resumable.simulator.simulator import Simulator
from resumable.storage import parts
from resumable.storage.compression import Compression
from resumable.storage.parts import Footer
from tests.benchmarks.contenders import times_as_text
from tests.benchmarks.table import Row, median

DAY = datetime(2023, 10, 1, tzinfo=UTC)


def rows(*, quick: bool) -> Iterator[Row]:
    """Yield rows for pages of 100 and of 1,000 conversations; ratios are against the hand-written way."""
    for records in (100, 1000):
        body = _body(records)
        turns = 3 if quick else 3000 // records + 9
        yield from _decoding(body, records, turns)
        yield from _encoding(body, records, turns)


def _body(records: int) -> bytes:
    interval = f"{DAY:%Y-%m-%dT%H:%M:%SZ}/{DAY + timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}"
    found = Simulator(SimSettings(records=records)).truth(interval).records
    return b'{"conversations":[%s],"totalHits":%d}' % (b",".join(found), records)


def _decoding(body: bytes, records: int, turns: int) -> Iterator[Row]:
    import orjson  # of the extra `bench`

    schema = pinned("conversation")
    plain = pa.schema([pa.field(field.name, times_as_text(field.type)) for field in schema.arrow])

    def by_hand() -> None:
        pa.Table.from_pylist(orjson.loads(body)["conversations"], schema=plain).cast(schema.arrow)

    ways = {
        "by hand": by_hand,
        "fast": lambda: decode(body, schema=schema, records_key="conversations"),
        "careful": lambda: decode_carefully(body, schema=schema, records_key="conversations"),
    }
    took = _timed(ways, turns)
    for name, what in (("fast", "JSON to columns"), ("careful", "JSON to columns, the careful route")):
        yield _row(f"{what}, {records:,} records", took[name], took["by hand"], "orjson and from_pylist")


def _encoding(body: bytes, records: int, turns: int) -> Iterator[Row]:
    table = decode(body, schema=pinned("conversation"), records_key="conversations").table
    assert table is not None
    footer = Footer(
        job="", job_name="j", spec="{}", query_digest="", schema_digest="", taken_at="2026-01-01T00:00:00Z",
        window=Interval(start=DAY, end=DAY + timedelta(days=1)), take=1, number=1, rows=records, page_count=1,
        total=records, snapshot_page_count=1, snapshot_total=records,
    )  # fmt: skip

    def by_hand() -> bytes:
        sink = BytesIO()
        pq.write_table(table, sink)
        return sink.getvalue()

    kept = Compression()
    took = _timed({"by hand": by_hand, "ours": lambda: parts._encode(table, footer, kept)}, turns)
    size, usual = len(parts._encode(table, footer, kept)), len(by_hand())
    sizes = f"write_table by its defaults; {size / 1e3:.0f} kB against {usual / 1e3:.0f}"
    yield _row(f"columns to Parquet, with its SHA-256, {records:,} records", took["ours"], took["by hand"], sizes)


def _row(what: str, ours: float, theirs: float, against: str) -> Row:
    detail = f"{ours * 1000:.1f} ms against {theirs * 1000:.1f}: {against}"
    return Row(what=what, measured=f"{ours / theirs:.2f} x", detail=detail)


def _timed(ways: Mapping[str, Callable[[], object]], turns: int) -> dict[str, float]:
    """Time each way so often, turn by turn; the first turn only warms up."""
    took: dict[str, list[float]] = {name: [] for name in ways}
    for turn, (name, way) in itertools.product(range(turns + 1), ways.items()):
        begun = time.perf_counter()
        way()
        if turn:
            took[name].append(time.perf_counter() - begun)
    return {name: median(found) for name, found in took.items()}
