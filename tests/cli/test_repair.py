"""`repair` from the command to the exit code."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from resumable.simulator.settings import Style
from resumable.simulator.simulator import Simulator
from tests.support.command_line import RANGE, CommandLine


@pytest.fixture
def made(simulated: Callable[..., Simulator], tmp_path: Path) -> CommandLine:
    """A command line with a complete job of nine pages."""
    cli = CommandLine(sim=simulated(style=Style.SMALL), state=tmp_path / "state")
    assert cli("backfill", "conversations", *RANGE, "--job", "j").code == 0
    return cli


def part(cli: CommandLine, day: int, number: int) -> Path:
    """Return where a part is."""
    return cli.state / "j" / "parts" / f"window=2023100{day}T000000Z" / f"page-{number:05d}.parquet"


def test_what_verify_names_is_mended(made: CommandLine) -> None:
    """Verify ends with 6 and names the command, which ends with 0; then verify does."""
    part(made, 1, 2).unlink()
    os.truncate(part(made, 2, 1), 100)
    found = made("verify", "j")
    assert found.code == 6
    assert "resumable repair j" in found.stderr
    before = sum(made.sim.log.pages().values())
    outcome = made("repair", "j")
    assert outcome.code == 0
    assert outcome.stdout == ""
    assert "repaired: 2 faults." in outcome.stderr
    assert f"{Path('aside')}{os.sep}" in outcome.stderr
    assert sum(made.sim.log.pages().values()) - before == 2
    assert made("verify", "j").code == 0


def test_nothing_to_repair_is_exit_0(made: CommandLine) -> None:
    """It is said, and the server is not asked."""
    before = len(made.sim.log)
    outcome = made("repair")
    assert outcome.code == 0
    assert "nothing to repair: no faults." in outcome.stderr
    assert len(made.sim.log) == before


def test_a_lost_manifest_is_made_again_without_credentials(made: CommandLine) -> None:
    """A job that its parts prove whole asks nobody for anything."""
    for path in (made.state / "j").glob("manifest.sqlite*"):
        path.unlink()
    assert made("status", "j").code == 8
    made.extra = {"GENESYS_CLIENT_SECRET": "", "GENESYS_CLIENT_ID": ""}
    outcome = made("repair", "j", "--json")
    assert outcome.code == 0
    assert outcome.json["repair"]["restored"] == 9
    assert outcome.json["state"] == "complete"
    assert "rebuilt from 9 parts" in outcome.stderr
    assert "repaired: the manifest." in outcome.stderr


def test_an_unknown_job_is_a_usage_error(made: CommandLine) -> None:
    """Its name is said, and where it was looked for."""
    outcome = made("repair", "nobody")
    assert outcome.code == 2
    assert "there is no job nobody" in outcome.stderr


def test_what_cannot_be_taken_now_is_taken_later(made: CommandLine) -> None:
    """With the server gone the damage is mended, what is missing is named, and resume takes it."""
    shutil.rmtree(part(made, 3, 1).parent)
    outcome = made("repair", "j", "--max-requests", "1")
    assert outcome.code == 3
    assert "of 9 pages are safe" in outcome.stderr
    assert made("resume", "j").code == 0
    assert made("verify", "j").code == 0
