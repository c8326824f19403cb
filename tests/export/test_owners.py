"""Whose is what an export would write over: another job's, another table's, a stranger's, a job's own files."""

import json
import os
import shutil
from pathlib import Path

import pytest

import resumable
from resumable.errors import ExitCode, JobLocked, UsageError
from resumable.export import destination
from tests.export.jobs import Make, Page, content, job_of, record, taken_again, three_days

NAMES = ["out", "out.csv", "out.jsonl", "out.duckdb", "out.delta"]


@pytest.fixture
def pair(make: Make, tmp_path: Path) -> tuple[resumable.Job, resumable.Job]:
    """Return two jobs in one state folder."""
    return three_days(make), job_of(tmp_path / "state" / "other", [[Page(records=[record("other", 0)])]])


@pytest.mark.parametrize("name", NAMES)
def test_an_export_of_another_job_is_left_alone_unless_it_is_to_be_replaced(
    pair: tuple[resumable.Job, resumable.Job], tmp_path: Path, name: str
) -> None:
    """Exit 2 names both jobs, and the first export is as it was; with `replace` the second takes its place."""
    if name.endswith(".delta"):
        pytest.importorskip("deltalake")
    first, second = pair
    first.export(tmp_path / name)
    before = content(tmp_path / name)
    with pytest.raises(UsageError, match=r"the job job, not from the job other.*left alone") as refused:
        second.export(tmp_path / name)
    assert refused.value.exit_code is ExitCode.USAGE
    assert "--replace" in refused.value.hint
    assert content(tmp_path / name) == before
    assert second.export(tmp_path / name, replace=True).rows == 1
    assert content(tmp_path / name) != before
    assert second.export(tmp_path / name).days_written == 0
    with pytest.raises(UsageError, match="left alone"):
        first.export(tmp_path / name)


@pytest.mark.parametrize("name", NAMES)
def test_an_export_of_another_table_is_left_alone_unless_it_is_to_be_replaced(
    make: Make, tmp_path: Path, name: str
) -> None:
    """Whole records and each table are different things, in both directions."""
    if name.endswith(".delta"):
        pytest.importorskip("deltalake")
    job = three_days(make)
    job.export(tmp_path / name, table="conversations")
    before = content(tmp_path / name)
    for other in (None, "participants"):
        with pytest.raises(UsageError, match="left alone"):
            job.export(tmp_path / name, table=other)
    assert content(tmp_path / name) == before
    assert job.export(tmp_path / name, replace=True).table == "conversations"


def test_another_format_under_the_same_name_is_another_thing(make: Make, tmp_path: Path) -> None:
    """A path that a program reads as CSV does not become JSON Lines by a slip."""
    job = three_days(make)
    job.export(tmp_path / "out.csv")
    with pytest.raises(UsageError, match="left alone"):
        job.export(tmp_path / "out.csv", format="jsonl")


def test_a_receipt_of_an_older_version_still_says_whose_it_is(make: Make, tmp_path: Path) -> None:
    """Without format and table in it: what was made alike is brought up to date, anything else is left alone."""
    job = three_days(make)
    job.export(tmp_path / "out.csv")
    path = tmp_path / ".out.csv.export.json"
    (known,) = json.loads(path.read_text())
    del known["format"], known["table"]
    path.write_text(json.dumps([known]))
    with pytest.raises(UsageError, match="left alone"):
        job.export(tmp_path / "out.csv", table="conversations")
    taken_again(job, 1, [Page(records=[record("new", 1)])])
    assert job.export(tmp_path / "out.csv").rows == 5


def test_a_stranger_s_file_under_the_name_of_the_receipt_is_left_alone(make: Make, tmp_path: Path) -> None:
    """It is not written over, whether there is an export beside it or not."""
    job = three_days(make)
    for name in ("out.csv", "out"):
        (tmp_path / f".{name}.export.json").write_text("mine")
        with pytest.raises(UsageError, match="left alone"):
            job.export(tmp_path / name)
        assert (tmp_path / f".{name}.export.json").read_text() == "mine"
        assert not (tmp_path / name).exists()


def test_a_stranger_s_folder_under_the_name_of_the_hidden_one_is_left_alone(make: Make, tmp_path: Path) -> None:
    """Only what a killed export leaves is cleared away."""
    job = three_days(make)
    (tmp_path / ".out.csv.export").mkdir()
    (tmp_path / ".out.csv.export" / "thesis.txt").write_text("mine")
    with pytest.raises(UsageError, match=r"thesis\.txt is in the way"):
        job.export(tmp_path / "out.csv")
    assert (tmp_path / ".out.csv.export" / "thesis.txt").read_text() == "mine"


