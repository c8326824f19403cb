"""Record keys that a run keeps: closing needs no look at the parts, and memory stays bounded."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from resumable.engine.record_keys import RecordKeys, hashes
from resumable.models import Interval, JobState, PageKey, Window, WindowState
from resumable.schema.schema import Schema
from resumable.simulator.settings import SimSettings, Style
from resumable.simulator.simulator import Simulator
from resumable.storage.parts import Parts
from resumable.storage.scratch import Scratch
from tests.support.builders import START, make_job
from tests.support.clock import VirtualClock

WINDOW = Window(
    id=1,
    interval=Interval(start=START, end=START + timedelta(days=1)),
    state=WindowState.OPEN,
    take=1,
    snapshot=None,
    fingerprint=None,
)


def column(*keys: str) -> pa.ChunkedArray:
    """Return a column of keys."""
    return pa.chunked_array([list(keys)], type=pa.string())


def windows(count: int) -> list[Window]:
    """Return so many windows."""
    return [replace(WINDOW, id=number) for number in range(1, count + 1)]


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[RecordKeys]:
    """Yield what keeps keys."""
    with Scratch(tmp_path) as scratch:
        yield RecordKeys(scratch)


def test_keys_are_kept_by_page_until_their_window_is_closed(kept: RecordKeys) -> None:
    """What was kept of a take is what comes back; of another take nothing does."""
    kept.keep(WINDOW, 1, column("a", "b"))
    kept.keep(WINDOW, 3, column("c"))
    assert {number: keys.to_pylist() for number, keys in kept.of(WINDOW).items()} == {1: ["a", "b"], 3: ["c"]}
    assert kept.of(replace(WINDOW, take=2)) == {}
    kept.close(WINDOW, kept.of(WINDOW).values())
    assert kept.of(WINDOW) == {}
    assert kept.hashes_of(WINDOW) == hashes([column("a", "b"), column("c")])
    assert kept.hashes_of(replace(WINDOW, take=2)) is None


def test_no_more_keys_are_kept_than_allowed(kept: RecordKeys) -> None:
    """The oldest window goes first; one that is too large alone is not kept at all, and the others come back whole."""
    kept = RecordKeys(kept.scratch, keys=5)
    one, two, three = windows(3)
    kept.keep(one, 1, column("a", "b", "c"))
    kept.keep(two, 1, column("d", "e", "f"))
    assert (kept.of(one), list(kept.of(two))) == ({}, [1])
    kept.keep(three, 1, column(*"abcdef"))
    assert [kept.of(window) for window in (one, two, three)] == [{}, {}, {}]
    kept.keep(one, 2, column("a", "b", "c", "d", "e"))
    assert list(kept.of(one)) == [2], "what was forgotten counts no more"


def test_a_page_kept_twice_counts_once(kept: RecordKeys) -> None:
    """The newest is kept."""
    kept = RecordKeys(kept.scratch, keys=4)
    for _ in range(5):
        kept.keep(WINDOW, 1, column("a", "b", "c"))
    assert list(kept.of(WINDOW)) == [1]


def test_hashes_are_kept_of_windows_that_were_closed_whole(kept: RecordKeys) -> None:
    """Of as many as there are; one that was not complete has none."""
    one, two, three = windows(3)
    kept.close(one, [column("a", "b", "c")])
    kept.close(two, [column("d"), column("e")])
    kept.close(three, None)
    for _ in range(2):
        assert kept.hashes_of(one) == hashes([column("a", "b", "c")])
        assert kept.hashes_of(two) == hashes([column("d", "e")])
    assert kept.hashes_of(three) is None


@pytest.mark.parametrize("most", [200_000, 0])
def test_the_receipt_is_the_same_whether_keys_were_kept_or_read(
    most: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With nothing kept each part is looked at twice, with all kept none is; both count the same."""
    clock = VirtualClock()
    sim = Simulator(SimSettings(records=50, style=Style.SMALL), monotonic=clock.monotonic)
    looks: list[object] = []
    real = Parts.identities

    def look(self: Parts, page: PageKey, schema: Schema) -> pa.ChunkedArray:
        looks.append(page)
        return real(self, page, schema)

    monkeypatch.setattr(Parts, "identities", look)
    monkeypatch.setattr(RecordKeys.__init__, "__kwdefaults__", {"keys": most})
    if not most:
        monkeypatch.setattr(RecordKeys, "hashes_of", lambda *_: None)
    status = make_job(sim, clock, tmp_path, days=2).run()
    assert status.state is JobState.COMPLETE
    assert status.receipt is not None
    assert (status.receipt["records"], status.receipt["records_distinct"]) == (100, 100)
    assert len(looks) == (0 if most else 12)
