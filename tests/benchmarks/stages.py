"""What the processor does for a page, stage by stage: where the time goes, beside all that the way by hand takes."""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks.processes import Cost, serving
from tests.benchmarks.speed import contender, ours
from tests.benchmarks.staged import MARK, STAGES
from tests.benchmarks.table import Row, median


def rows(*, quick: bool) -> Iterator[Row]:
    """Yield a row a stage, for pages of 100 conversations."""
    days, times = (1, 1) if quick else (4, 3)
    pages = days * 100
    with serving(records=10_000) as server, tempfile.TemporaryDirectory() as folder:
        mine, floor = [], []
        for turn in range(times):
            mine.append(_stages(ours(days, module="tests.benchmarks.staged")(server, Path(folder) / f"mine-{turn}")))
            floor.append(contender("floor", days)(server, Path(folder) / f"floor-{turn}").cpu)
    a_page = 1000 / pages
    by_hand = median(floor) * a_page
    named = {stage: median(each.get(stage, 0.0) for each in mine) * a_page for stage in STAGES}
    whole = median(each["all"] for each in mine) * a_page
    how = f"processor, {pages} pages of 100, median of {times}; by hand {by_hand:.1f} ms in all"
    for stage, took in {**named, "all else": whole - sum(named.values()), "in all": whole}.items():
        yield Row(what=f"a page: {stage}", measured=f"{took:.1f} ms", detail=how)


def _stages(cost: Cost) -> dict[str, float]:
    line = next(line for line in cost.errors.splitlines() if line.startswith(MARK))
    found: dict[str, float] = json.loads(line.removeprefix(MARK))
    return found
