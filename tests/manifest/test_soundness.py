"""A manifest that does not agree with itself is found out, whatever SQLite thinks of it."""

import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from resumable.errors import ExitCode, JobLocked, ManifestUnusable
from resumable.manifest.reader import ManifestReader
from resumable.manifest.store import Manifest
from resumable.models import PartFact
from tests.support.builders import make_manifest, snapshot
from tests.support.clock import VirtualClock

FACT = PartFact(rows=100, size=130_000, sha256=bytes(range(32)))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A manifest of three days: one complete, one open, one planned."""
    path = tmp_path / "job" / "manifest.sqlite"
    path.parent.mkdir()
    manifest = make_manifest(path, VirtualClock(), windows=3)
    first, second, _ = (row.window for row in manifest.unfinished())
    for window, pages in ((first, 2), (second, 3)):
        manifest.first_page_done(window, snapshot(window, pages), FACT)
        manifest.page_done(window, 2, FACT, moved=False)
    manifest.complete(first, b"f", duplicates=0, settled=False, young=False)
    manifest.close()
    return path


def changed(path: Path, *statements: str) -> None:
    """Change it behind the product's back, without its rules."""
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("PRAGMA ignore_check_constraints=ON")
        for statement in statements:
            database.execute(statement)


def flaws(path: Path) -> list[str]:
    """Return what it says of itself."""
    reader = ManifestReader.open_to_read(path)
    assert reader is not None
    with closing(reader):
        return reader.flaws()


def test_one_that_agrees_has_no_flaws(path: Path) -> None:
    """Complete, open and planned windows, and no complaint."""
    assert flaws(path) == []


def read(path: Path) -> None:
    """Read its job and its windows."""
    reader = ManifestReader.open_to_read(path)
    assert reader is not None
    with closing(reader):
        reader.job()
        list(reader.windows())


