"""What the README shows other tools do with it, done with those tools."""

import subprocess
import sys
from pathlib import Path

import pytest

from resumable.simulator import Fault, FaultKind, Kind, Match, Settings, Simulator, Style
from tests.e2e.harness import PAGE_KINDS

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
    pytest.importorskip("dagster", reason="the extra `dagster` is not installed")
    with Simulator(Settings(records=600, style=Style.SMALL, rate_public=None)) as sim:
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

        sim.inject(Fault(kind=FaultKind.STATUS, status=403, on=Match(kinds=(Kind.CONVERSATIONS,), pages=(4,))))
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


def test_the_readme_shows_the_asset_as_it_is_tested() -> None:
    """What is printed is what runs."""
    source = (ROOT / "tests" / "recipes" / "dagster_asset.py").read_text("utf-8")
    body = source[source.index("@dg.asset") :]
    assert body in (ROOT / "README.md").read_text("utf-8")
