"""The recipe for Spark, run by Spark where it is installed: in an environment of its own, for it is large."""

import os
import shutil
import subprocess
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

import resumable
from resumable.models import JobSpec
from resumable.simulator.settings import SimSettings
from resumable.simulator.simulator import Simulator
from tests.support.builders import START, virtual_settings
from tests.support.clock import VirtualClock
from tests.support.machine import LACKS

MASTER = "--master local[2] --conf spark.ui.enabled=false pyspark-shell"
RECIPE = Path(__file__).with_name("with_pyspark.py")
PYTHON = Path(__file__).parents[2] / ".ci" / "tools" / "spark" / "bin" / "python"


@pytest.mark.long
@pytest.mark.timeout(400)
def test_spark_reads_the_parts_and_writes_each_record_once(tmp_path: Path) -> None:
    """Of a job whose windows overlap in their records: the ids and starts of an export, in as many days."""
    if not PYTHON.exists() or shutil.which("java") is None:
        pytest.skip(f"{LACKS} PySpark and Java")
    clock = VirtualClock()
    with Simulator(SimSettings(records=60)) as sim:
        spec = JobSpec.of("conversations", START, START + timedelta(days=2), window=timedelta(hours=6), page_size=10)
        job = resumable.make(spec, virtual_settings(sim, clock, tmp_path / "state"), name="job", clock=clock)
        job.run()
        job.export(tmp_path / "export")
    done = subprocess.run(
        [str(PYTHON), str(RECIPE), str(job.folder / "parts"), str(tmp_path / "spark")],
        env={**os.environ, "SPARK_LOCAL_IP": "127.0.0.1", "TZ": "UTC", "PYSPARK_SUBMIT_ARGS": MASTER},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found, wanted = (
        pl.read_parquet(f"{tmp_path / name}/**/*.parquet", hive_partitioning=True).select("conversationId", "day")
        for name in ("spark", "export")
    )
    assert sorted(found.rows(), key=str) == sorted(wanted.rows(), key=str)
