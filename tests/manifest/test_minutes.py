"""How a job went, minute by minute: right, small, bounded, and at no commit of its own."""

import itertools
import random
from collections import Counter as Tally
from collections.abc import Iterator
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from resumable.errors import ManifestUnusable
from resumable.manifest import tables
from resumable.manifest.connection import Connection
from resumable.manifest.reader import ManifestReader
from resumable.manifest.store import Manifest
from resumable.models import Counter, JobState, PartFact
from resumable.simulator.settings import SimSettings
from resumable.simulator.simulator import Simulator
from tests.support.builders import START, make_job, make_manifest, snapshot
from tests.support.clock import VirtualClock
from tests.support.older import made_by

FACT = PartFact(rows=100, size=130_000, sha256=bytes(range(32)))


@pytest.fixture
def clock() -> VirtualClock:
    """The time of these tests."""
    return VirtualClock()


@pytest.fixture
def manifest(tmp_path: Path, clock: VirtualClock) -> Iterator[Manifest]:
    """A manifest with nothing done."""
    manifest = make_manifest(tmp_path / "manifest.sqlite", clock)
    yield manifest
    manifest.close()


def ended(manifest: Manifest) -> None:
    """Let what is counted in memory be written, as the end of a run does."""
    manifest.set_state(JobState.INTERRUPTED)


def test_the_minutes_add_up_to_the_counters(manifest: Manifest, clock: VirtualClock, seed: int) -> None:
    """Whatever happens when, each request, retry, 429 and token is in exactly one minute, and in its own."""
    dice = random.Random(seed)
    truth: Tally[tuple[datetime, Counter]] = Tally()
    for _ in range(400):
        counter = dice.choice(list(Counter))
        minute = clock.now().replace(second=0, microsecond=0)
        truth[minute, counter] += 1
        manifest.count(counter)
        clock.sleep(dice.choice((0.0, 0.1, 3.0, 20.0, 200.0)))
    ended(manifest)
    found = {(row.at, counter): n for row in manifest.minutes() for counter, n in row.counts.items() if n}
    assert found == truth
    assert {c: sum(row.counts[c] for row in manifest.minutes()) for c in Counter} == manifest.counters()


def test_a_page_is_counted_in_the_minute_it_was_recorded(manifest: Manifest, clock: VirtualClock) -> None:
    """With the latency of the answers and the rate that was allowed then."""
    window = manifest.unfinished()[0].window
    manifest.answered(0.2, allowed=300.0)
    manifest.first_page_done(window, snapshot(window, 3), FACT)
    clock.sleep(61)
    manifest.answered(4.0, allowed=150.0)
    manifest.page_done(manifest.window(window.id).window, 2, FACT, moved=False)
    ended(manifest)
    first, second = manifest.minutes()
    assert (first.pages, second.pages) == (1, 1)
    assert second.at - first.at == timedelta(minutes=1)
    assert second.allowed == 150.0
    middle = second.latencies.quantile(0.5)
    assert middle is not None
    assert 3.0 < middle < 5.0


def test_a_clock_that_is_set_back_adds_to_the_minute_that_was(tmp_path: Path) -> None:
    """The same minute twice is one row, as it is for a run that ends and goes on within it."""
    path, clock = tmp_path / "manifest.sqlite", VirtualClock()
    manifest = make_manifest(path, clock)
    for _ in range(3):
        manifest.answered(0.5, allowed=300.0)
        manifest.count(Counter.REQUESTS)
        ended(manifest)
        manifest.close()
        manifest = Manifest.open(path, VirtualClock()) or pytest.fail("it is gone")
    (row,) = manifest.minutes()
    assert row.counts[Counter.REQUESTS] == row.latencies.total == 3
    manifest.close()


