"""The virtual clock itself: turns, time, notifications, and failures that name who hangs."""

import threading
from datetime import timedelta
from pathlib import Path

import pytest

from resumable.clock import Stop
from resumable.simulator.faults.faults import FaultKind, Match, SimFault
from resumable.simulator.messages import Kind
from resumable.simulator.settings import SimSettings, Style
from resumable.simulator.simulator import Simulator
from tests.support.builders import make_job
from tests.support.clock import ClockFailure, VirtualClock


def turns(seed: int) -> list[str]:
    """Let three threads take turns, and return in which order they did."""
    clock, order = VirtualClock(seed), []

    def body() -> None:
        for _ in range(5):
            order.append(threading.current_thread().name)
            clock.sleep(clock.uniform(0, 1) if seed % 2 else 1.0)

    clock.run_threads(body, ["a", "b", "c"])
    return order


def test_one_seed_is_one_schedule() -> None:
    """The same seed gives the same turns, and another seed others."""
    for seed in range(6):
        assert turns(seed) == turns(seed)
    assert len({tuple(turns(seed)) for seed in range(6)}) > 1


def test_eight_hours_pass_at_once_for_many_threads() -> None:
    """Virtual time costs nothing but the turns: every deadline is reached in order, and exactly."""
    clock, woken = VirtualClock(), []

    def body() -> None:
        name = int(threading.current_thread().name)
        for n in range(1, 101):
            clock.sleep(name * 36.0)
            woken.append((clock.monotonic(), name * 36.0 * n + 1000.0))

    clock.run_threads(body, [str(n) for n in range(1, 9)])
    assert [at for at, _ in woken] == sorted(at for at, _ in woken)
    assert all(abs(at - wanted) < 1e-6 for at, wanted in woken)
    assert clock.monotonic() == pytest.approx(1000.0 + 8 * 36.0 * 100)


def test_only_one_thread_runs_at_a_time() -> None:
    """Whatever a thread does between two waits, no other thread comes in between."""
    clock, inside, most = VirtualClock(3), [0], [0]

    def body() -> None:
        for _ in range(200):
            inside[0] += 1
            most[0] = max(most[0], inside[0])
            inside[0] -= 1
            clock.sleep(0.1)

    clock.run_threads(body, list("abcdefgh"))
    assert most == [1]


def test_a_notification_wakes_before_the_deadline_and_the_lack_of_one_does_not() -> None:
    """A waiter wakes at the moment it is notified, and at its deadline when nobody does."""
    clock = VirtualClock()
    first, second = Stop(clock), Stop(clock)
    clock.at(5.0, lambda: first.request("now"))
    assert first.wait(60.0) is True
    assert clock.monotonic() == 1005.0
    assert second.wait(60.0) is False
    assert clock.monotonic() == 1065.0


def test_a_forgotten_notification_is_a_failure_that_names_who_waits() -> None:
    """Threads that wait for what nobody will say end with a failure, in every one of them and at once."""
    clock, condition, seen = VirtualClock(), threading.Condition(), []

    def body() -> None:
        try:
            with condition:
                clock.wait(condition, None)
        except ClockFailure as failure:
            seen.append(str(failure))

    with pytest.raises(ClockFailure, match="nothing will ever wake one"):
        clock.run_threads(body, ["left", "right"])
    assert len(seen) == 2
    assert "left" in seen[0]
    assert "clock.wait(condition, None)" in seen[0]


def test_a_thread_that_never_waits_is_named_by_the_watchdog() -> None:
    """A thread that keeps the baton fails the others after the watchdog's seconds, with where it is."""
    clock, over = VirtualClock(watchdog_seconds=0.1), threading.Event()

    def body() -> None:
        if threading.current_thread().name == "greedy":
            over.wait(20)
        else:
            clock.sleep(1.0)

    try:
        with pytest.raises(ClockFailure, match=r"greedy has run for 0\.1 real seconds") as caught:
            clock.run_threads(body, ["greedy"])
        assert "over.wait(20)" in str(caught.value)
    finally:
        over.set()


def test_a_thread_that_waits_for_nothing_for_ever_is_a_failure() -> None:
    """Time that stands still is noticed."""
    clock, condition = VirtualClock(), threading.Condition()

    def spin() -> None:
        with condition:
            while True:
                clock.wait(condition, 0.0)

    with pytest.raises(ClockFailure, match="time stands still"):
        spin()


def test_the_wall_clock_jumps_and_the_monotonic_one_does_not() -> None:
    """A jump moves `now` alone, and both go on from there."""
    clock = VirtualClock()
    before, since = clock.now(), clock.monotonic()
    clock.jump(timedelta(hours=-30))
    clock.sleep(60.0)
    assert clock.now() - before == timedelta(hours=-30, seconds=60)
    assert clock.monotonic() - since == 60.0


def test_a_thread_that_nobody_announced_joins_at_its_first_wait() -> None:
    """A plain thread takes part from its first wait on."""
    clock, done = VirtualClock(watchdog_seconds=5.0), []

    def body() -> None:
        clock.sleep(1.0)
        done.append(clock.monotonic())

    stranger = threading.Thread(target=body)
    stranger.start()
    stranger.join(10)
    assert done == [1001.0]


def whole_run(seed: int, state: Path) -> list[tuple[float, str, int | None, int]]:
    """Run a job in trouble, and return what the server saw, moment by moment."""
    clock = VirtualClock(seed)
    trouble = SimFault(kind=FaultKind.STATUS, on=Match(kinds=(Kind.CONVERSATIONS,), every=3), times=6, status=503)
    settings = SimSettings(records=50, style=Style.SMALL, latency=0.3)
    sim = Simulator(settings, faults=(trouble,), monotonic=clock.monotonic, today=clock.now)
    make_job(sim, clock, state).run()
    return [(entry.at, str(entry.interval), entry.page, entry.status) for entry in sim.log]


def test_one_seed_repeats_a_whole_run(tmp_path: Path) -> None:
    """Threads, waits and jitter of the product follow from the seed alone, to the last digit of every moment."""
    first = whole_run(7, tmp_path / "a")
    assert whole_run(7, tmp_path / "b") == first
    assert whole_run(8, tmp_path / "c") != first
