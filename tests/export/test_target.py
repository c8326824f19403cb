"""What is at the path of an export: only what changed is written again, and nothing of others is touched."""

import json
import os
import shutil
from pathlib import Path

import deltalake
import pytest

from resumable.errors import JobLocked, StorageFailed, UsageError, VerificationFailed
from resumable.export import destination
from resumable.storage import durable
from tests.export.jobs import Make, Page, content, record, taken_again, three_days


@pytest.mark.parametrize("name", ["out", "out.csv", "out.jsonl", "out.duckdb"])
def test_nothing_is_written_where_nothing_has_changed(make: Make, tmp_path: Path, name: str) -> None:
    """A second export finds the first as it has to be."""
    job = three_days(make)
    job.export(tmp_path / name)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.glob(f"{name}/**/*")}
    inode = (tmp_path / name).stat().st_ino
    done = job.export(tmp_path / name)
    assert done.days_written == 0
    assert done.rows == done.records == 6
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert (tmp_path / name).stat().st_ino == inode


def test_only_the_days_that_changed_are_written_again(make: Make, tmp_path: Path) -> None:
    """Of a window that was taken again just the days of its records; the other files are the same ones."""
    job = three_days(make)
    job.export(tmp_path / "out")
    inodes = {path.parent.name: path.stat().st_ino for path in (tmp_path / "out").glob("day=*/*")}
    taken_again(job, 1, [Page(records=[record("1-0", 1, 0, externalTag="new"), record("more", 1, 5)], taken=3)])
    done = job.export(tmp_path / "out")
    assert (done.days_written, done.days_kept, done.rows) == (1, 2, 6)
    after = {path.parent.name: path.stat().st_ino for path in (tmp_path / "out").glob("day=*/*")}
    assert {day for day in after if after[day] != inodes[day]} == {"day=2023-10-02"}
    shutil.rmtree(tmp_path / "out")
    job.export(tmp_path / "out")
    fresh = content(tmp_path / "out")
    assert fresh == content(tmp_path / "out")


def test_a_day_that_loses_a_record_to_a_newer_one_elsewhere_is_written_again(make: Make, tmp_path: Path) -> None:
    """The window that changed is another one: what an export holds is what a first export would hold."""
    job = make([[Page(records=[record("a", 0), record("b", 0, 1)])], [Page(records=[record("c", 1)])]])
    job.export(tmp_path / "out")
    taken_again(job, 1, [Page(records=[record("a", 0, externalTag="new"), record("c", 1)], taken=9)])
    done = job.export(tmp_path / "out")
    assert (done.days_written, done.duplicates) == (2, 1)
    job.export(tmp_path / "fresh")
    assert content(tmp_path / "out") == content(tmp_path / "fresh")


def test_a_delta_table_gets_one_commit_with_the_days_that_changed(make: Make, tmp_path: Path) -> None:
    """The older version can still be read; where nothing changed there is no commit."""
    job = three_days(make)
    job.export(tmp_path / "out.delta")
    files = set(deltalake.DeltaTable(str(tmp_path / "out.delta")).file_uris())
    assert job.export(tmp_path / "out.delta").days_written == 0
    assert deltalake.DeltaTable(str(tmp_path / "out.delta")).version() == 0
    taken_again(job, 1, [Page(records=[record("new", 1)], taken=3)])
    done = job.export(tmp_path / "out.delta")
    assert (done.days_written, done.days_kept, done.rows) == (1, 2, 5)
    table = deltalake.DeltaTable(str(tmp_path / "out.delta"))
    assert table.version() == 1
    assert len(files & set(table.file_uris())) == 2
    ids = table.to_pyarrow_dataset().to_table().column("conversationId").to_pylist()
    assert sorted(ids) == ["0-0", "0-1", "2-0", "2-1", "new"]
    table.load_as_version(0)
    assert table.to_pyarrow_dataset().count_rows() == 6


