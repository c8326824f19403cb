"""A job in a bucket: every command, from any machine, and what is left when a machine is lost with its disk."""

import contextlib
import secrets
import shlex
import shutil
import signal
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from resumable.simulator.settings import SimSettings
from resumable.simulator.simulator import Simulator
from resumable.storage.bucket import BucketStore
from resumable.storage.lease import HEAD, Head
from tests.support.command_line import RANGE, CommandLine, finished
from tests.support.object_stores import KEY, KEY_ID, ObjectStore, object_store
from tests.support.relay_proxy import Act, Asked, RelayProxy

README_STATE = "s3://backfills/genesys"
BACKFILL = ("backfill", "conversations", *RANGE, "--page-size", "20", "--job", "j")


@pytest.fixture
def seaweed() -> ObjectStore:
    """A store that runs."""
    return object_store("seaweed")


@pytest.fixture
def sim() -> Iterator[Simulator]:
    """Three days of 59 conversations."""
    with Simulator(SimSettings(records=59, latency=0.0)) as found:
        yield found


@pytest.fixture
def cli(sim: Simulator, seaweed: ObjectStore, tmp_path: Path) -> CommandLine:
    """A command line whose state is in a bucket."""
    variables = {**seaweed.variables(), "RESUMABLE_STATE": str(seaweed.address()), "RESUMABLE_LEASE": "3s"}
    return CommandLine(sim=sim, state=tmp_path / "state", extra=variables)


def bucket(cli: CommandLine, seaweed: ObjectStore) -> BucketStore:
    """Return the store of the job."""
    from resumable.storage.address import address_of

    address = address_of(cli.extra["RESUMABLE_STATE"], "")
    assert address is not None
    return BucketStore(address.below("j"), seaweed.client())


def test_every_command_works_on_a_bucket(cli: CommandLine, seaweed: ObjectStore, tmp_path: Path) -> None:
    """Plan, run, look, verify, repair, export, report: as on a folder, and nothing of it is left on this machine."""
    plan = cli("plan", *BACKFILL[1:], "--json")
    assert (plan.code, plan.json["free_bytes"]) == (0, None), plan.stderr
    done = cli(*BACKFILL, "--json")
    assert done.code == 0, done.stderr
    assert (done.json["state"], done.json["pages"]["done"]) == ("complete", 9)
    assert cli(*BACKFILL).code == 0
    assert cli("resume", "j").code == 0
    status = cli.status("j")
    assert (status["state"], status["receipt"]["records"]) == ("complete", 177)
    jobs = cli("jobs", "--json").json
    assert ([job["job"] for job in jobs["jobs"]], jobs["state"]) == (["j"], cli.extra["RESUMABLE_STATE"])
    assert cli("verify").code == 0
    watched = cli("status", "j", "--watch")
    assert "complete" in watched.stdout, watched.stderr
    store = bucket(cli, seaweed)
    store.remove(next(key for key in store.list("parts/window=20231002T000000Z")))
    assert cli("verify", "j").code == 6
    repaired = cli("repair", "j")
    assert repaired.code == 0, repaired.stderr
    assert cli("verify", "j").code == 0
    exported = cli("export", "j", "--to", str(tmp_path / "out.jsonl"))
    assert exported.code == 0, exported.stderr
    assert (tmp_path / "out.jsonl").read_bytes().count(b"\n") == 177
    url = f"{cli.extra['RESUMABLE_STATE']}-exports/out.jsonl"
    assert cli("export", "j", "--to", url, "--json").json["to"] == url
    inside = cli("export", "j", "--to", f"{cli.extra['RESUMABLE_STATE']}/j/out.jsonl")
    assert (inside.code, "is in the job j" in inside.stderr) == (2, True)
    assert cli("report", "j").code == 2
    assert cli("report", "j", "--to", str(tmp_path / "r.html")).code == 0
    assert not cli.state.exists()
    head = Head.decoded(store.read(HEAD))
    assert head is not None
    assert (head.holder, KEY in store.read(HEAD).decode()) == ("", False)


def readme_commands() -> list[list[str]]:
    """Return the words of the commands in the README's section about machines that come and go."""
    text = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    section = text.partition("## On machines that come and go\n")[2].partition("\n## ")[0]
    lines = [line.partition("$ resumable ")[2] for line in section.splitlines() if "$ resumable " in line]
    return [shlex.split(line, comments=True) for line in lines]


