"""Bytes in hand: a bound on what answers take, however long their pages are."""

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from resumable.api.in_hand import FIRST_GUESS, BytesInHand
from resumable.clock import Stop, SystemClock
from resumable.models import JobState
from resumable.simulator.settings import SimSettings, Style
from resumable.simulator.simulator import Simulator
from tests.support.builders import make_job
from tests.support.clock import VirtualClock

PAGE = 1000
ROOM = 3 * PAGE * FIRST_GUESS


class Noticing(SystemClock):
    """Does something when a thread is about to wait, in place of waiting."""

    def __init__(self, do: Callable[[], None]) -> None:
        self.do = do
        self.waits = 0

    def wait(self, condition: threading.Condition, seconds: float | None) -> None:
        """Let others have the condition, as waiting does."""
        self.waits += 1
        condition.release()
        try:
            self.do()
        finally:
            condition.acquire()


def elsewhere(do: Callable[[], object]) -> None:
    """Do something in a thread of its own, which stays alive: a number of a thread that has ended is given again."""
    done = threading.Event()

    def held() -> None:
        do()
        done.set()
        FOR_EVER.wait()

    threading.Thread(target=held, daemon=True).start()
    assert done.wait(10)


FOR_EVER = threading.Event()


def test_a_page_waits_for_room() -> None:
    """Three pages have room; a fourth one waits until one of them has turned out small."""
    ready, ask, shrunk = threading.Event(), threading.Event(), threading.Event()

    def let_one_shrink() -> None:
        ask.set()
        assert shrunk.wait(10)

    clock = Noticing(let_one_shrink)
    hand = BytesInHand(Stop(clock), most=ROOM)

    def one_that_shrinks() -> None:
        hand.take(PAGE)
        ready.set()
        ask.wait()
        hand.came(PAGE, 100)
        shrunk.set()
        FOR_EVER.wait()

    threading.Thread(target=one_that_shrinks, daemon=True).start()
    assert ready.wait(10)
    elsewhere(lambda: hand.take(PAGE))
    elsewhere(lambda: hand.take(PAGE))
    assert clock.waits == 0
    assert hand.take(PAGE)
    assert clock.waits == 1
    assert hand.held <= ROOM


def test_a_page_longer_than_all_room_is_alone() -> None:
    """A page of 10,000 records goes when nothing else is in hand, so that no length stops a run."""
    hand = BytesInHand(Stop(Noticing(lambda: None)), most=ROOM)
    assert hand.take(10 * PAGE)
    assert hand.held > ROOM
    assert hand.take(10 * PAGE), "its thread's next page takes its place"


def test_what_pages_weigh_is_learned() -> None:
    """After large records fewer pages have room, and what is no page always has."""
    stop = Stop(Noticing(lambda: stop.request("SIGINT")))
    hand = BytesInHand(stop, most=ROOM)
    hand.take(PAGE)
    hand.came(PAGE, 3 * PAGE * FIRST_GUESS)
    elsewhere(lambda: hand.take(0))
    hand.drop()
    elsewhere(lambda: hand.take(PAGE))
    assert hand.held == ROOM
    assert hand.take(0)
    assert not hand.take(PAGE), "the stop lets who waits go, without a page"


@pytest.mark.parametrize("dataset", ["conversations", "conversation-jobs"])
def test_a_run_has_no_more_in_hand_than_that(dataset: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where one page is all that has room, eight workers have one page in hand at a time, and the job is complete."""
    clock, seen = VirtualClock(), list[int]()
    hands: list[BytesInHand] = []

    class Watched(BytesInHand):
        def __init__(self, stop: Stop) -> None:
            super().__init__(stop, most=1)
            hands.append(self)

        def came(self, records: int, size: int) -> None:
            super().came(records, size)
            seen.append(len(self._held))

    monkeypatch.setattr("resumable.api.session.BytesInHand", Watched)
    sim = Simulator(SimSettings(records=60, style=Style.SMALL))
    job = make_job(sim, clock, tmp_path, dataset=dataset)
    job = replace(job, settings=replace(job.settings, workers=8))
    assert job.run().state is JobState.COMPLETE
    assert seen
    assert {number for number in seen if number} == {1}
    assert all(hand.held == 0 for hand in hands)
