"""Nothing is overwritten, and nothing is changed by a mistake."""

from pathlib import Path

import pytest

from tests.apart.contracts import CONVERSATIONS, USERS
from tests.apart.desk import Desk, MakeDesk
from tests.apart.judge import wrong_with

OWN = ("manifest.sqlite", "receipt.json")


@pytest.mark.parametrize("name", OWN)
def test_report_replaces_no_file_of_a_job(desk_at: MakeDesk, name: str) -> None:
    """`report --to` one of the job's own files ends with exit 2."""
    _try_report(desk_at(), name)


@pytest.mark.parametrize("name", OWN)
def test_report_replaces_no_file_of_a_job_whatever_is_said(desk_at: MakeDesk, name: str) -> None:
    """`report --replace --to` one of the job's own files ends with exit 2, too."""
    _try_report(desk_at(), name, "--replace")


def test_report_replaces_no_file_of_a_stranger(desk_at: MakeDesk, tmp_path: Path) -> None:
    """`report --to` a file that somebody else wrote ends with exit 2."""
    desk = desk_at()
    assert desk(*CONVERSATIONS.arguments()).code == 0
    (tmp_path / "mine.html").write_text("my notes", encoding="utf-8")
    assert desk("report", "j", "--to", str(tmp_path / "mine.html")).code == 2
    assert (tmp_path / "mine.html").read_text(encoding="utf-8") == "my notes"


@pytest.mark.parametrize("name", ["x.csv", "x.jsonl", "x"])
def test_export_replaces_no_other_jobs_export(desk_at: MakeDesk, tmp_path: Path, name: str) -> None:
    """An export to where another job's export lies ends with exit 2, and leaves that one alone."""
    desk = desk_at()
    assert desk(*CONVERSATIONS.arguments()).code == 0
    assert desk(*USERS.arguments(job="u")).code == 0
    assert desk("export", "j", "--to", str(tmp_path / name)).code == 0
    before = _content(tmp_path / name)
    assert desk("export", "u", "--to", str(tmp_path / name)).code == 2
    assert _content(tmp_path / name) == before


def test_export_replaces_no_other_table(desk_at: MakeDesk, tmp_path: Path) -> None:
    """An export of one table to where another table of the same job lies ends with exit 2."""
    desk = desk_at()
    assert desk(*CONVERSATIONS.arguments()).code == 0
    assert desk("export", "j", "--to", str(tmp_path / "x")).code == 0
    before = _content(tmp_path / "x")
    assert desk("export", "j", "--to", str(tmp_path / "x"), "--table", "segments").code == 2
    assert _content(tmp_path / "x") == before


def test_another_query_changes_nothing(desk_at: MakeDesk) -> None:
    """A backfill with another query under the name of a complete job ends with exit 2, and the job is as it was."""
    desk = desk_at()
    assert desk(*CONVERSATIONS.arguments()).code == 0
    outcome = desk(
        *CONVERSATIONS.arguments(), "--queue", desk.wire.cloud.world.identity("queue", 3), "--look-back", "3000d"
    )
    assert outcome.code == 2
    assert desk.status("j")["state"] == "complete"
    assert wrong_with(desk, CONVERSATIONS) == ""


@pytest.mark.parametrize("address", ["ftp://host/x", "http://host/x"])
def test_state_elsewhere_is_not_a_folder(
    desk_at: MakeDesk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    """`--state` with a scheme that nothing knows ends with exit 2, and makes no folder of that name."""
    desk = desk_at()
    monkeypatch.chdir(tmp_path)
    assert desk(*CONVERSATIONS.arguments(), "--state", address).code == 2
    assert not desk.wire.cloud.asked()
    assert list(tmp_path.iterdir()) == []


def _try_report(desk: Desk, name: str, *more: str) -> None:
    assert desk(*CONVERSATIONS.arguments()).code == 0
    target = desk.folder("j") / name
    before = target.read_bytes()
    assert desk("report", "j", "--to", str(target), *more).code == 2
    assert target.read_bytes() == before
    assert wrong_with(desk, CONVERSATIONS) == ""


def _content(path: Path) -> dict[str, bytes]:
    files = sorted(one for one in path.rglob("*") if one.is_file()) if path.is_dir() else [path]
    return {str(one): one.read_bytes() for one in files}