def test_a_lost_machine_loses_no_page(cli: CommandLine, sim: Simulator, seaweed: ObjectStore, tmp_path: Path) -> None:
    """The README's commands: killed with its scratch folder, and finished by another, asking for no finished page."""
    state = cli.extra["RESUMABLE_STATE"]
    first, second = ([word.replace(README_STATE, state) for word in words] for words in readme_commands())
    sim.switch(latency=0.1)
    machine = tmp_path / "machine"
    machine.mkdir()
    cli.extra["TMPDIR"] = str(machine)
    process = cli.start(*first, "--page-size", "20", "--workers", "2")
    cli.pages_sent(process, least=4)
    process.send_signal(signal.SIGKILL)
    assert finished(process).code == -signal.SIGKILL
    shutil.rmtree(machine)
    cli.extra["TMPDIR"] = str(tmp_path)
    sim.switch(latency=0.0)
    assert cli.status("october")["state"] == "running"
    done = cli(*second, "--json")
    assert done.code == 0, done.stderr
    assert "waiting up to" in done.stderr
    assert done.json["records"] == 177
    assert sum(sim.log.pages().values()) <= 9 + 2
    assert cli("verify", "october").code == 0


def test_a_run_that_is_told_to_end_lets_go_of_the_job(
    cli: CommandLine, sim: Simulator, seaweed: ObjectStore, tmp_path: Path
) -> None:
    """SIGTERM: what is done is published, and another carries on at once."""
    sim.switch(latency=0.1)
    process = cli.start(*BACKFILL, "--workers", "1")
    cli.pages_sent(process, least=3)
    process.send_signal(signal.SIGTERM)
    ended = finished(process, seconds=20)
    assert ended.code == 143, ended.stderr
    head = Head.decoded(bucket(cli, seaweed).read(HEAD))
    assert head is not None
    assert head.holder == ""
    status = cli.status("j")
    assert (status["state"], status["pages"]["done"] >= 3) == ("interrupted", True)
    sim.switch(latency=0.0)
    done = cli("resume", "j", "--json")
    assert (done.code, done.json["records"], "waiting" in done.stderr) == (0, 177, False)
    assert sum(sim.log.pages().values()) == 9


@pytest.mark.long
def test_a_machine_that_was_stopped_finds_its_job_taken(cli: CommandLine, sim: Simulator, seaweed: ObjectStore) -> None:
    """SIGSTOP, another completes the job, SIGCONT: it ends with exit 7, and nothing of the job has changed."""
    sim.switch(latency=0.1)
    process = cli.start(*BACKFILL, "--workers", "2")
    cli.pages_sent(process, least=4)
    process.send_signal(signal.SIGSTOP)
    sim.switch(latency=0.0)
    done = cli("resume", "j")
    assert done.code == 0, done.stderr
    store = bucket(cli, seaweed)
    before = everything(store)
    process.send_signal(signal.SIGCONT)
    ended = finished(process)
    assert ended.code == 7, ended.stderr
    # A snapshot file of its own epoch may have come; nothing names it.
    assert {key: data for key, data in everything(store).items() if key in before} == before
    assert not [key for key in everything(store) if key not in before and not key.startswith("manifest/1-")]
    assert cli("verify", "j").code == 0


@pytest.mark.long
def test_an_outage_of_the_store_is_exit_5(cli: CommandLine, seaweed: ObjectStore, sim: Simulator) -> None:
    """What was recorded is safe, and the same command carries on once it answers."""
    with RelayProxy(seaweed.url) as proxy:
        cli.extra["AWS_ENDPOINT_URL"] = proxy.url
        parts = 0

        def rule(asked: Asked) -> Act:
            nonlocal parts
            parts += asked.method == "PUT" and "/parts/" in asked.path
            return Act.REFUSE if parts > 4 else Act.PASS

        proxy.rule = rule
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("resumable.storage.bucket_state.PATIENCE_SECONDS", 1.0)
            failed = cli(*BACKFILL, "--workers", "1")
        assert failed.code == 5, failed.stderr
        proxy.rule = lambda _: Act.PASS
        done = cli(*BACKFILL, "--json")
        assert (done.code, done.json["records"]) == (0, 177), done.stderr
    assert sum(sim.log.pages().values()) <= 9 + 1


@pytest.mark.long
@pytest.mark.parametrize("dataset", ["conversation-jobs", "conversations-pagecount", "users"])
def test_every_way_of_paging_works_on_a_bucket(dataset: str, cli: CommandLine, tmp_path: Path) -> None:
    """Server jobs, cursors, page counts and lists."""
    whole = () if dataset == "users" else RANGE
    done = cli("backfill", dataset, *whole, "--job", "k", "--json")
    assert done.code == 0, done.stderr
    assert cli("verify", "k").code == 0


