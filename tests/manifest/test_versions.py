"""Older manifests are brought up to date in one transaction, and a reader never does that."""

from collections.abc import Callable
from pathlib import Path

import pytest

from resumable.errors import ExitCode, ManifestUnusable
from resumable.manifest import tables
from resumable.manifest.connection import Connection
from resumable.manifest.reader import ManifestReader
from resumable.manifest.store import Manifest
from resumable.models import PartFact
from tests.support.builders import make_manifest, snapshot
from tests.support.clock import VirtualClock

FACT = PartFact(rows=100, size=130_000, sha256=bytes(range(32)))
STEPS = {
    1: "ALTER TABLE page ADD COLUMN weight INTEGER;\nUPDATE page SET weight = size / 2;\n",
    2: "CREATE TABLE note (text TEXT NOT NULL) STRICT;\nINSERT INTO note\nVALUES ('two lines; one statement');\n",
}


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A manifest with a page, written two versions ago."""
    path = tmp_path / "job" / "manifest.sqlite"
    path.parent.mkdir()
    manifest = make_manifest(path, VirtualClock())
    window = manifest.unfinished()[0].window
    manifest.first_page_done(window, snapshot(window, 3), FACT)
    with manifest._db.atomic():
        manifest._db.execute("PRAGMA user_version=1")
    manifest.close()
    monkeypatch.setattr(tables, "VERSION", 3)
    monkeypatch.setattr(tables, "READABLE", 3)
    monkeypatch.setattr(tables, "MIGRATIONS", STEPS)
    return path


def test_a_writer_brings_it_up_to_date(path: Path) -> None:
    """Every step is taken, the rows stay, and the version says so."""
    manifest = Manifest.open(path, VirtualClock())
    assert manifest is not None
    assert manifest._db.version == 3
    assert manifest._db.rows("SELECT weight FROM page") == [(65_000,)]
    assert manifest._db.rows("SELECT text FROM note") == [("two lines; one statement",)]
    assert manifest.totals().pages_done == 1
    manifest.close()


@pytest.mark.parametrize("stage", ["a statement", "the version", "the commit"])
def test_a_step_that_fails_leaves_the_old_version_whole(
    stage: str, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Interrupted anywhere, the file is what it was, and the next run takes all the steps."""
    real = Connection.execute

    def failing(self: Connection, statement: str, parameters: tuple[object, ...] = ()) -> int:
        wanted = {"a statement": "INSERT INTO note", "the version": "PRAGMA user_version="}.get(stage, "never")
        if statement.startswith(wanted):
            raise KeyboardInterrupt
        result = real(self, statement, parameters)
        if stage == "the commit" and statement.startswith("PRAGMA user_version="):
            raise KeyboardInterrupt
        return result

    monkeypatch.setattr(Connection, "execute", failing)
    with pytest.raises(KeyboardInterrupt):
        Manifest.open(path, VirtualClock())
    monkeypatch.setattr(Connection, "execute", real)
    look = Connection(path, read_only=True)
    assert look.version == 1
    assert look.value("SELECT count(*) FROM pragma_table_info('page') WHERE name = 'weight'") == 0
    assert look.value("SELECT count(*) FROM sqlite_master WHERE name = 'note'") == 0
    look.close()
    manifest = Manifest.open(path, VirtualClock())
    assert manifest is not None
    assert manifest._db.version == 3
    manifest.close()


def test_a_reader_leaves_an_older_one_as_it_is(path: Path) -> None:
    """It says that only a run brings it up to date, and changes nothing."""
    before = path.read_bytes()
    with pytest.raises(ManifestUnusable, match="older version") as caught:
        ManifestReader.open_to_read(path)
    assert caught.value.exit_code is ExitCode.MANIFEST
    assert caught.value.hint.endswith("resumable resume job")
    assert path.read_bytes() == before


def test_one_with_no_way_up_is_refused_untouched(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a step is missing, none is taken."""
    monkeypatch.setattr(tables, "MIGRATIONS", {1: STEPS[1]})
    opens: Callable[[], object] = lambda: Manifest.open(path, VirtualClock())  # noqa: E731 - a call to make twice
    for _ in range(2):
        with pytest.raises(ManifestUnusable, match="too old"):
            opens()
    look = Connection(path, read_only=True)
    assert look.version == 1
    assert look.value("SELECT count(*) FROM pragma_table_info('page') WHERE name = 'weight'") == 0
    look.close()
