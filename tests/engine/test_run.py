"""What a run makes sure of before it starts and before it calls a job complete."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

import resumable
from resumable.engine import receipt
from resumable.engine.context import LiveRun
from resumable.errors import ExitCode, Incomplete, ManifestUnusable, StorageFailed
from resumable.manifest import connection
from resumable.manifest.reader import ManifestReader
from resumable.manifest.store import Manifest
from resumable.models import EventKind, JobState
from resumable.simulator.settings import SimSettings
from resumable.simulator.simulator import Simulator
from resumable.storage import file_systems
from resumable.storage.folder import FolderStore
from resumable.text import size
from tests.support.builders import make_job
from tests.support.clock import VirtualClock

MEGABYTE = 10**6
WINDOW_PAGES = 3
"""Of 60 conversations, 20 a page."""


@pytest.fixture
def sim() -> Simulator:
    """Two days of 60 conversations."""
    return Simulator(SimSettings(records=60))


@pytest.fixture
def job(sim: Simulator, tmp_path: Path) -> resumable.Job:
    """A job that has not begun."""
    return make_job(sim, VirtualClock(), tmp_path)


def manifest_of(job: resumable.Job) -> Path:
    """Return where its manifest is."""
    return job.folder / "manifest.sqlite"


@pytest.mark.parametrize(("free", "least", "starts"), [(63, 64, False), (64, 64, True), (0, 0, True)])
def test_a_run_starts_only_where_there_is_room(
    free: int, least: int, starts: bool, job: resumable.Job, sim: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Less free than the least: exit 5 before any request, saying how much is needed; 0 asks nothing."""
    monkeypatch.setattr(FolderStore, "free", lambda _store: free * MEGABYTE)
    job = replace(job, settings=replace(job.settings, min_free=least * MEGABYTE))
    if starts:
        assert job.run().state is JobState.COMPLETE
        return
    with pytest.raises(StorageFailed, match=r"63\.0 MB free; 64\.0 MB") as caught:
        job.run()
    assert caught.value.exit_code is ExitCode.STORAGE
    assert "RESUMABLE_MIN_FREE=0" in caught.value.hint
    assert sim.log.count() == 0
    assert job.status().state is JobState.PLANNED


