"""Manifests as earlier versions made them."""

import sqlite3
from contextlib import closing
from pathlib import Path

from resumable.manifest import tables

VERSIONS = (1, 2, 3)
"""Those that users have manifests of, beside today's."""


def made_by(version: int, path: Path) -> None:
    """Turn a manifest into one that an earlier version made: by its own statements, row by row."""
    old = path.with_name("old.sqlite")
    with closing(sqlite3.connect(old)) as database:
        database.executescript(statements(version))
        database.execute("ATTACH ? AS new", (str(path),))
        for (table,) in database.execute("SELECT name FROM main.sqlite_master WHERE type = 'table'").fetchall():
            columns = ", ".join(row[1] for row in database.execute(f"PRAGMA main.table_info({table})"))
            copy = f"INSERT INTO main.{table} ({columns}) SELECT {columns} FROM new.{table}"  # noqa: S608 - names of ours
            database.execute(copy)
        database.execute(f"PRAGMA application_id={tables.APPLICATION_ID}")
        database.execute(f"PRAGMA user_version={version}")
        database.commit()
        database.execute("DETACH new")
        database.execute("PRAGMA journal_mode=WAL")
    old.replace(path)


def statements(version: int) -> str:
    """Return the statements that a version made its tables by, kept as they were."""
    return Path(__file__).with_name(f"version{version}.sql").read_text()
