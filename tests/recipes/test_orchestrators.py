"""The recipes of orchestrators, run by the orchestrators."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from resumable.simulator.settings import SimSettings, Style
from resumable.simulator.simulator import Simulator
from tests.support.command_line import RANGE, CommandLine

ROOT = Path(__file__).parents[2]
AIRFLOW = ROOT / ".ci" / "tools" / "airflow" / "bin" / "airflow"
DAGSTER = """
import sys
import dagster as dg
from tests.recipes.dagster_job import resumable_job
done = resumable_job.execute_in_process({"ops": {"resume": {"config": {"job": sys.argv[1]}}}}, raise_on_error=False)
sys.exit(not done.success)
"""

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]


@pytest.fixture
def cli(tmp_path: Path) -> Iterator[CommandLine]:
    """A command line with two jobs, `good` and `again`, of each of which a page or two are there."""
    with Simulator(SimSettings(records=250, style=Style.SMALL, rate_public=None)) as sim:
        line = CommandLine(sim=sim, state=tmp_path / "state")
        for name in ("good", "again"):
            begun = line("backfill", "conversations", *RANGE, "--job", name, "--max-requests", "3")
            assert begun.code == 3, begun.stderr
        yield line


def environment(cli: CommandLine, folder: Path) -> dict[str, str]:
    """Return what an orchestrator sees: `resumable` on its path, which stops `again` after a request the first time."""
    command = folder / "bin" / "resumable"
    command.parent.mkdir()
    product = f'PYTHONPATH="{ROOT}" exec "{sys.executable}" -m resumable "$@"'
    command.write_text(
        f'#!/bin/sh\necho "$2" >> "{folder}/calls"\n'
        f'[ "$2" = again ] && [ $(grep -c again "{folder}/calls") = 1 ] && set -- "$@" --max-requests 1\n{product}\n'
    )
    command.chmod(0o755)
    return {**cli.environment, "PATH": f"{command.parent}:{os.environ['PATH']}", "HOME": str(folder)}


def test_airflow_tries_again_what_may_fare_better_and_nothing_else(cli: CommandLine, tmp_path: Path) -> None:
    """Three mapped tasks: one completes, one is incomplete and tried again, one has no job and fails at once."""
    assert AIRFLOW.exists(), "make it as .ci/run does: an environment with apache-airflow in .ci/tools/airflow"
    home = tmp_path / "airflow"
    (home / "dags").mkdir(parents=True)
    recipe = (ROOT / "tests" / "recipes" / "airflow_dag.py").read_text("utf-8")
    assert recipe.count("timedelta(minutes=1)") == 1
    (home / "dags" / "airflow_dag.py").write_text(recipe.replace("timedelta(minutes=1)", "timedelta(seconds=1)"))
    known = environment(cli, tmp_path) | {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "RESUMABLE_JOBS": "good again missing",
    }
    known.pop("PYTHONPATH", None)
    for words in ("db migrate", "dags reserialize", "dags test resumable_jobs"):
        done = subprocess.run(
            [AIRFLOW, *words.split()], env=known, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=200
        )
        assert done.returncode == 0 or words.startswith("dags test"), done.stderr
    assert sorted((tmp_path / "calls").read_text().split()) == ["again", "again", "good", "missing"]
    assert [cli.status(name)["state"] for name in ("good", "again")] == ["complete", "complete"]


def test_dagster_tells_a_job_that_needs_a_person(cli: CommandLine, tmp_path: Path) -> None:
    """A run of a job that can be resumed succeeds; one of a job that is not there fails, and is not tried again."""
    known = environment(cli, tmp_path) | {"DAGSTER_HOME": str(tmp_path), "DAGSTER_DISABLE_TELEMETRY": "yes"}
    for job, code in (("good", 0), ("missing", 1)):
        command = [sys.executable, "-c", DAGSTER, job]
        done = subprocess.run(command, env=known, cwd=ROOT, capture_output=True, text=True, check=False, timeout=100)
        assert done.returncode == code, done.stderr
    assert (tmp_path / "calls").read_text().split() == ["good", "missing"]
