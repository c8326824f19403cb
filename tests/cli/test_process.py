"""What only a process of its own shows: signals, pipes, terminals, what is imported, completion."""

import contextlib
import os
import pty
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from resumable.cli.app import COMMANDS
from resumable.simulator.simulator import Simulator
from tests.support.command_line import RANGE, CommandLine, finished

LONG = ("backfill", "conversations", "--from", "2023-10-01", "--to", "2024-03-01", "--job", "j")


@pytest.fixture
def slow(simulated: Callable[..., Simulator], tmp_path: Path) -> CommandLine:
    """Return a command line whose answers take a third of a second."""
    return CommandLine(sim=simulated(latency=0.3), state=tmp_path / "state")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 143)])
def test_a_signal_lets_what_is_in_flight_finish(number: signal.Signals, code: int, slow: CommandLine) -> None:
    """The exit code is 130 or 143, what was in flight is recorded, and the job can be carried on."""
    process = slow.start(*LONG)
    slow.pages_sent(process, least=3)
    process.send_signal(number)
    outcome = finished(process)
    assert outcome.code == code, outcome.stderr
    assert "stopping: " in outcome.stderr
    assert "are safe" in outcome.stderr
    assert "Traceback" not in outcome.stderr
    status = slow("status", "--json").json
    assert status["state"] == "interrupted"
    assert status["pages"]["done"] == sum(slow.sim.log.pages().values())
    assert any(event["kind"] == "signal" for event in status["events"])


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_second_signal_ends_at_once(number: signal.Signals, code: int, slow: CommandLine) -> None:
    """Answers that would take a minute are not waited for."""
    process = slow.start(*LONG)
    slow.pages_sent(process, least=1)
    slow.sim.switch(latency=60.0)
    slow.requests_sent(process, least=len(slow.sim.log) + 2)
    process.send_signal(number)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(0.5)
    process.send_signal(number)
    assert finished(process, seconds=5).code == code
    assert slow("status", "--json").json["state"] == "interrupted"


DEAF = """
import hashlib, os, signal, threading
from resumable.cli.signals import drained
from resumable.clock import Stop, SystemClock

def signals():
    os.kill(os.getpid(), signal.SIGTERM)
    told.wait()
    os.kill(os.getpid(), signal.SIGINT)

told = threading.Event()
stop = Stop(SystemClock())
with drained(stop, lambda number: told.set() if stop.requested else None, redrawing=lambda: False):
    threading.Thread(target=signals, daemon=True).start()
    hashlib.pbkdf2_hmac("sha256", b"", b"", 200_000_000)
"""


def test_a_signal_is_heard_while_the_main_thread_is_deaf() -> None:
    """Both signals are attended at once, though the main thread is where no signal handler of Python's would run."""
    assert subprocess.run([sys.executable, "-c", DEAF], timeout=20, check=False).returncode == 130


def test_a_terminal_that_closes_ends_a_run_cleanly(slow: CommandLine) -> None:
    """With its terminal gone, and told so twice, a run still finishes what is in flight."""
    slow.extra = {"TERM": "xterm"}
    master, terminal = pty.openpty()
    process = slow.start(*LONG, stderr=terminal)
    os.close(terminal)
    slow.pages_sent(process, least=1)
    os.close(master)
    process.send_signal(signal.SIGHUP)
    process.send_signal(signal.SIGHUP)
    assert finished(process).code == 143
    status = slow("status", "--json").json
    assert status["pages"]["done"] == sum(slow.sim.log.pages().values())
    assert status["events"][-1]["kind"] == "run ended"


