"""Older manifests are brought up to date in one transaction, and a reader never does that."""

import re
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from resumable.errors import ExitCode, Incomplete, ManifestUnusable
from resumable.manifest import migrations, tables
from resumable.manifest.connection import Connection
from resumable.manifest.reader import ManifestReader
from resumable.manifest.store import Manifest
from resumable.models import JobState, PartFact
from resumable.simulator.settings import SimSettings
from resumable.simulator.simulator import Simulator
from tests.support import older
from tests.support.builders import make_job, make_manifest, snapshot
from tests.support.clock import VirtualClock

FACT = PartFact(rows=100, size=130_000, sha256=bytes(range(32)))
STEPS = {
    1: "ALTER TABLE page ADD COLUMN weight INTEGER;\nUPDATE page SET weight = size / 2;\n",
    2: "CREATE TABLE note (text TEXT NOT NULL) STRICT;\nINSERT INTO note\nVALUES ('two lines; one statement');\n",
}


@pytest.mark.parametrize("version", older.VERSIONS)
def test_one_of_each_version_is_resumed(version: int, tmp_path: Path) -> None:
    """Begun by that version and interrupted, the run brings it up to date, asks for no page again, and completes."""
    clock = VirtualClock()
    sim = Simulator(SimSettings(records=300), monotonic=clock.monotonic)
    with pytest.raises(Incomplete, match="used up"):
        make_job(sim, clock, tmp_path, max_requests=3).run()
    path = tmp_path / "job" / "manifest.sqlite"
    older.made_by(version, path)
    job = make_job(sim, clock, tmp_path)
    done = job.status().totals.pages_done
    status = job.run()
    assert done > 0
    assert status.state is JobState.COMPLETE
    assert max(sim.log.pages().values()) == 1
    with closing(Connection(path, read_only=True)) as database:
        assert database.version == tables.VERSION
        assert _columns(database) == _columns_made_today(tmp_path / "today.sqlite")


@pytest.mark.parametrize("version", older.VERSIONS)
def test_the_tables_of_an_older_version_are_frozen(version: int) -> None:
    """What the product takes for a version's tables is what that version made, to the letter of each statement."""
    # The first version had not named this constraint yet.
    frozen = migrations.TABLES[version].replace("CONSTRAINT counted ", "")
    assert frozen.split() == older.statements(version).replace("CONSTRAINT counted ", "").split()


@pytest.mark.parametrize("version", older.VERSIONS)
def test_the_way_up_is_the_same_whatever_todays_tables_say(
    version: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The frozen steps are taken, and no others; nothing of what they end in is from the text of today's tables."""
    assert not re.search(r"^\s*(import|from)\b", Path(migrations.__file__).read_text(), re.MULTILINE)
    usual = _brought_up(version, tmp_path / "usual", monkeypatch)
    monkeypatch.setattr(tables, "TABLES", "CREATE TABLE another (everything INTEGER) STRICT;")
    assert _brought_up(version, tmp_path / "changed", monkeypatch) == usual
    assert usual[1] == [migrations.STEPS[step] for step in range(version, tables.VERSION)]


def test_a_step_between_older_versions_ends_in_what_the_newer_one_made(tmp_path: Path) -> None:
    """The statements of version 1 and the step after them make the tables of version 2, to the letter."""
    found = []
    for name, statements in (
        ("stepped", older.statements(1) + migrations.STEPS[1]),
        ("made", older.statements(2)),
    ):
        with closing(Connection(tmp_path / name)) as database:
            with database.atomic():
                database.script(statements)
            found.append({key: re.sub("CONSTRAINT counted ", "", text) for key, text in _schema(database).items()})
    assert found[0] == found[1]


def _brought_up(version: int, folder: Path, patch: pytest.MonkeyPatch) -> tuple[dict[str, str], list[str]]:
    """Bring a manifest of a version up to date; return the statements of its tables, and the scripts that were run."""
    folder.mkdir()
    path = folder / "manifest.sqlite"
    with closing(Connection(path)) as database, database.atomic():
        database.script(older.statements(version))
        database.execute(f"PRAGMA application_id={tables.APPLICATION_ID}")
        database.execute(f"PRAGMA user_version={version}")
    run: list[str] = []
    real = Connection.script

    def script(self: Connection, text: str) -> None:
        run.append(text)
        real(self, text)

    with patch.context() as listening:
        listening.setattr(Connection, "script", script)
        manifest = Manifest.open(path, VirtualClock())
    assert manifest is not None
    with closing(manifest):
        return _schema(manifest._db), run


def _schema(database: Connection) -> dict[str, str]:
    return dict(database.rows("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL"))


def _columns(database: Connection) -> dict[str, list[tuple[object, ...]]]:
    """Return each table's columns, whatever their order: a column that is added comes last."""
    made = [name for (name,) in database.rows("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
    facts = 'SELECT name, type, "notnull", dflt_value, pk FROM pragma_table_info(?) ORDER BY name'
    return {name: database.rows(facts, (name,)) for name in made}


def _columns_made_today(path: Path) -> dict[str, list[tuple[object, ...]]]:
    with closing(Connection(path)) as database:
        with database.atomic():
            database.script(tables.TABLES)
        return _columns(database)


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
    monkeypatch.setattr(migrations, "STEPS", STEPS)
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
    monkeypatch.setattr(migrations, "STEPS", {1: STEPS[1]})
    opens: Callable[[], object] = lambda: Manifest.open(path, VirtualClock())  # noqa: E731 - a call to make twice
    for _ in range(2):
        with pytest.raises(ManifestUnusable, match="too old"):
            opens()
    look = Connection(path, read_only=True)
    assert look.version == 1
    assert look.value("SELECT count(*) FROM pragma_table_info('page') WHERE name = 'weight'") == 0
    look.close()