def test_a_delta_table_that_loses_a_day_loses_its_rows(make: Make, tmp_path: Path) -> None:
    """A day of which the job has nothing any more is taken out."""
    job = three_days(make)
    job.export(tmp_path / "out.delta")
    taken_again(job, 1, [])
    assert job.export(tmp_path / "out.delta").rows == 4
    ids = deltalake.DeltaTable(str(tmp_path / "out.delta")).to_pyarrow_dataset().to_table().column("conversationId")
    assert sorted(ids.to_pylist()) == ["0-0", "0-1", "2-0", "2-1"]


def test_a_delta_table_of_others_is_left_alone(make: Make, tmp_path: Path) -> None:
    """Whether they made it, or wrote to it after us."""
    import pyarrow as pa

    job = three_days(make)
    deltalake.write_deltalake(str(tmp_path / "a.delta"), pa.table({"x": [1]}))
    with pytest.raises(UsageError, match="left alone"):
        job.export(tmp_path / "a.delta")
    job.export(tmp_path / "b.delta")
    deltalake.DeltaTable(str(tmp_path / "b.delta")).delete("conversationId = '0-0'")
    with pytest.raises(UsageError, match="left alone"):
        job.export(tmp_path / "b.delta")


def test_another_shape_takes_the_place_of_the_whole_export(make: Make, tmp_path: Path) -> None:
    """Only where it is told to; no day of whole records stays among those of a table."""
    import pyarrow.parquet as pq

    job = three_days(make)
    job.export(tmp_path / "out")
    with pytest.raises(UsageError, match="left alone"):
        job.export(tmp_path / "out", table="conversations")
    done = job.export(tmp_path / "out", table="conversations", replace=True)
    assert (done.days_written, done.days_kept) == (3, 0)
    assert all("participants" not in pq.read_schema(path).names for path in (tmp_path / "out").glob("day=*/*"))


@pytest.mark.parametrize("harm", ["truncate", "touch", "delete", "swap"])
def test_a_file_of_an_export_that_was_changed_is_written_again(make: Make, tmp_path: Path, harm: str) -> None:
    """Whatever was done to it: the export is as a first one would be."""
    job = three_days(make)
    job.export(tmp_path / "out")
    good = content(tmp_path / "out")
    path = tmp_path / "out" / "day=2023-10-02" / "part-00000.parquet"
    if harm == "truncate":
        os.truncate(path, 10)
    elif harm == "touch":
        os.utime(path)
    elif harm == "delete":
        path.unlink()
    else:
        shutil.copy(tmp_path / "out" / "day=2023-10-01" / "part-00000.parquet", path)
    done = job.export(tmp_path / "out")
    assert (done.days_written, done.days_kept) == (1, 2)
    assert content(tmp_path / "out") == good


def foreign_file(path: Path) -> None:
    """Put a file of somebody else's there."""
    path.write_text("mine")


def foreign_folder(path: Path) -> None:
    """Put a folder of somebody else's there."""
    path.mkdir()
    (path / "thesis.txt").write_text("mine")


def foreign_link(path: Path) -> None:
    """Put a link to somebody else's folder there."""
    foreign_folder(path.with_name("elsewhere"))
    path.symlink_to(path.with_name("elsewhere"))


@pytest.mark.parametrize("put", [foreign_file, foreign_folder, foreign_link])
@pytest.mark.parametrize("name", ["out", "out.csv", "out.duckdb", "out.delta"])
def test_what_is_no_export_is_left_alone(make: Make, tmp_path: Path, put: object, name: str) -> None:
    """A file, a folder or a link that somebody else put at the path stays: a usage error, before any work."""
    assert callable(put)
    put(tmp_path / name)
    before = sorted(path for path in tmp_path.rglob("*") if "state" not in path.parts)
    job = three_days(make)
    with pytest.raises(UsageError, match="left alone"):
        job.export(tmp_path / name)
    assert sorted(path for path in tmp_path.rglob("*") if "state" not in path.parts) == before
    assert all(path.read_text() == "mine" for path in before if path.is_file())


