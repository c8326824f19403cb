"""`verify` from the command to the exit code: what is found goes to stdout, everything else to stderr."""

import io
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from resumable.cli.commands import verify
from resumable.cli.main import run
from resumable.clock import SystemClock
from resumable.simulator.faults.faults import FaultKind, Match, SimFault
from resumable.simulator.settings import Style
from resumable.simulator.simulator import Simulator
from resumable.storage.lock import hold
from tests.support.command_line import RANGE, CommandLine

BACKFILL = ("backfill", "conversations", *RANGE, "--job", "j")


@pytest.fixture
def cli(simulated: Callable[..., Simulator], tmp_path: Path) -> CommandLine:
    """Return a command line with a simulator of three pages a day, of small records."""
    return CommandLine(sim=simulated(style=Style.SMALL), state=tmp_path / "state")


@pytest.fixture
def made(cli: CommandLine) -> CommandLine:
    """A command line with a complete job of nine pages."""
    assert cli(*BACKFILL).code == 0
    return cli


def part(cli: CommandLine, day: int, number: int) -> Path:
    """Return where a part is."""
    return cli.state / "j" / "parts" / f"window=2023100{day}T000000Z" / f"page-{number:05d}.parquet"


@pytest.mark.parametrize(
    ("flags", "how"), [((), "every byte"), (("--quick",), "size and footer of every part")], ids=["full", "quick"]
)
def test_a_whole_job_ends_with_0_and_says_what_was_checked(made: CommandLine, flags: tuple[str, ...], how: str) -> None:
    """Stdout holds nothing; the closing line names windows, pages and how they were looked at."""
    outcome = made("verify", "j", *flags)
    assert (outcome.code, outcome.stdout) == (0, "")
    assert "verified: 3 windows, 9 pages, " in outcome.stderr
    assert f"{how} checked; no faults." in outcome.stderr
    assert "exit 0" in outcome.stderr


def test_the_only_job_needs_no_name(made: CommandLine) -> None:
    """As for a status."""
    assert made("verify").code == 0
    assert made("backfill", "queues").code == 0
    outcome = made("verify")
    assert outcome.code == 2
    assert "resumable verify j" in outcome.stderr


def test_each_fault_is_a_line_on_stdout_and_the_code_is_6(made: CommandLine) -> None:
    """With its kind, its page, what is wrong, and the command that mends it."""
    part(made, 1, 2).unlink()
    part(made, 3, 1).write_bytes(b"nothing like a part")
    outcome = made("verify", "j")
    assert outcome.code == 6
    lines = outcome.stdout.splitlines()
    assert lines[0] == (
        "missing: 2023-10-01 page 2: it is recorded done, and its part is not there. Repair: resumable repair j"
    )
    assert lines[1].startswith("size: 2023-10-03 page 1: its part has 19 bytes, and ")
    assert len(lines) == 2
    assert "error: 2 faults in the job j: 1 missing, 1 size." in outcome.stderr
    assert "Repair it with: resumable repair j" in outcome.stderr
    assert "are safe" not in outcome.stderr
    assert "exit 6" in outcome.stderr


def test_json_is_one_object_whatever_is_found(made: CommandLine) -> None:
    """The report, the findings, and the error where there is one."""
    whole = made("verify", "--json").json
    assert (whole["job"], whole["faults"], whole["findings"], whole["flaws"]) == ("j", 0, [], {})
    assert (whole["windows"], whole["pages"], whole["complete"], whole["quick"]) == (3, 9, True, False)
    assert "error" not in whole
    part(made, 1, 2).unlink()
    outcome = made("verify", "--json")
    assert outcome.code == 6
    assert outcome.json["flaws"] == {"missing": 1}
    assert [finding["page"] for finding in outcome.json["findings"]] == [2]
    assert outcome.json["error"]["exit_code"] == 6
    assert outcome.json["error"]["code"] == "verification"


