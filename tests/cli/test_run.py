"""Backfill, resume, status and jobs, from the command to the exit code."""

import os
import socket
import sqlite3
from collections.abc import Callable
from contextlib import closing

import pytest

from resumable.cli import run_command
from resumable.clock import SystemClock
from resumable.simulator.faults.faults import FaultKind, Match, SimFault
from resumable.simulator.messages import Kind
from resumable.simulator.simulator import Simulator
from resumable.storage.lock import hold
from tests.support.command_line import RANGE, SECRET, CommandLine

BACKFILL = ("backfill", "conversations", *RANGE, "--job", "j")


def test_a_backfill_ends_complete_and_says_what_to_do_with_it(cli: CommandLine) -> None:
    """The closing words name the figures, the receipt and a line to try; stdout holds nothing."""
    outcome = cli(*BACKFILL)
    assert outcome.code == 0, outcome.stderr
    assert outcome.stdout == ""
    assert "complete: 3 windows, 9 pages, 750 records" in outcome.stderr
    assert str(cli.state / "j" / "receipt.json") in outcome.stderr
    assert "duckdb" in outcome.stderr


def test_a_complete_job_sends_no_request(cli: CommandLine) -> None:
    """Both the same command and a resume see that nothing is left."""
    assert cli(*BACKFILL).code == 0
    sent = len(cli.sim.log)
    again, resumed = cli(*BACKFILL), cli("resume", "j")
    assert (again.code, resumed.code) == (0, 0)
    assert "complete already" in again.stderr
    assert len(cli.sim.log) == sent


