"""At the edges of the command line: state folders of every kind, jobs that were moved, commands that change nothing."""

import json
import os
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
import typer

from resumable.cli.complete import complete_job
from resumable.simulator.faults.faults import FaultKind, Match, SimFault
from tests.support.command_line import RANGE, CommandLine

BACKFILL = ("backfill", "conversations", *RANGE, "--job", "b")
QUEUE = "00000000-0000-4000-8000-000000000001"


def whole(folder: Path) -> dict[str, bytes]:
    """Return every file of a job, but for its lock, which names who looked last."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "lock"
    }


@pytest.mark.parametrize(
    "other",
    [
        ("--queue", QUEUE, "--look-back", "3000d"),
        ("--page-size", "7", "--look-back", "3000d"),
        ("--window", "12h", "--look-back", "3000d"),
        ("--from", "2023-09-30", "--look-back", "3000d"),
        ("--to", "2023-10-09", "--queue", QUEUE, "--look-back", "3000d"),
    ],
)
def test_a_look_back_with_another_query_changes_nothing(cli: CommandLine, other: tuple[str, ...]) -> None:
    """It is compared first: exit 2 with the difference, nothing asked for, every byte of the job as it was."""
    assert cli(*BACKFILL).code == 0
    before, requests = whole(cli.state / "b"), len(cli.sim.log)
    outcome = cli(*BACKFILL, *other)
    assert outcome.code == 2
    assert "exists, with another query" in outcome.stderr
    assert whole(cli.state / "b") == before
    assert len(cli.sim.log) == requests
    assert cli("status", "b", "--json").json["state"] == "complete"


@pytest.mark.parametrize("address", ["file:///tmp/x", "ftp://h/x", "S3:/x", "s3:bucket"])
def test_an_address_that_is_no_buckets_is_refused_by_every_command(
    cli: CommandLine, tmp_path: Path, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit 2, as an option and in the environment; no folder is made that is called like its beginning."""
    monkeypatch.chdir(tmp_path)
    for command in (BACKFILL, ("resume",), ("status",), ("jobs",), ("verify", "b"), ("export", "b", "--to", "x.csv")):
        assert cli(*command, "--state", address).code == 2, command
    cli.extra["RESUMABLE_STATE"] = address
    assert cli(*BACKFILL).code == 2
    assert list(tmp_path.iterdir()) == []
    assert len(cli.sim.log) == 0


