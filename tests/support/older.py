"""Manifests as earlier versions made them."""

import sqlite3
from contextlib import closing
from pathlib import Path

from resumable.manifest import tables


def version_1(path: Path) -> None:
    """Turn a manifest into one that the first version made: by its own statements, row by row."""
    old = path.with_name("old.sqlite")
    with closing(sqlite3.connect(old)) as database:
        database.executescript(Path(__file__).with_name("version1.sql").read_text())
        database.execute("ATTACH ? AS new", (str(path),))
        for (table,) in database.execute("SELECT name FROM main.sqlite_master WHERE type = 'table'").fetchall():
            database.execute(f"INSERT INTO main.{table} SELECT * FROM new.{table}")  # noqa: S608 - names of ours
        database.execute(f"PRAGMA application_id={tables.APPLICATION_ID}")
        database.execute("PRAGMA user_version=1")
        database.commit()
        database.execute("DETACH new")
        database.execute("PRAGMA journal_mode=WAL")
    old.replace(path)
