"""`export` from the command to the exit code: what is said, what is refused, and what goes to stdout."""

import csv
import io
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from resumable.simulator.faults.faults import FaultKind, Match, SimFault
from resumable.simulator.messages import Kind
from resumable.simulator.settings import Style
from resumable.simulator.simulator import Simulator
from tests.support.command_line import RANGE, CommandLine, finished

DAYS = 3
ROWS = DAYS * 250
LAST_DAY = Match(kinds=(Kind.CONVERSATIONS,), window="2023-10-03T00:00:00.000Z/")


@pytest.fixture
def made(simulated: Callable[..., Simulator], tmp_path: Path) -> CommandLine:
    """A command line with a complete job of three days."""
    cli = CommandLine(sim=simulated(style=Style.SMALL), state=tmp_path / "state")
    assert cli("backfill", "conversations", *RANGE, "--job", "j").code == 0
    return cli


def test_an_export_says_what_is_in_it_and_the_second_that_nothing_changed(made: CommandLine, tmp_path: Path) -> None:
    """One paragraph on stderr with the rows and the place, exit 0; a run ends with the command that makes it."""
    first = made("export", "j", "--to", str(tmp_path / "out"))
    assert first.code == 0
    assert first.stdout == ""
    assert f"exported: {ROWS} conversations to {tmp_path / 'out'}" in " ".join(first.stderr.split())
    again = made("export", "--to", str(tmp_path / "out"))
    assert "nothing had changed" in again.stderr
    assert "resumable export j --to j.parquet" in made("resume", "j").stderr


def test_an_export_in_json_has_its_documented_members(made: CommandLine, tmp_path: Path) -> None:
    """One object on stdout, with what was written and what was not."""
    found = made("export", "j", "--to", str(tmp_path / "out.csv"), "--json").json
    assert found == {
        "job": "j",
        "to": str(tmp_path / "out.csv"),
        "format": "csv",
        "table": "conversations",
        "rows": ROWS,
        "records": ROWS,
        "duplicates": 0,
        "days": {"written": DAYS, "unchanged": 0},
        "missing": [],
        "names_from": [],
        "unreadable": [],
        "worker_bytes": None,
    }


def test_records_go_to_stdout_as_the_server_sent_them(made: CommandLine) -> None:
    """A line of JSON each, and nothing else; as CSV with --format."""
    lines = made("export", "j", "--to", "-").stdout.rstrip("\n").split("\n")
    truth = made.sim.truth("2023-10-01T00:00:00Z/2023-10-04T00:00:00Z")
    assert {json.loads(line)["conversationId"] for line in lines} == set(truth.ids)
    rows = list(csv.DictReader(io.StringIO(made("export", "j", "--to", "-", "--format", "csv").stdout)))
    assert {row["conversationId"] for row in rows} == set(truth.ids)


def test_a_reader_that_has_seen_enough_may_leave(made: CommandLine) -> None:
    """As `head` does: the export ends in good order, without a word."""
    process = made.start("export", "j", "--to", "-", stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()
    process.stdout = None
    outcome = finished(process)
    assert outcome.code in (0, 141), outcome.stderr
    assert "Traceback" not in outcome.stderr


WRONG = [
    (("--to", "out.xls"), "stands for no format"),
    (("--to", "out", "--format", "excel"), "--format is one of"),
    (("--to", "-", "--format", "parquet"), "cannot go to stdout"),
    (("--to", "-", "--json"), "both want stdout"),
    (("--to", "nowhere/out"), "mkdir -p"),
    (("--to", "out", "--table", "sesions"), "sessions"),
    ((), "--to"),
]


@pytest.mark.parametrize(("arguments", "says"), WRONG)
def test_what_cannot_be_exported_so_is_a_usage_error(
    arguments: tuple[str, ...], says: str, made: CommandLine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It says what can, and writes nothing."""
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.iterdir())
    outcome = made("export", "j", *arguments)
    assert outcome.code == 2, outcome.stderr
    assert says in " ".join(outcome.stderr.split())
    assert sorted(tmp_path.iterdir()) == before


def test_a_job_that_is_not_complete_is_exported_only_when_told_to(
    simulated: Callable[..., Simulator], tmp_path: Path
) -> None:
    """It names what is missing and how to get it: exit 3; with --partial what is whole is exported."""
    cli = CommandLine(sim=simulated(style=Style.SMALL), state=tmp_path / "state")
    cli.sim.inject(SimFault(kind=FaultKind.STATUS, status=403, on=LAST_DAY, times=None))
    assert cli("backfill", "conversations", *RANGE, "--job", "j", "--workers", "1").code != 0
    refused = cli("export", "j", "--to", str(tmp_path / "out"))
    assert refused.code == 3
    assert "2023-10-03: not begun" in " ".join(refused.stderr.split())
    assert "--partial" in refused.stderr
    assert not (tmp_path / "out").exists()
    partial = cli("export", "j", "--to", str(tmp_path / "out"), "--partial")
    assert partial.code == 0
    assert "not in it: 2023-10-03" in partial.stderr
