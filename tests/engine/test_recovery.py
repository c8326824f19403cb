"""What a kill leaves behind: orphans are adopted where they prove themselves, everything else is removed."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from resumable.engine.recovery import recover, remove_stale
from resumable.manifest.rows import WindowRow
from resumable.manifest.store import Manifest
from resumable.models import EventKind, PageKey, Window, WindowState
from resumable.simulator.messages import Kind
from resumable.storage import durable
from resumable.storage.parts import Footer, Parts
from tests.support.builders import footer, make_job, make_manifest, snapshot, table
from tests.support.clock import VirtualClock
from tests.support.parts import FolderParts
from tests.support.whole_runs import assert_whole, simulated


class Bench:
    """A job's folder with one window that is looked at."""

    def __init__(self, folder: Path) -> None:
        """Make it, with nothing done."""
        self.manifest = make_manifest(folder / "manifest.sqlite", VirtualClock())
        self.parts = FolderParts(folder)
        self.window = self.manifest.unfinished()[0].window

    def orphan(self, number: int, *, change: Callable[[Footer], Footer] = lambda said: said, total: int = 5) -> PageKey:
        """Write a part of which the manifest knows nothing."""
        said = change(footer(self.manifest, self.window, number, 2, page_count=3, total=total))
        self.parts.write(table(f"{number}-a", f"{number}-b"), said)
        return said.key

    def record(self, number: int) -> None:
        """Write a part and its row."""
        key = self.orphan(number)
        found = self.parts.inspect(key)
        assert found is not None
        if number == 1:
            row = self.manifest.first_page_done(self.window, snapshot(self.window, 3, 5), found[1])
        else:
            row = self.manifest.page_done(self.window, number, found[1], moved=False)
        self.window = row.window

    def recover(self) -> WindowRow:
        """Bring folder and rows together."""
        row = recover(self.window, manifest=self.manifest, parts=self.parts, job=self.manifest.job())
        again = recover(row.window, manifest=self.manifest, parts=self.parts, job=self.manifest.job())
        assert again == row, "a second time there is nothing left to do"
        return row

    def pages(self) -> list[int]:
        """Return the pages that are done."""
        return [page.number for page in self.manifest.pages(self.window)]

    def names(self) -> list[str]:
        """Return the files of the window."""
        folder = self.parts.window_folder(self.window.interval)
        return sorted(path.name for path in folder.iterdir()) if folder.exists() else []

    def events(self) -> list[EventKind]:
        """Return what was noted."""
        return [event.kind for event in self.manifest.events() if event.kind is not EventKind.SNAPSHOT]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A job's folder."""
    return Bench(tmp_path)


def test_an_orphaned_first_page_opens_its_window(bench: Bench) -> None:
    """Renamed and not yet recorded: it is adopted with the snapshot that it carries, and not asked for again."""
    bench.orphan(1)
    row = bench.recover()
    assert (row.window.state, row.done, row.window.records) == (WindowState.OPEN, 1, 2)
    assert row.window.snapshot is not None
    assert (row.window.snapshot.page_count, row.window.snapshot.total) == (3, 5)
    assert bench.events() == [EventKind.ADOPTED]


def test_any_number_of_orphans_is_adopted(bench: Bench) -> None:
    """Each worker may have left one."""
    bench.record(1)
    for number in (2, 3):
        bench.orphan(number)
    assert bench.recover().done == 3
    assert bench.pages() == [1, 2, 3]
    assert not bench.manifest.window(bench.window.id).moved


def test_an_orphan_whose_answer_named_another_count_is_adopted_as_moved(bench: Bench) -> None:
    """The doubt is in the part, and survives the kill."""
    bench.record(1)
    bench.orphan(2, change=lambda said: replace(said, total=6))
    assert bench.recover().moved


