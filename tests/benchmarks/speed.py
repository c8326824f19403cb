"""How long a backfill takes beside other ways, how near it comes to what latency allows, and what safety costs."""

import importlib.util
import itertools
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from tests.benchmarks.processes import Cost, Server, backfill, day, measured, product, serving
from tests.benchmarks.table import Row, limited, median, reaching

PEERS = {"dlt": "dlt", "singer": "singer_sdk"}
WORKERS = 8
LATENCY = 0.5

Way = Callable[[Server, Path], Cost]


def contender(name: str, days: int) -> Way:
    """Return how to run one of the other ways."""

    def run(server: Server, folder: Path) -> Cost:
        command = [sys.executable, "-m", "tests.benchmarks.contenders", name, server.url, day(days), str(folder)]
        return _whole(measured(command), records_of(days))

    return run


def ours(days: int, *extra: str, dataset: str = "conversations", module: str = "resumable") -> Way:
    """Return how to run the product."""

    def run(server: Server, folder: Path) -> Cost:
        command, environment = product(server, folder, *backfill(days, *extra, dataset=dataset), module=module)
        return _whole(measured(command, environment=environment), records_of(days))

    return run


def records_of(days: int) -> int:
    """Return how many records so many days of the served source have."""
    return days * 10_000


def _whole(cost: Cost, records: int) -> Cost:
    """Refuse a run that brought less than all: what is fast because it is wrong is no measure."""
    said = cost.output + cost.errors
    if f"{records:,} records" not in said and f"{records} records" not in said:
        raise RuntimeError(f"not {records} records, but: {said[-500:]}")
    return cost


def turns(server: Server, ways: Mapping[str, Way], times: int) -> dict[str, list[Cost]]:
    """Run each way so often, turn by turn, so that a drift is everybody's; the first turn only warms up."""
    costs: dict[str, list[Cost]] = {name: [] for name in ways}
    for turn, (name, way) in itertools.product(range(times + 1), ways.items()):
        with tempfile.TemporaryDirectory() as folder:
            cost = way(server, Path(folder))
        if turn or times == 1:
            costs[name].append(cost)
    return costs


def wall(costs: list[Cost]) -> float:
    """Return the median of their times."""
    return median(cost.wall for cost in costs)


def rows(*, quick: bool) -> Iterator[Row]:
    """Yield the rows of targets 2, 3 and 6."""
    days, times = (1, 1) if quick else (4, 5)
    with serving(records=10_000) as server:
        yield from _beside_others(server, days, times)
        yield from _by_thousand(server, days, times)
        yield from _without_fsync(server, days, times)
    yield from _against_latency(quick=quick)


def _beside_others(server: Server, days: int, times: int) -> Iterator[Row]:
    peers = [name for name, module in PEERS.items() if importlib.util.find_spec(module)]
    ways = {name: contender(name, days) for name in ("floor", "article", *peers)}
    costs = turns(server, {"resumable": ours(days), **ways}, times)
    mine, pages = wall(costs["resumable"]), days * 100
    per_page = median(cost.cpu for cost in costs["resumable"]) / pages * 1000
    targets = {"floor": 0.5, "dlt": 0.15}
    for name in ways:
        theirs = wall(costs[name])
        detail = f"{mine:.2f} s against {theirs:.2f} s, {pages} pages of 100; "
        detail += f"processor {per_page:.1f} ms a page against {median(c.cpu for c in costs[name]) / pages * 1000:.1f}"
        what = f"wall time, against {name}"
        if name in targets:
            yield limited(what, mine / theirs, most=targets[name], unit=" x", detail=detail)
        else:
            yield Row(what=what, measured=f"{mine / theirs:.2f} x", detail=detail)


def _by_thousand(server: Server, days: int, times: int) -> Iterator[Row]:
    ways = {"resumable": ours(days, dataset="conversations-pagecount"), "floor": contender("floor-1000", days)}
    costs = turns(server, ways, times)
    mine, theirs = wall(costs["resumable"]), wall(costs["floor"])
    detail = f"{mine:.2f} s against {theirs:.2f} s, {days * 10} pages of 1,000"
    yield limited("wall time, pages of 1,000, against floor", mine / theirs, most=0.45, unit=" x", detail=detail)


def _without_fsync(server: Server, days: int, times: int) -> Iterator[Row]:
    ways = {"durable": ours(days), "not": ours(days, module="tests.benchmarks.undurable")}
    costs = turns(server, ways, times)
    durable, without = wall(costs["durable"]), wall(costs["not"])
    detail = f"{durable:.2f} s against {without:.2f} s with every fsync left out"
    yield limited("durable, against not durable", durable / without, most=1.15, unit=" x", detail=detail)


def _against_latency(*, quick: bool) -> Iterator[Row]:
    days = 1 if quick else 8
    with serving(records=10_000, latency=LATENCY) as server, tempfile.TemporaryDirectory() as folder:
        cost = ours(days, "--workers", str(WORKERS))(server, Path(folder))
        moments = [at for at, _ in server.pages()]
    best = WORKERS / LATENCY
    share = (len(moments) - 1) / (moments[-1] - moments[0]) / best
    detail = f"{len(moments)} pages in {cost.wall:.1f} s, {WORKERS} workers, {LATENCY} s: {best:.0f} a second at best"
    yield reaching("share of workers / latency", share * 100, least=90, unit=" %", scale=1, detail=detail)
