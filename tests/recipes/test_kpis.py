"""The figures of the trade: recipes, counts made from the JSON by other code, and the server's aggregates agree."""

import math
import runpy
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import pytest
import requests

import resumable
from resumable.models import JobSpec, iso
from resumable.simulator.settings import SimSettings, Style
from resumable.simulator.simulator import Simulator
from tests.support.builders import virtual_settings
from tests.support.clock import VirtualClock

ROOT = Path(__file__).parents[2]
START = datetime(2025, 3, 28, tzinfo=UTC)
"""Berlin's clocks go forward on the 30th."""
DAYS = 4
END = START + timedelta(days=DAYS)
ZONE = "Europe/Berlin"
ON_QUEUE = ("INTERACTING", "IDLE", "NOT_RESPONDING", "COMMUNICATING")
COUNTED = {"nOffered": "offered", "nOverSla": "overSla", "nTransferred": "transfers"}
TIMED = {"tAnswered": "answered", "tAbandon": "abandoned", "tHandle": "handled"}

Sums = dict[tuple[str, str], Counter[str]]
"""By queue and local half hour."""


class Made(NamedTuple):
    """Where the exports are, and what they are judged by."""

    folder: Path
    counted: Sums
    by_queue: dict[str, Counter[str]]
    """Of the aggregates."""
    offered: Counter[tuple[str, str]]
    """Of the aggregates, by queue and local half hour."""
    users: list[dict[str, Any]]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Export interactions and routing statuses, ask for the aggregates, and count the JSON."""
    folder, clock = tmp_path_factory.mktemp("kpis"), VirtualClock()
    on = {f"{START + timedelta(days=day):%Y-%m-%d}": 90 for day in range(DAYS)}
    settings = SimSettings(records=0, records_on=on, style=Style.LIFELIKE, rate_public=None, queues=5)
    with Simulator(settings) as sim:
        known = virtual_settings(sim, clock, folder / "state")
        jobs = {}
        for dataset in ("conversations", "user-details", "queues"):
            spec = JobSpec.of(dataset, START, END, page_size=100)
            jobs[dataset] = resumable.make(spec, known, name=dataset, clock=clock)
            jobs[dataset].run()
        jobs["conversations"].export(folder / "interactions.parquet", table="interactions", zone=ZONE)
        jobs["user-details"].export(folder / "routing.parquet", table="routingStatus")
        whole, halves = aggregated(sim, None), aggregated(sim, "PT30M")
        users = list(sim.truth((START, END), dataset="user-details"))
        return Made(folder, counted(list(sim.truth((START, END)))), of_queues(whole), offers(halves), users)


def local(text: str, before_ms: int = 0) -> str:
    """Return the local half hour of an instant, or of one so long before it."""
    at = (datetime.fromisoformat(text) - timedelta(milliseconds=before_ms)).astimezone(ZoneInfo(ZONE))
    return at.replace(minute=at.minute // 30 * 30, second=0, microsecond=0).isoformat(timespec="minutes")


def counted(records: list[dict[str, Any]]) -> Sums:
    """Count what sessions say, each by the half hour in which its stay began."""
    found: Sums = defaultdict(Counter)
    for session in (s for record in records for p in record["participants"] for s in p["sessions"]):
        queue = session["segments"][0].get("queueId")
        if queue is None:
            continue
        metrics = session["metrics"]
        began = local(session["segments"][0]["segmentStart"])
        for metric in metrics:
            if metric["name"] in ("nOffered", "tAnswered", "tAbandon"):
                began = local(metric["emitDate"], 0 if metric["name"] == "nOffered" else metric["value"])
        for metric in metrics:
            name, value = metric["name"], metric["value"]
            if name in COUNTED:
                found[queue, began][COUNTED[name]] += value
            if name in TIMED:
                found[queue, began][TIMED[name]] += 1
                found[queue, began][f"{TIMED[name]}Ms"] += value
    return {key: sums for key, sums in found.items() if sums}


def aggregated(sim: Simulator, granularity: str | None) -> list[dict[str, Any]]:
    """Ask the server for the sums of all that it emitted, callbacks of weeks later too."""
    body = {
        "interval": f"{iso(START)}/{iso(END + timedelta(days=60))}",
        "groupBy": ["queueId"],
        "metrics": [*COUNTED, *TIMED, "oServiceLevel"],
        **({} if granularity is None else {"granularity": granularity}),
    }
    pair, grant = (sim.settings.client_id, sim.settings.client_secret), {"grant_type": "client_credentials"}
    with requests.Session() as session:
        token = session.post(f"{sim.url}/oauth/token", auth=pair, data=grant, timeout=10).json()["access_token"]
        headers = {"Authorization": f"Bearer {token}"}
        url = f"{sim.url}/api/v2/analytics/conversations/aggregates/query"
        results: list[dict[str, Any]] = session.post(url, json=body, headers=headers, timeout=10).json()["results"]
    return [each for each in results if "queueId" in each["group"]]


def of_queues(results: list[dict[str, Any]]) -> dict[str, Counter[str]]:
    """Return the sums of each queue over all media."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for result in results:
        for told in (metric for data in result["data"] for metric in data["metrics"]):
            name, stats, sums = told["metric"], told["stats"], found[result["group"]["queueId"]]
            if name == "oServiceLevel":
                sums["within"] += stats["numerator"]
                sums["reached"] += stats["denominator"]
            else:
                sums[COUNTED.get(name) or TIMED[name]] += stats["count"]
            if name in TIMED:
                sums[f"{TIMED[name]}Ms"] += stats["sum"]
    return found


