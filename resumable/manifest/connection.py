"""How a manifest file is opened, locked against damage and spoken to: pragmas, transactions, errors in words."""

import contextlib
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from resumable.errors import JobLocked, ManifestUnusable, StorageFailed
from resumable.manifest import tables
from resumable.manifest.rows import damaged
from resumable.manifest.sqlite_words import said
from resumable.storage.bucket_state import Changed
from resumable.storage.durable import LINK, exists, kind_of, opened, prepare, size_of
from resumable.storage.file_systems import network_file_system
from resumable.storage.job_files import Keeper

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

_DAMAGE_CODES = frozenset(
    {
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_NOTADB,
        # The statements are ours and fixed: a table that is gone, or rows that contradict each other, are damage too.
        sqlite3.SQLITE_ERROR,
        sqlite3.SQLITE_CONSTRAINT,
        sqlite3.SQLITE_MISMATCH,
    }
)

_SYNC_CODES = frozenset({sqlite3.SQLITE_IOERR_FSYNC, sqlite3.SQLITE_IOERR_DIR_FSYNC})

_SHARED_MEMORY_CODES = frozenset(
    {
        sqlite3.SQLITE_IOERR_SHMLOCK,
        sqlite3.SQLITE_IOERR_SHMMAP,
        sqlite3.SQLITE_IOERR_SHMOPEN,
        sqlite3.SQLITE_IOERR_SHMSIZE,
        sqlite3.SQLITE_PROTOCOL,
    }
)

_NO_INDEX_CODES = frozenset(
    {sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY_DIRECTORY, sqlite3.SQLITE_READONLY_CANTINIT}
)

_AT_ONCE = 2**20

NOBODY: Final = Keeper()
"""Keeps a manifest that nobody else could change."""

_PATIENCE_SECONDS = 30.0
"""How long another program, such as one that looks at the manifest, is waited for."""


class _NoSharedMemory(StorageFailed):
    """The file system does not let processes share the index of a write-ahead log."""


class _HalfDone(StorageFailed):
    """A transaction that a killed process left half done must be taken back before anything can be read."""