def test_an_export_that_is_refused_for_another_leaves_that_one_its_folder(make: Make, tmp_path: Path) -> None:
    """Whoever comes second removes nothing of the first, which goes on."""
    job = three_days(make)
    with destination.staged(tmp_path / "out.csv") as staging:
        (staging / "out.csv").write_text("half")
        with pytest.raises(JobLocked):
            job.export(tmp_path / "out.csv")
        assert (staging / "out.csv").read_text() == "half"


@pytest.mark.parametrize(
    "inside",
    ["manifest.sqlite", "receipt.json", "lock", "new.csv", "parts", "parts/window=20231001T000000Z/page-00001.parquet"],
)
def test_nothing_is_written_into_the_folder_of_any_job(
    pair: tuple[resumable.Job, resumable.Job], tmp_path: Path, inside: str
) -> None:
    """Not into its own, nor another job's, not with `replace`, not through a link, not when its manifest is lost."""
    first, second = pair
    (tmp_path / "link").symlink_to(second.folder)
    (tmp_path / "link.csv").symlink_to(second.folder / inside)
    before = content(second.folder)
    targets = [first.folder / inside, second.folder / inside, tmp_path / "link" / inside, tmp_path / "link.csv"]
    for target in targets:
        for replace in (False, True):
            with pytest.raises(UsageError, match="is in the folder of the job"):
                first.export(target, format="csv", replace=replace)
    assert content(second.folder) == before
    (second.folder / "manifest.sqlite").unlink()
    with pytest.raises(UsageError, match="is in the folder of the job other"):
        first.export(second.folder / inside, format="csv", replace=True)


@pytest.mark.parametrize("name", NAMES)
def test_links_that_the_user_named_are_followed(make: Make, tmp_path: Path, name: str) -> None:
    """A link to the folder, to the file itself, or to where it is to be: it works the first time and every time."""
    if name.endswith(".delta"):
        pytest.importorskip("deltalake")
    job = three_days(make)
    (tmp_path / "real").mkdir()
    (tmp_path / "folder").symlink_to(tmp_path / "real")
    (tmp_path / name).symlink_to(tmp_path / "real" / f"of-{name}")
    assert job.export(tmp_path / "folder" / name).rows == 6
    assert (tmp_path / "real" / name).exists()
    assert job.export(tmp_path / name).rows == 6
    assert job.export(tmp_path / name).days_written == 0
    assert (tmp_path / name).is_symlink()
    assert (tmp_path / "real" / f"of-{name}").exists()


def test_links_in_a_circle_lead_nowhere(make: Make, tmp_path: Path) -> None:
    """Exit 2, and the links stay."""
    (tmp_path / "a.csv").symlink_to(tmp_path / "b.csv")
    (tmp_path / "b.csv").symlink_to(tmp_path / "a.csv")
    with pytest.raises(UsageError):
        three_days(make).export(tmp_path / "a.csv")
    assert (tmp_path / "a.csv").is_symlink()


@pytest.mark.parametrize("text", ["file:///tmp/x.csv", "gs://b/x.parquet", "https://h/x.jsonl"])
def test_what_is_no_address_of_a_bucket_is_no_path_either(
    make: Make, tmp_path: Path, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit 2, and no folder is made that is called like the beginning of an address."""
    monkeypatch.chdir(tmp_path)
    job = three_days(make)
    with pytest.raises(UsageError, match="cannot be"):
        job.export(text)
    with pytest.raises(UsageError, match="is an address"):
        job.export(Path(text))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["state"]


def test_the_home_folder_has_its_sign(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`--to=~/x.csv`, which a shell leaves as it is, goes there."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    job = three_days(make)
    job.export("~/x.csv")
    assert (tmp_path / "x.csv").is_file()
    assert not (tmp_path / "~").exists()
    with pytest.raises(UsageError, match="home"):
        job.export("~nobody-of-that-name/x.csv")


@pytest.mark.parametrize("name", [b"x\xff.csv", b"\xff/x.jsonl", b"x\xff.duckdb", b"x\xff"])
def test_a_target_that_is_not_utf8_is_a_usage_error(make: Make, tmp_path: Path, name: bytes) -> None:
    """Nothing is written that half of the formats could not name."""
    job = three_days(make)
    with pytest.raises(UsageError, match="is not UTF-8"):
        job.export(os.fsdecode(bytes(tmp_path) + b"/" + name), format="csv")


def test_a_moved_job_is_the_same_job(make: Make, tmp_path: Path) -> None:
    """Its export is brought up to date under its new name: the identity is the job's, not its folder's."""
    job = three_days(make)
    job.export(tmp_path / "out.csv")
    shutil.move(job.folder, job.folder.with_name("renamed"))
    moved = resumable.Job(name="renamed", settings=job.settings, clock=job.clock)
    taken_again(moved, 1, [Page(records=[record("new", 1)])])
    assert moved.export(tmp_path / "out.csv").rows == 5
