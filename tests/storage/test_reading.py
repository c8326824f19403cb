"""Many keys read at one time are handed on in order, and what is known of a schema is worked out once."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from resumable.models import Interval
from resumable.storage.job_files import JobFiles
from resumable.storage.part_file import PartFile, PathsOnce
from resumable.storage.parts import Footer, Parts
from resumable.storage.reading import ahead
from tests.support.parts import FolderParts


def test_what_is_read_at_one_time_comes_in_order() -> None:
    """However long each takes, and no more than so many wait to be taken."""
    together, begun = threading.Barrier(3, timeout=20), list[int]()

    def read(number: int) -> int:
        begun.append(number)
        if number < 3:
            together.wait()  # so long until three are read at once
        return number * 10

    with ThreadPoolExecutor(3) as pool:
        found = ahead(pool, read, iter(range(100)), most=5)
        assert next(found) == 0
        assert len(begun) <= 6
        assert [*found] == [number * 10 for number in range(1, 100)]


def test_what_fails_to_be_read_is_raised_in_its_turn() -> None:
    """What comes before it is handed on, and what waits is not begun."""

    def read(number: int) -> int:
        if number == 2:
            raise OSError("nobody can read this")
        return number

    with ThreadPoolExecutor(2) as pool:
        found = ahead(pool, read, range(1000), most=4)
        assert [next(found), next(found)] == [0, 1]
        with pytest.raises(OSError, match="nobody"):
            next(found)


def footer_of_page(number: int) -> Footer:
    """Return what the part of a page says of itself."""
    day = datetime(2023, 10, 1, tzinfo=UTC)
    return Footer(
        job="", job_name="j", spec="{}", query_digest="", schema_digest="one", taken_at="2026-01-01T00:00:00Z",
        window=Interval(start=day, end=day + timedelta(days=1)), take=1, number=number, rows=1, page_count=2,
        total=2, snapshot_page_count=2, snapshot_total=2,
    )  # fmt: skip


def _file(**columns: list[object]) -> pa.BufferReader:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table(columns), sink)
    return pa.BufferReader(sink.getvalue())


def test_leaves_are_looked_up_once_for_a_schema(monkeypatch: pytest.MonkeyPatch) -> None:
    """A part of another schema is read by its own leaves."""
    paths, worked_out = PathsOnce(), list[int]()
    real = PartFile.worked_out

    def spied(file: PartFile) -> dict[str, list[int]]:
        worked_out.append(1)
        return real(file)

    monkeypatch.setattr(PartFile, "worked_out", spied)
    for _ in range(3):
        assert PartFile(_file(a=[1], b=["x"]), paths, "one").read(columns=["b"]).to_pylist() == [{"b": "x"}]
    assert len(worked_out) == 1
    assert PartFile(_file(b=["y"], a=[2]), paths, "other").read(columns=["b"]).to_pylist() == [{"b": "y"}]


def test_a_part_with_other_leaves_than_its_schema_is_read_by_its_own(tmp_path: Path) -> None:
    """Whichever was there first: what it says of itself is not believed about that."""
    parts = FolderParts(tmp_path)
    said = footer_of_page(1), footer_of_page(2)
    parts.write(pa.table({"other": [1], "key": ["a"]}), said[0])
    parts.write(pa.table({"key": ["b"], "more": [2], "other": [3]}), said[1])
    for order in ((0, 1), (1, 0)):
        looks = Parts(JobFiles.at(tmp_path))
        found = {number: looks.look(said[number].key, most=10**6, columns=["key"]).table for number in order}
        assert {number: table.to_pylist() for number, table in found.items() if table is not None} == {
            0: [{"key": "a"}],
            1: [{"key": "b"}],
        }
