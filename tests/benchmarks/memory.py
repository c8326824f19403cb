"""How much memory a backfill needs, and that neither more pages nor longer ones need much more."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks.processes import backfill, measured, product, serving
from tests.benchmarks.table import Row, limited

MOST_MB = 160
MOST_MB_LONG = 200
"""With pages of 1,000 records, 5 MB, by every contract."""
MOST_MB_LONGEST = 320
"""With pages of 10,000 records, 52 MB: a body, its columns, and another one that is growing."""
A_DAY = 10_000


def rows(*, quick: bool) -> Iterator[Row]:
    """Yield the rows of targets 5 and 6: records of 5 KB, with the default workers."""
    for days in (1, 2) if quick else (1, 4, 100):
        yield _row("conversations", days, 100, MOST_MB)
    for dataset in ("conversations-pagecount", "conversation-jobs"):
        for days in (1,) if quick else (4, 16):
            yield _row(dataset, days, 1000, MOST_MB_LONG)
    yield _row("conversation-jobs", 2 if quick else 12, 10_000, MOST_MB_LONGEST)


def _row(dataset: str, days: int, page: int, most: float) -> Row:
    with serving(records=A_DAY, job_page_size_cap=page) as server, tempfile.TemporaryDirectory() as folder:
        given = backfill(days, "--page-size", str(page), dataset=dataset)
        command, environment = product(server, Path(folder), *given)
        cost = measured(command, environment=environment, timeout=3600)
    pages = days * A_DAY // page
    detail = f"{dataset}; {cost.cpu / pages * 1000:.1f} ms of processor a page, {cost.wall:.1f} s"
    what = f"peak memory, {pages:,} pages of {page:,}"
    return limited(what, cost.peak_mb, most=most, unit=" MB", scale=0, detail=detail)
