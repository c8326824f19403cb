"""The demonstration demonstrates."""

from pathlib import Path

import pytest

from resumable import demo
from resumable.simulator.settings import SimSettings
from tests.support.command_line import CommandLine, finished


def test_the_demo_kills_twice_and_ends_equal_to_the_truth(
    cli: CommandLine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Of 100 pages: two real SIGKILLs, every record equal, no finished page asked for again, no secret shown."""
    monkeypatch.setattr(demo, "DAYS", 2)
    outcome = cli("demo", "--json")
    assert outcome.code == 0, outcome.stderr
    result = outcome.json
    assert result["proved"] is True
    assert result["records_equal"] == result["records_expected"] == result["records"] == 2000
    assert 0 < result["kills"][0]["pages"] < result["kills"][1]["pages"] < result["pages"]
    assert result["finished_pages_asked_again"] == 0
    assert SimSettings().client_secret not in outcome.stdout + outcome.stderr
    assert (Path(result["folder"]) / "parts").is_dir()


def test_a_simulator_prints_what_to_set_and_ends_with_a_signal(cli: CommandLine) -> None:
    """`simulate` prints lines for the shell on stdout once it listens, and Ctrl-C is its end and no failure."""
    process = cli.start("simulate", "--records", "5")
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(4)]
    process.terminate()
    assert finished(process).code == 0
    assert lines[0].startswith("export GENESYS_API_URL=http://127.0.0.1:")
