"""Streams that are closed, full or gone, and a working folder that is: a documented exit code and no traceback."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from resumable.simulator.settings import SimSettings, Style
from resumable.simulator.simulator import Simulator
from tests.support.command_line import RANGE, CommandLine, Outcome

BACKFILL = ("backfill", "conversations", *RANGE, "--job", "j")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommandLine]:
    """A complete job, which nobody changes."""
    settings = SimSettings(records=50, style=Style.SMALL, gzip=False, rate_public=None, rate_article=None)
    with Simulator(settings) as sim:
        cli = CommandLine(sim=sim, state=tmp_path_factory.mktemp("made") / "state")
        assert cli(*BACKFILL).code == 0
        yield cli


def shell(cli: CommandLine, redirected: str, *arguments: str, cwd: Path | None = None) -> Outcome:
    """Run a command through a shell that redirects its streams."""
    command = f'exec "$0" -m resumable "$@" {redirected}'
    ended = subprocess.run(
        ["sh", "-c", command, sys.executable, *arguments],
        env=cli.environment | {"PYTHONPATH": str(Path(__file__).parent.parent.parent)},
        cwd=cwd or cli.state.parent,
        capture_output=True,
        timeout=60,
        check=False,
    )
    return Outcome(code=ended.returncode, stdout=os.fsdecode(ended.stdout), stderr=os.fsdecode(ended.stderr))


@pytest.mark.parametrize(
    ("redirected", "arguments", "code"),
    [
        ("2>&-", ("status", "j"), 0),
        ("2>&-", ("status", "nothing"), 2),
        ("2>/dev/full", ("status", "j"), 0),
        ("2>&- >&-", ("status", "nothing"), 2),
        ("<&- >&- 2>&-", ("verify", "j"), 0),
        (">&-", ("status", "j"), 5),
        (">&-", ("status", "j", "--json"), 5),
        (">&-", ("export", "j", "--to", "-"), 5),
        (">/dev/full", ("status", "j"), 5),
        (">/dev/full", ("jobs", "--json"), 5),
        (">/dev/full", ("export", "j", "--to", "-"), 5),
        (">/dev/full", ("export", "j", "--to", "-", "--format", "csv"), 5),
        (">/dev/full", ("--help",), 5),
        (">/dev/full", ("--version",), 5),
        (">/dev/full 2>/dev/full", ("status", "j"), 5),
        (">/dev/full", ("status", "nothing", "--json"), 2),
        ("| head -c 1 >/dev/null; exit 0", ("export", "j", "--to", "-"), 0),
    ],
)
def test_a_stream_that_takes_nothing_ends_in_a_documented_way(
    made: CommandLine, redirected: str, arguments: tuple[str, ...], code: int
) -> None:
    """What is to be given and cannot be is exit 5; what is only said may go unheard."""
    outcome = shell(made, redirected, *arguments)
    assert outcome.code == code, outcome
    assert "Traceback" not in outcome.stderr
    assert "Exception ignored" not in outcome.stderr
    assert "internal error" not in outcome.stderr


def test_a_run_with_closed_streams_ends_well(cli: CommandLine) -> None:
    """As a daemon may be started: nothing is heard of it, and all is there."""
    assert shell(cli, "<&- >&- 2>&-", *BACKFILL, "--debug").code == 0
    assert cli("verify", "j").code == 0


def test_no_file_gets_the_number_of_a_closed_stream(tmp_path: Path) -> None:
    """What a library writes to stderr by its number would end up in a manifest, or in a part."""
    program = (
        "import contextlib, os, sys; from resumable.__main__ import main; sys.argv = ['resumable', '--version']\n"
        "with contextlib.suppress(SystemExit): main()\n"
        f"file = os.open({str(tmp_path / 'first')!r}, os.O_WRONLY | os.O_CREAT); os.write(file, str(file).encode())"
    )
    subprocess.run(
        ["sh", "-c", 'exec "$0" -c "$1" <&- >&- 2>&-', sys.executable, program],
        env={"PYTHONPATH": str(Path(__file__).parent.parent.parent)},
        timeout=60,
        check=True,
    )
    assert int((tmp_path / "first").read_text()) > 2


def test_a_reader_of_a_help_may_leave(cli: CommandLine) -> None:
    """`resumable --help | head` is no failure."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        ended = subprocess.run(
            [sys.executable, "-m", "resumable", "--help"],
            env=cli.environment | {"PYTHONPATH": str(Path(__file__).parent.parent.parent)},
            stdout=writing,
            stderr=subprocess.PIPE,
            timeout=60,
            check=False,
        )
    finally:
        os.close(writing)
    assert (ended.returncode, ended.stderr) == (0, b"")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("status", "j"), 0),
        (("verify", "j"), 0),
        (("export", "j", "--to", "-"), 0),
        (("export", "j", "--to", "x.csv"), 2),
        (("report", "j", "--to", "x.html"), 2),
        (("jobs", "--state", "state"), 2),
        (("backfill", "conversations", *RANGE, "--state", "state"), 2),
        (("--version",), 0),
    ],
)
def test_a_working_folder_that_is_gone_matters_only_to_what_is_in_it(
    made: CommandLine, tmp_path: Path, arguments: tuple[str, ...], code: int
) -> None:
    """Whole paths still work; what would be in it is exit 2, and says so."""
    gone = tmp_path / "gone"
    gone.mkdir()
    ended = subprocess.run(
        ["sh", "-c", 'rmdir "$0" && exec "$@"', str(gone), sys.executable, "-m", "resumable", *arguments],
        env=made.environment | {"PYTHONPATH": str(Path(__file__).parent.parent.parent)},
        cwd=gone,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == code, ended
    assert "Traceback" not in ended.stderr
    if code:
        assert "gone" in ended.stderr


@pytest.mark.parametrize(
    ("stream", "name", "mark"), [("{dev}:{ino}", "j", "<6>"), ("{dev}:{ino}", "nothing", "<3>"), ("1:2", "j", "")]
)
def test_lines_for_the_journal_say_how_urgent_they_are(stream: str, name: str, mark: str, made: CommandLine) -> None:
    """Where stderr is systemd's journal, each line begins with its priority; elsewhere, with none."""
    path = made.state.parent / "journal"
    with path.open("w") as journal:
        found = os.fstat(journal.fileno())
        made.extra["JOURNAL_STREAM"] = stream.format(dev=found.st_dev, ino=found.st_ino)
        made.start("delete", name, stderr=journal).communicate(timeout=60)
    lines = path.read_text().splitlines()
    assert lines
    assert all(line.startswith(mark or ("This would", "The job")) for line in lines), lines
