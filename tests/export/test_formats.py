"""Every format holds just the records of the source, each once, sorted by start."""

import csv
import json
from pathlib import Path
from typing import Any

import deltalake

import resumable
from resumable.schema.rebuild import rebuild
from resumable.schema.registry import pinned
from tests.export.jobs import Records, in_order
from tests.support.truth import plain


def rebuilt(table: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - a table of pyarrow's
    """Return the records of a table as they were sent."""
    return [plain(each) for each in rebuild(table, schema=pinned("conversation"))]


def check(records: list[dict[str, Any]], truth: Records) -> None:
    """Check that these are the records of the source, in order."""
    assert [each["conversationId"] for each in records] == in_order(truth.values())
    assert {each["conversationId"]: each for each in records} == truth


def test_the_source_has_records_that_come_twice(job: resumable.Job, truth: Records) -> None:
    """Without any the tests below would show less than they say."""
    assert sum(1 for _ in job.records()) > len(truth)


def test_a_parquet_folder_holds_each_record_once(job: resumable.Job, truth: Records, tmp_path: Path) -> None:
    """The files in the order of their days are the records, in order; a day's file holds what starts on that day."""
    import pyarrow.parquet as pq

    done = job.export(tmp_path / "out")
    files = sorted(tmp_path.glob("out/day=*/*.parquet"))
    records = []
    for path in files:
        day = rebuilt(pq.ParquetFile(path).read())
        assert {each["conversationStart"][:10] for each in day} == {path.parent.name.removeprefix("day=")}
        records += day
    check(records, truth)
    assert (done.rows, done.records, done.days_written) == (len(truth), len(truth), len(files))
    assert done.duplicates == sum(1 for _ in job.records()) - len(truth) > 0


def test_a_parquet_folder_opens_in_what_people_use(job: resumable.Job, truth: Records, tmp_path: Path) -> None:
    """pandas, Polars, DuckDB and pyarrow read the folder by its name, with the day as a column."""
    import duckdb
    import pandas as pd
    import polars as pl
    import pyarrow.dataset as ds

    job.export(tmp_path / "out.parquet")
    folder = tmp_path / "out.parquet"
    assert set(pd.read_parquet(folder)["conversationId"]) == truth.keys()
    frame = pl.read_parquet(folder, hive_partitioning=True)
    assert frame.height == len(truth)
    assert "day" in frame.columns
    with duckdb.connect() as db:
        query = "SELECT count(*), count(DISTINCT day) FROM read_parquet(?)"
        assert db.execute(query, [f"{folder}/**/*.parquet"]).fetchall() == [
            (len(truth), len(list(folder.glob("day=*"))))
        ]
    assert ds.dataset(folder, partitioning="hive").count_rows() == len(truth)


def test_json_lines_hold_each_record_as_it_was_sent(job: resumable.Job, truth: Records, tmp_path: Path) -> None:
    """A line is a record."""
    job.export(tmp_path / "out.jsonl")
    check([json.loads(line) for line in (tmp_path / "out.jsonl").read_bytes().splitlines()], truth)


def test_csv_holds_each_record(job: resumable.Job, truth: Records, tmp_path: Path) -> None:
    """A line is a record: its texts as they are, its instants as Genesys writes them, its lists as JSON."""
    job.export(tmp_path / "out.csv")
    with open(tmp_path / "out.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["conversationId"] for row in rows] == in_order(truth.values())
    for row in rows:
        known = truth[row["conversationId"]]
        for name in ("conversationStart", "conversationEnd", "originatingDirection", "externalTag"):
            assert row[name] == known.get(name, "")
        assert json.loads(row["participants"]) == known["participants"]
        assert json.loads(row["divisionIds"] or "null") == known.get("divisionIds")


def test_a_duckdb_database_holds_each_record(job: resumable.Job, truth: Records, tmp_path: Path) -> None:
    """The table has the name of what is in it, the columns of the schema, and the records in order."""
    import duckdb

    job.export(tmp_path / "out.duckdb")
    with duckdb.connect(str(tmp_path / "out.duckdb"), read_only=True) as db:
        db.execute("SET TimeZone='UTC'")
        table = db.sql("SELECT * FROM conversations").to_arrow_table()
    check(rebuilt(table.cast(pinned("conversation").arrow)), truth)


def test_a_delta_table_holds_each_record(job: resumable.Job, truth: Records, tmp_path: Path) -> None:
    """The table has a partition a day; times are in microseconds, as Delta wants them, and the same."""
    job.export(tmp_path / "out.delta")
    table = deltalake.DeltaTable(str(tmp_path / "out.delta"))
    assert table.metadata().partition_columns == ["day"]
    rows = table.to_pyarrow_dataset().to_table()
    assert [day.isoformat() for day in rows.column("day").to_pylist()] == [
        start.date().isoformat() for start in rows.column("conversationStart").to_pylist()
    ]
    records = rebuilt(rows.drop_columns("day").cast(pinned("conversation").arrow))
    check(sorted(records, key=lambda r: (r["conversationStart"], r["conversationId"])), truth)