class Connection:
    """One SQLite connection for all threads of a process; every statement goes through its lock."""

    def __init__(self, path: Path, *, read_only: bool = False, keeper: Keeper = NOBODY) -> None:
        """Open the file; a writer makes it when it is missing. Raises ManifestUnusable or StorageFailed.

        `keeper` is asked before each transaction is committed, and told after it; either may raise.
        """
        self.path = path
        self._keeper = keeper
        self.no_log: str | None = None
        """Why the file has no write-ahead log but a rollback journal, which is slower."""
        self._lock = threading.RLock()
        self._unsynced: StorageFailed | None = None
        if kind_of(path) == LINK:
            # SQLite would follow it, and make what it leads to where there is nothing.
            raise ManifestUnusable(
                f"{path} is a link, and links are not followed.", hint="Put the manifest itself there."
            )
        if not read_only and exists(path):
            # What is not ours is refused by a look that cannot even fold its write-ahead log in.
            with contextlib.suppress(_NoSharedMemory):
                Connection(path, read_only=True).close()
        elif not read_only:
            prepare(path)  # SQLite gives what it lays beside a file the permissions of that file
        self._sqlite = self._opened("ro" if read_only else "rwc")
        try:
            self._check_or_look_again(read_only=read_only)
            if not read_only:
                self._make_durable()
        except BaseException:
            self._sqlite.close()
            raise
        self._file = self._at_path()

    def _check_or_look_again(self, *, read_only: bool) -> None:
        try:
            self._check()
        except _HalfDone:
            # Without a write-ahead log a kill leaves a journal, and a look that may not write cannot take it back.
            with self._translated(), contextlib.closing(self._opened("rw")) as writer:
                writer.execute("SELECT count(*) FROM sqlite_master").fetchone()
            self._check()
        except StorageFailed as refused:
            if not read_only or not self._nobody_writes(refused):
                raise
            self._sqlite.close()
            self._sqlite = self._opened("ro&immutable=1")
            self._check()

    @contextlib.contextmanager
    def closed_on_failure(self) -> Iterator[None]:
        """Close it where what is done inside fails: nobody else has it yet."""
        try:
            yield
        except BaseException:
            self.close()
            raise

    @property
    def empty(self) -> bool:
        """Tell whether the file has no tables yet: it is new, or its making was cut short."""
        return int(self.value("SELECT count(*) FROM sqlite_master") or 0) == 0

    @property
    def version(self) -> int:
        """Return the version of its tables."""
        return int(self.value("PRAGMA user_version"))

    def rows(self, statement: str, parameters: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """Return all rows of a query."""
        with self._lock, self._translated():
            return self._sqlite.execute(statement, parameters).fetchall()

    def value(self, statement: str, parameters: tuple[Any, ...] = ()) -> Any:  # noqa: ANN401 - whatever the column holds
        """Return the first column of the first row, or None."""
        rows = self.rows(statement, parameters)
        return rows[0][0] if rows else None

    def execute(self, statement: str, parameters: tuple[Any, ...] | Mapping[str, Any] = ()) -> int:
        """Run one statement inside `atomic` and return how many rows it changed."""
        with self._lock, self._translated():
            return self._sqlite.execute(statement, parameters).rowcount

    def insert_many(self, statement: str, rows: Iterator[tuple[Any, ...]]) -> None:
        """Run one statement for each row, inside `atomic`."""
        with self._lock, self._translated():
            self._sqlite.executemany(statement, rows)

    @contextlib.contextmanager
    def atomic(self, *, durable: bool = True, carried: int | None = None) -> Iterator[None]:
        """Commit everything inside at once or nothing of it.

        `carried`: the bytes of the part by which a change is found again that was lost with its machine, 0 where it is
        only asked for again; None: it must reach those who come after, and the keeper returns once it does.

        Durable means: on the disk before this returns (WAL, synchronous=FULL). Otherwise it survives a kill but perhaps
        not a power cut, and costs no fsync; it can neither harm nor overtake what was durable (synchronous=NORMAL).
        Without a write-ahead log all is durable, by DELETE and EXTRA: with FULL, power cuts lost acknowledged rows.
        """
        with self._committing(durable):
            yield
        self._keeper.committed(Changed(carried=carried if durable else 0))

    @contextlib.contextmanager
    def _committing(self, durable: bool) -> Iterator[None]:
        with self._lock, self._translated():
            if self._unsynced is not None:
                # The kernel may have dropped what it could not write, and call the next fsync a success.
                raise StorageFailed(self._unsynced.message, hint=self._unsynced.hint)
            level = "EXTRA" if self.no_log else "FULL" if durable else "NORMAL"
            self._sqlite.execute(f"PRAGMA synchronous={level}")
            self._sqlite.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._keeper.check()
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

    def check_in_place(self) -> None:
        """Raise ManifestUnusable where what is open is not any more what lies at its path: what is written is lost."""
        if self._at_path() != self._file:
            raise ManifestUnusable(
                f"{self.path} was taken away or replaced while it was in use.",
                hint="What is recorded since is lost; the parts are safe. Let them decide with:",
                command=f"resumable repair {self.path.parent.name}",
            )

    def _at_path(self) -> tuple[int, int] | None:
        try:
            found = self.path.stat()
        except FileNotFoundError:
            return None
        return found.st_dev, found.st_ino

    def close(self) -> None:
        """Close the file; the last one to close folds the write-ahead log into it."""
        with self._lock, self._translated():
            self._sqlite.close()

    def _opened(self, mode: str) -> sqlite3.Connection:
        with self._translated():
            return sqlite3.connect(
                f"{self.path.absolute().as_uri()}?mode={mode}",
                uri=True,
                isolation_level=None,
                check_same_thread=False,
                timeout=_PATIENCE_SECONDS,
            )

    def _nobody_writes(self, refused: StorageFailed) -> bool:
        """Tell whether a manifest that cannot be opened lies where nothing can be written, with nothing beside it.

        SQLite wants to make the index of a write-ahead log even to look; on a read-only disk there need be none.
        """
        code = getattr(refused.__cause__, "sqlite_errorcode", None)
        log = self.path.with_name(f"{self.path.name}-wal")
        return code in _NO_INDEX_CODES and not (exists(log) and size_of(log))

    def _make_durable(self) -> None:
        self.no_log = network_file_system(self.path.parent) or self._refuses_log()
        with self._translated():
            if self.no_log is not None:
                # One process at a time changes a job, so that the lock of a moment takes nothing from anybody.
                self._sqlite.execute("PRAGMA locking_mode=EXCLUSIVE")
                self._sqlite.execute("PRAGMA journal_mode=DELETE").fetchone()
                self._sqlite.execute("PRAGMA locking_mode=NORMAL")
                self._sqlite.execute("SELECT count(*) FROM sqlite_master").fetchone()  # lets go of the lock
            self._sqlite.execute("PRAGMA fullfsync=ON")
            self._sqlite.execute("PRAGMA foreign_keys=ON")

    def _refuses_log(self) -> str | None:
        """Tell why there can be no write-ahead log, or None: then there is one."""
        try:
            with self._translated():
                mode = self._sqlite.execute("PRAGMA journal_mode=WAL").fetchone()[0]
        except _NoSharedMemory:
            return "it shares no memory between processes"
        return None if mode == "wal" else f"SQLite keeps to {mode!r}"

    def _check(self) -> None:
        if self.empty:
            return
        application = self.value("PRAGMA application_id")
        if application != tables.APPLICATION_ID:
            raise ManifestUnusable(
                f"{self.path} is not a manifest of this program.",
                hint="It was left untouched. If it was one, move it away, then:",
                command=f"resumable repair {self.path.parent.name}",
            )
        if self.version > tables.VERSION:
            raise ManifestUnusable(
                f"{self.path} was written by a newer version (manifest version {self.version}, and this one"
                f" knows up to {tables.VERSION}).",
                hint="It was left untouched. Use that version, or a newer one.",
            )

    def _check_readable(self) -> None:
        """Raise StorageFailed where the disk does not read: SQLite calls that damage too (SQLITE_IOERR_CORRUPTFS)."""
        for path in (self.path, self.path.with_name(f"{self.path.name}-wal")):
            with contextlib.suppress(FileNotFoundError), opened(path) as file:
                while file.read(_AT_ONCE):
                    pass

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except UnicodeDecodeError as failure:
            # Of SQLite's own words about a damaged table, which quote its name.
            raise damaged(self.path, "a name in it is not UTF-8") from failure
        except sqlite3.Error as failure:
            code = getattr(failure, "sqlite_errorcode", None)
            if code is None and "decode to UTF-8" in str(failure):
                raise damaged(self.path, "a text in it is not UTF-8") from failure
            if code in _SHARED_MEMORY_CODES:
                raise _NoSharedMemory(
                    f"the file system that holds {self.path} cannot carry its write-ahead log: {said(failure)}.",
                    hint="Carry the job on where it can be written, or choose a local folder with --state.",
                ) from failure
            if code == sqlite3.SQLITE_READONLY_ROLLBACK:
                raise _HalfDone(
                    f"the manifest {self.path} was left in the middle of a change: {said(failure)}.",
                    hint="Carry the job on where it can be written.",
                ) from failure
            if code is not None and code & 0xFF in _STORAGE_CODES:
                refused = StorageFailed(
                    f"the disk refused the manifest {self.path}: {said(failure)}.",
                    hint="Nothing recorded is lost. Fix that, then run the same command.",
                )
                if code in _SYNC_CODES:
                    self._unsynced = refused
                raise refused from failure
            if code is not None and code & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                # It was waited for once. Were each thread to wait in turn, a run would take minutes to say so.
                self._sqlite.execute("PRAGMA busy_timeout=0")
                raise JobLocked(
                    f"the manifest {self.path} is held by another program: {said(failure)}.",
                    hint="Close what has it open, then run the same command.",
                ) from failure
            if code is not None and code & 0xFF in _DAMAGE_CODES:
                self._check_readable()
                raise damaged(self.path, said(failure)) from failure
            raise