def offers(results: list[dict[str, Any]]) -> Counter[tuple[str, str]]:
    """Return how many were offered by queue and half hour."""
    found: Counter[tuple[str, str]] = Counter()
    for result in results:
        for data in result["data"]:
            offered = sum(each["stats"]["count"] for each in data["metrics"] if each["metric"] == "nOffered")
            if offered:
                found[result["group"]["queueId"], local(data["interval"].split("/")[0])] += offered
    return found


def figures(sums: Mapping[str, float]) -> list[float | None]:
    """Return the figures of some sums as Genesys defines them."""
    answered, reached = sums["answered"], sums["answered"] + sums["abandoned"]
    return [
        sums["offered"],
        answered,
        sums["transfers"],
        sums["abandoned"] / sums["offered"] if sums["offered"] else None,
        (answered - sums["overSla"]) / reached if reached else None,
        sums["answeredMs"] / answered / 1000 if answered else None,
        sums["handledMs"] / sums["handled"] / 1000 if sums["handled"] else None,
    ]


NAMES = ["offered", "answered", "transfers", "abandonRate", "serviceLevel", "asaSeconds", "ahtSeconds"]


def with_duckdb(found: dict[str, Any]) -> tuple[Any, Any]:
    """Read what the recipe for DuckDB found."""
    rows = found["kpis"].fetchall()
    return {(row[0], row[2]): list(row[3:]) for row in rows}, dict(found["occupancy"].fetchall())


def with_pandas(found: dict[str, Any]) -> tuple[Any, Any]:
    """Read what the recipe for pandas found."""
    kpis = found["kpis"].rename(columns={"transferred": "transfers"})[NAMES]
    return dict(zip(kpis.index, kpis.to_numpy().tolist(), strict=True)), found["occupancy"].to_dict()


def with_polars(found: dict[str, Any]) -> tuple[Any, Any]:
    """Read what the recipe for Polars found."""
    kpis = found["kpis"].rename({"transferred": "transfers"}).select("queueId", "localHalfHour", *NAMES)
    return {row[:2]: list(row[2:]) for row in kpis.iter_rows()}, dict(found["occupancy"].iter_rows())


@pytest.mark.parametrize(
    ("library", "read"), [("duckdb", with_duckdb), ("pandas", with_pandas), ("polars", with_polars)]
)
def test_the_recipes_agree_with_counts_of_the_json(
    library: str, read: Callable[[dict[str, Any]], tuple[Any, Any]], made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every figure of every queue and half hour, and the occupancy of every agent."""
    monkeypatch.chdir(made.folder)
    kpis, occupancy = read(runpy.run_path(str(ROOT / "tests" / "recipes" / f"kpis_with_{library}.py")))
    known = {key: [None if each is None or math.isnan(each) else each for each in row] for key, row in kpis.items()}
    expected = {key: figures(sums) for key, sums in made.counted.items()}
    assert set(known) == set(expected)
    for key, row in expected.items():
        assert known[key] == pytest.approx(row), key
    assert occupancy == pytest.approx(busy(made.users))


def busy(users: list[dict[str, Any]]) -> dict[str, float]:
    """Return which part of their time on queue users were interacting."""
    found = {}
    for user in users:
        took: Counter[str] = Counter()
        for each in user["routingStatus"]:
            seconds = datetime.fromisoformat(each["endTime"]) - datetime.fromisoformat(each["startTime"])
            took[each["routingStatus"]] += seconds // timedelta(milliseconds=1)
        on_queue = sum(took[each] for each in ON_QUEUE)
        if on_queue:
            found[user["userId"]] = took["INTERACTING"] / on_queue
    return found


def test_the_counts_agree_with_the_aggregates(made: Made) -> None:
    """Of each queue in all, and what was offered in each half hour; the server adds up apart from its records."""
    by_queue: dict[str, Counter[str]] = defaultdict(Counter)
    for (queue, _), sums in made.counted.items():
        by_queue[queue] += sums
    for queue, sums in by_queue.items():
        sums["within"], sums["reached"] = sums["answered"] - sums["overSla"], sums["answered"] + sums["abandoned"]
        assert {name: value for name, value in sums.items() if value} == {
            name: value for name, value in made.by_queue[queue].items() if value
        }
    assert set(by_queue) == set(made.by_queue)
    assert {key: sums["offered"] for key, sums in made.counted.items() if sums["offered"]} == made.offered
    assert sum(made.offered.values()) > 200


@pytest.mark.parametrize("library", ["duckdb", "pandas", "polars"])
def test_the_documents_show_the_recipes_as_they_are_tested(library: str) -> None:
    """What is printed is what runs."""
    source = (ROOT / "tests" / "recipes" / f"kpis_with_{library}.py").read_text("utf-8")
    assert source[source.index("import ") :] in (ROOT / "resumable" / "export" / "README.md").read_text("utf-8")