def test_an_ignored_hangup_stays_ignored(slow: CommandLine) -> None:
    """Under nohup a run outlives its terminal."""
    process = slow.start(*LONG, "--max-duration", "3s", preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    slow.pages_sent(process, least=1)
    process.send_signal(signal.SIGHUP)
    assert finished(process).code == 3


def test_a_closed_pipe_is_no_traceback(cli: CommandLine) -> None:
    """A reader that leaves early is no error, neither in what is printed nor at the end of the process."""
    assert cli("backfill", "queues", "--job", "q").code == 0
    for arguments in (("status", "q"), ("jobs", "--json"), ("backfill", "queues", "--job", "q", "--json")):
        reading, writing = os.pipe()
        os.close(reading)
        process = cli.start(*arguments, stdout=writing)
        os.close(writing)
        outcome = finished(process)
        assert outcome.code == 0, outcome.stderr
        assert "Traceback" not in outcome.stderr
        assert "BrokenPipe" not in outcome.stderr


def test_a_run_outlives_the_reader_of_its_progress(cli: CommandLine) -> None:
    """With stderr closed the job is completed all the same."""
    cli.extra = {"RESUMABLE_PROGRESS_SECONDS": "0.05"}
    reading, writing = os.pipe()
    os.close(reading)
    process = cli.start("backfill", "conversations", *RANGE, stderr=writing)
    os.close(writing)
    assert finished(process).code == 0
    assert cli("status", "--json").json["state"] == "complete"


def test_plain_progress_has_no_control_characters(slow: CommandLine) -> None:
    """In a log there is one line now and then, with its time, and the figures."""
    slow.extra = {"RESUMABLE_PROGRESS_SECONDS": "0.1"}
    outcome = finished(slow.start("backfill", "conversations", *RANGE, "--job", "j"))
    assert outcome.code == 0
    assert outcome.stderr.replace("\n", "").isprintable()
    # A slow machine has lines of other steps, too, before the run and after it.
    figures = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ j  .* pages, ")
    lines = [line for line in outcome.stderr.splitlines() if figures.match(line)]
    assert len(lines) >= 3
    assert "9 / 9 pages" in lines[-1]
    assert "a minute" in lines[-1]


@pytest.mark.parametrize(
    ("variables", "redrawn", "coloured"),
    [
        ({"TERM": "xterm-256color"}, True, True),
        ({"TERM": "xterm-256color", "NO_COLOR": "1"}, True, False),
        ({"TERM": "dumb"}, False, False),
    ],
)
def test_a_terminal_is_used_as_it_asks_for(
    variables: dict[str, str], redrawn: bool, coloured: bool, slow: CommandLine
) -> None:
    """Lines are redrawn on a terminal, without colours under NO_COLOR, and not at all where TERM is dumb."""
    slow.extra = variables
    master, terminal = pty.openpty()
    process = slow.start("backfill", "conversations", *RANGE, stderr=terminal)
    os.close(terminal)
    written = _read_all(master)
    assert finished(process).code == 0
    assert ("\x1b[1A" in written or "\x1b[2K" in written) is redrawn
    assert bool(re.search(r"\x1b\[[0-9;]*3[0-9]", written)) is coloured
    assert ("\x1b[?25h" in written) is redrawn, "the cursor was not given back"
    assert "complete: " in written


def test_an_interrupted_terminal_gets_its_cursor_back(slow: CommandLine) -> None:
    """After the first signal, and after a second one too."""
    slow.extra = {"TERM": "xterm"}
    master, terminal = pty.openpty()
    process = slow.start(*LONG, stderr=terminal)
    os.close(terminal)
    slow.pages_sent(process, least=1)
    slow.sim.switch(latency=30.0)
    slow.requests_sent(process, least=len(slow.sim.log) + 2)
    process.send_signal(signal.SIGINT)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(0.7)
    process.send_signal(signal.SIGINT)
    written = _read_all(master)
    assert finished(process).code == 130
    assert written.rindex("\x1b[?25h") > written.rindex("\x1b[?25l")


HELPS = [("--help",), *((name, "--help") for name in COMMANDS)]


@pytest.mark.parametrize("calls", [HELPS, [("status", "q")], [("jobs",)], [("--version",)]], ids=lambda c: c[-1][0])
def test_nothing_heavy_is_imported_that_is_not_used(calls: list[tuple[str, ...]], cli: CommandLine) -> None:
    """The help of every command and status start without pyarrow, requests, rich and the simulator."""
    assert cli("backfill", "queues", "--job", "q").code == 0
    heavy = "{'pyarrow', 'requests', 'urllib3', 'rich', 'numpy', 'resumable.simulator', 'resumable.job.job'}"
    code = f"""
import sys
from resumable.cli.main import run
assert all(run(call) == 0 for call in {calls!r})
print(sorted({heavy} & sys.modules.keys()), file=sys.stderr)
"""
    found = subprocess.run(
        [sys.executable, "-c", code], env=cli.environment, capture_output=True, text=True, check=True, timeout=30
    )
    assert found.stderr.strip() == "[]"


def test_a_backfill_brings_in_no_pandas(cli: CommandLine) -> None:
    """Installed or not, pandas is not used: one timestamp's `as_py` would cost every run its 40 MB."""
    code = """
import sys
from resumable.cli.main import run
assert run(["backfill", "conversations", "--from", "2023-10-01", "--to", "2023-10-02"]) == 0
print("pandas" in sys.modules)
"""
    found = subprocess.run(
        [sys.executable, "-c", code], env=cli.environment, capture_output=True, text=True, check=True, timeout=60
    )
    assert found.stdout.splitlines()[-1] == "False"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
@pytest.mark.parametrize(
    ("words", "offered"), [("resumable backfill conv", "conversations-pagecount"), ("resumable resume ", "unfinished")]
)
def test_the_shell_completes_datasets_and_jobs(words: str, offered: str, shell: str, slow: CommandLine) -> None:
    """A tab offers what there is."""
    assert slow(*LONG[:-1], "unfinished", "--max-duration", "1s").code == 3
    slow.extra = {
        "_RESUMABLE_COMPLETE": f"complete_{shell}",
        "COMP_WORDS": words,  # bash asks so
        "COMP_CWORD": str(len(words.split(" ")) - 1),
        "_TYPER_COMPLETE_ARGS": words,  # zsh and fish so
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
    }
    program = Path(sys.executable).with_name("resumable")
    found = subprocess.run([program], env=slow.environment, capture_output=True, text=True, timeout=30, check=False)
    assert re.search(rf"(?<![\w-]){offered}(?![\w-])", found.stdout), found.stdout


def _read_all(master: int) -> str:
    written = b""
    with contextlib.suppress(OSError), open(master, "rb", buffering=0) as terminal:
        while piece := terminal.read(65536):
            written += piece
    return written.decode(errors="replace")
