"""Nothing is silent: whatever takes long says how far it is, on a terminal and elsewhere."""

import os
import re
import select
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from resumable.cli.app import COMMANDS
from resumable.cli.signals import Interrupts, interruptible
from resumable.errors import Interrupted
from resumable.simulator.simulator import Simulator
from tests.support.command_line import RANGE, CommandLine, finished
from tests.support.terminal import Terminal, terminal

SILENCE_SECONDS = 2.0
MONTH = ("conversations", "--from", "2023-09-01", "--to", "2023-10-01")


@pytest.fixture
def slow(simulated: Callable[..., Simulator], tmp_path: Path) -> CommandLine:
    """Return a command line whose answers take half a second, over ten pages a day."""
    return CommandLine(sim=simulated(latency=0.5, records=1000), state=tmp_path / "state")


@dataclass(kw_only=True)
class Heard:
    """A pipe that a process writes to."""

    master: int
    raw: bytearray = field(default_factory=bytearray)


def silences(shown: Terminal | Heard) -> list[float]:
    """Read what a process writes, to its end, and return how long it was silent between its first byte and its last."""
    found: list[float] = []
    before: float | None = None
    while select.select([shown.master], [], [], 120)[0]:
        try:
            data = os.read(shown.master, 65_536)
        except OSError:
            break
        if not data:
            break
        now = time.monotonic()
        found += [] if before is None else [now - before]
        before = now
        shown.raw += data
    return found


def test_a_plan_and_a_check_say_how_far_they_are(simulated: Callable[..., Simulator], tmp_path: Path) -> None:
    """Where nothing can be redrawn each writes a line now and then: a count, a share, and a time."""
    cli = CommandLine(sim=simulated(latency=0.1), state=tmp_path / "state")
    cli.extra["RESUMABLE_PROGRESS_SECONDS"] = "0.1"
    said = cli("plan", *MONTH, "--workers", "2").stderr
    assert re.search(r"Z plan  \d+ %, \d+ / 24 windows asked, \d s", said), said
    assert re.search(r"Z check  asking, \d s", cli("check").stderr)


def test_an_export_says_how_far_it_is(cli: CommandLine, tmp_path: Path) -> None:
    """On a terminal its line has the file's name, a bar, a share and a count, and is gone when it is done."""
    assert cli("backfill", "conversations", *RANGE, "--job", "j").code == 0
    cli.extra["RESUMABLE_PROGRESS_SECONDS"] = "0.05"
    target = tmp_path / "x.csv"
    said = [cli("export", "j", "--to", str(target), "--replace").stderr for _ in range(3)]
    assert all("exported: 750 conversations" in text for text in said)
    assert target.exists()


@pytest.mark.parametrize(
    ("command", "unchanged"),
    [
        (("plan", *MONTH), "nothing was downloaded or changed"),
        (("check",), "a check changes nothing"),
        (("verify", "j", "--online"), "a verification changes nothing"),
    ],
)
def test_ctrl_c_says_what_is_unchanged(command: tuple[str, ...], unchanged: str, slow: CommandLine) -> None:
    """One ends a command that asks and drains nothing: exit 130, and no traceback."""
    slow.sim.switch(latency=0.0, records=10)
    assert slow("backfill", "conversations", *RANGE, "--job", "j").code == 0
    slow.sim.switch(latency=1.0)
    process = slow.start(*command)
    slow.requests_sent(process, least=len(slow.sim.log) + 1)
    process.send_signal(signal.SIGINT)
    outcome = finished(process, seconds=40)
    assert outcome.code == 130, outcome.stderr
    assert f"interrupted: {unchanged}." in outcome.stderr
    assert "Traceback" not in outcome.stderr


def test_ctrl_c_in_anything_else_says_what_is_still_there() -> None:
    """What a command was about is named, with what to type; a signal is named as well."""
    with pytest.raises(Interrupted) as ended, interruptible(Interrupts(), "x.csv is still there, whole"):
        raise KeyboardInterrupt
    assert ended.value.message == "interrupted: x.csv is still there, whole."
    assert ended.value.hint == "Run the same command again."
    with pytest.raises(Interrupted) as ended, interruptible(Interrupts(), "x.csv is still there, whole"):
        signal.raise_signal(signal.SIGTERM)
    assert ended.value.message == "interrupted by SIGTERM: x.csv is still there, whole."
    assert ended.value.exit_code == 143


