"""What an export of one table costs beside DuckDB's unnest, and text beside Parquet; and many parts in one day."""

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks.manyparts import make_job_apart
from tests.benchmarks.processes import Cost, measured
from tests.benchmarks.table import Row, limited, median

MOST_MB = 300

UNNEST = """
import sys, duckdb
parts, target = sys.argv[1:]
files = f"read_parquet('{parts}/**/*.parquet', hive_partitioning=false)"
duckdb.sql(f'''COPY (
    SELECT conversationId, participantId, sessionId, unnest(metrics, recursive := true) FROM (
        SELECT conversationId, participantId, unnest(sessions, recursive := true) FROM (
            SELECT conversationId, unnest(participants, recursive := true) FROM {files})))
    TO '{target}' (FORMAT parquet, COMPRESSION zstd)''')
"""
"""As a user would write it: no order, no days, no record left out that comes twice, nothing proven."""


def rows(*, quick: bool) -> Iterator[Row]:
    """Yield the rows of targets 10 and 11, and the last of 9."""
    windows, pages, times = (2, 5, 1) if quick else (20, 100, 3)
    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder) / "state"
        make_job_apart(state / "job", windows=windows, pages=pages)
        costs: dict[str, list[Cost]] = {}
        for turn in range(times):
            for name, given in (("table", ["--table", "metrics"]), ("parquet", []), ("csv", []), ("jsonl", [])):
                suffix = "parquet" if name == "table" else name
                target = Path(folder) / f"{turn}-{name}.{suffix}"
                costs.setdefault(name, []).append(_exported(state, target, *given))
            unnest = [sys.executable, "-c", UNNEST, str(state / "job" / "parts"), f"{folder}/{turn}.unnest"]
            costs.setdefault("unnest", []).append(measured(unnest))
    wall = {name: median(cost.wall for cost in each) for name, each in costs.items()}
    peak = {name: max(cost.peak_mb for cost in each) for name, each in costs.items()}
    how = f"{windows * pages:,} parts of 100, medians of {times}, in turns"
    detail = f"{how}; {wall['table']:.1f} s against {wall['unnest']:.1f} s; {peak['table']:.0f} MB against"
    yield limited(
        "export of metrics, against DuckDB's unnest",
        wall["table"] / wall["unnest"],
        most=1,
        unit=" x",
        detail=f"{detail} {peak['unnest']:,.0f}",
    )
    for name in ("csv", "jsonl"):
        detail = f"{how}; {wall[name]:.1f} s against {wall['parquet']:.1f} s; {peak[name]:.0f} MB"
        yield limited(
            f"export to {name}, against Parquet", wall[name] / wall["parquet"], most=2, unit=" x", detail=detail
        )
    with tempfile.TemporaryDirectory() as folder:
        many = 20 if quick else 1000
        make_job_apart(Path(folder) / "state" / "job", windows=1, pages=many)
        cost = _exported(Path(folder) / "state", Path(folder) / "out.parquet")
        detail = f"{many:,} parts of 100 in one day"
        yield limited(
            "peak memory of an export, one day", cost.peak_mb, most=MOST_MB, unit=" MB", scale=0, detail=detail
        )


def _exported(state: Path, target: Path, *given: str) -> Cost:
    return measured(
        [sys.executable, "-m", "resumable", "export", "job", "--state", str(state), "--to", str(target), *given]
    )
