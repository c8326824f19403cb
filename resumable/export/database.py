"""A DuckDB database file: the only module that imports duckdb."""

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from resumable.errors import LibraryMissing, StorageFailed
from resumable.export.tables import INTERACTIONS

KPIS: Final = """
    CREATE VIEW queueHalfHours AS SELECT
        queueId, any_value(queueName) AS queueName, mediaType, halfHour, any_value(localHalfHour) AS localHalfHour,
        sum(offered) AS offered, sum(answered) AS answered, sum(abandoned) AS abandoned,
        sum(shortAbandoned) AS shortAbandoned, sum(flowedOut) AS flowedOut, sum(overSla) AS overSla,
        sum(transferred) AS transferred, sum(handled) AS handled,
        sum(abandoned) / nullif(sum(offered), 0) AS abandonRate,
        (sum(answered) - sum(overSla)) / nullif(sum(answered) + sum(abandoned), 0) AS serviceLevel,
        sum(waitMs) FILTER (answered > 0) / nullif(sum(answered), 0) / 1000 AS asaSeconds,
        sum(handleMs) / nullif(sum(handled), 0) / 1000 AS ahtSeconds
    FROM interactions GROUP BY queueId, mediaType, halfHour
"""
"""The figures of the trade beside the table that they are made of."""

MEMORY: Final = "96MB"
"""What DuckDB may keep; it lays the rest into the database, or beside it."""


_NO_MEANINGS: Final[Mapping[str, str]] = {}


class Database:
    """One table in a database of its own."""

    def __init__(
        self, path: Path, name: str, schema: pa.Schema, scratch: Path, meanings: Mapping[str, str] = _NO_MEANINGS
    ) -> None:
        """Make the database and the table, with what its columns mean as comments. Raises LibraryMissing."""
        duckdb = _duckdb()
        self._error = duckdb.Error
        self._name = _quoted(name)
        self._db = duckdb.connect(
            str(path),
            config={
                "memory_limit": MEMORY,
                "threads": "2",
                "storage_compatibility_version": "v1.0.0",
                "temp_directory": str(scratch / "spill"),
                # Nothing is fetched from anywhere.
                "autoinstall_known_extensions": "false",
                "autoload_known_extensions": "false",
            },
        )
        self._more = [
            f"COMMENT ON COLUMN {self._name}.{_quoted(column)} IS '{text.replace(chr(39), chr(39) * 2)}'"
            for column, text in meanings.items()
        ]
        self._more += [KPIS] if name == INTERACTIONS else []
        self._run(f"CREATE TABLE {self._name} AS SELECT * FROM rows", schema.empty_table())  # noqa: S608 - the name is quoted

    def add(self, day: int, rows: pa.Table) -> None:
        """Add rows."""
        self._run(f"INSERT INTO {self._name} SELECT * FROM rows", rows)  # noqa: S608 - the name is quoted

    def end(self) -> None:
        """Bring all of it into the one file."""
        with self._words():
            for statement in self._more:
                self._db.execute(statement)
            self._db.execute("CHECKPOINT")
            self._db.close()

    def abandon(self) -> None:
        """Let go of it; it is incomplete."""
        with contextlib.suppress(self._error):
            self._db.close()

    def _run(self, statement: str, rows: pa.Table) -> None:
        with self._words():
            self._db.register("rows", rows)
            self._db.execute(statement)
            self._db.unregister("rows")

    @contextlib.contextmanager
    def _words(self) -> Iterator[None]:
        try:
            yield
        except self._error as failure:
            raise StorageFailed(
                f"DuckDB could not write: {str(failure).splitlines()[0][:300]}",
                hint="Make room, or name another path, then run the same command.",
            ) from failure


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def needed() -> None:
    """Raise LibraryMissing where DuckDB is not installed."""
    _duckdb()


def _duckdb() -> Any:  # noqa: ANN401 - a module
    try:
        import duckdb
    except ImportError as failure:
        raise LibraryMissing("a DuckDB database", "duckdb") from failure
    return duckdb