def a_fleet(cli: CommandLine, folder: Path) -> str:
    """Write a fleet of one job of 300 pages, and return its path."""
    path = folder / "fleet.toml"
    path.write_text(
        '[client.a]\nclient_id_env = "GENESYS_CLIENT_ID"\nclient_secret_env = "GENESYS_CLIENT_SECRET"\n'
        f'api_url = "{cli.sim.url}"\nlogin_url = "{cli.sim.url}"\n\n'
        '[[job]]\nclient = "a"\ndataset = "conversations"\nfrom = 2023-08-01\nto = 2023-08-31\n'
    )
    return str(path)


def every_command(fleet: str, folder: Path) -> list[tuple[str, ...]]:
    """Return a story in which each command comes, over a job of 300 pages."""
    part = ("backfill", *MONTH, "--job", "part")
    return [
        ("plan", *MONTH),
        ("plan", *MONTH, "--exact"),
        ("check",),
        ("backfill", *MONTH, "--job", "j"),
        (*part, "--max-requests", "50"),
        ("resume", "part"),
        ("status", "j"),
        ("status", "j", "--wait"),
        ("status", "j", "--watch"),
        ("jobs",),
        ("verify", "j"),
        ("verify", "j", "--online"),
        ("reconcile", "j"),
        ("report", "j"),
        *(("export", "j", "--to", str(folder / name)) for name in ("x", "x.csv", "x.jsonl", "x.duckdb", "x.delta")),
        ("export", "j", "--to", str(folder / "s.csv"), "--table", "sessions"),
        ("load", "j", "--to", str(folder / "w.duckdb")),
        ("repair", "j"),
        ("fleet", "plan", fleet),
        ("fleet", "run", fleet),
        ("fleet", "status", fleet),
        ("datasets",),
        ("describe", "conversations"),
        ("prune",),
        ("delete", "part", "--yes"),
        ("demo",),
    ]


@pytest.mark.long
@pytest.mark.timeout(600)
def test_no_command_is_silent_for_longer_than_two_seconds(slow: CommandLine, tmp_path: Path) -> None:
    """Over 300 pages at half a second each, in a terminal: from the first byte to the last no command is silent."""
    commands = every_command(a_fleet(slow, tmp_path), tmp_path)
    assert {command[0] for command in commands} == set(COMMANDS) - {"simulate"}
    for command in commands:
        with terminal(slow, *command) as shown:
            longest = max(silences(shown), default=0.0)
            wanted = {3 if "--max-requests" in command else 0, *((6,) if command[0] == "reconcile" else ())}
            assert shown.process.wait(10) in wanted, bytes(shown.raw).decode(errors="replace")
        print(f"{longest:.2f} s  {' '.join(command)}")
        assert longest < SILENCE_SECONDS, command
    (slow.state / "j" / "manifest.sqlite").unlink()
    with terminal(slow, "repair", "j") as shown:
        assert max(silences(shown)) < SILENCE_SECONDS
        assert shown.process.wait(10) == 0


@pytest.mark.long
@pytest.mark.timeout(600)
def test_no_command_is_silent_in_a_log(slow: CommandLine, tmp_path: Path) -> None:
    """Where nothing can be redrawn there is a line each 30 seconds: here each second, so that none is missed."""
    slow.extra["RESUMABLE_PROGRESS_SECONDS"] = "1"
    fleet = a_fleet(slow, tmp_path)
    commands = [
        ("plan", *MONTH, "--exact"),
        ("check",),
        ("backfill", *MONTH, "--job", "j"),
        ("verify", "j"),
        ("verify", "j", "--online"),
        ("export", "j", "--to", str(tmp_path / "x.csv")),
        ("export", "j", "--to", str(tmp_path / "x")),
        ("load", "j", "--to", str(tmp_path / "w.duckdb")),
        ("fleet", "run", fleet),
        ("repair", "j"),
    ]
    for command in commands:
        reading, writing = os.pipe()
        process = slow.start(*command, stdout=writing, stderr=writing)
        os.close(writing)
        longest = max(silences(Heard(master=reading)), default=0.0)
        os.close(reading)
        assert process.wait(10) == 0
        print(f"{longest:.2f} s  {' '.join(command)}")
        assert longest < SILENCE_SECONDS + 1, command