def test_a_job_that_was_killed_while_it_was_closed_says_what_takes_so_long(
    cli: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With all pages there and no receipt, the next run looks at them all, and says so first."""
    assert cli(*BACKFILL).code == 0
    with closing(sqlite3.connect(cli.state / "j" / "manifest.sqlite", isolation_level=None)) as manifest:
        manifest.execute("UPDATE job SET state = 'running'")
    monkeypatch.setattr(run_command, "MANY_PAGES", 9)
    outcome = cli(*BACKFILL)
    assert outcome.code == 0, outcome.stderr
    assert "closing: looking at 9 pages to write the receipt" in outcome.stderr
    assert "looking at" not in cli(*BACKFILL).stderr


def test_status_in_json_has_the_documented_members(cli: CommandLine) -> None:
    """What DESIGN names is there, with these types."""
    assert cli(*BACKFILL).code == 0
    status = cli("status", "j", "--json").json
    assert (status["job"], status["dataset"], status["state"]) == ("j", "conversations", "complete")
    assert status["windows"] == {"total": 3, "done": 3}
    assert status["pages"] == {"known": 9, "expected": 9, "done": 9, "quarantined": 0}
    assert status["records"] == 750
    asked = cli.sim.log.count(Kind.CONVERSATIONS, Kind.ORGANISATION)
    assert status["requests"] == asked == 10, "nine pages, and once whose data it is"
    for name in ("bytes", "retries", "rate_limited", "token_refreshes"):
        assert isinstance(status[name], int)
    assert status["started_at"] <= status["updated_at"]
    assert status["problems"] == []


def test_a_backfill_in_json_prints_the_status(cli: CommandLine) -> None:
    """Of a run that succeeds, stdout holds what `status --json` prints, and nothing else."""
    outcome = cli(*BACKFILL, "--json")
    assert outcome.json["state"] == "complete"
    assert outcome.json == cli("status", "--json").json


def test_status_without_a_name_takes_the_only_job(cli: CommandLine) -> None:
    """With one job in the state folder there is nothing to choose."""
    assert cli(*BACKFILL).code == 0
    assert cli("status").stdout.startswith("j  complete")
    assert cli("backfill", "queues").code == 0
    assert cli("status").code == 2


def test_jobs_lists_every_job_even_beside_a_broken_one(cli: CommandLine) -> None:
    """A manifest that cannot be read is listed as such, and hides no other."""
    assert cli("jobs").code == 0
    assert cli(*BACKFILL).code == 0
    (cli.state / "broken").mkdir()
    (cli.state / "broken" / "manifest.sqlite").write_bytes(b"no manifest" * 1000)
    outcome = cli("jobs")
    assert outcome.code == 0
    assert "j " in outcome.stdout
    assert "broken" in outcome.stdout
    states = {job["job"]: job["state"] for job in cli("jobs", "--json").json["jobs"]}
    assert states == {"j": "complete", "broken": "unusable"}


def test_quarantined_pages_are_named_and_taken_by_the_next_run(cli: CommandLine) -> None:
    """Exit 3 names window, page and reason; once the fault has gone, resume without a name ends complete."""
    cli.sim.inject(
        SimFault(
            kind=FaultKind.STATUS, status=404, on=Match(pages=(2,), window="2023-10-02T00:00:00.000Z/"), times=None
        )
    )
    outcome = cli(*BACKFILL, "--json")
    assert outcome.code == 3
    assert "incomplete: " in outcome.stderr
    assert "2023-10-02 page 2" in outcome.stderr
    assert "resumable resume j" in outcome.stderr
    assert outcome.json["error"]["code"] == "incomplete"
    problems = outcome.json["status"]["problems"]
    assert outcome.json["status"]["pages"] == {"known": 9, "expected": 9, "done": 8, "quarantined": 1}, problems
    assert "404" in cli("status", "j").stdout
    cli.sim.clear_faults()
    assert cli("resume").code == 0
    assert cli("status", "j", "--json").json["problems"] == []


def test_a_locked_job_is_refused_naming_who_holds_it(cli: CommandLine) -> None:
    """Exit 7 names pid and host of the other process."""
    cli.sim.inject(SimFault(kind=FaultKind.STATUS, status=404, on=Match(pages=(2,)), times=None))
    assert cli("backfill", "conversations", *RANGE, "--job", "k").code == 3
    clock = SystemClock()
    with hold(cli.state / "k" / "lock", job="k", now=clock.now()):
        outcome = cli("resume", "k")
    assert outcome.code == 7
    assert str(os.getpid()) in outcome.stderr
    assert socket.gethostname() in outcome.stderr


def test_a_wrong_secret_is_an_authentication_error_that_shows_none(cli: CommandLine) -> None:
    """Exit 4 names the host and the variables, and the secret is nowhere: not on the screen, not on the disk."""
    cli.extra = {"GENESYS_CLIENT_SECRET": SECRET}
    outcome = cli(*BACKFILL, "--json", "--debug")
    assert outcome.code == 4
    assert "127.0.0.1" in outcome.stderr
    assert "GENESYS_CLIENT_SECRET" in outcome.stderr
    assert outcome.json["error"]["code"] == "authentication"
    written = b"".join(path.read_bytes() for path in cli.state.rglob("*") if path.is_file())
    for text in (outcome.stdout, outcome.stderr, written.decode("latin-1")):
        assert SECRET not in text


def test_a_range_without_records_says_what_to_look_at(cli: CommandLine, simulated: Callable[..., Simulator]) -> None:
    """No data found is no failure, and names the range and the filters."""
    queue = "00000000-0000-4000-8000-00000000dead"
    outcome = cli(*BACKFILL, "--queue", queue)
    assert outcome.code == 0
    assert "no data found" in outcome.stderr
    assert "2023-10-01 .. 2023-10-04" in outcome.stderr
    assert queue in outcome.stderr


def test_a_time_limit_ends_a_run_cleanly(cli: CommandLine, simulated: Callable[..., Simulator]) -> None:
    """After --max-duration the exit code is 3, and the job is interrupted, not given up."""
    cli.sim = simulated(latency=0.3, records=1000)
    outcome = cli("backfill", "conversations", "--from", "2023-10-01", "--to", "2023-12-01", "--max-duration", "1s")
    assert outcome.code == 3
    assert "the time allowed is up" in outcome.stderr
    assert cli("status", "--json").json["state"] == "interrupted"


@pytest.mark.parametrize("most", [2, 3])
def test_a_limit_of_requests_ends_a_run_cleanly(most: int, cli: CommandLine) -> None:
    """Just --max-requests are sent for data, the exit code is 3, and the same command carries on to the end."""
    runs = [cli(*BACKFILL, "--max-requests", str(most))]
    assert cli.sim.log.count(Kind.CONVERSATIONS) == most
    sent = cli.sim.log.count(Kind.CONVERSATIONS, Kind.ORGANISATION)
    assert runs[0].code == 3
    assert "the requests allowed are used up" in runs[0].stderr
    status = cli("status", "--json").json
    assert (status["state"], status["requests"]) == ("interrupted", sent)
    while runs[-1].code == 3 and len(runs) < 50:
        runs.append(cli(*BACKFILL, "--max-requests", str(most)))
    assert runs[-1].code == 0
    status = cli("status", "--json").json
    assert status["state"] == "complete"
    assert sum(cli.sim.log.pages().values()) == len(cli.sim.log.pages()), "a page was asked for twice"


def test_as_many_requests_as_it_takes_are_enough(cli: CommandLine) -> None:
    """A run that is done with its last request is complete."""
    assert cli(*BACKFILL, "--job", "first").code == 0
    needed = cli("status", "first", "--json").json["requests"]
    assert cli(*BACKFILL, "--job", "second", "--max-requests", str(needed)).code == 0


def test_a_query_that_the_server_refuses_is_a_usage_error(cli: CommandLine) -> None:
    """A 400 for the first page of all ends the run with the server's words."""
    cli.sim.inject(SimFault(kind=FaultKind.STATUS, status=400, times=None))
    outcome = cli(*BACKFILL)
    assert outcome.code == 2
    assert "refuses this query" in outcome.stderr


def test_a_long_wait_that_the_server_asks_for_ends_the_run_with_the_time_to_come_back(cli: CommandLine) -> None:
    """A daily limit is exit 3 with `not_before`."""
    headers = (("Retry-After", "7800"),)
    cli.sim.inject(SimFault(kind=FaultKind.STATUS, status=429, headers=headers, times=None))
    outcome = cli(*BACKFILL, "--json")
    assert outcome.code == 3
    assert "2 h 10 m" in outcome.stderr
    assert outcome.json["error"]["not_before"].endswith("Z")


def test_a_list_needs_no_range(cli: CommandLine) -> None:
    """`backfill users` takes the list as it is today."""
    outcome = cli("backfill", "users", "--json")
    assert outcome.code == 0, outcome.stderr
    assert outcome.json["records"] == cli.sim.settings.users


def test_a_filter_from_a_file_is_the_filter(cli: CommandLine) -> None:
    """@ names a file, and the same filter in another layout is the same job."""
    path = cli.state.parent / "filter.json"
    path.write_text('{ "conversationFilters" :\n [] }')
    assert cli(*BACKFILL, "--filter", f"@{path}").code == 0
    sent = len(cli.sim.log)
    assert cli(*BACKFILL, "--filter", '{"conversationFilters":[]}').code == 0
    assert len(cli.sim.log) == sent


@pytest.mark.parametrize("command", ["backfill", "resume", "status", "jobs", "simulate", "demo"])
def test_every_command_has_examples(command: str, cli: CommandLine, capsys: pytest.CaptureFixture[str]) -> None:
    """Help has a promise, the options and examples."""
    assert cli(command, "--help").code == 0
    text = capsys.readouterr().out
    assert "Examples:" in text
    assert f"resumable {command}" in text
    assert "--json" in text


def test_help_names_the_exit_codes_and_the_environment(cli: CommandLine, capsys: pytest.CaptureFixture[str]) -> None:
    """The first page of help is enough to get going."""
    assert cli().code == 0
    text = capsys.readouterr().out
    for word in ("Exit codes:", "130", "GENESYS_CLIENT_ID", "RESUMABLE_STATE", "resumable demo"):
        assert word in text


def test_a_page_size_that_the_contract_clamps_is_clamped_and_said(cli: CommandLine) -> None:
    """Asking for more than the public contract allows gets the most, and a line says so."""
    outcome = cli(*BACKFILL, "--page-size", "1000")
    assert outcome.code == 0
    assert "asking for 100, not 1000" in outcome.stderr


def test_a_job_that_another_contract_brings_cheaper_says_so(cli: CommandLine) -> None:
    """Where jobs on the server would need a fraction of the requests, status names the dataset and the number."""
    cli.sim.switch(records=6_000)
    day = ("--from", "2023-10-01", "--to", "2023-10-02")
    assert cli("backfill", "conversations", *day, "--job", "big", "--rate", "100000").code == 0
    assert (
        "conversation-history would need about 12 requests for the same, in place of 60" in cli("status", "big").stdout
    )
    cli.sim.switch(records=60)
    assert cli(*BACKFILL).code == 0
    assert "conversation-history" not in cli("status", "j").stdout
