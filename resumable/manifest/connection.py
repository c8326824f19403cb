"""How a manifest file is opened, locked against damage and spoken to: pragmas, transactions, errors in words."""

import contextlib
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from resumable.errors import ManifestUnusable, StorageFailed
from resumable.manifest import ddl

_STORAGE_CODES = frozenset(
    {
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_NOMEM,
    }
)


class Connection:
    """One SQLite connection for all threads of a process; every statement goes through its lock."""

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        """Open the file; a writer makes it when it is missing. Raises ManifestUnusable or StorageFailed."""
        self.path = path
        self._lock = threading.RLock()
        if not read_only and path.exists():
            # What is not ours is refused by a look that cannot even fold its write-ahead log in.
            Connection(path, read_only=True).close()
        with self._translated():
            mode = "ro" if read_only else "rwc"
            self._sqlite = sqlite3.connect(
                f"{path.absolute().as_uri()}?mode={mode}",
                uri=True,
                isolation_level=None,
                check_same_thread=False,
                timeout=30.0,
            )
        try:
            self._check()
            if not read_only:
                self._make_durable()
        except BaseException:
            self._sqlite.close()
            raise

    @property
    def empty(self) -> bool:
        """Tell whether the file has no tables yet: it is new, or its making was cut short."""
        return int(self.value("SELECT count(*) FROM sqlite_master") or 0) == 0

    def rows(self, statement: str, parameters: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """Return all rows of a query."""
        with self._lock, self._translated():
            return self._sqlite.execute(statement, parameters).fetchall()

    def value(self, statement: str, parameters: tuple[Any, ...] = ()) -> Any:  # noqa: ANN401 - whatever the column holds
        """Return the first column of the first row, or None."""
        rows = self.rows(statement, parameters)
        return rows[0][0] if rows else None

    def execute(self, statement: str, parameters: tuple[Any, ...] = ()) -> int:
        """Run one statement inside `atomic` and return how many rows it changed."""
        with self._lock, self._translated():
            return self._sqlite.execute(statement, parameters).rowcount

    def insert_many(self, statement: str, rows: Iterator[tuple[Any, ...]]) -> None:
        """Run one statement for each row, inside `atomic`."""
        with self._lock, self._translated():
            self._sqlite.executemany(statement, rows)

    @contextlib.contextmanager
    def atomic(self, *, durable: bool = True) -> Iterator[None]:
        """Commit everything inside at once or nothing of it.

        Durable means: on the disk before this returns (WAL, synchronous=FULL). Otherwise it survives a kill but perhaps
        not a power cut, and costs no fsync; it can neither harm nor overtake what was durable (synchronous=NORMAL).
        """
        with self._lock, self._translated():
            self._sqlite.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
            self._sqlite.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._sqlite.execute("COMMIT")
            except BaseException:
                if self._sqlite.in_transaction:
                    self._sqlite.execute("ROLLBACK")
                raise

    def script(self, statements: str) -> None:
        """Run several statements inside `atomic` (sqlite3's own executescript would commit first)."""
        rest = ""
        for line in statements.splitlines(keepends=True):
            rest += line
            if sqlite3.complete_statement(rest):
                self.execute(rest)
                rest = ""

    def close(self) -> None:
        """Close the file; the last one to close folds the write-ahead log into it."""
        with self._lock, self._translated():
            self._sqlite.close()

    def _make_durable(self) -> None:
        with self._translated():
            mode = self._sqlite.execute("PRAGMA journal_mode=WAL").fetchone()[0]
            if mode != "wal":
                raise ManifestUnusable(
                    f"the file system that holds {self.path} cannot carry a write-ahead log (got {mode!r}).",
                    hint="Choose a local folder with --state.",
                )
            self._sqlite.execute("PRAGMA synchronous=FULL")
            self._sqlite.execute("PRAGMA fullfsync=ON")
            self._sqlite.execute("PRAGMA foreign_keys=ON")

    def _check(self) -> None:
        if self.empty:
            return
        application = self.value("PRAGMA application_id")
        version = self.value("PRAGMA user_version")
        if application != ddl.APPLICATION_ID:
            raise ManifestUnusable(f"{self.path} is not a manifest of this program.", hint="It was left untouched.")
        if version > ddl.VERSION:
            raise ManifestUnusable(
                f"{self.path} was written by a newer version (manifest version {version}, known up to {ddl.VERSION}).",
                hint="It was left untouched. Use that version, or a newer one.",
            )

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as failure:
            code = getattr(failure, "sqlite_errorcode", None)
            if code is not None and code & 0xFF in _STORAGE_CODES:
                raise StorageFailed(
                    f"the disk refused the manifest {self.path}: {failure}.",
                    hint="Nothing recorded is lost. Mend that, then run the same command.",
                ) from failure
            if code is not None and code & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
                raise ManifestUnusable(
                    f"the manifest {self.path} is damaged: {failure}.",
                    hint="The parts are safe; the manifest was left untouched.",
                ) from failure
            raise
