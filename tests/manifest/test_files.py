"""The manifest as a file: made whole or not at all, never touched when it is not ours, and small."""

import itertools
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from resumable.errors import ExitCode, Failure, ManifestUnusable, StorageFailed
from resumable.manifest import tables
from resumable.manifest.connection import Connection
from resumable.manifest.reader import ManifestReader
from resumable.manifest.store import Manifest
from resumable.models import Counter, EventKind, Interval, JobState, PartFact
from tests.support.builders import days, make_manifest, snapshot
from tests.support.clock import VirtualClock

FACT = PartFact(rows=100, size=130_000, sha256=bytes(range(32)))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the manifest is."""
    return tmp_path / "manifest.sqlite"


def files(path: Path) -> dict[str, bytes]:
    """Return every file of the folder with its bytes."""
    return {each.name: each.read_bytes() for each in path.parent.iterdir() if each.is_file()}


def newer(path: Path) -> None:
    """Make it a manifest of a later version."""
    make_manifest(path, VirtualClock()).close()
    with closing(sqlite3.connect(path)) as database:
        database.execute(f"PRAGMA user_version={tables.VERSION + 1}")
        database.commit()


def foreign(path: Path) -> None:
    """Make it somebody else's database."""
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE theirs (a)")
        database.commit()


def garbage(path: Path) -> None:
    """Make it anything."""
    path.write_bytes(b"\x07 not a database at all" * 500)


def zeroed(path: Path) -> None:
    """Zero its first page."""
    make_manifest(path, VirtualClock()).close()
    data = path.read_bytes()
    path.write_bytes(bytes(4096) + data[4096:])


def cut(path: Path) -> None:
    """Cut it in the middle."""
    make_manifest(path, VirtualClock(), windows=2000).close()
    path.write_bytes(path.read_bytes()[:10_000])


def headless(path: Path) -> None:
    """Leave less than a header."""
    path.write_bytes(b"SQLite format 3\0" + b"\x10")


UNUSABLE = {"newer": newer, "foreign": foreign, "garbage": garbage, "zeroed": zeroed, "cut": cut, "headless": headless}


@pytest.mark.parametrize("kind", UNUSABLE)
def test_what_is_not_our_manifest_is_refused_and_left_untouched(kind: str, path: Path) -> None:
    """Exit code 8 for readers and writers, and not one byte of any file is changed."""
    UNUSABLE[kind](path)
    before = files(path)
    opens: list[Callable[[], object]] = [
        lambda: ManifestReader.open_to_read(path),
        lambda: Manifest.open(path, VirtualClock()),
    ]
    for look in opens:
        with pytest.raises(ManifestUnusable) as caught:
            look()
        assert caught.value.exit_code == ExitCode.MANIFEST
        # SQLite leaves an empty log and its index behind when it looks at a file in WAL mode.
        assert {name: data for name, data in files(path).items() if name in before} == before


def test_a_newer_manifest_with_an_unfolded_log_is_left_as_it_is(path: Path) -> None:
    """Looking at it does not even fold its write-ahead log in: the version that wrote it may have its reasons."""
    make_manifest(path, VirtualClock()).close()
    killed = path.parent / "killed" / path.name
    killed.parent.mkdir()
    with closing(sqlite3.connect(path)) as database:
        database.execute(f"PRAGMA user_version={tables.VERSION + 1}")
        for name, data in files(path).items():
            (killed.parent / name).write_bytes(data)
    (killed.parent / "manifest.sqlite-shm").unlink()
    before = files(killed)
    assert before["manifest.sqlite-wal"]
    with pytest.raises(ManifestUnusable, match="newer version"):
        Manifest.open(killed, VirtualClock())
    assert {name: data for name, data in files(killed).items() if name in before} == before


def test_no_file_and_an_empty_file_are_no_manifest(path: Path) -> None:
    """Nothing there, or the file of a creation that was killed, is simply no manifest yet."""
    assert ManifestReader.open_to_read(path) is None
    assert Manifest.open(path, VirtualClock()) is None
    path.touch()
    assert ManifestReader.open_to_read(path) is None
    assert Manifest.open(path, VirtualClock()) is None


def test_creation_is_all_or_nothing(path: Path) -> None:
    """Killed while the windows are being written, it leaves nothing that counts, and is made anew."""

    def broken() -> Iterator[Interval]:
        yield from itertools.islice(days(10), 5)
        raise KeyboardInterrupt

    spec = (good := make_manifest(path.with_name("other"), VirtualClock())).job().spec
    with pytest.raises(KeyboardInterrupt):
        Manifest.create(path, VirtualClock(), name="job", spec=spec, schema_digest="d", windows=broken())
    assert Manifest.open(path, VirtualClock()) is None
    again = Manifest.create(path, VirtualClock(), name="job", spec=spec, schema_digest="d", windows=days(3))
    assert again.totals().windows == 3
    again.close()
    good.close()


