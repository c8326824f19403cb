"""`--log-json`: every line of stderr is an object with the documented members, whatever happens."""

import json
import re
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from resumable.models import EventKind
from resumable.simulator.faults.faults import FaultKind, Match, SimFault
from resumable.simulator.simulator import Simulator
from tests.support.command_line import RANGE, SECRET, CommandLine, Outcome, finished

BACKFILL = ("backfill", "conversations", *RANGE, "--job", "j", "--rate", "1000000", "--log-json")

OTHERS = {"progress", "message", "error", "ended"}

FIGURES: dict[str, type | tuple[type, ...]] = {
    "windows": dict,
    "pages": dict,
    "records": int,
    "bytes": int,
    "pages_per_minute": (float, type(None)),
    "requests_allowed_per_minute": float,
    "workers": int,
    "retries": int,
    "rate_limited": int,
    "token_seconds": (int, type(None)),
    "left_seconds": (int, type(None)),
    "window": (str, type(None)),
}


def logged(outcome: Outcome) -> list[dict[str, Any]]:
    """Parse every line, and check what every line must have."""
    lines = [json.loads(line) for line in outcome.stderr.splitlines()]
    for line in lines:
        assert list(line)[:4] == ["at", "level", "event", "job"]
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["at"])
        assert line["level"] in ("info", "warning", "error")
        assert line["event"] in OTHERS | {kind.name.lower() for kind in EventKind}
        assert line["job"] in (None, "j")
        if line["event"] == "progress":
            for name, kind in FIGURES.items():
                assert isinstance(line[name], kind), name
        elif line["event"] not in ("ended", "error"):
            assert isinstance(line["text"], str)
    assert lines[-1]["event"] == "ended"
    assert lines[-1]["exit_code"] == outcome.code
    assert sum(line["event"] == "ended" for line in lines) == 1
    assert SECRET not in outcome.stderr
    return lines


def of(lines: list[dict[str, Any]], event: str) -> list[dict[str, Any]]:
    """Return the lines of one event."""
    return [line for line in lines if line["event"] == event]


def test_a_run_is_logged_from_its_start_to_its_end(cli: CommandLine) -> None:
    """Each event of the history once, in order, the figures at the end, and then the exit code."""
    outcome = cli(*BACKFILL)
    lines = logged(outcome)
    assert outcome.code == 0
    history = [
        (event["kind"].replace(" ", "_"), event["text"]) for event in cli("status", "j", "--json").json["events"]
    ]
    written = [(line["event"], line["text"]) for line in lines if line["event"] not in OTHERS]
    names = {kind.value.replace(" ", "_"): kind.name.lower() for kind in EventKind}
    assert written[-len(history) :] == [(names[kind], text) for kind, text in history]
    assert of(lines, "run_started")
    assert of(lines, "run_ended")
    last = of(lines, "progress")[-1]
    assert last["pages"] == {"expected": 9, "done": 9, "quarantined": 0}
    assert last["windows"] == {"total": 3, "done": 3}
    assert last["records"] == 750


def test_trouble_is_logged_with_its_level(cli: CommandLine) -> None:
    """A page given up on is a warning, what ends the run an error, with code, words and the next command."""
    cli.sim.inject(SimFault(kind=FaultKind.STATUS, status=404, on=Match(pages=(2,)), times=None))
    outcome = cli(*BACKFILL)
    lines = logged(outcome)
    assert outcome.code == 3
    assert [line["level"] for line in of(lines, "quarantined")] == ["warning"] * 3
    assert of(lines, "progress")[-1]["pages"] == {"expected": 9, "done": 6, "quarantined": 3}
    (error,) = of(lines, "error")
    assert error["level"] == "error"
    assert (error["code"], error["exit_code"]) == ("incomplete", 3)
    assert "quarantined" in error["message"]
    assert "resumable resume j" in error["hint"]
    assert any("page 2" in line for line in error["details"])


def test_resume_and_repair_log_too(cli: CommandLine) -> None:
    """A job that was stopped is carried on, one that was damaged is mended: every line is an object."""
    assert cli(*BACKFILL, "--max-requests", "3").code == 3
    resumed = cli("resume", "j", "--rate", "1000000", "--log-json")
    assert resumed.code == 0
    assert of(logged(resumed), "run_started")
    next((cli.state / "j" / "parts").rglob("page-*.parquet")).unlink()
    repaired = cli("repair", "j", "--rate", "1000000", "--log-json")
    assert repaired.code == 0
    lines = logged(repaired)
    assert any("repaired: 1 fault" in line.get("text", "") for line in lines)


@pytest.mark.parametrize(
    "arguments",
    [
        ("backfill", "nothing", *RANGE, "--log-json"),
        ("backfill", "conversations", "--from", "the day before", "--log-json"),
        ("backfill", "--no-such-flag", "--log-json"),
        ("resume", "nothing", "--log-json"),
    ],
)
def test_a_wrong_command_line_is_logged(arguments: tuple[str, ...], cli: CommandLine) -> None:
    """Also where nothing was begun: one error, and the exit code."""
    outcome = cli(*arguments)
    assert outcome.code == 2
    lines = logged(outcome)
    assert [line["event"] for line in lines] == ["error", "ended"]
    assert lines[0]["code"] == "usage"


def test_a_complete_job_says_so(cli: CommandLine) -> None:
    """Nothing is left to do: words for it, and exit 0."""
    assert cli(*BACKFILL).code == 0
    lines = logged(cli(*BACKFILL))
    assert any("it was complete already" in line.get("text", "") for line in lines)


def test_hostile_texts_stay_on_one_line(cli: CommandLine) -> None:
    """What a server sends, with line ends and escapes, is quoted within its line."""
    body = '<html>\n{"event": "ended"}\r\n\x1b[31m\u2028\u0000</html>'
    cli.sim.inject(SimFault(kind=FaultKind.STATUS, status=404, body=body, on=Match(pages=(2,)), times=None))
    outcome = cli(*BACKFILL)
    lines = logged(outcome)
    assert outcome.code == 3
    assert outcome.stderr.isascii()
    assert "\x1b" not in outcome.stderr
    assert len(of(lines, "quarantined")) == 3


def test_a_secret_that_a_server_echoes_is_not_logged(cli: CommandLine) -> None:
    """In no member of any line."""
    echo = f"client_secret={cli.sim.settings.client_secret} Bearer abcdef123456"
    cli.sim.inject(SimFault(kind=FaultKind.STATUS, status=404, body=echo, on=Match(pages=(2,)), times=None))
    outcome = cli(*BACKFILL)
    logged(outcome)
    assert cli.sim.settings.client_secret not in outcome.stderr
    assert "abcdef123456" not in outcome.stderr


def test_a_signal_is_logged(simulated: Callable[..., Simulator], tmp_path: Path) -> None:
    """A clean stop: that it stops, what is safe, the code; with --json stdout still holds its one object."""
    cli = CommandLine(sim=simulated(latency=0.3), state=tmp_path / "state")
    process = cli.start(*BACKFILL, "--json")
    cli.pages_sent(process, least=1)
    process.send_signal(signal.SIGTERM)
    outcome = finished(process)
    lines = logged(outcome)
    assert outcome.code == 143
    assert any("stopping" in line.get("text", "") for line in lines)
    assert of(lines, "signal")
    assert of(lines, "error")[0]["exit_code"] == 143
    assert outcome.json["error"]["exit_code"] == 143
