"""`resumable report`, from the command to the file, of a job that a run has made."""

import re
import sys
from pathlib import Path

import pytest

from resumable.simulator.faults.faults import FaultKind, Match, SimFault
from tests.support.command_line import RANGE, SECRET, CommandLine

BACKFILL = ("backfill", "conversations", *RANGE, "--job", "j")


def test_a_run_is_told_with_its_receipt(cli: CommandLine) -> None:
    """What the run sent and what its receipt says is in the file, which is named; --json says the same."""
    cli.sim.inject(SimFault(kind=FaultKind.STATUS, status=429, headers=(("Retry-After", "0"),), on=Match(pages=(2,))))
    assert cli(*BACKFILL).code == 0
    outcome = cli("report", "j", "--json")
    path = cli.state / "j" / "report.html"
    assert outcome.code == 0, outcome.stderr
    assert f"written: {path} (" in outcome.stderr
    assert outcome.json == {"job": "j", "report": str(path), "bytes": path.stat().st_size}
    page = path.read_text()
    assert "It names 3 windows" in page
    assert "<b>750</b><span>records</span>" in page
    assert re.search(r"<b>1</b><span>answers with 429</span>", page)
    assert SECRET not in page
    assert cli.sim.settings.client_id not in page


def test_it_goes_where_it_is_told(cli: CommandLine, tmp_path: Path) -> None:
    """With --to it is there and nowhere else; without a name it is of the only job."""
    assert cli(*BACKFILL).code == 0
    assert cli("report", "--to", str(tmp_path / "month.html")).code == 0
    assert (tmp_path / "month.html").read_text().startswith("<!doctype html>")
    assert not (cli.state / "j" / "report.html").exists()


def test_a_report_in_the_jobs_folder_is_no_fault(cli: CommandLine) -> None:
    """Whoever verifies, repairs or carries on the job later passes over it."""
    assert cli(*BACKFILL).code == 0
    assert cli("report").code == 0
    before = (cli.state / "j" / "report.html").read_bytes()
    assert cli("verify", "j").code == 0
    assert cli("repair", "j").code == 0
    assert cli(*BACKFILL).code == 0
    assert (cli.state / "j" / "report.html").read_bytes() == before


def test_a_job_that_is_not_there_is_a_usage_error(cli: CommandLine) -> None:
    """With the command that lists what there is."""
    outcome = cli("report", "nothing")
    assert outcome.code == 2
    assert "there is no job nothing" in outcome.stderr
    assert "resumable jobs" in outcome.stderr


def test_without_the_extra_the_command_that_installs_it_is_named(
    cli: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit 2, one paragraph, nothing written."""
    assert cli(*BACKFILL).code == 0
    monkeypatch.setitem(sys.modules, "vl_convert", None)
    outcome = cli("report", "j")
    assert outcome.code == 2
    assert "-m pip install vl-convert-python" in outcome.stderr
    assert "Traceback" not in outcome.stderr
    assert not (cli.state / "j" / "report.html").exists()


def test_a_new_job_has_a_report_too(cli: CommandLine) -> None:
    """A job whose first run was refused has windows and nothing else: that is what it says."""
    cli.sim.inject(SimFault(kind=FaultKind.STATUS, status=403, times=None))
    assert cli(*BACKFILL).code == 4
    assert cli("report", "j").code == 0
    assert "3 planned" in (cli.state / "j" / "report.html").read_text()


def test_only_a_report_of_the_same_job_is_written_over(cli: CommandLine, tmp_path: Path) -> None:
    """A stranger's file, an edited report and another job's are left alone with exit 2, unless --replace is given."""
    assert cli(*BACKFILL).code == 0
    assert cli("backfill", "conversations", *RANGE, "--job", "k").code == 0
    path = tmp_path / "mine.html"
    path.write_text("mine")
    outcome = cli("report", "j", "--to", str(path))
    assert outcome.code == 2
    assert "--replace" in outcome.stderr
    assert path.read_text() == "mine"
    assert cli("report", "j", "--to", str(path), "--replace").code == 0
    assert cli("report", "j", "--to", str(path)).code == 0
    assert cli("report", "k", "--to", str(path)).code == 2
    path.write_text(path.read_text().replace("records", "RECORDS"))
    assert cli("report", "j", "--to", str(path)).code == 2


@pytest.mark.parametrize("inside", ["manifest.sqlite", "receipt.json", "lock", "notes.html"])
def test_no_report_is_written_over_a_jobs_own_files(cli: CommandLine, tmp_path: Path, inside: str) -> None:
    """Not of this job nor of another, not through a link, not with --replace; its usual place in the folder is fine."""
    assert cli(*BACKFILL).code == 0
    assert cli("backfill", "conversations", *RANGE, "--job", "k").code == 0
    (tmp_path / "link.html").symlink_to(cli.state / "k" / inside)
    before = {path: path.read_bytes() for path in cli.state.rglob("*") if path.is_file() and path.name != "lock"}
    for place in (cli.state / "j" / inside, cli.state / "k" / inside, tmp_path / "link.html", cli.state / "k"):
        for more in ((), ("--replace",)):
            assert cli("report", "j", "--to", str(place), *more).code == 2, place
    after = {path: path.read_bytes() for path in cli.state.rglob("*") if path.is_file() and path.name != "lock"}
    assert after == before
    assert cli("report", "j", "--to", str(cli.state / "j")).code == 0
    assert (cli.state / "j" / "report.html").is_file()


def test_a_report_follows_the_links_that_were_named(cli: CommandLine, tmp_path: Path) -> None:
    """The file that a link leads to is written, the first time and the second."""
    assert cli(*BACKFILL).code == 0
    (tmp_path / "real").mkdir()
    (tmp_path / "link.html").symlink_to(tmp_path / "real" / "r.html")
    for _ in range(2):
        assert cli("report", "j", "--to", str(tmp_path / "link.html")).code == 0
    assert (tmp_path / "real" / "r.html").is_file()
    assert (tmp_path / "link.html").is_symlink()
