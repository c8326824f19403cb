"""What the manifest remembers: takes and pages, sums and counters, and nothing of what was not committed."""

from datetime import timedelta
from pathlib import Path

import pytest

from resumable.errors import Failure, ManifestUnusable
from resumable.manifest.store import Manifest
from resumable.models import Counter, Interval, JobState, PartFact, Window, WindowState
from tests.support.builders import START, make_manifest, snapshot
from tests.support.clock import VirtualClock


def fact(number: int, rows: int = 2) -> PartFact:
    """Return what is recorded of a part."""
    return PartFact(rows=rows, size=1000 + number, sha256=bytes([number]) * 32)


@pytest.fixture
def manifest(tmp_path: Path) -> Manifest:
    """A manifest of two days."""
    return make_manifest(tmp_path / "manifest.sqlite", VirtualClock())


def opened(manifest: Manifest, *, pages: int, done: int) -> Window:
    """Open the first window and record so many of its pages."""
    window = manifest.unfinished()[0].window
    row = manifest.first_page_done(window, snapshot(window, pages, 2 * pages), fact(1))
    for number in range(2, done + 1):
        row = manifest.page_done(row.window, number, fact(number), moved=False)
    return row.window


def complete(manifest: Manifest, window: Window, fingerprint: bytes = b"f" * 32) -> None:
    """Close a window."""
    manifest.complete(window, fingerprint, duplicates=0, settled=False, young=False)


def test_a_window_goes_from_planned_over_open_to_complete(manifest: Manifest) -> None:
    """Its sums are those of its pages, and its pages come back as they were recorded."""
    window = opened(manifest, pages=3, done=3)
    row = manifest.window(window.id)
    assert (row.window.state, row.done, row.window.records, row.moved) == (WindowState.OPEN, 3, 6, False)
    assert [(page.number, page.part) for page in manifest.pages(window)] == [(n, fact(n)) for n in (1, 2, 3)]
    complete(manifest, window)
    row = manifest.window(window.id)
    assert row.window.state is WindowState.COMPLETE
    assert row.whole_take == 1
    assert [left.window.id for left in manifest.unfinished()] == [2]
    totals = manifest.totals()
    assert (totals.windows, totals.windows_done, totals.pages_known, totals.pages_done) == (2, 1, 3, 3)
    assert (totals.records, totals.bytes) == (6, 3006)


def test_an_empty_window_is_complete_without_a_page(manifest: Manifest) -> None:
    """A page count of 0 needs no part: the row says that nothing was there."""
    window = manifest.unfinished()[0].window
    row = manifest.first_page_done(window, snapshot(window, 0, 0), None)
    complete(manifest, row.window)
    assert manifest.window(window.id).window.state is WindowState.COMPLETE
    assert manifest.pages(window) == []


def test_a_page_is_recorded_once(manifest: Manifest) -> None:
    """A second record of the same page is refused, and changes nothing."""
    window = opened(manifest, pages=3, done=2)
    before = manifest.window(window.id)
    with pytest.raises(ManifestUnusable, match="recorded twice"):
        manifest.page_done(window, 2, fact(9), moved=False)
    assert manifest.window(window.id) == before
    assert manifest.pages(window)[1].part == fact(2)


def test_a_quarantined_page_can_still_come(manifest: Manifest) -> None:
    """Giving a page up is named and undone by the page itself; a page that is done is never given up."""
    window = opened(manifest, pages=3, done=1)
    manifest.quarantine(window, 2, "HTTP 500", Failure.OVERLOADED)
    manifest.quarantine(window, 2, "HTTP 429", Failure.RATE_LIMITED)
    manifest.quarantine(window, 1, "HTTP 500", Failure.OVERLOADED)
    assert [(q.number, q.reason, q.failure) for q in manifest.quarantined()] == [(2, "HTTP 429", Failure.RATE_LIMITED)]
    assert manifest.totals().pages_quarantined == 1
    manifest.page_done(window, 2, fact(2), moved=False)
    assert manifest.quarantined() == []
    assert manifest.totals().pages_done == 2


def test_a_window_with_a_page_missing_cannot_be_closed(manifest: Manifest) -> None:
    """Never a false complete: the database refuses."""
    window = opened(manifest, pages=3, done=2)
    with pytest.raises(Exception, match="breaks its own rules"):
        complete(manifest, window)
    assert manifest.window(window.id).window.state is WindowState.OPEN


