"""The manifest's own rules: states that would be lies cannot be stored."""

import contextlib
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from resumable.manifest.reader import ManifestReader
from tests.support.builders import make_manifest
from tests.support.clock import VirtualClock

SHA = "zeroblob(32)"
PAGE = "INSERT INTO page (window, take, number, state, rows, size, sha256, reason) VALUES"
WINDOW = "INSERT INTO window (start_ms, end_ms"

IMPOSSIBLE = {
    "a done page without rows": f"{PAGE} (1, 1, 1, 'done', NULL, 5, {SHA}, NULL)",
    "a done page without a size": f"{PAGE} (1, 1, 1, 'done', 5, NULL, {SHA}, NULL)",
    "a done page without a hash": f"{PAGE} (1, 1, 1, 'done', 5, 5, NULL, NULL)",
    "a done page with half a hash": f"{PAGE} (1, 1, 1, 'done', 5, 5, zeroblob(16), NULL)",
    "a done page of no rows": f"{PAGE} (1, 1, 1, 'done', 0, 5, {SHA}, NULL)",
    "a done page of no bytes": f"{PAGE} (1, 1, 1, 'done', 5, 0, {SHA}, NULL)",
    "a done page with a reason": f"{PAGE} (1, 1, 1, 'done', 5, 5, {SHA}, 'why')",
    "a quarantined page without a reason": f"{PAGE} (1, 1, 1, 'quarantined', NULL, NULL, NULL, NULL)",
    "a quarantined page with a part": f"{PAGE} (1, 1, 1, 'quarantined', 5, 5, {SHA}, 'why')",
    "a page of number 0": f"{PAGE} (1, 1, 0, 'quarantined', NULL, NULL, NULL, 'why')",
    "a page of take 0": f"{PAGE} (1, 0, 1, 'quarantined', NULL, NULL, NULL, 'why')",
    "a page of no window": f"{PAGE} (99, 1, 1, 'quarantined', NULL, NULL, NULL, 'why')",
    "a page in a state of its own": f"{PAGE} (1, 1, 1, 'lost', NULL, NULL, NULL, 'why')",
    "a hash that is text": f"{PAGE} (1, 1, 1, 'done', 5, 5, '{'a' * 32}', NULL)",
    "a window that ends before it starts": f"{WINDOW}) VALUES (5, 5)",
    "a window twice": f"{WINDOW}) SELECT start_ms, end_ms FROM window WHERE id = 1",  # noqa: S608 - constants
    "a planned window with a page count": "UPDATE window SET page_count = 3 WHERE id = 1",
    "an open window without one": "UPDATE window SET state = 'open' WHERE id = 1",
    "a complete window with a page missing": "UPDATE window SET state = 'complete', page_count = 3, done = 2,"
    " whole_take = 1 WHERE id = 1",
    "a complete window of another take": "UPDATE window SET state = 'complete', page_count = 3, done = 3,"
    " whole_take = 1, take = 2 WHERE id = 1",
    "a negative page count": "UPDATE window SET state = 'open', page_count = -1 WHERE id = 1",
    "a negative total": "UPDATE window SET total = -1 WHERE id = 1",
    "negative records": "UPDATE window SET records = -1 WHERE id = 1",
    "a window in a state of its own": "UPDATE window SET state = 'done' WHERE id = 1",
    "a job of another number": "UPDATE job SET id = 2",
    "a job in a state of its own": "UPDATE job SET state = 'finished'",
    "a job that ends before it starts": "UPDATE job SET end_ms = start_ms",
    "a job with pages of nothing": "UPDATE job SET page_size = 0",
    "a counter below nothing": "UPDATE counter SET value = -1",
    "a number that is text": "UPDATE window SET records = 'many' WHERE id = 1",
}


@pytest.fixture
def database(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """A manifest's file, opened behind the product's back."""
    make_manifest(tmp_path / "manifest.sqlite", VirtualClock()).close()
    with closing(sqlite3.connect(tmp_path / "manifest.sqlite", isolation_level=None)) as connection:
        connection.execute("PRAGMA foreign_keys=ON")
        yield connection


@pytest.mark.parametrize("state", IMPOSSIBLE)
def test_an_impossible_state_cannot_be_stored(state: str, database: sqlite3.Connection) -> None:
    """The database itself refuses what would be a lie, whoever tries."""
    before = list(database.iterdump())
    with pytest.raises(sqlite3.IntegrityError):
        database.execute(IMPOSSIBLE[state])
    assert list(database.iterdump()) == before


def test_the_states_that_are_possible_can(database: sqlite3.Connection) -> None:
    """The same statements with what belongs together pass: the rules are not too narrow."""
    database.execute(f"{PAGE} (1, 1, 1, 'done', 5, 5, {SHA}, NULL)")
    database.execute(f"{PAGE} (1, 1, 2, 'quarantined', NULL, NULL, NULL, 'why')")
    database.execute("UPDATE window SET state = 'open', page_count = 3, total = 0 WHERE id = 1")
    database.execute("UPDATE window SET state = 'complete', page_count = 0, done = 0, whole_take = 1 WHERE id = 2")


@pytest.mark.parametrize("statement", IMPOSSIBLE.values(), ids=IMPOSSIBLE.keys())
def test_what_cannot_be_stored_is_found_where_damage_put_it(
    statement: str, database: sqlite3.Connection, tmp_path: Path
) -> None:
    """A look that may not write finds it too, for which SQLite itself skips the constraints."""
    database.execute("PRAGMA foreign_keys=OFF")
    database.execute("PRAGMA ignore_check_constraints=ON")
    with contextlib.suppress(sqlite3.IntegrityError):  # no damage can do what types and unique keys forbid
        database.execute(statement)
        manifest = ManifestReader.open_to_read(tmp_path / "manifest.sqlite")
        assert manifest is not None
        with closing(manifest):
            assert manifest.checks.damage() or manifest.flaws()
