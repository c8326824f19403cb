"""A job in a bucket: every command, from any machine, and what is left when a machine is lost with its disk."""

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from resumable.simulator.settings import SimSettings
from resumable.simulator.simulator import Simulator
from resumable.storage.bucket import BucketStore
from resumable.storage.lease import HEAD, Head
from tests.support.command_line import RANGE, CommandLine, finished
from tests.support.object_stores import KEY, ObjectStore, object_store

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
    assert cli("report", "j").code == 2
    assert cli("report", "j", "--to", str(tmp_path / "r.html")).code == 0
    assert not cli.state.exists()
    head = Head.decoded(store.read(HEAD))
    assert head is not None
    assert (head.holder, KEY in store.read(HEAD).decode()) == ("", False)


def test_a_lost_machine_loses_no_page(cli: CommandLine, sim: Simulator, seaweed: ObjectStore, tmp_path: Path) -> None:
    """Killed with its scratch folder, at once: another machine waits for the lease, and asks for no finished page."""
    sim.switch(latency=0.1)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    cli.extra["TMPDIR"] = str(scratch)
    process = cli.start(*BACKFILL, "--workers", "2")
    cli.pages_sent(process, least=4)
    process.send_signal(signal.SIGKILL)
    assert finished(process).code == -signal.SIGKILL
    cli.extra["TMPDIR"] = str(tmp_path)
    sim.switch(latency=0.0)
    assert cli.status("j")["state"] == "running"
    done = cli("resume", "j", "--json")
    assert done.code == 0, done.stderr
    assert "waiting up to" in done.stderr
    assert done.json["records"] == 177
    assert sum(sim.log.pages().values()) <= 9 + 2
    assert cli("verify", "j").code == 0
    assert json.loads(bucket(cli, seaweed).read("receipt.json"))["records"] == 177