FOREIGN: dict[str, Callable[[Footer], Footer]] = {
    "of another job": lambda said: replace(said, job="another"),
    "of another query": lambda said: replace(said, query_digest="another"),
    "of another schema": lambda said: replace(said, schema_digest="another"),
    "of a later take": lambda said: replace(said, take=2),
    "past the end": lambda said: replace(said, number=9),
}


OUT_OF_RANGE: dict[str, Callable[[Footer], Footer]] = {
    "a negative page size": lambda said: replace(said, snapshot_page_size=-5),
    "a total of 2^63": lambda said: replace(said, total=2**63, snapshot_total=2**63),
    "a page count of 2^63": lambda said: replace(said, page_count=2**63, snapshot_page_count=2**63),
    "a page size of 2^64": lambda said: replace(said, snapshot_page_size=2**64),
    "a negative total": lambda said: replace(said, total=-1, snapshot_total=-1),
}


@pytest.mark.parametrize("which", OUT_OF_RANGE)
@pytest.mark.parametrize("number", [1, 2])
def test_an_orphan_that_no_row_could_hold_is_removed(which: str, number: int, bench: Bench) -> None:
    """A part of a version that took what the server said: its adoption fails, and the run goes on."""
    if number == 2:
        bench.record(1)
    bench.orphan(number, change=OUT_OF_RANGE[which])
    row = bench.recover()
    assert row.done == number - 1
    assert bench.events() == [EventKind.REMOVED]


@pytest.mark.parametrize("which", FOREIGN)
def test_an_orphan_that_is_not_of_this_take_is_removed(which: str, bench: Bench) -> None:
    """Whole as it may be, it is not what the manifest is waiting for."""
    bench.record(1)
    bench.orphan(2, change=FOREIGN[which])
    row = bench.recover()
    assert row.done == 1
    assert bench.names() == ["page-00001.parquet"]
    assert bench.events() == [EventKind.REMOVED]


def test_a_later_page_without_a_first_one_is_removed(bench: Bench) -> None:
    """A window is opened by its first page alone."""
    bench.orphan(2)
    assert bench.recover().window.state is WindowState.PLANNED
    assert bench.names() == []


@pytest.mark.parametrize("share", [0.002, 0.3, 0.98], ids=["in its data", "in its footer", "at its end"])
def test_a_damaged_orphan_is_removed(share: float, bench: Bench) -> None:
    """A part that does not prove itself is taken again, wherever it is damaged."""
    bench.record(1)
    path = bench.parts.path(bench.orphan(2))
    data = bytearray(path.read_bytes())
    data[4 + int(len(data) * share)] ^= 4
    path.write_bytes(data)
    bench.recover()
    assert bench.pages() == [1]
    assert bench.names() == ["page-00001.parquet"]


def test_torn_temporaries_are_removed_and_strange_files_left(bench: Bench) -> None:
    """What the product left is its own to clear; what somebody else put there is not."""
    bench.record(1)
    folder = bench.parts.window_folder(bench.window.interval)
    for name in (".page-00002.parquet.tmp", ".page-00009.take-3.parquet.tmp", "notes.txt", ".hidden"):
        (folder / name).write_bytes(b"PAR1 torn")
    bench.recover()
    assert bench.names() == [".hidden", "notes.txt", "page-00001.parquet"]


def test_recorded_pages_are_left_alone(bench: Bench) -> None:
    """Their parts are not even read, and never removed."""
    bench.record(1)
    bench.record(2)
    paths = [bench.parts.path(PageKey(window=bench.window.interval, take=1, number=n)) for n in (1, 2)]
    paths[0].write_bytes(b"damaged, which is for verify to find")
    assert bench.recover().done == 2
    assert all(path.exists() for path in paths)
    assert bench.events() == []


def test_an_older_take_stays_until_the_newer_is_whole(bench: Bench) -> None:
    """Parts of the take before are kept while the window is taken again, and go when it is complete."""
    bench.record(1)
    bench.window = bench.manifest.retake(bench.window, None, "why").window
    bench.recover()
    assert bench.names() == ["page-00001.parquet"]
    _complete(bench)
    remove_stale(bench.window, manifest=bench.manifest, parts=bench.parts)
    assert bench.names() == ["page-00001.take-2.parquet"]