def test_a_retake_begins_anew_and_keeps_the_old_take_until_the_new_one_is_whole(manifest: Manifest) -> None:
    """Retake, complete, forget: older pages stay readable until then, and are dropped once, by name."""
    window = opened(manifest, pages=2, done=2)
    manifest.quarantine(window, 3, "why", Failure.NO_ANSWER)
    again = manifest.retake(window, b"one" * 8, "the total moved").window
    assert (again.take, again.state, again.fingerprint, again.records) == (2, WindowState.PLANNED, b"one" * 8, 0)
    assert len(manifest.pages(window, take=1)) == 2
    assert manifest.quarantined() == []
    assert manifest.totals().pages_done == 0
    row = manifest.first_page_done(again, snapshot(again, 1, 2), fact(7))
    assert manifest.stale_windows() == []
    complete(manifest, row.window, b"two" * 8)
    assert [stale.window.id for stale in manifest.stale_windows()] == [window.id]
    assert len(manifest.pages(window, take=1)) == 2
    manifest.forget_stale(row.window)
    assert manifest.stale_windows() == []
    assert manifest.pages(window, take=1) == []
    assert len(manifest.pages(row.window)) == 1
    assert manifest.window(window.id).window.fingerprint == b"two" * 8


def test_what_an_older_take_brings_late_changes_nothing_of_the_newer(manifest: Manifest) -> None:
    """A retake is of the take that was judged: asked twice, it counts once."""
    window = opened(manifest, pages=2, done=2)
    assert manifest.retake(window, None, "a").window.take == 2
    assert manifest.retake(window, None, "b").window.take == 2


def test_totals_count_only_the_current_take(manifest: Manifest) -> None:
    """Sums and quarantine of a take that was given up do not show."""
    window = opened(manifest, pages=2, done=2)
    again = manifest.retake(window, None, "why").window
    manifest.first_page_done(again, snapshot(again, 5, 10), fact(1, rows=7))
    totals = manifest.totals()
    assert (totals.pages_known, totals.pages_done, totals.records) == (5, 1, 7)


def test_counters_are_over_the_whole_life(manifest: Manifest, tmp_path: Path) -> None:
    """They go on from run to run, and survive a kill at once."""
    for _ in range(3):
        manifest.count(Counter.REQUESTS)
    killed = Manifest.open(tmp_path / "manifest.sqlite", VirtualClock())
    assert killed is not None
    killed.count(Counter.REQUESTS)
    assert killed.counters()[Counter.REQUESTS] == 4
    assert killed.counters()[Counter.RETRIES] == 0
    killed.close()


def test_times_are_kept_to_the_millisecond_and_the_start_for_good(manifest: Manifest) -> None:
    """The first run sets when it started; each change when it was last touched; completion when it was whole."""
    clock = manifest._clock
    assert isinstance(clock, VirtualClock)
    assert manifest.job().started_at is None
    manifest.set_state(JobState.RUNNING)
    begun = clock.now()
    clock.sleep(90.123)
    manifest.set_state(JobState.COMPLETE)
    job = manifest.job()
    assert job.started_at == begun
    assert job.updated_at - begun == timedelta(seconds=90.123)
    assert job.completed_at == job.updated_at
    assert job.state is JobState.COMPLETE


def test_windows_come_by_start_in_any_number(tmp_path: Path) -> None:
    """Thousands of windows come in order, in portions, each once."""
    manifest = make_manifest(tmp_path / "m.sqlite", VirtualClock(), windows=2500)
    starts = [row.window.interval.start for row in manifest.windows()]
    assert starts == [START + timedelta(days=n) for n in range(2500)]
    portion = manifest.unfinished(after=starts[99], limit=10)
    assert [row.window.interval.start for row in portion] == starts[100:110]
    manifest.close()


def test_a_split_window_is_replaced_by_slices_that_cover_it(manifest: Manifest) -> None:
    """What held too much is gone, its slices are planned, the others are left."""
    window, other = (row.window for row in manifest.unfinished())
    middle = window.interval.start + timedelta(hours=12)
    slices = [Interval(start=window.interval.start, end=middle), Interval(start=middle, end=window.interval.end)]
    rows = manifest.split(window, slices, "too much")
    assert [row.window.interval for row in rows] == slices
    assert [row.window.interval for row in manifest.windows()] == [*slices, other.interval]
