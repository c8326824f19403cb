"""Every command that the product prints works as it is printed: each is typed here, where it was printed."""

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from resumable.cli.app import COMMANDS
from resumable.simulator.settings import SimSettings, Style
from resumable.simulator.simulator import Simulator
from tests.cli.mistakes import DAY, MISTAKES
from tests.support.command_line import RANGE, CommandLine, Outcome

PRINTED = re.compile(rf"resumable (?:{'|'.join(COMMANDS)})\b[^\n`]*")
ENDS = re.compile(r"   exit \d+|; |\. (?=[A-Z])|\.$|, (?=[a-z])| \(|:$|$")
"""What comes after a command in a sentence."""

USAGE = 2


def printed(outcome: Outcome) -> list[str]:
    """Return the commands that are in what was said and given."""
    found = [match[0] for match in PRINTED.finditer(f"{outcome.stderr}\n{outcome.stdout}")]
    return [text[: match.start()].strip() for text in found if (match := ENDS.search(text)) is not None]


def typed(cli: CommandLine, command: str) -> Outcome:
    """Type a command as it stands."""
    return cli(*shlex.split(command)[1:])


@pytest.fixture
def somewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[CommandLine, list[str]]]:
    """Return a command line whose state was typed, in a folder with a blank in its name, and how."""
    monkeypatch.chdir(tmp_path)
    quick = SimSettings(records=30, style=Style.SMALL, gzip=False, rate_public=None, rate_article=None)
    with Simulator(quick) as sim:
        cli = CommandLine(sim=sim, state=tmp_path / "not here")
        yield cli, ["--state", "my state"]


def test_what_a_job_prints_can_be_typed(somewhere: tuple[CommandLine, list[str]], tmp_path: Path) -> None:
    """From its beginning to its deletion: each command that is printed works, with the state folder that was typed."""
    cli, state = somewhere
    begin = ("backfill", "conversations", *RANGE, "--page-size", "10", "--job", "j", *state)
    story: list[tuple[tuple[str, ...], int]] = [
        (("plan", *begin[1:], "--job", "planned", "--write", "a plan.toml"), 0),
        ((*begin, "--max-requests", "1"), 3),
        (("export", "j", "--to", "x.csv", *state), 3),
        (("status", "i", *state), USAGE),
        (("delete", "j", *state), 0),
        ((*begin, "--max-requests", "1"), 3),
        (("status", "j", *state), 0),
        (begin, 0),
        (("prune", *state), 0),
    ]
    commands: list[str] = []
    for command, code in story:
        outcome = cli(*command)
        assert outcome.code == code, outcome.stderr
        for text in printed(outcome):
            commands.append(text)
            again = typed(cli, text)
            assert again.code in (0, 3), (text, again.stderr)
    assert len(commands) >= 6, commands
    (part, *_) = (tmp_path / "my state" / "j" / "parts").rglob("*.parquet")
    part.write_bytes(b"torn")
    damaged = cli("verify", "j", *state)
    assert damaged.code == 6
    assert {typed(cli, text).code for text in printed(damaged)} == {0}
    assert cli("verify", "j", *state).code == 0


def test_the_look_at_a_job_can_be_typed(somewhere: tuple[CommandLine, list[str]], tmp_path: Path) -> None:
    """The line that shows what came runs in a shell, with what is installed."""
    cli, state = somewhere
    outcome = cli("backfill", "conversations", *RANGE, "--job", "j", *state)
    (line,) = (text.split(None, 1)[1] for text in outcome.stderr.splitlines() if text.startswith("  look"))
    line = line.replace("python ", f"{shlex.quote(sys.executable)} ", 1) if line.startswith("python") else line
    shown = subprocess.run(line, shell=True, cwd=tmp_path, capture_output=True, text=True, check=False)  # noqa: S602 - as printed
    assert shown.returncode == 0, shown.stderr
    assert "90" in shown.stdout or "inbound" in shown.stdout


@pytest.mark.long
def test_what_a_mistake_prints_can_be_typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each command in the answer to one of the table's mistakes is one that the command line takes."""
    monkeypatch.chdir(tmp_path)
    quick = SimSettings(records=1, style=Style.SMALL, gzip=False, rate_public=None, rate_article=None)
    with Simulator(quick) as sim:
        cli = CommandLine(sim=sim, state=tmp_path / "state")
        assert cli(*f"backfill conversations {DAY} --job october".split()).code == 0
        (tmp_path / "october.toml").write_text(
            f'[client.a]\nclient_id_env = "GENESYS_CLIENT_ID"\nclient_secret_env = "GENESYS_CLIENT_SECRET"\n'
            f'api_url = "{sim.url}"\nlogin_url = "{sim.url}"\n[[job]]\nclient = "a"\ndataset = "queues"\n'
        )
        commands: dict[str, str] = {}
        for mistake in MISTAKES:
            cli.extra = dict(mistake.environment)
            for text in printed(cli(*shlex.split(mistake.typed))):
                commands.setdefault(text, mistake.typed)
        cli.extra = {}
        assert len(commands) > 10
        for text, mistyped in commands.items():
            if text.split()[1] not in ("demo",):
                outcome = typed(cli, text)
                assert outcome.code in (0, 3), (mistyped, text, outcome.stderr)
