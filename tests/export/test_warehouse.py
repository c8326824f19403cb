"""Loads into DuckDB and PostgreSQL: the rows of the export, merged by day, nothing twice, and resumed after a kill."""

import contextlib
import csv
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

import resumable
from resumable.errors import UsageError
from resumable.export.warehouse import LoadRequest
from tests.export.jobs import Make, Page, record, taken_again
from tests.support.machine import need

# dlt logs what it has to say of a schema by a method that Python calls deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:The 'warn' method is deprecated:DeprecationWarning")

TABLES = ("conversations", "segments", "interactions")


def call(name: str, day: int, minute: int = 0) -> dict[str, Any]:
    """Return a conversation with a stay in a queue, a list of texts, and a map."""
    begun = record(name, day, minute)["conversationStart"]
    session = {
        "segments": [{"segmentStart": begun, "queueId": "sales", "requestedRoutingSkillIds": ["a", "b"]}],
        "metrics": [{"name": "nOffered", "value": 1, "emitDate": begun}],
    }
    return record(name, day, minute, participants=[{"purpose": "acd", "attributes": {"k": "é"}, "sessions": [session]}])


@pytest.fixture
def job(make: Make) -> resumable.Job:
    """Three days of two calls."""
    return make([[Page(records=[call(f"{day}-{n}", day, n) for n in range(2)])] for day in range(3)])


def rows_of(path: Path, table: str) -> list[tuple[Any, ...]]:
    """Return the keys of a table's rows in a DuckDB file, with how many loads wrote them."""
    with duckdb.connect(str(path), read_only=True) as db:
        found: list[tuple[Any, ...]] = db.sql(
            f'SELECT conversation_id, export_day FROM genesys."{table}" ORDER BY ALL'  # noqa: S608 - the test's own names
        ).fetchall()
        return found


def test_a_second_load_writes_nothing_and_a_changed_day_is_written_alone(job: resumable.Job, tmp_path: Path) -> None:
    """The rows are those of the export, whatever was loaded before; a conversation that is gone is gone."""
    to = tmp_path / "warehouse.duckdb"
    request = LoadRequest(to=str(to), tables=TABLES)
    first, again = job.load(request), job.load(request)
    assert (first.rows, first.days) == (dict.fromkeys(TABLES, 6), 3)
    assert (again.rows, again.days) == (dict.fromkeys(TABLES, 0), 0)
    taken_again(job, 1, [Page(records=[call("1-1", 1, 1)], taken=9)])
    changed = job.load(request)
    assert (changed.rows, changed.days) == (dict.fromkeys(TABLES, 1), 1)
    days = {"0-0": "2023-10-01", "0-1": "2023-10-01", "1-1": "2023-10-02", "2-0": "2023-10-03", "2-1": "2023-10-03"}
    for table in TABLES:
        assert rows_of(to, table) == sorted(days.items())
    taken_again(job, 2, [Page(records=[record("2-9", 2)], taken=9)])
    job.load(request)
    assert rows_of(to, "segments") == sorted((name, day) for name, day in days.items() if name[0] != "2")


def test_values_arrive_as_they_are(job: resumable.Job, tmp_path: Path) -> None:
    """Times with their zone, lists and maps as JSON text, counts as numbers."""
    to = tmp_path / "warehouse.duckdb"
    job.load(LoadRequest(to=str(to), tables=("participants", *TABLES)))
    with duckdb.connect(str(to), read_only=True) as db:
        found = db.sql("SELECT requested_routing_skill_ids FROM genesys.segments").fetchall()
        assert set(found) == {('["a","b"]',)}
        assert set(db.sql("SELECT attributes FROM genesys.participants").fetchall()) == {('{"k":"é"}',)}
        assert db.sql("SELECT sum(offered) FROM genesys.interactions").fetchall() == [(6,)]
        kind = db.sql("SELECT DISTINCT typeof(conversation_start) FROM genesys.conversations").fetchall()
        assert kind == [("TIMESTAMP WITH TIME ZONE",)]


def test_what_is_not_a_destination_is_refused(job: resumable.Job) -> None:
    """An address, which might hold a secret, and a name that dlt does not know."""
    for to in ("postgresql://user:secret@host/db", "oracle9", ""):
        with pytest.raises(UsageError, match="not a destination"):
            job.load(LoadRequest(to=to))


def exported(job: resumable.Job, table: str) -> list[str]:
    """Return the ids of an export's rows."""
    found: list[bytes] = []
    job.export(found.append, format="csv", table=table)
    return sorted(row["conversationId"] for row in csv.DictReader(b"".join(found).decode().splitlines()))


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """Start a PostgreSQL of its own, which root may not run, on a free port of loopback: dlt wants a host."""
    need("pg_ctlcluster")
    programs = max(Path("/usr/lib/postgresql").glob("*/bin"))
    folder = Path(tempfile.mkdtemp(prefix="pg", dir="/tmp"))
    who: dict[str, Any] = {"user": "postgres"} if os.geteuid() == 0 else {}
    if who:
        shutil.chown(folder, "postgres")
    made: list[str | Path] = [programs / "initdb", "-D", folder / "data", "-U", "loader", "-A", "trust"]
    subprocess.run(made, check=True, stdout=subprocess.DEVNULL, cwd="/", **who)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    there: list[str | Path] = ["-k", folder, "-h", "127.0.0.1", "-p", port]
    started: list[str | Path] = [programs / "postgres", "-D", folder / "data", *there]
    process = subprocess.Popen(started, cwd="/", stderr=subprocess.DEVNULL, **who)
    try:
        deadline = time.monotonic() + 30
        while subprocess.run([programs / "pg_isready", "-q", "-h", "127.0.0.1", "-p", port], check=False).returncode:
            assert time.monotonic() < deadline
        yield f"postgresql://loader:any@127.0.0.1:{port}/postgres"
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30)
        shutil.rmtree(folder)


@pytest.mark.long
def test_a_load_into_postgres_that_is_killed_is_finished_by_the_next(job: resumable.Job, server: str) -> None:
    """Killed with SIGKILL while it loads; then the rows are those of the export, once, and another load writes none."""
    import psycopg2

    environment = {
        **os.environ,
        "DESTINATION__POSTGRES__CREDENTIALS": server,
        "RESUMABLE_STATE": str(job.folder.parent),
    }
    command = [sys.executable, "-m", "resumable", "load", job.name, "--to", "postgres"]
    killed = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    packages = job.home.loads
    deadline = time.monotonic() + 60
    while not any(path.is_file() for path in packages.glob("*/load/normalized/*/*_jobs/*")):
        assert killed.poll() is None
        assert time.monotonic() < deadline
    killed.kill()
    assert killed.wait() == -signal.SIGKILL
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    again = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert "nothing was written" in again.stderr
    with contextlib.closing(psycopg2.connect(server)) as connection, connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"SELECT conversation_id FROM genesys.{table} ORDER BY 1")  # noqa: S608 - the test's own names
            assert [name for (name,) in cursor.fetchall()] == exported(job, table)
