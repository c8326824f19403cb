"""The parts of a job, opened as they are by the libraries that people use."""

from collections.abc import Iterator

import pytest

import resumable
from resumable import Job
from resumable.simulator.settings import SimSettings
from resumable.simulator.simulator import Simulator
from tests.support.inprocess import settings_for, spec_for


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Job]:
    """Return a complete job of three windows, one of them empty, with drift in one."""
    records_on = {"2023-10-02": 0}
    with Simulator(SimSettings(records=45, records_on=records_on, rate_public=None, rate_article=None)) as sim:
        spec = spec_for("conversations", "2023-10-01", "2023-10-04")
        made = resumable.make(spec, settings_for(sim, tmp_path_factory.mktemp("state")))
        made.run()
        yield made


def starts(job: Job) -> list[str]:
    """Return the starts of all conversations, sorted, as the server sent them."""
    return sorted(record["conversationStart"] for record in job.records())


def test_pyarrow_opens_all_parts_with_the_pinned_schema(job: Job) -> None:
    """The folder is one dataset with one schema, the window as its partition."""
    import pyarrow.dataset as ds

    from resumable.schema.registry import pinned

    folder = ds.dataset(str(job.folder / "parts"), partitioning="hive")
    assert folder.schema.remove(folder.schema.get_field_index("window")).equals(pinned("conversation").arrow)
    assert folder.count_rows() == len(starts(job)) == 90
    assert job.dataset().to_table().schema.equals(pinned("conversation").arrow)


def test_pandas_opens_all_parts(job: Job) -> None:
    """pandas reads the folder whole, with UTC timestamps."""
    import pandas as pd

    frame = pd.read_parquet(job.folder / "parts")
    assert len(frame) == 90
    assert str(frame["conversationStart"].dt.tz) == "UTC"
    assert frame["conversationId"].is_unique


def test_duckdb_opens_all_parts_and_unnests_metrics(job: Job) -> None:
    """DuckDB reads the folder by a pattern; metrics are whole numbers, instants have a zone."""
    import duckdb

    parts = f"{job.folder}/parts/**/*.parquet"
    with duckdb.connect() as db:
        db.execute("SET TimeZone='UTC'")
        count, first = db.execute(
            "SELECT count(*), strftime(min(conversationStart), '%Y-%m-%dT%H:%M:%S.%gZ') FROM read_parquet(?)", [parts]
        ).fetchall()[0]
        assert (count, first) == (90, starts(job)[0])
        kinds = db.execute(
            "SELECT DISTINCT typeof(m.value) FROM (SELECT unnest(s.metrics) AS m FROM"
            " (SELECT unnest(p.sessions) AS s FROM (SELECT unnest(participants) AS p FROM read_parquet(?))))",
            [parts],
        ).fetchall()
        assert kinds == [("BIGINT",)]


def test_polars_opens_all_parts(job: Job) -> None:
    """Polars reads the folder by a pattern, with one schema."""
    import polars as pl

    frame = pl.read_parquet(f"{job.folder}/parts/**/*.parquet", hive_partitioning=False)
    assert frame.height == 90
    assert frame["conversationId"].n_unique() == 90
    assert frame.schema["conversationStart"] == pl.Datetime("ms", "UTC")