def test_a_minute_costs_no_commit_of_its_own(
    manifest: Manifest, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thousand pages over hours make a thousand transactions, and the rows are there."""
    begun: list[bool] = []
    real = Connection.atomic

    def atomic(db: Connection, *, durable: bool = True, carried: int | None = None) -> AbstractContextManager[None]:
        begun.append(durable)
        return real(db, durable=durable, carried=carried)

    monkeypatch.setattr(Connection, "atomic", atomic)
    window = manifest.unfinished()[0].window
    manifest.first_page_done(window, snapshot(window, 1001), FACT)
    window = manifest.window(window.id).window
    for number in range(2, 1002):
        manifest.answered(0.3, allowed=300.0)
        manifest.page_done(window, number, FACT, moved=False)
        clock.sleep(7)
    assert begun == [True] * 1001
    assert len(manifest.minutes()) > 100


def test_a_kill_loses_no_more_than_seconds_of_it(manifest: Manifest, clock: VirtualClock) -> None:
    """What a reader finds while the run goes is at most five seconds old."""
    for _ in range(100):
        manifest.count(Counter.REQUESTS)
        clock.sleep(1)
    reader = ManifestReader.open_to_read(manifest._db.path)
    assert reader is not None
    assert sum(row.counts[Counter.REQUESTS] for row in reader.minutes()) >= 95
    reader.close()


def test_a_job_of_months_keeps_a_bounded_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Too many rows are folded into rows of twice the length, again and again, and nothing that was counted is lost."""
    monkeypatch.setattr(tables, "MINUTES_KEPT", 50)
    clock = VirtualClock()
    manifest = make_manifest(tmp_path / "manifest.sqlite", clock)
    for _ in range(1000):
        manifest.answered(0.3, allowed=300.0)
        manifest.count(Counter.REQUESTS)
        clock.sleep(60)
    ended(manifest)
    rows = manifest.minutes()
    assert len(rows) <= 50
    assert {row.length for row in rows} == {32}
    assert sum(row.counts[Counter.REQUESTS] for row in rows) == sum(row.latencies.total for row in rows) == 1000
    assert all(a.at + timedelta(minutes=32) <= b.at for a, b in itertools.pairwise(rows))
    manifest.close()
    again = Manifest.open(tmp_path / "manifest.sqlite", clock)
    assert again is not None
    again.count(Counter.REQUESTS)
    ended(again)
    assert {row.length for row in again.minutes()} == {32}
    again.close()


def test_a_minute_takes_less_than_a_hundred_bytes(manifest: Manifest, clock: VirtualClock, seed: int) -> None:
    """On the disk, with answers all over the place."""
    dice = random.Random(seed)
    before = manifest._db.value("PRAGMA page_count") * manifest._db.value("PRAGMA page_size")
    minutes = 2000
    for _ in range(minutes):
        for _ in range(40):
            manifest.answered(2.718 ** dice.gauss(-1, 1.2), allowed=299.6)
        manifest.count(Counter.REQUESTS)
        clock.sleep(60)
    ended(manifest)
    after = manifest._db.value("PRAGMA page_count") * manifest._db.value("PRAGMA page_size")
    assert (after - before) / minutes <= 100


def test_a_manifest_of_the_first_version_can_be_looked_at_as_it_is(tmp_path: Path) -> None:
    """A reader finds everything but the minutes, and changes nothing."""
    path = tmp_path / "manifest.sqlite"
    make_manifest(path, VirtualClock()).close()
    made_by(1, path)
    before = path.read_bytes()
    reader = ManifestReader.open_to_read(path)
    assert reader is not None
    assert reader.totals().windows == 2
    assert (reader.minutes(), reader.flaws()) == ([], [])
    reader.close()
    assert path.read_bytes() == before


def test_a_job_of_the_first_version_is_carried_on(tmp_path: Path) -> None:
    """Begun by the first version and interrupted, the run brings it up to date, asks for no page again, and ends."""
    clock = VirtualClock()
    sim = Simulator(SimSettings(records=300), monotonic=clock.monotonic)
    with pytest.raises(Exception, match="used up"):
        make_job(sim, clock, tmp_path, max_requests=3).run()
    path = tmp_path / "job" / "manifest.sqlite"
    made_by(1, path)
    job = make_job(sim, clock, tmp_path)
    done = job.status().totals.pages_done
    status = job.run()
    assert done == 3
    assert status.state is JobState.COMPLETE
    reader = ManifestReader.open_to_read(path)
    assert reader is not None
    assert reader._db.version == tables.VERSION
    assert sum(row.pages for row in reader.minutes()) == status.totals.pages_done - 3
    reader.close()


def test_a_minute_that_makes_no_sense_is_called_damage(manifest: Manifest) -> None:
    """By a reader, by a writer and by a verification: not one of them fails on it, or passes over it."""
    manifest.count(Counter.REQUESTS)
    ended(manifest)
    with manifest._db.atomic():
        manifest._db.execute("UPDATE minute SET latency = x'ff80'")
    with pytest.raises(ManifestUnusable, match="a minute makes no sense"):
        manifest.minutes()
    assert any("a minute" in flaw for flaw in manifest.flaws())
    manifest.count(Counter.REQUESTS)
    with pytest.raises(ManifestUnusable, match="a minute makes no sense"):
        ended(manifest)


def test_the_first_minute_begins_on_the_minute(manifest: Manifest) -> None:
    """Rows are aligned, so that charts of two jobs can be laid over each other."""
    manifest.count(Counter.REQUESTS)
    ended(manifest)
    (row,) = manifest.minutes()
    assert row.at.second == row.at.microsecond == 0
    assert row.at > START