def test_a_state_in_a_bucket_is_kept_small(cli: CommandLine, seaweed: ObjectStore) -> None:
    """What repairs moved away and older lists are pruned; a job is deleted, unless somebody is at work in it."""
    for name in ("old", "new"):
        assert cli("backfill", "users", "--job", name).code == 0
    assert cli(*BACKFILL).code == 0
    store = bucket(cli, seaweed)
    part = store.list("parts/window=20231002T000000Z")[0]
    store.save(part, b"damaged")
    assert cli("repair", "j").code == 0
    assert cli("prune", "--json").json["leftovers"] == []
    found = cli("prune", "--older-than", "0d", "--json").json["leftovers"]
    assert [(entry["job"], entry["path"].rpartition("/")[0]) for entry in found] == [
        ("j", f"{cli.extra['RESUMABLE_STATE']}/j/aside"),
        ("old", cli.extra["RESUMABLE_STATE"]),
    ]
    assert "removed: 2 leftovers" in cli("prune", "--older-than", "0d", "--yes").stderr
    assert [job["job"] for job in cli("jobs", "--json").json["jobs"]] == ["j", "new"]
    assert cli("verify", "j").code == 0
    assert everything(store, "aside") == {}
    asked = cli("delete", "j")
    assert (asked.code, "This would delete j, complete, 177 records" in asked.stderr) == (0, True), asked.stderr
    head = Head.decoded(store.read(HEAD))
    assert head is not None
    with held_by_another(store, head):
        assert cli("delete", "j", "--yes").code == 7
    assert cli("delete", "j", "--yes", "--json").json["deleted"] is True
    assert everything(store) == {}
    assert cli("delete", "j", "--yes").code == 2


def test_the_other_commands_work_on_a_bucket_or_say_why_not(cli: CommandLine) -> None:
    """Check, reconcile and describe as on a folder; a load wants a disk for what is under way, and says so."""
    assert cli(*BACKFILL).code == 0
    assert cli("check", "conversations").code == 0
    assert cli("describe", "conversations").code == 0
    # The small world of this test is not one whose aggregates are those of its details.
    reconciled = cli("reconcile", "j")
    assert (reconciled.code, "2023-10-03  nOffered" in reconciled.stdout) == (6, True), reconciled.stderr
    refused = cli("load", "j", "--to", "x.duckdb")
    assert (refused.code, "loads keep on a disk" in refused.stderr) == (2, True), refused.stderr


def test_the_parts_open_as_they_are(cli: CommandLine, seaweed: ObjectStore) -> None:
    """Where they lie: by the clients that pyarrow and Polars have themselves; DuckDB reads them through pyarrow."""
    import duckdb
    import polars as pl
    import pyarrow.dataset as ds
    from pyarrow.fs import S3FileSystem

    assert cli(*BACKFILL).code == 0
    at = seaweed.environment["AWS_ENDPOINT_URL"].removeprefix("http://")
    keys = {"access_key": KEY_ID, "secret_key": KEY}
    files = S3FileSystem(endpoint_override=at, scheme="http", region="us-east-1", **keys)
    place = cli.extra["RESUMABLE_STATE"].removeprefix("s3://") + "/j/parts"
    assert ds.dataset(place, filesystem=files, format="parquet").count_rows() == 177
    options = {name.lower(): value for name, value in seaweed.environment.items()} | {"aws_allow_http": "true"}
    counted = pl.scan_parquet(f"s3://{place}/**/*.parquet", storage_options=options).select(pl.len()).collect()
    assert counted.item() == 177
    with duckdb.connect() as db:
        db.register("parts", ds.dataset(place, filesystem=files, format="parquet"))
        counted_by_duckdb = db.execute("SELECT count(*), count(DISTINCT conversationId) FROM parts").fetchone()
    assert counted_by_duckdb == (177, 177)


@contextlib.contextmanager
def held_by_another(store: BucketStore, head: Head) -> Iterator[None]:
    """Let somebody else hold a job, and renew its lease all the time."""
    ended = threading.Event()

    def renew() -> None:
        while not ended.wait(0.1):
            store.save(HEAD, replace(head, holder="another", nonce=secrets.token_hex(4), life_seconds=6.0).encoded())

    store.save(HEAD, replace(head, holder="another", nonce="x", life_seconds=6.0).encoded())
    thread = threading.Thread(target=renew)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        store.save(HEAD, head.encoded())


def everything(store: BucketStore, prefix: str = "") -> dict[str, bytes]:
    """Return all objects."""
    found: dict[str, bytes] = {}
    for key in store.list(prefix):
        found.update({key: store.read(key)} if store.size(key) is not None else everything(store, key))
    return found
