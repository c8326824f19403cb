"""A DuckDB database file: the only module that imports duckdb."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from resumable.errors import LibraryMissing, StorageFailed

MEMORY: Final = "96MB"
"""What DuckDB may keep; it lays the rest into the database, or beside it."""


class Database:
    """One table in a database of its own."""

    def __init__(self, path: Path, name: str, schema: pa.Schema, scratch: Path) -> None:
        """Make the database and the table. Raises LibraryMissing where DuckDB is not installed."""
        duckdb = _duckdb()
        self._error = duckdb.Error
        self._name = '"' + name.replace('"', '""') + '"'
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
        self._run(f"CREATE TABLE {self._name} AS SELECT * FROM rows", schema.empty_table())  # noqa: S608 - the name is quoted

    def add(self, day: int, rows: pa.Table) -> None:
        """Add rows."""
        self._run(f"INSERT INTO {self._name} SELECT * FROM rows", rows)  # noqa: S608 - the name is quoted

    def end(self) -> None:
        """Bring all of it into the one file."""
        with self._words():
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
            raise StorageFailed(f"DuckDB could not write: {str(failure).splitlines()[0][:300]}") from failure


def needed() -> None:
    """Raise LibraryMissing where DuckDB is not installed."""
    _duckdb()


def _duckdb() -> Any:  # noqa: ANN401 - a module
    try:
        import duckdb
    except ImportError as failure:
        raise LibraryMissing("a DuckDB database", "duckdb") from failure
    return duckdb
