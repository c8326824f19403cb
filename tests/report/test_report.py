"""The report's file: whole or not there, all figures of the manifest in it, no address, no larger than it must be."""

import errno
import os
import random
import re
import sys
from collections.abc import Callable
from datetime import date, timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest

from resumable.errors import ExitCode, StorageFailed, UsageError
from resumable.manifest.store import Manifest
from resumable.models import Counter, Interval
from resumable.monitor.coverage import Cell, Mark, days
from resumable.report import document
from resumable.report.facts import Facts, gather
from resumable.storage.job_files import REPORT, JobFiles
from tests.support import manifest_jobs as jobs
from tests.support.builders import START
from tests.support.clock import VirtualClock

VOID = frozenset({"meta"})


class Balanced(HTMLParser):
    """Notices an element that is not closed, or closed twice."""

    def __init__(self) -> None:
        """Nothing is open yet."""
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Open it."""
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Close it."""
        assert self.open.pop() == tag


@pytest.fixture
def clock() -> VirtualClock:
    """The time of these tests."""
    return VirtualClock()


def gathered(folder: Path, clock: VirtualClock) -> Facts:
    """Return the facts of a job that is there."""
    facts = gather(JobFiles.at(folder), now=clock.now())
    assert facts is not None
    return facts


def written(folder: Path, clock: VirtualClock) -> str:
    """Write the report of a job, and read it."""
    assert document.write(JobFiles.at(folder), None, now=clock.now()) is not None
    return (folder / REPORT).read_text()


@pytest.mark.parametrize("make", [jobs.eventful, jobs.complete, jobs.hostile, jobs.rested])
def test_no_address_is_in_it(make: Callable[[Path, VirtualClock], Path], tmp_path: Path, clock: VirtualClock) -> None:
    """Nothing names a host, but the name of SVG's own vocabulary; no element can load anything; all are closed."""
    page = written(make(tmp_path, clock), clock)
    assert set(re.findall(r"[a-z]+://[^\s\"'<>]+", page)) <= {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xlink",
    }
    assert not re.search(r"<(script|img|link|iframe|object|embed|base|form|a|use|image)\b", page)
    assert not re.search(r"\b(url|@import|expression)\s*\(", page)
    parser = Balanced()
    parser.feed(page)
    assert parser.open == []


def test_no_character_that_a_browser_would_obey_is_in_it(tmp_path: Path, clock: VirtualClock) -> None:
    """Control characters and marks that turn text around are shown as escapes."""
    page = written(jobs.hostile(tmp_path, clock), clock)
    assert all(character.isprintable() or character == "\n" for character in page)
    assert r"\u202e" in page
    assert r"\x1b[31m" in page


def test_every_figure_of_the_manifest_is_in_it(tmp_path: Path, clock: VirtualClock) -> None:
    """Pages, windows, records, requests, retries, 429s and tokens are those of the status."""
    folder = jobs.eventful(tmp_path, clock)
    facts, page = gathered(folder, clock), written(folder, clock)
    totals, counters = facts.status.totals, facts.status.counters
    named = [totals.records, totals.pages_done, totals.windows_done, *(counters[counter] for counter in Counter)]
    for figure in named:
        assert f"<b>{figure:,}</b>" in page
    for title in ("Coverage", "Pages a minute", "How long answers took", "Retries, 429s and new tokens", "Receipt"):
        assert re.search(rf"<h[23]>{title}</h[23]>", page), title
    assert "newFigure" in page
    assert "HTTP 504: gateway timeout" in page


def test_the_points_add_up_to_the_counters(tmp_path: Path, clock: VirtualClock) -> None:
    """However minutes are put together for the charts, pages, requests, retries, 429s and tokens stay as many."""
    facts = gathered(jobs.eventful(tmp_path, clock), clock)
    counters = facts.status.counters
    assert round(sum(point.pages * point.minutes for point in facts.points)) == facts.status.totals.pages_done
    assert round(sum(point.requests * point.minutes for point in facts.points)) == counters[Counter.REQUESTS]
    assert round(sum(point.retries * point.minutes for point in facts.points)) == counters[Counter.RETRIES]
    assert round(sum(point.rate_limited * point.minutes for point in facts.points)) == counters[Counter.RATE_LIMITED]
    assert sum(point.tokens for point in facts.points) == counters[Counter.TOKEN_REFRESHES]
    assert facts.latencies.total == facts.status.totals.pages_done + facts.status.totals.pages_quarantined
    assert not facts.sparse


def test_a_job_that_rested_for_days_is_drawn_over_its_time_at_work(tmp_path: Path, clock: VirtualClock) -> None:
    """Three runs of minutes on three days fill the axis, with a line where each rest was left out."""
    facts = gathered(jobs.rested(tmp_path, clock), clock)
    assert facts.sparse
    assert len(facts.rests) == 2
    assert facts.points[-1].worked + timedelta(minutes=facts.points[-1].minutes) == timedelta(minutes=facts.minutes)
    page = written(tmp_path / "rested", clock)
    assert "time at work; dashed: a longer rest" in page
    assert page.count("stroke-dasharray") >= 2


