"""`resumable export --engine ray`: by real workers of Ray, from and to a bucket and folders."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from resumable.simulator.settings import SimSettings
from resumable.simulator.simulator import Simulator
from tests.support.command_line import RANGE, SECRET, CommandLine, finished
from tests.support.object_stores import KEY, object_store

pytestmark = [pytest.mark.long, pytest.mark.timeout(400)]

MOST_MEMORY = 350 * 10**6


@pytest.fixture
def cli(tmp_path: Path) -> Iterator[CommandLine]:
    """A command line whose Ray keeps its files where they are searched; a socket's path may not be long."""
    temporary = Path(f"/tmp/ray-{os.getpid()}")
    with Simulator(SimSettings(records=600, latency=0.0, client_secret=SECRET)) as sim:
        extra = {
            **object_store("seaweed").variables(),
            "RAY_TMPDIR": str(temporary),
            "RAY_USAGE_STATS_ENABLED": "0",
            "RAY_enable_metrics_collection": "0",
            "HOME": str(tmp_path),
        }
        try:
            yield CommandLine(sim=sim, state=tmp_path / "state", extra=extra)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def assert_same_rows(one: Path, two: Path) -> None:
    """Each has no row that the other has not, as often."""
    with duckdb.connect() as db:
        for first, second in ((one, two), (two, one)):
            sql = "SELECT * FROM read_parquet(?) EXCEPT ALL SELECT * FROM read_parquet(?)"
            assert db.execute(sql, [f"{first}/**/*.parquet", f"{second}/**/*.parquet"]).fetchall() == []


def exported(cli: CommandLine, *words: str) -> dict[str, object]:
    """Export by Ray, in a process of its own, and return what it says."""
    ended = finished(cli.start("export", "j", *words, "--engine", "ray", "--json"), seconds=200)
    assert ended.code == 0, ended.stderr
    return ended.json


def test_rows_are_equal_from_and_to_folders_and_buckets(cli: CommandLine, tmp_path: Path) -> None:
    """Equal rows (EXCEPT ALL), and at most 350 MB a worker; the bucket's keys are in no file of Ray."""
    store = object_store("seaweed")
    assert cli("backfill", "conversations", *RANGE, "--job", "j").code == 0
    assert cli("export", "j", "--to", str(tmp_path / "one")).code == 0
    said = exported(cli, "--to", str(tmp_path / "two"))
    assert_same_rows(tmp_path / "one", tmp_path / "two")
    assert 0 < int(str(said["worker_bytes"])) <= MOST_MEMORY
    cli.extra["RESUMABLE_STATE"] = str(store.address())
    assert cli("backfill", "conversations", *RANGE, "--job", "j").code == 0
    url = f"{store.address()}/three"
    exported(cli, "--to", url)
    exported(cli, "--to", str(tmp_path / "four"))
    assert_same_rows(tmp_path / "one", tmp_path / "four")
    again = cli("export", "j", "--to", url, "--json")
    assert (again.code, again.json["days"]["written"]) == (0, 0), again.stderr
    files = [path for path in Path(cli.extra["RAY_TMPDIR"]).rglob("*") if path.is_file()]
    assert not [path for path in files if any(secret.encode() in path.read_bytes() for secret in (KEY, SECRET))]
