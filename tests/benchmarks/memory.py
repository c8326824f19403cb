"""How much memory a backfill needs, and that more pages need no more."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks.processes import FIRST_DAY, day, measured, product, serving
from tests.benchmarks.table import Row, limited

MOST_MB = 160


def rows(*, quick: bool) -> Iterator[Row]:
    """Yield the rows of target 4: pages of 100 conversations of 5 KB, with the default workers."""
    for days in (1, 2) if quick else (1, 4, 100):
        with serving(records=10_000) as server, tempfile.TemporaryDirectory() as folder:
            arguments = ["backfill", "conversations", "--from", FIRST_DAY, "--to", day(days), "--rate", "1000000"]
            command, environment = product(server, Path(folder), *arguments)
            cost = measured(command, environment=environment, timeout=3600)
        detail = f"{cost.wall / days / 100 * 1000:.1f} ms a page"
        what = f"peak memory, {days * 100:,} pages"
        yield limited(what, cost.peak_mb, most=MOST_MB, unit=" MB", scale=0, detail=detail)
