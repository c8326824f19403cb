"""The relational shape: flat tables that join back to the records, with names beside ids."""

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import deltalake
import pytest

import resumable
from resumable.errors import UsageError
from resumable.export import tables
from resumable.schema.fields import ColumnKind, Leaf, ListOf, ObjectOf
from resumable.schema.pointers import tokens
from resumable.schema.registry import pinned
from resumable.schema.schema import UNMAPPED
from resumable.simulator.settings import SimSettings
from resumable.simulator.simulator import Simulator
from tests.export.jobs import Make, Page, Records, record
from tests.support.builders import START, make_job
from tests.support.clock import VirtualClock

SCHEMA = pinned("conversation")
TABLES = tables.tables(SCHEMA, "conversations")
Rows = dict[str, dict[tuple[Any, ...], list[dict[str, Any]]]]


def exported(job: resumable.Job, table: str, **how: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - as Job.export takes them
    """Return the rows of a table."""
    found: list[bytes] = []
    job.export(found.append, format="jsonl", table=table, **how)
    return [json.loads(line) for line in b"".join(found).splitlines()]


def read_all(job: resumable.Job) -> Rows:
    """Return the rows of every table by the keys of what they are in: the id and the places in the lists above."""
    found: Rows = {}
    for name, shape in TABLES.items():
        above = ["conversationId", *(str(level.index) for level in shape.levels[1:-1])] if len(shape.levels) > 1 else []
        found[name] = defaultdict(list)
        for row in exported(job, name):
            found[name][tuple(row[column] for column in above)].append(row)
    return found


def joined(
    rows: Rows, node: ObjectOf, row: dict[str, Any], path: tuple[str, ...], at: tuple[Any, ...]
) -> dict[str, Any]:
    """Make an object again from its row and from the rows of the tables below it."""
    return _members(rows, node, row, path, at, "")


def _members(
    rows: Rows, node: ObjectOf, row: dict[str, Any], path: tuple[str, ...], at: tuple[Any, ...], before: str
) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for name, member in node.members.items():
        column = before + name
        if isinstance(member, ObjectOf):
            inner = _members(rows, member, row, (*path, name), at, f"{column}_")
            if inner:
                made[name] = inner
        elif isinstance(member, ListOf) and isinstance(member.element, ObjectOf):
            if tables.counted(column) in row:
                made[name] = _elements(rows, member.element, (*path, name), at)
                assert len(made[name]) == row[tables.counted(column)]
        elif column in row:
            made[name] = row[column]
    return made


def _elements(rows: Rows, node: ObjectOf, path: tuple[str, ...], at: tuple[Any, ...]) -> list[dict[str, Any]]:
    shape = next(each for each in TABLES.values() if tuple(s for level in each.levels for s in level.steps) == path)
    below = rows[shape.name].get(at, [])
    index = str(shape.levels[-1].index)
    assert [row[index] for row in below] == list(range(len(below)))
    return [joined(rows, node, row, path, (*at, row[index])) for row in below]


def with_unmapped(made: dict[str, Any], row: dict[str, Any]) -> dict[str, Any]:
    """Put back what no column holds."""
    for pointer, value in row.get(UNMAPPED, {}).items():
        at: Any = made
        *way, last = tokens(pointer)
        for token in way:
            at = at[int(token)] if isinstance(at, list) else at[token]
        at[int(last) if isinstance(at, list) else last] = value
    return made


def test_the_tables_join_back_to_the_records(job: resumable.Job, truth: Records) -> None:
    """From the rows alone, by their keys and places, every conversation is made again, whole."""
    rows = read_all(job)
    assert all(rows[name] for name in ("conversations", "participants", "sessions", "segments", "metrics"))
    made = {}
    for row in rows["conversations"][()]:
        name = row["conversationId"]
        made[name] = with_unmapped(joined(rows, SCHEMA.root, row, (), (name,)), row)
    assert made == truth


def test_a_metric_is_a_row_with_the_keys_of_what_it_is_in(job: resumable.Job, truth: Records) -> None:
    """Conversation, participant and session by their ids, and the places that tell equal ones apart."""
    wanted = [
        (c["conversationId"], p.get("participantId"), s.get("sessionId"), m["name"], m["value"])
        for c in truth.values()
        for p in c["participants"]
        for s in p["sessions"]
        for m in s.get("metrics", [])
    ]
    found = [
        tuple(row.get(name) for name in ("conversationId", "participantId", "sessionId", "name", "value"))
        for row in exported(job, "metrics")
    ]
    assert sorted(map(str, found)) == sorted(map(str, wanted))


def test_every_format_holds_the_rows_of_a_table(job: resumable.Job, tmp_path: Path) -> None:
    """Parquet, CSV, DuckDB and Delta agree on how many segments there are, and of which queues."""
    import duckdb
    import pandas as pd

    rows = exported(job, "segments")
    queues = sorted(str(row.get("queueId")) for row in rows)
    for name in ("out.parquet", "out.csv", "out.duckdb", "out.delta"):
        assert job.export(tmp_path / name, table="segments").rows == len(rows)
    with duckdb.connect(str(tmp_path / "out.duckdb"), read_only=True) as db:
        base = db.sql("SELECT queueId FROM segments").fetchall()
    for column in (
        pd.read_parquet(tmp_path / "out.parquet")["queueId"],
        pd.read_csv(tmp_path / "out.csv")["queueId"],
        deltalake.DeltaTable(str(tmp_path / "out.delta")).to_pyarrow_dataset().to_table().column("queueId").to_pandas(),
        pd.Series([queue for (queue,) in base]),
    ):
        assert sorted(column.astype(object).where(column.notna(), "None")) == queues


def test_no_column_comes_twice_in_any_table_of_any_schema() -> None:
    """Keys of ours step aside where a field has their name."""
    from resumable.export import shape

    for name in ("conversation", "user-detail", "user", "queue", "wrapup-code"):
        for table in tables.tables(pinned(name), name):
            columns = shape.make(pinned(name), name, table=table, names={}).schema.names
            assert len(columns) == len(set(columns)), (name, table)


def test_a_wrong_table_names_those_that_there_are(job: resumable.Job) -> None:
    """It is a usage error."""
    with pytest.raises(UsageError) as caught:
        exported(job, "metric")
    assert "participants, sessions" in caught.value.hint
    assert "metrics" in caught.value.hint


def test_an_empty_list_and_an_absent_one_are_told_apart(make: Make) -> None:
    """The count is 0, or there is none."""
    job = make([[Page(records=[record("a", 0, 0, participants=[]), record("b", 0, 1)])]])
    assert [row.get("participantCount") for row in exported(job, "conversations")] == [0, None]
    assert exported(job, "participants") == []


@pytest.fixture
def organisation(tmp_path: Path) -> tuple[Simulator, resumable.Job]:
    """A job of conversations beside jobs of users, queues and wrap-up codes."""
    import dataclasses

    sim, clock = Simulator(SimSettings(records=40, list_page_size_cap=7)), VirtualClock()
    jobs = {}
    for dataset in ("conversations", "users", "queues", "wrapupcodes"):
        made = make_job(sim, clock, tmp_path / dataset, dataset=dataset, days=1)
        made.run()
        target = tmp_path / "state" / dataset
        target.parent.mkdir(exist_ok=True)
        made.folder.rename(target)
        jobs[dataset] = dataclasses.replace(
            made, name=dataset, settings=dataclasses.replace(made.settings, state=tmp_path / "state")
        )
    return sim, jobs["conversations"]


def test_ids_get_names_where_lists_were_downloaded(organisation: tuple[Simulator, resumable.Job]) -> None:
    """In a table a column stands beside each id; an id that no list has gets none."""
    sim, job = organisation
    queues = {each["id"]: each["name"] for each in sim.truth(None, dataset="queues")}
    codes = {each["id"]: each["name"] for each in sim.truth(None, dataset="wrapupcodes")}
    users = {each["id"]: each["name"] for each in sim.truth(None, dataset="users")}
    segments = exported(job, "segments", names=True)
    assert {row["queueName"] for row in segments if "queueId" in row} <= set(queues.values())
    for row in segments:
        assert row.get("queueName") == queues.get(row.get("queueId"))
        assert row.get("wrapUpCodeName") == codes.get(row.get("wrapUpCode"))
    assert any("wrapUpCodeName" in row for row in segments)
    participants = exported(job, "participants", names=True)
    assert any("userName" in row for row in participants)
    assert all(row.get("userName") == users.get(row.get("userId")) for row in participants)


def test_whole_records_get_names_too_and_lose_nothing(organisation: tuple[Simulator, resumable.Job]) -> None:
    """Without the names beside its ids a record is as it was sent."""
    _, job = organisation
    found: list[bytes] = []
    job.export(found.append, format="jsonl", names=True)
    records = [json.loads(line) for line in b"".join(found).splitlines()]
    plain: list[bytes] = []
    job.export(plain.append, format="jsonl")
    assert b'"queueName"' in b"".join(found)
    assert [_nameless(each, SCHEMA.root) for each in records] == [json.loads(x) for x in b"".join(plain).splitlines()]


def _nameless(value: Any, node: Any) -> Any:  # noqa: ANN401 - any JSON value
    if isinstance(node, ListOf) and isinstance(value, list):
        return [_nameless(element, node.element) for element in value]
    if isinstance(node, ObjectOf) and isinstance(value, dict):
        added = {tables.name_of(name) for name in node.members if tables.is_named(node, name)}
        return {
            k: _nameless(v, node.members.get(k, Leaf(kind=ColumnKind.JSON))) for k, v in value.items() if k not in added
        }
    return value


def test_names_without_any_list_is_a_usage_error(job: resumable.Job) -> None:
    """It says what to download."""
    with pytest.raises(UsageError) as caught:
        exported(job, "segments", names=True)
    assert "resumable backfill queues" in caught.value.hint
    assert START  # the job is of the usual days