def test_what_is_known_to_come_must_fit(job: resumable.Job, sim: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages known and not done count with the size of those done."""
    job.run()
    with closing(sqlite3.connect(manifest_of(job), isolation_level=None)) as database:
        stored, pages = database.execute("SELECT sum(bytes), sum(done) FROM window").fetchone()
        database.execute("UPDATE window SET state = 'open', page_count = 1000 WHERE id = 1")
        database.execute("UPDATE job SET state = 'incomplete'")
    needed = stored / pages * (1000 - 3) + job.settings.min_free
    monkeypatch.setattr(FolderStore, "free", lambda _store: int(needed) - 2)
    with pytest.raises(StorageFailed, match=f"{size(int(needed))} are needed"):
        job.run()


def test_the_disk_itself_says_what_is_free(tmp_path: Path) -> None:
    """Whole bytes, more than none, and an error in words for a folder that is not there."""
    assert file_systems.free_bytes(tmp_path) > 0
    with pytest.raises(StorageFailed, match="nowhere"):
        file_systems.free_bytes(tmp_path / "nowhere")


def test_a_manifest_that_does_not_add_up_is_never_complete(job: resumable.Job, sim: Simulator) -> None:
    """A row that vanished from a window called complete: exit 8, the state is not complete, and repair is named."""
    job.run()
    with closing(sqlite3.connect(manifest_of(job), isolation_level=None)) as database:
        database.execute("DELETE FROM page WHERE window = 1 AND number = 2")
        database.execute("UPDATE job SET state = 'incomplete'")
    with pytest.raises(ManifestUnusable, match="does not add up") as caught:
        job.run()
    assert caught.value.exit_code is ExitCode.MANIFEST
    assert "resumable repair job" in caught.value.hint
    assert job.status().state is JobState.INCOMPLETE


@pytest.mark.parametrize(
    ("at", "says"), [(3, "2 windows that it no longer finds"), (0, "is damaged: its pages do not fit together")]
)
def test_windows_that_a_damaged_index_hides_are_never_passed_over(
    at: int, says: str, job: resumable.Job, sim: Simulator
) -> None:
    """A run that finds nothing to do while windows are open, or cannot look: exit 8, and repair is named."""
    with pytest.raises(Incomplete):
        replace(job, settings=replace(job.settings, max_requests=2)).run()
    with closing(sqlite3.connect(manifest_of(job), isolation_level=None)) as database:
        root = database.execute("SELECT rootpage FROM sqlite_master WHERE name = 'window_unfinished'").fetchone()[0]
        size = database.execute("PRAGMA page_size").fetchone()[0]
    data = bytearray(manifest_of(job).read_bytes())
    data[(root - 1) * size + at : (root - 1) * size + at + 2] = bytes(2)  # how many entries, or what it is
    manifest_of(job).write_bytes(data)
    with pytest.raises(ManifestUnusable, match=says) as caught:
        job.run()
    assert caught.value.hint.endswith("resumable repair job")
    job.repair()
    assert job.status().state is JobState.COMPLETE


def test_a_job_row_that_says_complete_too_early_is_not_believed(job: resumable.Job, sim: Simulator) -> None:
    """The windows count: such a job is shown incomplete, and its next run does what is left."""
    with closing(sqlite3.connect(manifest_of(job), isolation_level=None)) as database:
        database.execute("UPDATE job SET state = 'complete'")
    assert job.status().state is JobState.INCOMPLETE
    assert job.run().state is JobState.COMPLETE
    assert job.status().totals.records == 120


@pytest.mark.parametrize("left", ["nothing", "an empty file", "a file without tables"])
def test_parts_without_a_manifest_are_never_taken_for_a_new_job(
    left: str, job: resumable.Job, sim: Simulator, tmp_path: Path
) -> None:
    """A lost manifest is exit 8 for every command, no part is touched and nothing is asked of the server."""
    job.run()
    manifest_of(job).unlink()
    if left == "an empty file":
        manifest_of(job).touch()
    if left == "a file without tables":
        with closing(sqlite3.connect(manifest_of(job))) as database:
            database.execute("PRAGMA journal_mode=WAL")
    asked, parts = sim.log.count(), {path: path.read_bytes() for path in (job.folder / "parts").rglob("*.parquet")}
    again: list[Callable[[], object]] = [
        lambda: make_job(sim, VirtualClock(), tmp_path),
        lambda: resumable.find("job", job.settings).status(),
        lambda: resumable.find("job", job.settings).run(),
        job.status,
        job.run,
    ]
    for attempt in again:
        with pytest.raises(ManifestUnusable, match="no manifest") as caught:
            attempt()
        assert "resumable repair job" in caught.value.hint
    assert sim.log.count() == asked
    assert {path: path.read_bytes() for path in (job.folder / "parts").rglob("*.parquet")} == parts


def pragmas(job: resumable.Job) -> tuple[str, set[int]]:
    """Run it, and return how its manifest is kept and how its changes were made durable."""
    levels: set[int] = set()
    real = connection.Connection.execute

    def spied(self: connection.Connection, statement: str, parameters: tuple[object, ...] = ()) -> int:
        levels.add(int(self.value("PRAGMA synchronous")))
        return real(self, statement, parameters)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(connection.Connection, "execute", spied)
        job.run()
    with closing(sqlite3.connect(manifest_of(job))) as database:
        return database.execute("PRAGMA journal_mode").fetchone()[0], levels


def test_a_disk_without_a_log_gets_a_journal_and_a_warning(
    sim: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a file system over a network: DELETE and EXTRA for every change, one warning, and the same result."""
    extra = 3
    monkeypatch.setattr(connection, "network_file_system", lambda _path: "nfs4 is a file system over a network")
    job = make_job(sim, VirtualClock(), tmp_path)
    assert pragmas(job) == ("delete", {extra})
    warnings = [event.text for event in job.status(events=100).events if event.kind == "warning"]
    assert len(warnings) == 1
    assert "nfs4 is a file system over a network" in warnings[0]
    assert sum(1 for _ in job.records()) == 120


@pytest.mark.parametrize("first", ["wal", "delete"])
def test_a_job_that_changes_disks_is_carried_on(
    first: str, sim: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Begun with a log and moved to a disk without one, or the other way: it is completed in the other way."""
    kinds = {"wal": None, "delete": "nfs4 is a file system over a network"}
    then = {"wal": "delete", "delete": "wal"}[first]
    monkeypatch.setattr(connection, "network_file_system", lambda _path: kinds[first])
    job = make_job(sim, VirtualClock(), tmp_path)
    with closing(sqlite3.connect(manifest_of(job))) as database:
        assert database.execute("PRAGMA journal_mode").fetchone() == (first,)
    monkeypatch.setattr(connection, "network_file_system", lambda _path: kinds[then])
    assert pragmas(job)[0] == then
    assert job.status().state is JobState.COMPLETE


def test_readers_and_a_writer_share_a_manifest_without_a_log(
    job: resumable.Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between two changes anybody may look, as with a log."""
    monkeypatch.setattr(connection, "network_file_system", lambda _path: "nfs4 is a file system over a network")
    manifest = Manifest.open(manifest_of(job), VirtualClock())
    assert manifest is not None
    assert manifest.no_log
    manifest.set_state(JobState.RUNNING)
    reader = ManifestReader.open_to_read(manifest_of(job))
    assert reader is not None
    assert reader.job().state is JobState.RUNNING
    manifest.set_state(JobState.INTERRUPTED)
    assert reader.job().state is JobState.INTERRUPTED
    reader.close()
    manifest.close()


def test_those_who_watch_see_that_a_job_is_being_closed(
    job: resumable.Job, sim: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pages of earlier runs are looked at for the receipt, which may take minutes: it is told, and still watched."""
    monkeypatch.setattr(receipt, "MANY_PAGES", 1)
    with pytest.raises(Incomplete):
        replace(job, settings=replace(job.settings, max_requests=5, workers=1)).run()
    before = job.status().totals
    seen: list[list[EventKind]] = []

    @contextmanager
    def watch(live: LiveRun) -> Iterator[None]:
        yield
        seen.append([event.kind for event in live.manifest.events(100)])

    done = job.run(watch=watch)
    assert done.state is JobState.COMPLETE
    assert 0 < before.pages_done < done.totals.pages_done
    (kinds,) = seen
    assert kinds[-2:] == [EventKind.CLOSING, EventKind.RUN_ENDED], "the watching ended before the closing"
    told = next(event.text for event in done.events if event.kind is EventKind.CLOSING)
    assert told == f"looking at {WINDOW_PAGES} pages that earlier runs took, to write the receipt"
    assert done.receipt is not None
    assert done.receipt["records_distinct"] == 120


MOUNTS = """\
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
30 22 0:40 / {here}/remote rw - nfs4 server:/export rw,vers=4.2
31 30 8:2 / {here}/remote/local rw,relatime shared:2 master:1 - xfs /dev/sdb1 rw
32 22 0:41 / {here}/with\\040blank rw - fuse.sshfs me@host: rw
33 22 0:42 / {here}/twice rw - nfs server:/a rw
34 22 0:43 / {here}/twice rw - tmpfs none rw
"""


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("plain", None),
        ("remote", "nfs4"),
        ("remote/deep", "nfs4"),
        ("remote/local/deep", None),
        ("remoteness", None),
        ("with blank/x", "fuse.sshfs"),
        ("twice", None),
    ],
)
def test_a_file_system_over_a_network_is_known_by_its_mount(folder: str, kind: str | None, tmp_path: Path) -> None:
    """The closest mount above a folder tells, the last where several lie on each other."""
    table = tmp_path / "mountinfo"
    table.write_text(MOUNTS.format(here=tmp_path))
    said = file_systems.network_file_system(tmp_path / folder, mounts=table)
    assert said == (kind and f"{kind} is a file system over a network")


def test_without_a_table_of_mounts_every_disk_is_local(tmp_path: Path) -> None:
    """Where the kernel keeps no such table, nothing is refused."""
    assert file_systems.network_file_system(tmp_path, mounts=tmp_path / "none") is None


def test_what_was_left_of_an_answer_that_was_being_kept_goes(job: resumable.Job) -> None:
    """Of an answer half kept, a temporary file is left: a complete job has none, and has the answers."""
    answers = job.folder / "aside" / "answers"
    answers.mkdir(parents=True)
    for name in (".window=20231001T000000Z-page-00001.txt.tmp", "window=20231002T000000Z-page-00001.txt"):
        (answers / name).write_text("x")
    job.run()
    assert [path.name for path in answers.iterdir()] == ["window=20231002T000000Z-page-00001.txt"]