def test_a_file_that_somebody_put_into_an_export_is_not_lost(make: Make, tmp_path: Path) -> None:
    """The export is refused, and names it; once it is moved away it goes on."""
    job = three_days(make)
    job.export(tmp_path / "out")
    note = tmp_path / "out" / "day=2023-10-02" / "note.txt"
    note.write_text("mine")
    taken_again(job, 1, [Page(records=[record("new", 1)])])
    with pytest.raises(UsageError, match=r"day=2023-10-02/note.txt"):
        job.export(tmp_path / "out")
    assert note.read_text() == "mine"
    note.unlink()
    assert job.export(tmp_path / "out").days_written == 1


def test_a_file_is_replaced_when_the_user_says_so(make: Make, tmp_path: Path) -> None:
    """Only a file: a folder of somebody else's never is."""
    job = three_days(make)
    foreign_file(tmp_path / "out.csv")
    job.export(tmp_path / "out.csv", replace=True)
    assert (tmp_path / "out.csv").read_text().startswith('"conversationId"')
    foreign_folder(tmp_path / "out")
    with pytest.raises(UsageError, match="left alone"):
        job.export(tmp_path / "out", replace=True)


def test_an_export_that_was_edited_is_not_overwritten(make: Make, tmp_path: Path) -> None:
    """A CSV that somebody worked in is theirs."""
    job = three_days(make)
    job.export(tmp_path / "out.csv")
    (tmp_path / "out.csv").write_text("edited")
    with pytest.raises(UsageError, match="left alone"):
        job.export(tmp_path / "out.csv")
    assert (tmp_path / "out.csv").read_text() == "edited"


def test_an_empty_folder_is_filled(make: Make, tmp_path: Path) -> None:
    """One that was made beforehand is no obstacle."""
    (tmp_path / "out").mkdir()
    assert three_days(make).export(tmp_path / "out").days_written == 3


def test_a_folder_that_is_not_there_is_a_usage_error(make: Make, tmp_path: Path) -> None:
    """It is not made on the way: a slip of the pen would be a folder."""
    with pytest.raises(UsageError, match="there is no folder"):
        three_days(make).export(tmp_path / "typo" / "out")
    assert not (tmp_path / "typo").exists()


def test_two_exports_to_one_path_do_not_meet(make: Make, tmp_path: Path) -> None:
    """The second is told at once; an export elsewhere is not in the way."""
    job = three_days(make)
    with destination.staged(tmp_path / "out"):
        with pytest.raises(JobLocked):
            job.export(tmp_path / "out")
        job.export(tmp_path / "other")
    job.export(tmp_path / "out")


def test_a_damaged_part_ends_an_export_and_the_old_one_stays(make: Make, tmp_path: Path) -> None:
    """It is found by its hash, before anything of the old export is touched."""
    job = three_days(make)
    job.export(tmp_path / "out")
    before = content(tmp_path / "out")
    taken_again(job, 0, [Page(records=[record("new", 0)])])
    path = sorted(job.files())[-1]
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(VerificationFailed, match="other bytes"):
        job.export(tmp_path / "out")
    assert content(tmp_path / "out") == before
    assert [each.name for each in tmp_path.iterdir() if each.name.endswith(".export")] == []


def test_a_full_disk_ends_an_export_and_the_old_one_stays(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A write that fails is a failure of storage, whichever write it is."""
    import errno

    job = three_days(make)
    job.export(tmp_path / "out")
    before = content(tmp_path / "out")
    taken_again(job, 0, [Page(records=[record("new", 0)])])

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(durable, "_sync", full)
    with pytest.raises(StorageFailed, match="no space left"):
        job.export(tmp_path / "out")
    monkeypatch.undo()
    assert content(tmp_path / "out") == before
    assert job.export(tmp_path / "out").days_written == 1


def test_the_receipt_says_what_the_export_was_made_from(make: Make, tmp_path: Path) -> None:
    """It is beside the export: the job, its digest, and what each day holds."""
    job = three_days(make)
    job.export(tmp_path / "out")
    (receipt,) = json.loads((tmp_path / ".out.export.json").read_text())
    assert receipt["job"] == "job"
    assert receipt["records"] == 6
    assert {day: facts["rows"] for day, facts in receipt["days"].items()} == {
        "2023-10-01": 2, "2023-10-02": 2, "2023-10-03": 2
    }  # fmt: skip