def test_a_receipt_that_is_there_is_told(tmp_path: Path, clock: VirtualClock) -> None:
    """Its facts are in the report, and markup in them is text; that of a job that is not complete is not shown."""
    folder = jobs.complete(tmp_path, clock)
    with_manifest = Manifest.open(folder / "manifest.sqlite", clock)
    assert with_manifest is not None
    jobs.receipt(with_manifest, folder, note="<script>alert(1)</script>", settled=[{"<b>": 1}])
    with_manifest.close()
    page = written(folder, clock)
    assert "It names 31 windows" in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script" not in page
    other = written(jobs.eventful(tmp_path, clock, name="other"), clock)
    assert "none before the job is complete" in other


@pytest.mark.parametrize("content", ["", "[1]", '"x"', "{}", '{"windows": 7}', '{"windows": {"a": 1}, "job": null}'])
def test_a_receipt_that_makes_no_sense_spoils_nothing(content: str, tmp_path: Path, clock: VirtualClock) -> None:
    """Cut, of another kind, or with members of other kinds: the rest of the report is there."""
    folder = jobs.complete(tmp_path, clock)
    (folder / "receipt.json").write_text(content)
    assert "<h2>Coverage</h2>" in written(folder, clock)


def test_a_report_that_cannot_be_written_leaves_the_old_one(
    tmp_path: Path, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that refuses is exit 5, and under the name is the report that was there."""
    folder = jobs.complete(tmp_path, clock)
    (folder / REPORT).write_text("the old one")

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    for call in ("fsync", "rename"):
        with monkeypatch.context() as patch:
            patch.setattr(os, call, refuse)
            with pytest.raises(StorageFailed) as caught:
                document.write(JobFiles.at(folder), None, now=clock.now())
        assert caught.value.exit_code is ExitCode.STORAGE
        assert (folder / REPORT).read_text() == "the old one"


def test_without_what_draws_nothing_is_written(
    tmp_path: Path, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the extra is not installed, that is a usage error with the command that installs it."""
    folder = jobs.complete(tmp_path, clock)
    monkeypatch.setitem(sys.modules, "vl_convert", None)
    with pytest.raises(UsageError) as caught:
        document.write(JobFiles.at(folder), None, now=clock.now())
    assert caught.value.hint == f"Install it with: {sys.executable} -m pip install vl-convert-python"
    assert not (folder / REPORT).exists()


def test_it_is_read_beside_a_run(tmp_path: Path, clock: VirtualClock) -> None:
    """While a run is in the middle of a transaction a report is made of what was committed, and nobody waits."""
    manifest = jobs.make(tmp_path, clock, name="running", days=10)
    jobs.work(manifest, clock, random.Random(1), windows=3)
    with manifest._db.atomic():
        manifest._db.execute("UPDATE job SET name = 'never committed'")
        page = written(tmp_path / "running", clock)
        manifest._db.execute("UPDATE job SET name = 'running'")
    manifest.close()
    assert "never committed" not in page


def test_a_job_of_thousands_of_windows_makes_a_file_that_opens(tmp_path: Path, clock: VirtualClock) -> None:
    """Five years in windows of an hour, 43,800 of them, are less than 3 MB."""
    jobs.make(tmp_path, clock, name="years", days=1825, window=timedelta(hours=1)).close()
    saved = document.write(JobFiles.at(tmp_path / "years"), None, now=clock.now())
    assert saved is not None
    assert saved.size < 3_000_000


def test_places_where_no_report_can_go_are_refused(tmp_path: Path, clock: VirtualClock) -> None:
    """A folder takes it under its usual name; no folder, and what is no file, are usage errors."""
    folder = jobs.complete(tmp_path, clock)
    (tmp_path / "out").mkdir()
    os.mkfifo(tmp_path / "pipe")
    document.write(JobFiles.at(folder), tmp_path / "out", now=clock.now())
    assert (tmp_path / "out" / "report.html").is_file()
    with pytest.raises(UsageError, match="there is no folder"):
        document.write(JobFiles.at(folder), tmp_path / "missing" / "r.html", now=clock.now())
    with pytest.raises(UsageError, match="no report is written over it"):
        document.write(JobFiles.at(folder), tmp_path / "pipe", now=clock.now())
    assert document.write(JobFiles.at(tmp_path / "nowhere"), None, now=clock.now()) is None


def cell(first: float, last: float, mark: Mark) -> Cell:
    """Return a window from one day to another."""
    window = Interval(start=START + timedelta(days=first), end=START + timedelta(days=last))
    return Cell(window=window, mark=mark, done=0, pages=None, records=0)


def test_a_day_stands_as_its_worst_window() -> None:
    """Quarantined before open before planned; open where only some of it is complete; long windows are in each day."""
    laid_out = days(
        [
            cell(0, 0.5, Mark.COMPLETE),
            cell(0.5, 1, Mark.QUARANTINED),
            cell(1, 1.5, Mark.COMPLETE),
            cell(1.5, 2, Mark.PLANNED),
            cell(2, 3, Mark.PROVISIONAL),
            cell(3, 5, Mark.COMPLETE),
            cell(5, 6, Mark.PLANNED),
        ]
    )
    marks = [Mark.QUARANTINED, Mark.OPEN, Mark.PROVISIONAL, Mark.COMPLETE, Mark.COMPLETE, Mark.PLANNED]
    assert [day.mark for day in laid_out] == marks
    assert [day.date for day in laid_out] == [START.date() + timedelta(days=n) for n in range(6)]
    assert START.date() == date(2023, 10, 1)
