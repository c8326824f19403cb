"""What the documents show other libraries do with it, done with those libraries."""

import json
import runpy
import statistics
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from resumable.simulator.faults.faults import FaultKind, Match, SimFault
from resumable.simulator.messages import Kind
from resumable.simulator.settings import SimSettings, Style
from resumable.simulator.simulator import Simulator
from tests.support.builders import make_job
from tests.support.clock import VirtualClock
from tests.support.command_line import PAGE_KINDS

ROOT = Path(__file__).parents[2]

MATERIALIZE = """
import sys
import dagster as dg
from tests.recipes.dagster_asset import conversations
done = dg.materialize([conversations], partition_key=sys.argv[1], raise_on_error=False)
if not done.success:
    sys.exit(3)
for event in done.get_asset_materialization_events():
    print(event.materialization.metadata["records"].value)
"""


@pytest.mark.long
def test_a_dagster_asset_carries_on_where_a_run_failed(tmp_path: Path) -> None:
    """A day whose run failed half-way is materialized by the next one, and no page is asked for twice."""
    with Simulator(SimSettings(records=600, style=Style.SMALL, rate_public=None)) as sim:
        environment = {
            "PATH": "/usr/bin:/bin",
            "PYTHONPATH": str(ROOT),
            "DAGSTER_HOME": str(tmp_path),
            "DAGSTER_DISABLE_TELEMETRY": "yes",
            "GENESYS_CLIENT_ID": sim.settings.client_id,
            "GENESYS_CLIENT_SECRET": sim.settings.client_secret,
            "GENESYS_API_URL": sim.url,
            "GENESYS_LOGIN_URL": sim.url,
            "RESUMABLE_STATE": str(tmp_path / "state"),
        }

        def materialize() -> subprocess.CompletedProcess[str]:
            return subprocess.run(
                [sys.executable, "-c", MATERIALIZE, "2023-10-03"],
                env=environment, cwd=ROOT, capture_output=True, text=True, check=False, timeout=100,
            )  # fmt: skip

        sim.inject(SimFault(kind=FaultKind.STATUS, status=403, on=Match(kinds=(Kind.CONVERSATIONS,), pages=(4,))))
        failed = materialize()
        assert failed.returncode == 3, failed.stderr
        came = {page for page, count in sim.log.pages().items() if count}
        assert came
        sim.clear_faults()
        done = materialize()
        assert (done.returncode, done.stdout.strip()) == (0, "600"), done.stderr
        assert max(sim.log.pages().values()) == 1
        asked = sim.log.count(*PAGE_KINDS)
        again = materialize()
        assert (again.returncode, again.stdout.strip()) == (0, "600"), again.stderr
        assert sim.log.count(*PAGE_KINDS) == asked, "a day that is old enough is not asked for again"


Records = list[dict[str, Any]]


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Records]:
    """Return a folder with the exports that the recipes read, and the records that the simulator served."""
    folder = tmp_path_factory.mktemp("recipes")
    with Simulator(SimSettings(records=120)) as sim:
        job = make_job(sim, VirtualClock(), folder / "state", days=3)
        job.run()
        truth = sim.truth("2023-10-01T00:00:00Z/2023-10-04T00:00:00Z")
        job.export(folder / "conversations.parquet")
        for table in ("metrics", "segments"):
            job.export(folder / f"{table}.parquet", table=table)
        return folder, [json.loads(json.dumps(record)) for record in truth]


def recipe(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Run a recipe where the exports are, and return its names."""
    monkeypatch.chdir(folder)
    return runpy.run_path(str(ROOT / "tests" / "recipes" / f"with_{name}.py"))


def sessions(records: Records) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every session with the day of its conversation."""
    for record in records:
        for participant in record.get("participants") or []:
            for session in participant.get("sessions") or []:
                yield record["conversationStart"][:10], session


def test_the_recipe_for_pandas(exported: tuple[Path, Records], monkeypatch: pytest.MonkeyPatch) -> None:
    """Conversations a day and direction, as counted one by one."""
    folder, records = exported
    found = recipe("pandas", folder, monkeypatch)["by_day"].stack()
    counted = Counter((record["conversationStart"][:10], record["originatingDirection"]) for record in records)
    assert {(str(day), way): count for (day, way), count in found.items() if count} == counted


def test_the_recipe_for_polars(exported: tuple[Path, Records], monkeypatch: pytest.MonkeyPatch) -> None:
    """The mean of a metric a day, as summed one by one."""
    folder, records = exported
    found = recipe("polars", folder, monkeypatch)["by_day"]
    values: dict[str, list[int]] = defaultdict(list)
    for day, session in sessions(records):
        values[day] += [metric["value"] for metric in session.get("metrics") or [] if metric["name"] == "tTalk"]
    expected = {day: statistics.mean(each) / 1000 for day, each in values.items()}
    assert {str(day): mean for day, mean in found.iter_rows()} == pytest.approx(expected)


def test_the_recipe_for_duckdb(exported: tuple[Path, Records], monkeypatch: pytest.MonkeyPatch) -> None:
    """Metrics joined to the queues of their session, as nested records have them."""
    folder, records = exported
    found = recipe("duckdb", folder, monkeypatch)["by_queue"].fetchall()
    handled: Counter[str] = Counter()
    for _, session in sessions(records):
        queues = {segment["queueId"] for segment in session.get("segments") or [] if segment.get("queueId")}
        times = sum(metric["name"] == "tHandle" for metric in session.get("metrics") or [])
        handled.update({queue: times for queue in queues if times})
    assert {queue: count for queue, count, _ in found} == handled


@pytest.mark.parametrize(
    ("name", "page"),
    [
        ("dagster_asset", "job"),
        ("airflow_dag", "fleet"),
        ("dagster_job", "fleet"),
        ("with_pandas", "export"),
        ("with_polars", "export"),
        ("with_duckdb", "export"),
    ],
)
def test_the_documents_show_the_recipes_as_they_are_tested(name: str, page: str) -> None:
    """What is printed is what runs."""
    source = (ROOT / "tests" / "recipes" / f"{name}.py").read_text("utf-8")
    body = source[source.index("@dg.asset" if name == "dagster_asset" else "import ") :]
    assert body in (ROOT / "resumable" / page / "README.md").read_text("utf-8")
