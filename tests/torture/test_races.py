"""Two processes and one job: one runs it, the other leaves at once and says who has it; no lock outlives its holder."""

import json
import os
import random
import re
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from resumable.simulator.settings import SimSettings
from resumable.simulator.simulator import Simulator
from resumable.storage.lock import held
from tests.torture import strace
from tests.torture.forkserver import Ending, ForkServer
from tests.torture.scenes import Scene, Stage, new
from tests.torture.strace import Point

pytestmark = [pytest.mark.torture, pytest.mark.timeout(7200), strace.NEEDED]

LOCKED = 7
SIGKILL = -9


@pytest.fixture(scope="module")
def other() -> Iterator[ForkServer]:
    """The one that runs the second process."""
    with ForkServer() as running:
        yield running


@pytest.fixture
def slow(forkserver: ForkServer, tmp_path: Path) -> Iterator[Scene]:
    """A job that takes long enough for another process to come upon it."""
    slowly = SimSettings(records=8, rate_public=None, latency=0.3)
    with Simulator(slowly) as sim:
        yield new(forkserver, sim, "conversations", tmp_path)


def both(stage: Stage, other: ForkServer, *, arguments: tuple[str, ...] | None = None) -> list[Ending]:
    """Start two processes at the same moment, and return how both ended."""
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(stage.play, arguments)
        second = pool.submit(stage.play, arguments, server=other)
        return [first.result(60), second.result(60)]


@pytest.mark.parametrize("job", ["new", "begun"])
def test_of_two_processes_one_runs_the_job_and_the_other_says_so(
    job: str,
    slow: Scene,
    other: ForkServer,
    request: pytest.FixtureRequest,
    seed: int,
    trials: Callable[[str], int],
    tally: Callable[[str, int], None],
) -> None:
    """Exactly one takes every page, once; the other exits 7 at once naming its pid, also when both make the job."""
    times = max(1, trials("disk-errors") // 20) if trials("disk-errors") else 50
    for _ in range(times):
        with strace.told(request, seed), slow.stage() as stage:
            if job == "begun":
                assert stage.struck(Point(call="renameat", number=2, what="SIGKILL")).code == SIGKILL
            slow.sim.log.clear()
            before = stage.judged("before")
            ran, left = sorted(both(stage, other), key=lambda ending: ending.code)
            assert (ran.code, left.code) == (0, LOCKED), f"{ran} {left}"
            named = re.search(r"run by another process \(pid (\d+) on ", left.stderr)
            assert named, left.stderr
            assert int(named[1]) == ran.pid, f"named {named[1]}, and {ran.pid} had it: {left.stderr}"
            stage.assert_whole(before)
            pages = slow.sim.log.pages()
            assert set(pages.values()) == {1}, f"pages were asked for twice: {pages}"
    tally("races for a job", times)


def test_a_lock_is_free_as_soon_as_its_holder_is_killed(slow: Scene, tally: Callable[[str, int], None]) -> None:
    """The kernel drops the lock with the process: the next one needs to wait for nothing and to mend nothing."""
    calls = [call for call in slow.trace() if call.name in ("sendto", "fdatasync")]
    for call in calls[::8]:
        with slow.stage() as stage:
            ending = stage.struck(Point(call=call.name, number=call.number, what="SIGKILL"))
            assert ending.code == SIGKILL
            assert not held(stage.job / "lock")
            stage.finish(stage.judged("after the holder was killed"))
    tally("holders killed", len(calls[::8]))


STALE = {
    "of a living process": json.dumps({"pid": 1, "host": "here", "since": "2023-10-01T00:00:00.000Z"}),
    "of a dead one": json.dumps({"pid": 2**22 - 1, "host": "elsewhere", "since": "2023-10-01T00:00:00.000Z"}),
    "longer than ours": "x" * 100_000,
    "of no text at all": "",
    "of bytes that are no text": "\udcff\udcfe",
}


@pytest.mark.parametrize("lock", STALE)
def test_a_lock_file_that_was_left_behind_holds_nobody_up(lock: str, slow: Scene) -> None:
    """Whatever an old lock file says, only a living holder counts; a whole new text replaces it."""
    with slow.stage() as stage:
        stage.job.mkdir(parents=True)
        (stage.job / "lock").write_bytes(os.fsencode(STALE[lock]))
        stage.finish(None)
        assert set(json.loads((stage.job / "lock").read_bytes())) == {"pid", "host", "since"}


def test_a_lock_that_is_a_link_is_not_followed(slow: Scene) -> None:
    """A link in the lock's place is refused with exit 5, and what it points to stays as it is."""
    with slow.stage() as stage:
        stage.job.mkdir(parents=True)
        elsewhere = stage.folder / "elsewhere"
        elsewhere.write_text("precious")
        (stage.job / "lock").symlink_to(elsewhere)
        assert stage.play().code == 5
        assert elsewhere.read_text() == "precious"
        (stage.job / "lock").unlink()
        stage.finish(None)


def test_those_who_only_look_keep_nobody_out(slow: Scene, seed: int) -> None:
    """A job that is looked at without pause can be run, carried on and completed."""
    dice, over = random.Random(seed), threading.Event()

    def look(lock: Path) -> None:
        while not over.wait(dice.uniform(0, 0.0001)):
            held(lock)

    with slow.stage() as stage:
        watchers = [threading.Thread(target=look, args=(stage.job / "lock",)) for _ in range(2)]
        for watcher in watchers:
            watcher.start()
        try:
            stage.finish(None)
        finally:
            over.set()
            for watcher in watchers:
                watcher.join(10)
