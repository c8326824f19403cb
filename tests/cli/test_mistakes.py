"""Every mistake of the table ends as it says, in words that say what to do, and changes nothing."""

import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from resumable.simulator.settings import SimSettings, Style
from resumable.simulator.simulator import Simulator
from tests.cli.mistakes import MISTAKES, Mistake
from tests.support.command_line import CommandLine

LEAST = 60


@pytest.fixture(scope="module")
def october(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommandLine]:
    """Return a command line with one complete job."""
    quick = SimSettings(records=20, style=Style.SMALL, gzip=False, rate_public=None, rate_article=None)
    with Simulator(quick) as sim:
        cli = CommandLine(sim=sim, state=tmp_path_factory.mktemp("mistakes") / "state")
        assert (
            cli("backfill", "conversations", "--from", "2023-10-01", "--to", "2023-10-02", "--job", "october").code == 0
        )
        yield cli


def test_there_are_many() -> None:
    """Tried as a new user would, and each is another."""
    told = {(mistake.typed, *sorted(mistake.environment.items())) for mistake in MISTAKES}
    assert len(told) == len(MISTAKES) >= LEAST


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.typed[:60])
def test_a_mistake(mistake: Mistake, october: CommandLine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The code is right, each piece is said in its order, there is no traceback, and nothing was made."""
    monkeypatch.chdir(tmp_path)
    for made in _beside_october(october.state):  # a run that was refused later than by usage has made its job
        shutil.rmtree(made)
    october.extra = dict(mistake.environment)
    outcome = october(*shlex.split(mistake.typed))
    assert outcome.code == mistake.code, outcome.stderr
    place = 0
    for piece in mistake.says:
        assert piece in outcome.stderr[place:], outcome.stderr
        place = outcome.stderr.index(piece, place) + len(piece)
    assert "Traceback" not in outcome.stderr
    assert "internal error" not in outcome.stderr
    if mistake.code == 2:
        assert _beside_october(october.state) == []
        assert list(tmp_path.iterdir()) == []


def _beside_october(state: Path) -> list[Path]:
    return [path for path in state.iterdir() if path.is_dir() and path.name[0] != "." and path.name != "october"]