def test_pages_are_committed_durably_and_counters_cheaply(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """WAL always; synchronous FULL in every transaction that records, NORMAL for counters and events alone."""
    manifest = make_manifest(path, VirtualClock())
    modes: list[tuple[str, int]] = []
    real = Connection.execute

    def spied(self: Connection, statement: str, parameters: tuple[object, ...] = ()) -> int:
        modes.append((statement.split("(")[0][:40], int(self.value("PRAGMA synchronous"))))
        return real(self, statement, parameters)

    monkeypatch.setattr(Connection, "execute", spied)
    window = manifest.unfinished()[0].window

    def modes_of(change: Callable[[], object]) -> set[int]:
        modes.clear()
        change()
        assert modes
        return {mode for _, mode in modes}

    normal, full = 1, 2
    assert modes_of(lambda: manifest.count(Counter.REQUESTS)) == {normal}
    assert modes_of(lambda: manifest.first_page_done(window, snapshot(window, 3), FACT)) == {full}
    assert modes_of(lambda: manifest.event(EventKind.RETRY, "x")) == {normal}
    window = manifest.window(window.id).window
    assert modes_of(lambda: manifest.page_done(window, 2, FACT, moved=False)) == {full}
    assert modes_of(lambda: manifest.quarantine(window, 3, "why", Failure.NO_ANSWER)) == {full}
    assert modes_of(lambda: manifest.retake(window, None, "why")) == {full}
    assert modes_of(lambda: manifest.set_state(JobState.RUNNING)) == {full}
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    manifest.close()


def test_readers_disturb_no_writer_and_see_only_what_is_committed(path: Path) -> None:
    """While a reader looks and a transaction is open, both go on; the reader sees none of it before the commit."""
    manifest = make_manifest(path, VirtualClock())
    window = manifest.unfinished()[0].window
    reader = ManifestReader.open_to_read(path)
    assert reader is not None
    with manifest._db.atomic():
        manifest._db.execute("UPDATE window SET moved = 1")
        assert not reader.unfinished()[0].moved
        other = ManifestReader.open_to_read(path)
        assert other is not None
        assert not other.unfinished()[0].moved
        other.close()
    assert reader.unfinished()[0].moved
    manifest.first_page_done(window, snapshot(window, 1), FACT)
    assert reader.totals().pages_done == 1
    with pytest.raises((sqlite3.OperationalError, StorageFailed)):
        reader._db.execute("UPDATE window SET moved = 0")
    reader.close()
    manifest.close()


def test_closing_leaves_one_file(path: Path) -> None:
    """The last one to close folds the write-ahead log in: a finished job is one file to copy."""
    manifest = make_manifest(path, VirtualClock())
    window = manifest.unfinished()[0].window
    manifest.first_page_done(window, snapshot(window, 1), FACT)
    manifest.close()
    assert [each.name for each in path.parent.iterdir()] == ["manifest.sqlite"]


def test_a_hundred_thousand_pages_take_under_100_bytes_each(path: Path) -> None:
    """With a hash, a size and a count for every page, the file stays under 100 bytes a page."""
    windows, pages = 1000, 100
    make_manifest(path, VirtualClock(), windows=windows).close()
    with closing(sqlite3.connect(path)) as database:
        database.execute("UPDATE window SET state = 'open', page_count = 100, done = 100, records = 10000")
        rows = ((w, n) for w in range(1, windows + 1) for n in range(1, pages + 1))
        database.executemany(
            "INSERT INTO page (window, take, number, state, rows, size, sha256)"
            " VALUES (?, 1, ?, 'done', 100, 130000, randomblob(32))",
            rows,
        )
        database.execute("UPDATE window SET state = 'complete', whole_take = 1, fingerprint = randomblob(32)")
        database.commit()
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    each = path.stat().st_size / (windows * pages)
    print(f"{each:.1f} bytes a page")
    assert each <= 100
    reader = ManifestReader.open_to_read(path)
    assert reader is not None
    assert reader.totals().pages_done == windows * pages
    reader.close()


def test_the_history_does_not_fill_the_disk(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the events the newest are kept, in order."""
    monkeypatch.setattr(tables, "EVENTS_KEPT", 50)
    manifest = make_manifest(path, VirtualClock())
    for n in range(130):
        manifest.event(EventKind.RETRY, f"event {n}")
    assert [event.text for event in manifest.events(1000)] == [f"event {n}" for n in range(80, 130)]
    manifest.close()
