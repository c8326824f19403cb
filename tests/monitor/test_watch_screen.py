"""The view of `status --watch`: it fits any screen, obeys nothing, and says how fast it goes and what is left."""

import random
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from resumable.cli.text.watch_screen import Screen, drawn
from resumable.models import JobState
from resumable.monitor.watch import View, Watch
from resumable.storage.job_files import JobFiles
from resumable.storage.lock import hold
from tests.support import manifest_jobs as jobs
from tests.support.builders import snapshot
from tests.support.clock import VirtualClock

SIZES = [(width, height) for width in (10, 21, 40, 80, 100, 250) for height in (3, 7, 12, 24, 70)]


@pytest.fixture
def clock() -> VirtualClock:
    """The time of these tests."""
    return VirtualClock()


def seen(folder: Path, clock: VirtualClock) -> View:
    """Look at a job that is there."""
    view = Watch(JobFiles.at(folder), clock).look()
    assert view is not None
    return view


def hourly(state: Path, clock: VirtualClock) -> Path:
    """Make a job of nine days in windows of an hour, some of them done."""
    manifest = jobs.make(state, clock, name="hourly", days=9, window=timedelta(hours=1))
    jobs.work(manifest, clock, random.Random(2), windows=5)
    manifest.close()
    return state / "hourly"


def years(state: Path, clock: VirtualClock) -> Path:
    """Make a job of five years with nothing done."""
    jobs.make(state, clock, name="years", days=1825).close()
    return state / "years"


@pytest.mark.parametrize("make", [jobs.eventful, jobs.complete, jobs.hostile, hourly, years])
def test_it_fits_every_screen(make: Callable[[Path, VirtualClock], Path], tmp_path: Path, clock: VirtualClock) -> None:
    """No line is longer than the screen is wide, and there are no more than it has; ASCII where only that is there."""
    view = seen(make(tmp_path, clock), clock)
    for width, height in SIZES:
        for plain in (False, True):
            lines = drawn(view, Screen(width=width, height=height, plain=plain))
            assert len(lines) <= height
            assert max(line.cell_len for line in lines) <= width
            text = "".join(line.plain for line in lines)
            assert text.isprintable()
            assert text.isascii() or not plain


def test_a_long_job_is_shown_around_where_it_is_now(tmp_path: Path, clock: VirtualClock) -> None:
    """Where the calendar has no room for all months, those around the first that is not complete are shown."""
    manifest = jobs.make(tmp_path, clock, name="long", days=1825)
    jobs.work(manifest, clock, random.Random(2), windows=200)
    manifest.close()
    text = "\n".join(
        line.plain for line in drawn(seen(tmp_path / "long", clock), Screen(width=60, height=20, plain=False))
    )
    assert "2024-04  ■■■■■■■■■■■■■■■■■·" in text
    assert "2023-10  " not in text
    assert "2028-09  " not in text
    assert " of 60" in text


def test_a_short_job_has_a_sign_for_each_window(tmp_path: Path, clock: VirtualClock) -> None:
    """A line is a day, a sign an hour."""
    lines = [
        line.plain for line in drawn(seen(hourly(tmp_path, clock), clock), Screen(width=80, height=30, plain=False))
    ]
    assert any(line.startswith(f"10-01  {'■' * 5}{'·' * 19}") for line in lines)


def test_pace_and_time_left_are_those_of_the_run(tmp_path: Path, clock: VirtualClock) -> None:
    """With 100 of 300 known pages done and 50 more in ten seconds: 300 a minute, and half a minute left."""
    manifest = jobs.make(tmp_path, clock, name="running", days=3)
    with hold(tmp_path / "running" / "lock", job="running", now=clock.now()):
        manifest.set_state(JobState.RUNNING)
        windows = [row.window for row in manifest.unfinished()]
        opened = [manifest.first_page_done(window, snapshot(window, 100), jobs.FACT).window for window in windows]
        for number in range(2, 101):
            manifest.page_done(opened[0], number, jobs.FACT, moved=False)
        watch = Watch(JobFiles.at(tmp_path / "running"), clock)
        assert watch.look() is not None
        clock.sleep(10)
        for number in range(2, 52):
            manifest.page_done(opened[1], number, jobs.FACT, moved=False)
        view = watch.look()
    manifest.close()
    assert view is not None
    assert view.expected.pages == 300
    assert view.per_minute == pytest.approx(300, rel=0.01)
    assert view.left_seconds == pytest.approx((300 - 152) / 5, rel=0.01)
    assert view.running


def test_nobody_at_work_has_no_pace(tmp_path: Path, clock: VirtualClock) -> None:
    """Of a job that rests neither a rate nor a time left is told, but what carries it on."""
    view = seen(jobs.eventful(tmp_path, clock), clock)
    assert (view.per_minute, view.left_seconds) == (None, None)
    text = "\n".join(line.plain for line in drawn(view, Screen(width=100, height=30, plain=False)))
    assert "not running: resumable resume conversations-2023" in text
    assert "✗ 2023-12-01 page 20  HTTP 504" in text


def test_a_job_that_is_not_there_is_none(tmp_path: Path, clock: VirtualClock) -> None:
    """Nothing is made where there was nothing."""
    assert Watch(JobFiles.at(tmp_path / "nowhere"), clock).look() is None
    assert not (tmp_path / "nowhere").exists()
