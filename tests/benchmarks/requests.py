"""How many requests a year takes by the details query and the fastest way: measured in little, with the same records.

That is `conversation-history`, at a server that refuses pages of 10,000 and gives 1,000.
"""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pyarrow.dataset as ds

from tests.benchmarks.processes import Server, backfill, measured, product, serving
from tests.benchmarks.table import Row, limited

DAYS = 3
YEAR_DAYS, PAGES_A_DAY, PAGE = 365, 1000, 100
MOST = 0.11


def rows(*, quick: bool) -> Iterator[Row]:
    """Yield the row of target 14: what a window takes beside its pages is measured, the rest is multiplication."""
    records = 200 if quick else 2000
    with serving(records=records, latency=0.0) as server, tempfile.TemporaryDirectory() as folder:
        beside_query, query = _taken(server, Path(folder) / "query", "conversations", page=PAGE)
        beside_jobs, jobs = _taken(server, Path(folder) / "jobs", "conversation-history", page=10_000)
    lost = len(query - jobs)
    by_query = YEAR_DAYS * (PAGES_A_DAY + beside_query)
    by_jobs = YEAR_DAYS * (PAGES_A_DAY * PAGE / 1000 + beside_jobs)
    row = limited(
        "requests of a year of 1,000 pages a day, history against the query",
        by_jobs / by_query,
        most=MOST,
        unit=" x",
        scale=3,
        detail=f"{by_jobs:,.0f} against {by_query:,.0f}; beside its pages a day takes {beside_jobs:.1f} and"
        f" {beside_query:.1f}, measured over {DAYS} days of {records:,} records, of which {lost} are lost",
    )
    yield row if not lost else row.refuse(f"{lost} records lost")


def _taken(server: Server, state: Path, dataset: str, *, page: int) -> tuple[float, set[str]]:
    """Take some days; return the requests of a day beside those for pages, and the records' ids."""
    given = backfill(DAYS, "--page-size", str(page), "--job", "job", dataset=dataset)
    command, environment = product(server, state, *given)
    measured(command, environment=environment)
    command, environment = product(server, state, "status", "job", "--json")
    said = json.loads(measured(command, environment=environment).output)
    parts = ds.dataset([str(path) for path in (state / "job" / "parts").rglob("*.parquet")], format="parquet")
    ids = {*parts.to_table(columns=["conversationId"]).column(0).to_pylist()}
    return (said["requests"] - said["pages"]["done"]) / DAYS, ids
