"""What comes next: ranges cut into windows, and every page handed out once."""

import itertools
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import example, given

from resumable.clock import Stop
from resumable.engine.feed import Ended, Feed, Work
from resumable.engine.windows import cut, gaps, halves
from resumable.manifest.rows import WindowRow
from resumable.manifest.store import Manifest
from resumable.models import Interval, Window, WindowState
from tests.support.builders import make_manifest, snapshot
from tests.support.clock import VirtualClock
from tests.support.transports import pause

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
MOMENTS = st.integers(min_value=0, max_value=31 * 86_400_000).map(
    lambda ms: datetime(2020, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)
)


@given(
    start=MOMENTS,
    length=st.timedeltas(min_value=timedelta(milliseconds=1), max_value=timedelta(days=9)),
    window=st.sampled_from([HOUR, 6 * HOUR, DAY, 7 * DAY, timedelta(minutes=15), 5 * HOUR, timedelta(minutes=7)]),
)
@example(start=datetime(2020, 1, 1, tzinfo=UTC), length=3 * DAY, window=DAY)
def test_windows_cover_the_range_exactly(start: datetime, length: timedelta, window: timedelta) -> None:
    """Half-open, disjoint, in order, none longer than asked, from the first moment to the last."""
    interval = Interval(start=start, end=start + length)
    windows = list(cut(interval, window))
    assert windows[0].start == interval.start
    assert windows[-1].end == interval.end
    assert all(earlier.end == later.start for earlier, later in itertools.pairwise(windows))
    assert all(each.length <= window for each in windows)
    if DAY % window == timedelta(0):
        inner = [each.start for each in windows[1:]]
        assert all(
            (at - at.replace(hour=0, minute=0, second=0, microsecond=0)) % window == timedelta(0) for at in inner
        )
        assert len(windows) <= length // window + 2


@given(done=st.sets(st.integers(min_value=1, max_value=60)), page_count=st.integers(min_value=0, max_value=50))
def test_gaps_are_what_is_not_done(done: set[int], page_count: int) -> None:
    """The pages missing of 1..pageCount, in order; pages past the end count for nothing."""
    assert list(gaps(sorted(done), page_count)) == [n for n in range(1, page_count + 1) if n not in done]


def test_gaps_of_a_billion_pages_cost_nothing() -> None:
    """They are named one by one, not kept."""
    missing = gaps([2, 4], 10**9)
    assert [next(missing) for _ in range(4)] == [1, 3, 5, 6]


@given(hours=st.integers(min_value=1, max_value=200), minutes=st.integers(min_value=0, max_value=59))
def test_halves_end_at_an_hour(hours: int, minutes: int) -> None:
    """What is cut in two again and again ends at slices of an hour at most, that cover it."""
    start = datetime(2020, 1, 1, 5, tzinfo=UTC)
    whole = Interval(start=start, end=start + hours * HOUR + timedelta(minutes=minutes))
    slices = [whole]
    while any(len(halves(each)) > 1 for each in slices):
        slices = [half for each in slices for half in halves(each)]
    assert slices[0].start == whole.start
    assert slices[-1].end == whole.end
    assert all(earlier.end == later.start for earlier, later in itertools.pairwise(slices))
    assert all(each.length <= HOUR and each.start.minute == 0 for each in slices)


