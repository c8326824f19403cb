"""Into a warehouse, through dlt, which nothing else imports: flat tables, merged by day, only the days that changed.

What has been loaded of which day is dlt's own state of the pipeline, which is committed with the rows: a load that was
killed is finished by the next one, before it looks for anything new.
"""

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from resumable.errors import AuthenticationFailed, LibraryMissing, ResumableError, StorageFailed, UsageError
from resumable.export import index as indexes
from resumable.export import interactions, rows, shape, source, tables
from resumable.export.index import Index
from resumable.export.receipt import day_name
from resumable.export.shape import Shape
from resumable.export.source import ExportSource
from resumable.export.text import as_text
from resumable.schema.fields import ColumnKind, Leaf, Node
from resumable.storage import durable
from resumable.storage.job_files import JobFiles
from resumable.storage.lock import alone
from resumable.text import Watching, unwatched

VERSION: Final = 1
"""Of what the rows look like; another one loads every day again."""

DAY: Final = "export_day"
"""The column by which rows are merged: the UTC day of their record, empty where records have none."""

_SETTINGS: Final = {"RUNTIME__DLTHUB_TELEMETRY": "false", "RUNTIME__LOG_LEVEL": "ERROR"}
"""Nothing is told to anybody, unless the environment says otherwise."""


@dataclass(frozen=True, kw_only=True)
class LoadRequest:
    """One load."""

    to: str
    """A destination of dlt, by its name, or the path of a DuckDB file."""
    schema: str = "genesys"
    """The schema, or data set, of the warehouse that the tables are in."""
    tables: tuple[str, ...] = ()
    """None named: all."""
    zone: str | None = None


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """What a load did."""

    job: str
    to: str
    rows: Mapping[str, int]
    """Written, by table."""
    days: int
    """That were written, of any table."""


@dataclass(kw_only=True)
class _Work:
    """What the tables of one load have in common."""

    source: ExportSource
    index: Index
    scratch: Path
    written: dict[str, int] = field(default_factory=dict)
    days: set[int] = field(default_factory=set)
    empty: list[tuple[str, str]] = field(default_factory=list)
    """Tables and days of which nothing is left."""
    tell: Callable[[], None] = field(default=lambda: None)


def load(home: JobFiles, request: LoadRequest, *, watching: Watching = unwatched) -> Loaded:
    """Bring the tables of a warehouse to what a complete job holds; `watching` is told how far it is.

    Raises Incomplete, UsageError, LibraryMissing, VerificationFailed, and StorageFailed where the warehouse refuses.
    """
    dlt = _dlt()
    found = source.read(home, partial=False, loading=True)
    zone = found.job.spec.query.zone if request.zone is None else request.zone
    shapes = {name: _shape(found, name, zone) for name in request.tables or _names(found)}
    if home.state.bucket is not None:
        raise UsageError(
            f"{home.name} is in {home.place}, and loads keep on a disk what is under way.", hint="Export it."
        )
    folder = home.loads
    durable.make_folder(folder, within=folder.parent)
    with alone(folder), _words(request.to):
        pipeline = dlt.pipeline(
            f"resumable_{found.job.uuid.replace('-', '')[:16]}",
            pipelines_dir=str(folder),
            destination=_destination(dlt, request.to),
            dataset_name=request.schema,
        )
        pipeline.run()  # what a load before was killed at
        work = _Work(source=found, index=indexes.make(found, folder, watching), scratch=folder)
        work.tell = lambda: watching(len(work.written), len(shapes), "tables read")
        pipeline.run([_resource(dlt, work, name, made, zone) for name, made in shapes.items()])
        _delete_empty(pipeline, work)
    return Loaded(job=found.job.name, to=request.to, rows=work.written, days=len(work.days))


def _names(found: ExportSource) -> list[str]:
    more = [tables.INTERACTIONS] if tables.has_interactions(found.schema) else []
    return [*tables.tables(found.schema, found.root), *more]


def _shape(found: ExportSource, name: str, zone: str | None) -> Shape:
    if name == tables.INTERACTIONS and tables.has_interactions(found.schema):
        return interactions.make(found.schema, zone=zone or "UTC", names={})
    return shape.make(found.schema, found.root, table=name, names={})


