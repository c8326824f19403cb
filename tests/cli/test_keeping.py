"""Keeping house: what goes is named before it goes, and nothing else does."""

import os
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from resumable.simulator.simulator import Simulator
from resumable.storage.lock import hold
from tests.support.command_line import RANGE, CommandLine, finished

BEGIN = ("backfill", "conversations", *RANGE, "--job", "j")


def test_a_job_is_deleted_once_that_is_confirmed(cli: CommandLine) -> None:
    """Without --yes it is only described, with the command to type; then its folder is gone and others stay."""
    assert cli(*BEGIN).code == 0
    assert cli("backfill", "users", "--job", "u").code == 0
    asked = cli("delete", "j")
    assert asked.code == 0
    assert "This would delete j, complete, 750 records" in asked.stderr
    assert "resumable delete j --yes" in asked.stderr
    assert (cli.state / "j").exists()
    deleted = cli("delete", "j", "--yes", "--json")
    assert deleted.json["deleted"] is True
    assert sorted(path.name for path in cli.state.iterdir() if path.is_dir() and path.name[0] != ".") == ["u"]
    assert cli("delete", "j", "--yes").code == 2


def test_a_damaged_job_is_deleted_and_one_at_work_is_not(cli: CommandLine) -> None:
    """A manifest that cannot be read is no reason to stay; a process that holds the lock is."""
    assert cli(*BEGIN).code == 0
    (cli.state / "j" / "manifest.sqlite").write_bytes(b"damaged")
    with hold(cli.state / "j" / "lock", job="j", now=datetime.now(UTC)):
        assert cli("delete", "j", "--yes").code == 7
        assert (cli.state / "j" / "parts").exists()
    assert cli("delete", "j", "--yes").code == 0
    assert not (cli.state / "j").exists()


def test_what_no_job_needs_is_removed_and_nothing_else(cli: CommandLine) -> None:
    """Files that a repair moved away, an older list of the same, and remains of a deletion; once they are so old."""
    assert cli(*BEGIN).code == 0
    next(cli.job("j").files()).write_bytes(b"damaged")
    assert cli("repair", "j").code == 0
    for name in ("old", "new"):
        assert cli("backfill", "users", "--job", name).code == 0
    (cli.state / ".deleted-x").mkdir()
    assert [found["job"] for found in cli("prune", "--json").json["leftovers"]] == [".deleted-x"]
    (aside,) = (cli.state / "j" / "aside").iterdir()
    long_ago = (datetime.now(UTC) - timedelta(days=40)).timestamp()
    os.utime(aside, (long_ago, long_ago))
    found = cli("prune", "--older-than", "0d", "--json").json
    assert [entry["job"] for entry in found["leftovers"]] == [".deleted-x", "j", "old"]
    assert found["removed"] == 0
    assert aside.exists()
    assert cli("prune", "--json").json["leftovers"][1]["path"] == str(aside)
    assert "removed: 3 leftovers" in cli("prune", "--older-than", "0d", "--yes").stderr
    assert not aside.exists()
    assert cli("verify", "j").code == 0
    assert [job["job"] for job in cli("jobs", "--json").json["jobs"]] == ["j", "new"]


def test_a_name_that_is_nearly_right_is_named(cli: CommandLine) -> None:
    """Every command that wants a job says which one may have been meant."""
    assert cli("backfill", "users", "--job", "october").code == 0
    for command in ("status", "verify", "resume", "report", "delete", "repair"):
        outcome = cli(command, "octobre")
        assert outcome.code == 2
        assert "there is no job octobre; did you mean october" in outcome.stderr, command


def test_one_damaged_job_is_not_in_the_way_of_others(cli: CommandLine) -> None:
    """Lists, the only unfinished job, leftovers and a tab work beside a manifest that cannot be read."""
    assert cli(*BEGIN, "--max-requests", "3", "--workers", "1").code == 3
    assert cli("backfill", "users", "--job", "a").code == 0
    (cli.state / "a" / "manifest.sqlite").write_bytes(b"damaged")
    assert cli("jobs").code == 0
    assert cli("prune").code == 0
    assert cli("check", "users").code == 0
    assert cli("resume").code == 0


def test_waiting_ends_with_the_run_and_says_how_it_ended(simulated: Callable[..., Simulator], tmp_path: Path) -> None:
    """`status --wait` ends once nobody runs the job: 0 where it is complete, else 3 with what to type."""
    cli = CommandLine(sim=simulated(latency=0.1), state=tmp_path / "state")
    assert cli(*BEGIN, "--max-requests", "3", "--workers", "1").code == 3
    waited = cli("status", "j", "--wait")
    assert waited.code == 3
    assert "resumable resume j" in waited.stderr
    process = cli.start("resume", "j")
    cli.requests_sent(process, least=len(cli.sim.log) + 2)
    ended: list[int] = []
    thread = threading.Thread(target=lambda: ended.append(cli("status", "j", "--wait").code))
    thread.start()
    assert finished(process).code == 0
    thread.join(30)
    assert ended == [0]