@dataclass
class Concurrency:
    """Workers that take the work of a feed, with a server that answers after a second."""

    clock: VirtualClock
    manifest: Manifest
    pages: Callable[[Window], int] = lambda window: 10
    fate: Callable[[Window, int], Ended] = lambda window, number: Ended.DONE
    seconds: float = 1.0
    taken: Counter[tuple[int, int, int | None]] = field(default_factory=Counter)
    closed: Counter[tuple[int, int]] = field(default_factory=Counter)
    most_open: int = 0

    def __post_init__(self) -> None:
        """Nothing is taken yet."""
        self.stop = Stop(self.clock)
        self.feed = Feed(self.manifest, self.stop)
        self._nobody = threading.Condition()

    def work(self, threads: int = 8) -> float:
        """Do all the work, and return the seconds it took."""
        begun = self.clock.monotonic()
        self.clock.run_threads(self._loop, [f"worker-{n}" for n in range(threads)])
        return self.clock.monotonic() - begun

    def _loop(self) -> None:
        while (work := self.feed.take()) is not None:
            try:
                self._do(work)
            finally:
                self.feed.release()

    def _do(self, work: Work) -> None:
        window, number = work.window, work.number
        self.taken[window.id, window.take, number] += 1
        self.most_open = max(self.most_open, len(self.feed._open), len(self.feed._waiting) // 20)
        pause(self.clock, self._nobody, self.seconds * self.clock.uniform(0.9, 1.1))
        if number is not None:
            if self.feed.ended(window, self.fate(window, number)):
                self.closed[window.id, window.take] += 1
        elif self.feed.opened(_open(window, self.pages(window)), gaps([1], self.pages(window))):
            self.closed[window.id, window.take] += 1


def _open(window: Window, pages: int) -> WindowRow:
    opened = Window(
        id=window.id,
        interval=window.interval,
        state=WindowState.OPEN,
        take=window.take,
        snapshot=snapshot(window, pages),
        fingerprint=None,
    )
    return WindowRow(window=opened, done=1, moved=False)


def crew_of(tmp_path: Path, seed: int, *, windows: int, **more: object) -> Concurrency:
    """Make workers for so many windows."""
    clock = VirtualClock(seed)
    return Concurrency(clock, make_manifest(tmp_path / "m.sqlite", clock, windows=windows), **more)  # type: ignore[arg-type]  # any field


def test_every_page_is_handed_out_once_and_every_window_closed_once(tmp_path: Path, seed: int) -> None:
    """250 windows of 0 to 12 pages: each page once, each window once, whatever the order of the workers."""
    concurrency = crew_of(tmp_path, seed, windows=250, pages=lambda window: window.id % 13)
    concurrency.work()
    wanted = {(w, 1, None) for w in range(1, 251)} | {(w, 1, n) for w in range(1, 251) for n in range(2, w % 13 + 1)}
    assert set(concurrency.taken) == wanted
    assert set(concurrency.taken.values()) == {1}
    assert concurrency.closed == {(w, 1): 1 for w in range(1, 251)}
    assert concurrency.feed.take() is None


def test_workers_stay_busy_across_windows(tmp_path: Path, seed: int) -> None:
    """A hundred requests of a second by eight workers take no more than 15 seconds: no one waits at a window's end."""
    concurrency = crew_of(tmp_path, seed, windows=25, pages=lambda window: 4)
    took = concurrency.work()
    print(f"{took:.1f} s; 12.5 at best")
    assert took < 15.0


def test_memory_is_bounded_by_the_open_windows(tmp_path: Path, seed: int) -> None:
    """A thousand windows of ten pages: never more windows open than there are workers, or read ahead than a portion."""
    concurrency = crew_of(tmp_path, seed, windows=1000)
    concurrency.work()
    assert sum(concurrency.taken.values()) == 10_000
    assert concurrency.most_open <= 8


@pytest.mark.parametrize("how", [Ended.FAILED, Ended.BEYOND])
def test_a_window_with_a_failed_page_is_not_closed_and_one_that_ends_early_is(
    how: Ended, tmp_path: Path, seed: int
) -> None:
    """Beside a failed page the others are still taken; past the end no more are handed out, and it is judged."""
    concurrency = crew_of(
        tmp_path,
        seed,
        windows=12,
        fate=lambda window, n: how if (window.id, n) == (5, 3) else Ended.DONE,
        pages=lambda _: 30,
    )
    concurrency.work()
    others = {(w, 1): 1 for w in range(1, 13) if w != 5}
    of_five = sum(1 for w, _, _ in concurrency.taken if w == 5)
    if how is Ended.FAILED:
        assert concurrency.closed == others
        assert of_five == 30
    else:
        assert concurrency.closed == {**others, (5, 1): 1}
        assert of_five < 30


def test_a_retake_is_worked_through_in_the_same_run(tmp_path: Path, seed: int) -> None:
    """A window put back is opened again, by its new take, even after all others are done."""
    concurrency = crew_of(tmp_path, seed, windows=3)

    def fate(window: Window, number: int) -> Ended:
        if (window.id, window.take, number) == (2, 1, 9):
            row = concurrency.manifest.retake(window, None, "why")
            concurrency.feed.reopen(row.window)
        return Ended.DONE

    concurrency.fate = fate
    concurrency.work()
    assert concurrency.taken[2, 2, None] == 1
    assert concurrency.closed[2, 2] == 1
    assert set(concurrency.taken.values()) == {1}


@pytest.mark.parametrize("which", range(1, 5))
def test_slices_of_a_split_window_are_opened_once(which: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also those of the window that was read last before the next portion."""
    monkeypatch.setattr(Feed, "CHUNK", 2)
    manifest = make_manifest(tmp_path / "m.sqlite", VirtualClock(), windows=4)
    feed, opened = Feed(manifest, Stop(VirtualClock())), []
    while (work := feed.take()) is not None:
        opened.append(work.window.interval)
        if work.window.id == which and work.window.interval.length == DAY:
            slices = halves(work.window.interval)
            feed.reopen(*(row.window for row in manifest.split(work.window, slices, "why")))
        feed.release()
    assert len(opened) == len(set(opened)) == 6


def test_a_stop_ends_the_feed_at_once(tmp_path: Path, seed: int) -> None:
    """Those who wait for work leave when the run is to end; what is in hand is finished first."""
    concurrency = crew_of(tmp_path, seed, windows=1, pages=lambda _: 3, seconds=100.0)
    concurrency.clock.at(150.0, lambda: concurrency.stop.request("SIGINT"))
    assert 150.0 < concurrency.work() < 225.0
    assert concurrency.feed.take() is None


def test_a_complete_job_has_no_work(tmp_path: Path) -> None:
    """Windows that are complete are never handed out again."""
    manifest = make_manifest(tmp_path / "m.sqlite", VirtualClock(), windows=2)
    for row in manifest.unfinished():
        empty = manifest.first_page_done(row.window, snapshot(row.window, 0, 0), None)
        manifest.complete(empty.window, b"", duplicates=0, settled=False, young=False)
    assert Feed(manifest, Stop(VirtualClock())).take() is None
