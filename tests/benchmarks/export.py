"""What an export costs beside DuckDB's COPY over the same parts, and that many parts need no more memory."""

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks.manyparts import make_job_apart
from tests.benchmarks.processes import Cost, measured
from tests.benchmarks.table import Row, limited, median

MOST_MB = 300

COPY = """
import sys, duckdb
parts, target = sys.argv[1:]
what = f"SELECT * FROM read_parquet('{parts}/**/*.parquet', hive_partitioning=false)"
duckdb.sql(f"COPY ({what}) TO '{target}' (FORMAT parquet, COMPRESSION zstd)")
"""
"""The fairest that it can be told: no order, no partitions, no record left out that comes twice, nothing proven."""


def rows(*, quick: bool) -> Iterator[Row]:
    """Yield the rows of target 7."""
    windows, pages, times = (4, 5, 1) if quick else (100, 100, 3)
    parts = windows * pages
    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder) / "state"
        make_job_apart(state / "job", windows=windows, pages=pages)
        theirs: list[Cost] = []
        ours: list[Cost] = []
        for turn in range(times):
            target = Path(folder) / f"{turn}"
            theirs.append(measured([sys.executable, "-c", COPY, str(state / "job" / "parts"), f"{target}.copy"]))
            ours.append(_exported(state, target))
        again = _exported(state, target)
    detail = f"{parts:,} parts of 100; {_wall(ours):.0f} s against {_wall(theirs):.0f} s, medians of {times}, in turns"
    yield limited(
        "export to Parquet, against DuckDB's COPY", _wall(ours) / _wall(theirs), most=1, unit=" x", detail=detail
    )
    peak = max(cost.peak_mb for cost in ours)
    told = f"{parts:,} parts; DuckDB's COPY {max(cost.peak_mb for cost in theirs):,.0f} MB"
    yield limited("peak memory of an export", peak, most=MOST_MB, unit=" MB", scale=0, detail=told)
    yield Row(what="an export of which nothing has changed", measured=f"{again.wall:.1f} s", detail=f"{parts:,} parts")


def _exported(state: Path, target: Path) -> Cost:
    return measured(
        [sys.executable, "-m", "resumable", "export", "job", "--state", str(state), "--to", f"{target}.parquet"]
    )


def _wall(costs: list[Cost]) -> float:
    return median(cost.wall for cost in costs)