def test_a_removal_cut_short_is_finished_by_the_next(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed between two removals, or between the last and its row: the window stays marked, and it is done again."""
    bench.record(1)
    bench.record(2)
    bench.window = bench.manifest.retake(bench.window, None, "why").window
    _complete(bench)
    real = Parts.remove
    removed: list[PageKey] = []

    def remove(self: Parts, page: PageKey) -> None:
        if removed:
            raise KeyboardInterrupt
        removed.append(page)
        real(self, page)

    with monkeypatch.context() as patch:
        patch.setattr(Parts, "remove", remove)
        with pytest.raises(KeyboardInterrupt):
            remove_stale(bench.window, manifest=bench.manifest, parts=bench.parts)
    assert len(bench.manifest.stale_windows()) == 1

    def forget(self: Manifest, window: Window) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Manifest, "forget_stale", forget)
        with pytest.raises(KeyboardInterrupt):
            remove_stale(bench.window, manifest=bench.manifest, parts=bench.parts)
    assert bench.names() == ["page-00001.take-2.parquet"]
    for row in bench.manifest.stale_windows():
        remove_stale(row.window, manifest=bench.manifest, parts=bench.parts)
    assert bench.manifest.stale_windows() == []
    assert bench.pages() == [1]


@pytest.mark.parametrize("removed_before", [False, True])
def test_what_is_stale_is_gone_for_good_before_its_rows_are(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, removed_before: bool
) -> None:
    """The folder is synced after the last removal, a killed run's own too, and before the rows go."""
    bench.record(1)
    bench.window = bench.manifest.retake(bench.window, None, "why").window
    _complete(bench)
    if removed_before:
        bench.parts.remove(PageKey(window=bench.window.interval, take=1, number=1))
    steps: list[str] = []
    for owner, name in ((durable, "remove"), (durable, "sync_folder"), (Manifest, "forget_stale")):
        monkeypatch.setattr(owner, name, _noting(steps, name, getattr(owner, name)))
    remove_stale(bench.window, manifest=bench.manifest, parts=bench.parts)
    assert steps == [*([] if removed_before else ["remove"]), "sync_folder", "forget_stale"]


def _noting(steps: list[str], name: str, real: Callable[..., None]) -> Callable[..., None]:
    def noted(*arguments: object) -> None:
        steps.append(name)
        real(*arguments)

    return noted


def _complete(bench: Bench) -> None:
    said = footer(bench.manifest, bench.window, 1, 2, page_count=1, total=2)
    part = bench.parts.write(table("a", "b"), said)
    row = bench.manifest.first_page_done(bench.window, snapshot(bench.window, 1, 2), part)
    bench.manifest.complete(row.window, b"f", duplicates=0, settled=False, young=False)
    bench.window = row.window


@pytest.mark.parametrize("at", range(1, 7))
def test_a_run_killed_between_a_part_and_its_row_asks_for_no_page_again(
    at: int, tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The n-th row is never written; the next run adopts the part, and over both runs every page is asked for once."""
    clock = VirtualClock(seed)
    sim = simulated(clock)
    job = make_job(sim, clock, tmp_path, workers=1)
    real, rows = Manifest._page_done, []

    def page_done(self: Manifest, *args: object) -> None:
        rows.append(1)
        if len(rows) == at:
            raise KeyboardInterrupt
        real(self, *args)  # type: ignore[arg-type]  # as they came

    with monkeypatch.context() as patch:
        patch.setattr(Manifest, "_page_done", page_done)
        with pytest.raises(KeyboardInterrupt):
            job.run()
    assert job.status().totals.pages_done == at - 1
    assert len(list(job.folder.glob("parts/*/*"))) == at
    job.run()
    assert_whole(job, sim)
    assert sim.log.count(Kind.CONVERSATIONS) == 6