def test_the_sign_of_the_home_folder_is_the_home_folder(
    cli: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As an option, where a shell leaves it, and in the environment."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "home").mkdir()
    assert cli(*BACKFILL, "--state", "~/of/mine").code == 0
    assert (tmp_path / "home" / "of" / "mine" / "b" / "receipt.json").is_file()
    cli.extra["RESUMABLE_STATE"] = "~/of/mine"
    assert cli("status", "b").code == 0
    assert not (tmp_path / "~").exists()


@pytest.mark.parametrize("hops", [1, 2])
def test_a_state_folder_through_links_works_the_first_time(cli: CommandLine, tmp_path: Path, hops: int) -> None:
    """A link to it, or to the folder that it is to be made in: no exit 5 that is gone the second time."""
    (tmp_path / "real").mkdir()
    (tmp_path / "link-1").symlink_to(tmp_path / "real")
    (tmp_path / "link-2").symlink_to(tmp_path / "link-1" / "inside")
    (tmp_path / "real" / "inside").mkdir()
    for number, state in enumerate([tmp_path / f"link-{hops}", tmp_path / f"link-{hops}" / "new" / "state"]):
        outcome = cli(*BACKFILL[:-1], f"b{number}", "--state", str(state))
        assert outcome.code == 0, outcome.stderr
        assert cli("verify", f"b{number}", "--state", str(state)).code == 0


def test_a_job_that_was_moved_is_called_by_its_folder(cli: CommandLine) -> None:
    """In `jobs`, `status`, hints and its receipt; it verifies clean, and goes on under its new name."""
    assert cli(*BACKFILL, "--max-requests", "2").code == 3
    shutil.move(cli.state / "b", cli.state / "moved")
    assert [job["job"] for job in cli("jobs", "--json").json["jobs"]] == ["moved"]
    status = cli("status")
    assert "moved" in status.stdout
    assert "resumable resume moved" in status.stdout
    outcome = cli("resume")
    assert outcome.code == 0, outcome.stderr
    assert json.loads((cli.state / "moved" / "receipt.json").read_text())["job"] == "moved"
    shutil.move(cli.state / "moved", cli.state / "again")
    assert cli("status", "again", "--json").json["receipt"]["job"] == "again"
    assert cli("verify", "again").code == 0
    assert "complete already" in cli("resume", "again").stderr
    assert not (cli.state / "b").exists()


def test_a_state_folder_that_is_not_utf8_is_a_usage_error(cli: CommandLine, tmp_path: Path) -> None:
    """Exit 2, no traceback, nothing made."""
    name = os.fsdecode(bytes(tmp_path) + b"/st\xff")
    outcome = cli(*BACKFILL, "--state", name)
    assert outcome.code == 2
    assert "is not UTF-8" in outcome.stderr
    assert list(tmp_path.iterdir()) == []


def damage(job: Path) -> None:
    """Let a job's manifest be no manifest any more."""
    (job / "manifest.sqlite").write_bytes(b"not a manifest" * 1000)


@pytest.mark.parametrize("broken", ["a-first", "z-last"])
def test_one_broken_job_breaks_nothing_of_the_others(cli: CommandLine, tmp_path: Path, broken: str) -> None:
    """`resume` without a name, `jobs`, `export --names` and completion go on, and it is named on its own line."""
    assert cli("backfill", "queues", "--job", broken).code == 0
    assert cli("backfill", "queues", "--job", "lists").code == 0
    assert cli(*BACKFILL, "--max-requests", "2").code == 3
    damage(cli.state / broken)
    listed = cli("jobs")
    assert listed.code == 0
    assert f"{broken}  cannot be read" in listed.stdout
    resumed = cli("resume")
    assert resumed.code == 0, resumed.stderr
    assert f"{broken} cannot be read" in resumed.stderr
    assert f"resumable repair {broken}" in resumed.stderr
    again = cli("resume")
    assert again.code == 2
    assert "of those that can be read" in again.stderr
    exported = cli("export", "b", "--to", str(tmp_path / "x.csv"), "--table", "segments", "--names", "--json")
    assert exported.code == 0, exported.stderr
    assert exported.json["names_from"] == ["lists"]
    assert f"no names from {broken}" in exported.stderr


def test_completion_offers_the_jobs_around_a_broken_one(cli: CommandLine) -> None:
    """After a tab the broken one is offered too: it can be repaired."""
    for name in ("a", "m", "z"):
        assert cli("backfill", "queues", "--job", name).code == 0
    damage(cli.state / "m")
    ctx = cast("typer.Context", SimpleNamespace(params={"state": str(cli.state)}))
    assert complete_job(ctx, "") == [("a", "complete"), ("m", "unusable"), ("z", "complete")]


def test_the_only_job_that_is_broken_says_what_is_wrong(cli: CommandLine) -> None:
    """`resume` without a name then ends with that: exit 8 and the command that repairs it."""
    assert cli("backfill", "queues", "--job", "m").code == 0
    damage(cli.state / "m")
    outcome = cli("resume")
    assert outcome.code == 8
    assert "resumable repair m" in outcome.stderr


def test_a_job_that_does_not_complete_says_since_when(cli: CommandLine) -> None:
    """Exit 3 names the first run that did not complete it and how many there were; `status` and JSON say so too."""
    cli.sim.inject(SimFault(kind=FaultKind.STATUS, status=400, times=None, on=Match(pages=(2,))))
    for runs in (1, 2, 3):
        outcome = cli(*BACKFILL, "--json")
        assert outcome.code == 3
        assert outcome.json["error"]["incomplete"]["runs"] == runs
        assert f"after {runs} run" in outcome.stderr
        assert ("it may never be, by itself" in outcome.stderr) is (runs == 3)
    status = cli("status", "b", "--json").json
    assert {**status["incomplete"], "look": True} == outcome.json["error"]["incomplete"]
    assert status["last_failure"]["status"] == 400
    assert status["last_failure"]["correlation_id"]
    assert status["last_failure"]["correlation_id"] in cli("status", "b").stdout
    log = cli(*BACKFILL, "--log-json").stderr.splitlines()
    (line,) = [line for line in log if '"event": "error"' in line]
    assert '"runs": 4' in line
    assert status["last_failure"]["correlation_id"] not in line
    assert "correlation id" in "".join(log)
    cli.sim.clear_faults()
    assert cli(*BACKFILL).code == 0
    status = cli("status", "b", "--json").json
    assert status["incomplete"] is None