def test_json_holds_a_bounded_list_and_every_count(made: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    """A job with a million faults is no list of a million."""
    monkeypatch.setattr(verify, "LISTED", 3)
    for day in (1, 2, 3):
        part(made, day, 1).unlink()
        part(made, day, 2).unlink()
    answer = made("verify", "--json").json
    assert (answer["faults"], answer["flaws"], len(answer["findings"])) == (6, {"missing": 6}, 3)
    assert len(made("verify").stdout.splitlines()) == 6


@pytest.mark.parametrize("how", ["lost", "zeroed", "torn"])
def test_a_manifest_that_is_no_more_is_exit_8_with_what_mends_it(made: CommandLine, how: str) -> None:
    """Lost or damaged: one clear error, on the terminal and in JSON."""
    path = made.state / "j" / "manifest.sqlite"
    good = path.read_bytes()
    path.unlink()
    if how != "lost":
        path.write_bytes(good[:100] + bytes(4000) + good[4100:] if how == "zeroed" else good[: len(good) // 2])
    outcome = made("verify", "j")
    assert outcome.code == 8
    assert "resumable repair j" in outcome.stderr
    assert made("verify", "j", "--json").json["error"]["exit_code"] == 8


def test_missing_pages_of_an_incomplete_job_are_said_and_no_fault(cli: CommandLine) -> None:
    """The code is 0: what is there is what was recorded."""
    cli.sim.inject(
        SimFault(
            kind=FaultKind.STATUS, status=400, on=Match(window="2023-10-02T00:00:00.000Z/", pages=(3,)), times=None
        )
    )
    assert cli(*BACKFILL).code == 3
    outcome = cli("verify", "j")
    assert (outcome.code, outcome.stdout) == (0, "")
    assert "the job is not complete: 1 of 3 windows are not, the first is 2023-10-02" in outcome.stderr
    assert "resumable resume j" in outcome.stderr
    assert cli("verify", "j", "--json").json["complete"] is False


def test_a_job_that_another_process_runs_is_exit_7(made: CommandLine) -> None:
    """At once, and it says who."""
    with hold(made.state / "j" / "lock", job="j", now=SystemClock().now()):
        outcome = made("verify", "j")
    assert outcome.code == 7
    assert f"pid {os.getpid()}" in outcome.stderr


def test_online_counts_and_says_so(made: CommandLine) -> None:
    """One request a window, at most as many a minute as the flag allows."""
    sent = sum(made.sim.log.pages().values())
    outcome = made("verify", "j", "--online", "--rate", "6000", "--workers", "2")
    assert outcome.code == 0
    assert "3 windows counted by the server; no faults." in outcome.stderr
    assert sum(made.sim.log.pages().values()) == sent + 3
    assert made("verify", "j", "--online", "--json").json["counted"] == 3


def test_a_server_that_counts_otherwise_is_exit_6(made: CommandLine) -> None:
    """With the command that takes the window again."""
    made.sim.inject(SimFault(kind=FaultKind.TOTAL_BY, on=Match(window="2023-10-02T00:00:00.000Z/"), times=None, by=1))
    outcome = made("verify", "j", "--online")
    assert outcome.code == 6
    assert outcome.stdout.startswith("server: 2023-10-02: the server counts 251 records now, and 250 are stored.")
    assert "--look-back" in outcome.stdout


def test_a_server_that_does_not_answer_is_exit_3(made: CommandLine) -> None:
    """The job is as it should be, and the question is open."""
    made.sim.inject(
        SimFault(kind=FaultKind.STATUS, status=400, on=Match(window="2023-10-02T00:00:00.000Z/"), times=None)
    )
    outcome = made("verify", "j", "--online")
    assert outcome.code == 3
    assert "the server did not answer for 1 window" in outcome.stderr
    assert "2023-10-02: HTTP 400" in outcome.stderr
    assert made("verify", "j", "--online", "--json").json["unanswered"]


def test_without_online_neither_credentials_nor_a_server_are_needed(
    made: CommandLine, simulated: Callable[..., Simulator]
) -> None:
    """The files are enough."""
    sent = len(made.sim.log)
    made.extra = {"GENESYS_CLIENT_ID": "", "GENESYS_CLIENT_SECRET": "", "GENESYS_API_URL": "", "GENESYS_LOGIN_URL": ""}
    assert made("verify", "j").code == 0
    assert len(made.sim.log) == sent


def test_progress_is_a_line_now_and_then(made: CommandLine) -> None:
    """Where nothing can be redrawn."""
    made.extra = {"RESUMABLE_PROGRESS_SECONDS": "0.05"}
    with closing(sqlite3.connect(made.state / "j" / "manifest.sqlite")) as database:
        assert database.execute("SELECT count(*) FROM page").fetchone() == (9,)
    ticks = iter(range(10_000))

    class Slow(SystemClock):
        def monotonic(self) -> float:
            return float(next(ticks))

    stdout, stderr = io.StringIO(), io.StringIO()
    assert run(["verify", "j"], stdout=stdout, stderr=stderr, environment=made.environment, clock=Slow()) == 0
    lines = [line for line in stderr.getvalue().splitlines() if "j  " in line]
    assert any(" %, 5 / 9 pages, 1 / 3 windows, " in line and "0 faults" in line for line in lines)


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """Say so."""
        return True


def test_a_terminal_gets_a_bar_that_is_taken_away_again(made: CommandLine) -> None:
    """It is drawn over itself, and never mixed with the findings."""
    part(made, 1, 2).unlink()
    ticks = iter(range(10_000))

    class Slow(SystemClock):
        def monotonic(self) -> float:
            return float(next(ticks))

    both = Terminal()
    environment = {**made.environment, "TERM": "xterm"}
    assert run(["verify", "j"], stdout=both, stderr=both, environment=environment, clock=Slow()) == 6
    text = both.getvalue()
    assert "\r\x1b[Kj  ####" in text
    assert "\r\x1b[Kmissing: 2023-10-01 page 2" in text
    assert not any("###" in line.rsplit("\r\x1b[K", 1)[-1] for line in text.split("\n"))
