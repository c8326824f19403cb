"""Ctrl-C, once and twice, in every command: it says what is safe or unchanged, and what to type, and ends with 130."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from resumable.cli.app import COMMANDS
from resumable.simulator.simulator import Simulator
from tests.support.command_line import RANGE, CommandLine, Outcome, finished

HELD = """
import importlib, os, sys, time
where, held = sys.argv.pop(1), sys.argv.pop(1)
module, _, names = where.partition(":")
*owners, name = names.split(".")
owner = importlib.import_module(module)
for each in owners:
    owner = getattr(owner, each)

def hold(*_arguments, **_named):
    for turn in range(600):
        try:
            if not turn:
                os.write(2, b"HELD\\n")
            time.sleep(0.1)
        except KeyboardInterrupt:
            if held == "once":
                raise

setattr(owner, name, hold)
from resumable.__main__ import main
main()
"""
"""Runs the command line with one function that takes a minute; held twice it is deaf, as code of a library may be."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """A command, where it is when Ctrl-C comes, and what is said."""

    typed: str
    says: str
    """Of what is safe, or unchanged, after the first; of what to type, in `types`."""
    types: str = "Run the same command"
    at: str = ""
    """The function that takes long; empty: the server does."""
    deaf: str = ""
    """The function that does not hear the first, where the server would be waited for no longer after that."""
    at_once: str = ""
    """What the second says, where that is other than the first."""


RECORDED = "every page that is recorded is safe"
UNCHANGED = "nothing was changed"

CASES = {
    case.typed.split()[0] + str(number): case
    for number, case in enumerate(
        [
            Case(typed="check", says="a check changes nothing", deaf="resumable.job.check:_Source.rest"),
            Case(typed="plan conversations --from 2023-11", says="nothing was downloaded or changed"),
            Case(typed="plan conversations --from 2023-11 --queue Sales", says=UNCHANGED, at_once="nothing was"),
            Case(
                typed="backfill conversations --from 2023-11",
                says="0 pages are safe.",
                types="The same command resumes.",
                at_once=RECORDED,
            ),
            Case(typed="resume part", says=" safe.", types="The same command resumes.", at_once=RECORDED),
            Case(typed="repair torn", says=" safe.", types="The same command resumes.", at_once=RECORDED),
            Case(typed="status j", says=UNCHANGED, at="resumable.cli.commands.status:read"),
            Case(
                typed="status j --watch",
                says="whoever runs the job goes on",
                types="Watch it with: resumable status j --watch",
                at="resumable.monitor.watch:Watch.look",
            ),
            Case(typed="status j --wait", says="the job goes on", at="resumable.storage.job_files:JobFiles.running"),
            Case(typed="jobs", says=UNCHANGED, at="resumable.storage.job_files:StateFiles.jobs"),
            Case(typed="report j", says="no report was written", at="resumable.report.document:write"),
            Case(typed="verify j", says="a verification changes nothing", at="resumable.verify.verification:Report"),
            Case(
                typed="verify j --online",
                says="a verification changes nothing",
                deaf="resumable.verify.verification:Report",
            ),
            Case(typed="export j --to x.csv", says="x.csv before is still there", at="resumable.export.export:export"),
            Case(
                typed="load j --to w.duckdb", says="is there, and the next load", at="resumable.export.warehouse:load"
            ),
            Case(
                typed="reconcile j",
                says="to reconcile changes nothing",
                deaf="resumable.cli.commands.reconcile:compare",
            ),
            Case(
                typed="delete j --yes",
                says="j is still there, whole, or else is gone but for a rest",
                types="resumable prune --yes",
                at="resumable.job.keeping:delete",
            ),
            Case(typed="prune --yes", says="what is removed is gone", at="resumable.job.keeping:remove"),
            Case(typed="fleet plan fleet.toml", says="nothing was downloaded or changed"),
            Case(typed="fleet run fleet.toml", says="0 of 1 job are complete", at_once=RECORDED),
            Case(typed="fleet status fleet.toml", says=UNCHANGED, at="resumable.cli.commands.fleet:looked_at"),
            Case(typed="datasets", says=UNCHANGED, at="resumable.cli.commands.datasets:get"),
            Case(typed="describe users", says=UNCHANGED, at="resumable.cli.commands.describe:dictionary"),
            Case(typed="demo", says="nothing else was changed", types="Run it again", at="resumable.demo:Demo.run"),
        ]
    )
}
SAMPLE = ("export13",)


@pytest.fixture
def line(simulated: Callable[..., Simulator], tmp_path: Path) -> Iterator[CommandLine]:
    """Return a command line with a complete job, one of a part, one that lacks a page, and a fleet."""
    cli = CommandLine(sim=simulated(records=10), state=tmp_path / "state")
    for name in ("j", "torn"):
        assert cli("backfill", "conversations", *RANGE, "--job", name).code == 0
    assert cli("backfill", "conversations", *RANGE, "--job", "part", "--max-requests", "1").code == 3
    next((cli.state / "torn").rglob("*.parquet")).unlink()
    aside = cli.state / "j" / "aside" / "20231101T000000.000Z"
    aside.mkdir(parents=True)
    os.utime(aside, (0, 0))
    (tmp_path / "fleet.toml").write_text(
        '[client.a]\nclient_id_env = "GENESYS_CLIENT_ID"\nclient_secret_env = "GENESYS_CLIENT_SECRET"\n'
        f'api_url = "{cli.sim.url}"\nlogin_url = "{cli.sim.url}"\n\n'
        '[[job]]\nclient = "a"\ndataset = "conversations"\nfrom = 2023-11-01\nto = 2023-11-03\n'
    )
    yield cli
    cli.sim.switch(latency=0.0)


def interrupted(cli: CommandLine, case: Case, *, twice: bool) -> Outcome:
    """Run a command as a process, send it SIGINT where it takes long, once or twice, and return how it ended."""
    at = case.deaf or case.at if twice else case.at
    if not at:
        cli.sim.switch(latency=60.0 if twice else 1.0)
        process = cli.start(*case.typed.split())
        cli.requests_sent(process, least=len(cli.sim.log) + 1)
        before = ""
    else:
        held = [at, "twice" if twice else "once"]
        process = subprocess.Popen(
            [sys.executable, "-c", HELD, *held, *case.typed.split()],
            env={**cli.environment, "TERM": "dumb"},
            cwd=cli.state.parent,
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert process.stderr is not None
        before = ""
        while "HELD" not in before and (said := process.stderr.readline()):
            before += said
        assert "HELD" in before, before
    process.send_signal(signal.SIGINT)
    if twice:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.7)
        process.send_signal(signal.SIGINT)
    outcome = finished(process, seconds=10 if twice else 60)
    return Outcome(code=outcome.code, stdout=outcome.stdout, stderr=before + outcome.stderr)


def judge(cli: CommandLine, case: Case, *, twice: bool) -> None:
    """Interrupt a command, and look at what it says."""
    outcome = interrupted(cli, case, twice=twice)
    said = " ".join(outcome.stderr.split())
    assert outcome.code == 130, said
    assert ("ended at once: " if twice else "interrupted") in said
    assert (case.at_once or case.says if twice else case.says) in said, said
    assert (("Run the same" if twice else case.types) if case.types.startswith("The same") else case.types) in said, (
        said
    )
    assert said.endswith("exit 130"), said
    assert "Traceback" not in said


@pytest.mark.parametrize("twice", [False, True], ids=["once", "twice"])
@pytest.mark.parametrize("name", SAMPLE)
def test_ctrl_c_says_what_is_safe_and_what_to_type(line: CommandLine, name: str, twice: bool) -> None:
    """In the middle of its work: the first ends a command in good order, the second at once."""
    judge(line, CASES[name], twice=twice)


@pytest.mark.long
@pytest.mark.timeout(120)
@pytest.mark.parametrize("twice", [False, True], ids=["once", "twice"])
@pytest.mark.parametrize("name", CASES)
def test_ctrl_c_in_every_command(line: CommandLine, name: str, twice: bool) -> None:
    """What is safe, or unchanged, and what to type: after one, and after two, with 130 and without a traceback."""
    judge(line, CASES[name], twice=twice)


def test_every_command_is_in_the_table() -> None:
    """A new command is to say what Ctrl-C leaves; `simulate` ends by it, which its own tests look at."""
    assert {case.typed.split()[0] for case in CASES.values()} == set(COMMANDS) - {"simulate"}