WRONG = {
    "a page is gone": (("DELETE FROM page WHERE window = 1 AND number = 2",), "lacks pages"),
    "a page is gone from an open window": (("DELETE FROM page WHERE window = 2 AND number = 2",), "does not add up"),
    "a page of another take": (("UPDATE page SET take = 2 WHERE window = 2 AND number = 2",), "does not add up"),
    "rows differ": (("UPDATE page SET rows = 99 WHERE window = 1 AND number = 1",), "does not add up"),
    "sizes differ": (("UPDATE page SET size = 99 WHERE window = 2 AND number = 1",), "does not add up"),
    "a page too many": (("UPDATE window SET page_count = 1 WHERE id = 1",), "lacks pages"),
    "numbers with a gap": (("UPDATE page SET number = 7 WHERE window = 1 AND number = 2",), "lacks pages"),
    "a first window is gone": (
        ("DELETE FROM page WHERE window = 1", "DELETE FROM window WHERE id = 1"),
        "no window covers 2023-10-01",
    ),
    "a window in the middle is gone": (
        ("DELETE FROM page WHERE window = 2", "DELETE FROM window WHERE id = 2"),
        "no window covers 2023-10-02",
    ),
    "the last window is gone": (
        ("DELETE FROM window WHERE id = 3",),
        "no window covers 2023-10-03",
    ),
    "no window at all": (("DELETE FROM page", "DELETE FROM window"), "no window covers"),
    "a window that ends early": (("UPDATE window SET end_ms = end_ms - 1 WHERE id = 2",), "no window covers"),
    "a sum that cannot be": (("UPDATE window SET done = 9 WHERE id = 1",), "does not add up"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_does_not_agree_is_named(what: str, path: Path) -> None:
    """Sums, numbers, cover and the manifest's own rules."""
    statements, wanted = WRONG[what]
    changed(path, *statements)
    assert wanted in "; ".join(flaws(path))


def test_slices_that_overlap_are_no_flaw(path: Path) -> None:
    """What a day was split into may share its edges."""
    changed(
        path,
        "DELETE FROM window WHERE id = 3",
        "INSERT INTO window (start_ms, end_ms) SELECT end_ms, end_ms + 50000000 FROM window WHERE id = 2",
        "INSERT INTO window (start_ms, end_ms) SELECT end_ms + 40000000, end_ms + 86400000 FROM window WHERE id = 2",
    )
    assert flaws(path) == []


SENSELESS = [
    "UPDATE job SET dataset = 'conversatioos'",
    "UPDATE job SET query = '{'",
    "UPDATE job SET query = '[]'",
    "UPDATE job SET page_size = page_size + 1",
    "UPDATE job SET digest = 'x'",
    "UPDATE job SET created_ms = 9000000000000000000",
    "UPDATE window SET state = 'opem' WHERE id = 2",
    "UPDATE window SET end_ms = start_ms WHERE id = 2",
    "UPDATE window SET start_ms = 9000000000000000000 WHERE id = 3",
    "DELETE FROM job",
    "DROP TABLE window",
    "ALTER TABLE window DROP COLUMN moved",
]


NO_TEXT = [
    "UPDATE job SET name = CAST(x'ccff' AS TEXT)",
    'ALTER TABLE window RENAME COLUMN moved TO "\u00cc"',
]


@pytest.mark.parametrize("statement", NO_TEXT)
def test_a_text_that_is_no_unicode_is_damage(statement: str, path: Path) -> None:
    """SQLite's own error about it has no code, and may not be readable itself."""
    changed(path, statement)
    data = path.read_bytes()
    path.write_bytes(data.replace("\u00cc".encode(), b"\xcc\xff"))
    with pytest.raises(ManifestUnusable, match="damaged"):
        read(path)


@pytest.mark.parametrize("statement", SENSELESS)
def test_values_that_make_no_sense_are_damage(statement: str, path: Path) -> None:
    """Exit code 8, with the command that mends it; never an unexpected error."""
    changed(path, statement)
    with pytest.raises(ManifestUnusable, match="damaged") as caught:
        read(path)
    assert caught.value.exit_code is ExitCode.MANIFEST
    assert caught.value.hint.endswith("resumable repair job")


ASKED: dict[str, tuple[str, Callable[[ManifestReader], object]]] = {
    "a job on the server": (
        "INSERT INTO remote (id, window, take, expires_ms) SELECT 'r', id, take, {late} FROM window WHERE id = 2",
        lambda manifest: manifest.remote(manifest.window(2).window),
    ),
    "open records": ("UPDATE window SET open_records = 1, open_since_ms = {late}", ManifestReader.open_records),
    "a run": ("INSERT INTO event (at_ms, kind, text) VALUES ({late}, 'run started', '')", ManifestReader.behind),
    "a failure": (
        "INSERT INTO failure (id, at_ms, asked, reason) VALUES (1, {late}, '', '')",
        ManifestReader.last_failure,
    ),
}


@pytest.mark.parametrize("what", ASKED)
def test_a_time_that_no_calendar_has_is_damage_wherever_it_is_asked_for(what: str, path: Path) -> None:
    """Of all that is read beside windows and pages: a run that comes to it ends with 8."""
    statement, ask = ASKED[what]
    changed(path, statement.format(late=9 * 10**18))
    manifest = ManifestReader.open_to_read(path)
    assert manifest is not None
    with closing(manifest), pytest.raises(ManifestUnusable, match="makes no sense"):
        ask(manifest)


def test_a_page_that_its_rules_forbid_is_damage(path: Path) -> None:
    """A row that cannot be written because another contradicts it."""
    changed(path, "UPDATE window SET take = 2, state = 'open' WHERE id = 1")
    manifest = Manifest.open(path, VirtualClock())
    assert manifest is not None
    window = manifest.window(2).window
    with pytest.raises(ManifestUnusable), closing(manifest):
        manifest.page_done(window, 2, FACT, moved=False)


def test_a_manifest_that_another_program_holds_is_said_to_be(path: Path) -> None:
    """A database browser with an open transaction is named as the cause, with exit code 7."""
    manifest = Manifest.open(path, VirtualClock())
    assert manifest is not None
    manifest._db.rows("PRAGMA busy_timeout=1")
    with closing(sqlite3.connect(path, isolation_level=None)) as other, closing(manifest):
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(JobLocked, match="another program"):
            manifest.page_done(manifest.window(2).window, 3, FACT, moved=False)
        other.execute("ROLLBACK")
        manifest.page_done(manifest.window(2).window, 3, FACT, moved=False)


def test_another_program_is_waited_for_once_and_not_by_every_thread_in_turn(path: Path) -> None:
    """Eight workers of half a minute each would be four minutes until a run says why it ends."""
    manifest = Manifest.open(path, VirtualClock())
    assert manifest is not None
    manifest._db.rows("PRAGMA busy_timeout=1000")
    with closing(sqlite3.connect(path, isolation_level=None)) as other, closing(manifest):
        other.execute("BEGIN IMMEDIATE")
        begun = time.monotonic()
        for _ in range(8):
            with pytest.raises(JobLocked):
                manifest.page_done(manifest.window(2).window, 3, FACT, moved=False)
        assert 1 <= time.monotonic() - begun < 4
