"""How long a command takes that has nothing to do."""

import itertools
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks.processes import backfill, measured, product, serving
from tests.benchmarks.table import Row, limited, median

MOST_SECONDS = 0.3
COMMANDS = (["--help"], ["jobs"], ["status", "j"])


def rows(*, quick: bool) -> Iterator[Row]:
    """Yield the rows of target 8."""
    with serving(records=200) as server, tempfile.TemporaryDirectory() as folder:
        command, environment = product(server, Path(folder), *backfill(2, "--job", "j"))
        measured(command, environment=environment)
        costs: dict[str, list[float]] = {}
        for _, arguments in itertools.product(range(2 if quick else 11), COMMANDS):
            command, environment = product(server, Path(folder), *arguments)
            cost = measured(command, environment=environment)
            costs.setdefault(" ".join(arguments), []).append(cost.wall)
    for what, walls in costs.items():
        detail = f"median of {len(walls)}"
        yield limited(f"resumable {what}", median(walls), most=MOST_SECONDS, unit=" s", detail=detail)
