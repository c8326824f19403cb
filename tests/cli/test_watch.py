"""`resumable status --watch`: what is on the screen, when it ends, and that it disturbs nobody."""

import re
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from resumable.cli.text.watch_screen import Screen, drawn
from resumable.clock import SystemClock
from resumable.monitor.watch import Watch
from resumable.simulator.simulator import Simulator
from resumable.storage.job_files import JobFiles
from tests.support.command_line import CommandLine, finished
from tests.support.terminal import terminal

BACKFILL = ("backfill", "conversations", "--from", "2023-10-01", "--job", "j", "--rate", "1000000")
LONG = (*BACKFILL, "--to", "2024-03-01")
SHORT = (*BACKFILL, "--to", "2023-10-11")
WATCH = ("status", "j", "--watch")


@pytest.fixture
def slow(simulated: Callable[..., Simulator], tmp_path: Path) -> CommandLine:
    """Return a command line whose answers take a tenth of a second."""
    return CommandLine(sim=simulated(latency=0.1), state=tmp_path / "state")


def expected(cli: CommandLine, columns: int, lines: int) -> list[str]:
    """Return the lines that a screen of this size is to show of a job that rests."""
    view = Watch(JobFiles.at(cli.state / "j"), SystemClock()).look()
    assert view is not None
    return [line.plain.rstrip() for line in drawn(view, Screen(width=columns, height=lines, plain=False))]


def padded(lines: list[str], height: int) -> list[str]:
    """Fill a screen up with empty lines."""
    return lines + [""] * (height - len(lines))


def pages(text: str) -> int:
    """Return the pages done that a screen shows."""
    found = re.search(r"%  ([\d,]+) / ", text)
    return int(found[1].replace(",", "")) if found else -1


def test_the_screen_shows_the_job(cli: CommandLine) -> None:
    """Of a job that rests: its name and state, its figures, its calendar, its events, each line where it belongs."""
    assert cli(*LONG, "--workers", "1", "--max-requests", "100").code == 3
    with terminal(cli, *WATCH) as shown:
        shown.wait(lambda text: "Ctrl-C ends" in text)
        lines = shown.lines
        assert [line for line in lines if line] == [line for line in expected(cli, 100, 30) if line]
        assert lines[0] == "j  interrupted  conversations, 2023-10-01 .. 2024-03-01, windows of 1d"
        assert re.fullmatch(r"pages    ━+╸?─+  \d+ %  100 / ~\d+   [\d,]+ records", lines[1])
        assert re.search(r"not running: resumable resume j   windows \d\d / 152", shown.text)
        assert f"2023-10  {'■' * 31}" in shown.text
        assert f"2024-02  {'·' * 29}" in shown.text
        assert "run ended: " in shown.text


def test_a_run_is_seen_while_it_goes_and_the_watching_ends_with_it(slow: CommandLine) -> None:
    """Pages rise from look to look, with rate and time left; when the job is complete the watching ends with exit 0."""
    run = slow.start(*BACKFILL, "--to", "2023-11-20", "--workers", "3")
    slow.pages_sent(run, least=1)
    with terminal(slow, *WATCH) as shown:
        first = pages(shown.wait(lambda text: "j  running" in text))
        second = pages(shown.wait(lambda text: pages(text) > first))
        third = shown.wait(lambda text: pages(text) > second and re.search(r"left     \d", text) is not None)
        assert re.search(r"rate     \d[\d,]*( / [\d,]+)? a minute", third), third
        assert re.search(r"now at 20\d\d-\d\d-\d\d", third)
        assert finished(run, seconds=60).code == 0
        assert shown.ended() == 0
        assert "j  complete, 150 / 150 pages, 50 / 50 windows" in shown.text


def test_ctrl_c_ends_the_watching_and_nothing_else(slow: CommandLine) -> None:
    """It ends with 130 and says so; the run beside it is still there, and ends complete."""
    run = slow.start(*SHORT, "--workers", "1")
    slow.pages_sent(run, least=1)
    with terminal(slow, *WATCH) as shown:
        shown.wait(lambda text: "j  running" in text)
        shown.process.send_signal(signal.SIGINT)
        assert shown.ended() == 130
        assert "no longer watched; whoever runs the job goes on." in shown.text
        assert "Traceback" not in shown.text
        assert b"\x1b[?25h" in shown.raw, "the cursor is not given back"
        assert shown.raw.rindex(b"\x1b[?1049l") > shown.raw.rindex(b"\x1b[?1049h")
    assert run.poll() is None
    assert finished(run).code == 0