def _resource(dlt: Any, work: _Work, name: str, made: Shape, zone: str | None) -> Any:  # noqa: ANN401 - of a late import
    """Return what yields the rows of one table, of the days that are not as they were loaded."""
    as_made = f"{VERSION} {work.source.schema.digest} {zone if name == tables.INTERACTIONS else None}"

    def rows_of_table() -> Iterator[pa.Table]:
        state = dlt.current.resource_state()
        known = state.get("days", {}) if state.get("made_as") == as_made else {}
        digests = {day_name(day): work.index.digest(day) for day in work.index.days}
        changed = [day for day in work.index.days if known.get(day_name(day)) != digests[day_name(day)]]
        counts = dict.fromkeys(changed, 0)
        for day, some in _shaped(work, changed, made):
            counts[day] += some.num_rows
            yield some
        gone = [day for day in known if day not in digests]
        work.empty += [(name, day_name(day)) for day, count in counts.items() if not count and known]
        work.empty += [(name, day) for day in gone]
        work.days |= set(changed)
        work.written[name] = sum(counts.values())
        work.tell()
        state["days"], state["made_as"] = digests, as_made

    merge = {"disposition": "merge", "strategy": "delete-insert"}
    return dlt.resource(rows_of_table, name=name, write_disposition=merge, merge_key=DAY)


def _shaped(work: _Work, days: list[int], made: Shape) -> Iterator[tuple[int, pa.Table]]:
    nodes = dict(made.columns)
    with ThreadPoolExecutor(indexes.threads()) as readers:
        for batch in rows.batches(work.index, days):
            for day, records in rows.of_days(work.index, batch, readers, work.scratch, columns=made.read):
                for found in made.apply(records).combine_chunks().to_batches():
                    columns = [_plain(found.column(name), nodes[name]) for name in found.schema.names]
                    table = pa.table(columns, names=found.schema.names)
                    yield day, table.append_column(DAY, pa.array([day_name(day)] * found.num_rows, pa.string()))


def _plain(column: pa.Array, node: Node | None) -> pa.Array:
    """Return a column that every warehouse has a type for: lists and maps are JSON text."""
    fits = node is None or (isinstance(node, Leaf) and node.kind is not ColumnKind.TEXT_MAP)
    return column if fits else as_text(column, node)


def _delete_empty(pipeline: Any, work: _Work) -> None:  # noqa: ANN401 - of a late import
    """Delete what is left of days that have no rows any more: without any, dlt replaces nothing."""
    if not work.empty:
        return
    schema = pipeline.default_schema
    with pipeline.sql_client() as client:
        for name, day in work.empty:
            table = schema.naming.normalize_table_identifier(name)
            if table in schema.tables:
                named, column = client.make_qualified_table_name(table), client.escape_column_name(DAY)
                client.execute_sql(f"DELETE FROM {named} WHERE {column} = %s", day)  # noqa: S608 - quoted by the client


def _destination(dlt: Any, to: str) -> Any:  # noqa: ANN401 - of a late import
    """Return a destination by its name, or of a DuckDB file. Raises UsageError."""
    if Path(to).suffix in (".duckdb", ".db"):
        return dlt.destinations.duckdb(str(Path(to).expanduser()))
    if "://" in to or not to.isidentifier() or not hasattr(dlt.destinations, to):
        raise UsageError(
            f"{to[:40]!a} is not a destination of dlt.",
            hint="Name one, such as postgres, duckdb, motherduck, bigquery or snowflake; its credentials are read from"
            " the environment, such as DESTINATION__POSTGRES__CREDENTIALS. Or name a DuckDB file.",
        )
    return to


@contextlib.contextmanager
def _words(to: str) -> Iterator[None]:
    """Say what dlt says, in one line."""
    from dlt.common.configuration.exceptions import ConfigFieldMissingException
    from dlt.common.exceptions import DltException

    try:
        yield
    except DltException as failure:
        inner: BaseException = failure
        while isinstance(inner.__cause__, Exception):
            inner = inner.__cause__
        if isinstance(inner, ResumableError):
            raise inner from None
        if isinstance(inner, ConfigFieldMissingException):
            raise AuthenticationFailed(
                f"there are no credentials for {to}, or not all of them.",
                hint=f"dlt reads them from DESTINATION__{to.upper()}__CREDENTIALS, such as {to}://USER:PASSWORD@HOST/NAME.",
            ) from None
        said = " ".join(str(inner).split())[:300]
        raise StorageFailed(
            f"{to} did not take the rows: {type(inner).__name__}: {said}",
            hint="Nothing that was loaded before is lost. Run the same command again once that is repaired.",
        ) from None


def needed() -> None:
    """Raise LibraryMissing where dlt is not installed."""
    _dlt()


def _dlt() -> Any:  # noqa: ANN401 - a module
    for name, value in _SETTINGS.items():
        os.environ.setdefault(name, value)
    try:
        import dlt
    except ImportError as failure:
        raise LibraryMissing("a load into a warehouse", "dlt") from failure
    return dlt