def test_a_run_is_not_disturbed_by_those_who_watch_it(slow: CommandLine) -> None:
    """Begun, killed and carried on under the eyes of two, one of them killed: each page is asked for once."""
    assert slow(*SHORT, "--max-requests", "2").code == 3
    with terminal(slow, *WATCH) as one, terminal(slow, *WATCH) as two:
        for shown in (one, two):
            shown.wait(lambda text: "j  interrupted" in text)
        before = sorted(path.name for path in (slow.state / "j").iterdir())
        run = slow.start(*SHORT, "--workers", "2")
        slow.pages_sent(run, least=8)
        run.kill()
        finished(run)
        one.process.kill()
        run = slow.start(*SHORT, "--workers", "2")
        outcome = finished(run)
        assert outcome.code == 0, outcome.stderr
        assert two.ended() == 0
    known = slow("status", "--json").json
    sent = slow.sim.log.pages()
    assert known["pages"]["done"] == 30
    assert sum(count - 1 for count in sent.values()) <= 2, "only what was in flight at the kill may be asked for again"
    assert slow("verify", "j").code == 0
    after = sorted(path.name for path in (slow.state / "j").iterdir())
    assert {*after} - {*before} <= {"receipt.json"}


def test_a_run_that_was_killed_is_seen_as_such(slow: CommandLine) -> None:
    """Nobody holds the lock any more: the screen says that nobody is at work, and what carries it on."""
    run = slow.start(*SHORT)
    slow.pages_sent(run, least=1)
    with terminal(slow, *WATCH) as shown:
        shown.wait(lambda text: "j  running" in text)
        run.kill()
        finished(run)
        shown.wait(lambda text: "not running: resumable resume j" in text)


def test_a_terminal_that_changes_its_size_is_filled_anew(cli: CommandLine) -> None:
    """Smaller, then larger: each time the screen shows what fits, and nothing is left of what was there."""
    assert cli(*LONG, "--workers", "1", "--max-requests", "100").code == 3
    with terminal(cli, *WATCH) as shown:
        shown.wait(lambda text: "Ctrl-C ends" in text)
        for columns, lines in ((50, 12), (140, 40)):
            shown.resize(columns, lines)

            def filled(_: str, columns: int = columns, lines: int = lines) -> bool:
                return shown.lines[:lines] == padded(expected(cli, columns, lines), lines)

            shown.wait(filled)


def test_no_colour_is_used_where_none_is_wanted(cli: CommandLine) -> None:
    """With NO_COLOR not one colour is set; without it some are."""
    assert cli(*LONG, "--max-requests", "10").code == 3
    colour = re.compile(rb"\x1b\[(?:\d+;)*(?:3[0-7]|9[0-7]|38;[\d;]+)m")
    for environment, coloured in (({}, True), ({"NO_COLOR": "1"}, False)):
        cli.extra = dict(environment)
        with terminal(cli, *WATCH) as shown:
            shown.wait(lambda text: "Ctrl-C ends" in text)
            assert bool(colour.search(bytes(shown.raw))) is coloured


def test_a_terminal_without_these_letters_gets_others(cli: CommandLine) -> None:
    """In a locale of ASCII the bar and the calendar are drawn with ASCII."""
    assert cli(*LONG, "--max-requests", "10").code == 3
    cli.extra = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "ascii"}
    with terminal(cli, *WATCH) as shown:
        shown.wait(lambda text: "Ctrl-C ends" in text)
        assert shown.text.isascii()
        assert re.search(r"2023-10  [#o]+[.]+", shown.text)


@pytest.mark.parametrize("environment", [{}, {"TERM": "dumb"}])
def test_elsewhere_it_writes_lines_until_the_job_is_complete(slow: CommandLine, environment: dict[str, str]) -> None:
    """Into a pipe: a line now and then with its time, no control character, and exit 0 at the end."""
    slow.extra = {"RESUMABLE_PROGRESS_SECONDS": "0.2", **environment}
    run = slow.start(*SHORT, "--workers", "2")
    slow.pages_sent(run, least=1)
    outcome = finished(slow.start(*WATCH))
    assert finished(run).code == 0
    assert outcome.code == 0, outcome.stderr
    lines = outcome.stdout.splitlines()
    assert len(lines) > 2
    assert all(re.match(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ j  (running|complete), ", line) for line in lines)
    assert "j  complete, 30 / 30 pages, 10 / 10 windows, 2,500 records" in lines[-1]
    assert all(character.isprintable() or character == "\n" for character in outcome.stdout)


def test_a_complete_job_is_not_waited_for(cli: CommandLine) -> None:
    """It is shown once, and that is all."""
    assert cli(*SHORT).code == 0
    outcome = cli(*WATCH)
    assert outcome.code == 0
    assert len(outcome.stdout.splitlines()) == 1


def test_watching_and_json_are_not_mixed(cli: CommandLine) -> None:
    """Exit 2, and what to do in its place."""
    assert cli(*SHORT).code == 0
    outcome = cli(*WATCH, "--json")
    assert outcome.code == 2
    assert "--watch" in outcome.stderr
