"""Processes that share a client share its pace, and a file in a bad state harms nobody."""

import os
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from resumable.api.pace import Pace, Pacer
from resumable.api.pace_shared import MOMENTS_KEPT, LocalSlots, SharedSlots
from resumable.clock import Stop, SystemClock
from resumable.simulator.api.rates import Rates
from resumable.simulator.settings import RateWindow, SimSettings
from tests.support.clock import VirtualClock
from tests.support.transports import pause

CAP = 300
BOOT = b"this start"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the file is."""
    return tmp_path / "pace"


def slots(path: Path, at: float = 1000.0, *, boot: bytes = BOOT) -> SharedSlots:
    """Return the slots of one process, whose clock stands still."""
    return SharedSlots(path, lambda: at, boot=boot)


def went(slots: SharedSlots, *moments: float, next_at: float) -> None:
    """Let requests go."""
    with slots.held():
        for moment in moments:
            slots.add(moment)
        slots.next_at = next_at


def seen(slots: SharedSlots) -> tuple[list[float], float]:
    """Return what one knows."""
    with slots.held():
        return list(slots.sent), slots.next_at


def test_what_one_process_does_the_others_know(path: Path) -> None:
    """Moments and the next slot, both ways, also for one that comes later."""
    one, two = slots(path), slots(path)
    went(one, 990.0, 991.0, next_at=992.0)
    assert seen(two) == ([990.0, 991.0], 992.0)
    went(two, 995.0, next_at=996.0)
    assert seen(one) == ([990.0, 991.0, 995.0], 996.0)
    assert seen(slots(path)) == ([990.0, 991.0, 995.0], 996.0)


def test_the_file_goes_round(path: Path) -> None:
    """However many requests went, it keeps its size, and a late one knows the newest."""
    one = slots(path)
    for turn in range(5):
        went(one, *(turn * 20.0 + n / 500 for n in range(MOMENTS_KEPT // 2)), next_at=900.0)
    size = path.stat().st_size
    went(one, 999.0, next_at=999.5)
    assert path.stat().st_size == size < 200_000
    late = seen(slots(path))
    assert late[0][-1] == 999.0
    assert late[1] == 999.5


@pytest.mark.parametrize("kind", RateWindow)
@pytest.mark.parametrize("headers", [True, False], ids=["told", "blind"])
def test_three_processes_together_spend_the_allowance_and_draw_no_429(
    kind: RateWindow, headers: bool, path: Path, seed: int
) -> None:
    """Each paces itself by the shared slots: together they reach what one would reach alone."""
    clock, rates, settings = VirtualClock(seed), Rates(), SimSettings(rate_kind=kind)
    sent: list[tuple[float, int, bool]] = []
    end, begun = clock.monotonic() + 600, clock.monotonic()
    stop = Stop(clock)
    pacers = [Pacer(Pace(documented=CAP, slots=SharedSlots(path, clock.monotonic, boot=BOOT)), stop) for _ in range(3)]
    turns = iter(range(12))

    def work() -> None:
        mine = next(turns) % 3
        while clock.monotonic() < end and pacers[mine].acquire():
            started = clock.monotonic()
            pause(clock, stop.condition, clock.uniform(0.01, 0.06))
            standing = rates.admit("token", CAP, settings, clock.monotonic())
            sent.append((clock.monotonic(), mine, standing.admitted))
            pause(clock, stop.condition, 0.5)
            pacers[mine].learn(dict(standing.headers()) if headers else {}, seconds=clock.monotonic() - started)

    clock.run_threads(work, [f"worker-{n}" for n in range(12)])
    share = sum(1 for at, _, _ in sent if at < begun + 600) / 10 / CAP
    print(f"{share:.2%} of the cap, by process: {[sum(1 for _, who, _ in sent if who == n) for n in range(3)]}")
    assert all(admitted for _, _, admitted in sent)
    assert share >= (0.99 if headers else 0.98)
    assert all(sum(1 for _, who, _ in sent if who == n) > len(sent) / 10 for n in range(3))


WORK = """
import sys
from pathlib import Path
from resumable.clock import Stop, SystemClock
from resumable.api.pace import Pace, Pacer
from resumable.api.pace_shared import SharedSlots
clock = SystemClock()
stop = Stop(clock)
pacer = Pacer(Pace(documented=3000, slots=SharedSlots(Path(sys.argv[1]), clock.monotonic)), stop)
sys.stdin.readline()
for _ in range(40):
    pacer.acquire()
    print(clock.monotonic())
"""


def test_real_processes_keep_one_pace(path: Path) -> None:
    """Three of them, 40 requests each at 3,000 a minute: no closer to each other than one alone would send them."""
    concurrency = [
        subprocess.Popen(
            [sys.executable, "-c", WORK, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    begun = SystemClock().monotonic()
    moments = sorted(float(line) for each in concurrency for line in each.communicate("\n", timeout=60)[0].split())
    assert len(moments) == 120
    assert moments[0] >= begun
    # A process that wakes late goes late: two may come close, but never more than the pace has room for.
    gap = 60 / 3000
    assert all(later - earlier >= 0.6 * 20 * gap for earlier, later in zip(moments, moments[20:], strict=False))


def garbage(path: Path) -> None:
    """Write anything."""
    path.write_bytes(b"\xff" * 500)


def far_future(path: Path) -> None:
    """Say that nobody may go for a year."""
    path.write_bytes(struct.pack("<16sdQ", BOOT.ljust(16, b"\0"), 1e9, 0))


def not_a_number(path: Path) -> None:
    """Say something that no comparison is true of."""
    path.write_bytes(struct.pack("<16sdQ", BOOT.ljust(16, b"\0"), float("nan"), 2**40))


def another_boot(path: Path) -> None:
    """Leave what was true before the machine was started again."""
    went(slots(path, 5000.0, boot=b"last start"), 4999.0, next_at=1100.0)


def cut(path: Path) -> None:
    """End in the middle."""
    went(slots(path), 999.0, next_at=1100.0)
    path.write_bytes(path.read_bytes()[:20])


@pytest.mark.parametrize("damage", [garbage, far_future, not_a_number, another_boot, cut])
def test_a_damaged_file_holds_nobody_up_and_is_mended(damage: Callable[[Path], None], path: Path) -> None:
    """What makes no sense is not believed, and the next request writes over it."""
    damage(path)
    pace = Pace(documented=CAP, slots=slots(path))
    with pace.slots.held():
        assert pace.wait_seconds(1000.0) <= 0
        pace.take(1000.0)
    moments, next_at = seen(slots(path))
    assert moments[-1] == 1000.0
    assert next_at == pytest.approx(1000.2, abs=0.01)


@pytest.mark.parametrize("obstacle", ["a folder", "a link", "no folder around it"])
def test_without_a_file_a_process_paces_itself(obstacle: str, path: Path, tmp_path: Path) -> None:
    """Nothing is followed, nothing raised."""
    if obstacle == "a folder":
        path.mkdir()
    elif obstacle == "a link":
        (tmp_path / "elsewhere").touch()
        path.symlink_to(tmp_path / "elsewhere")
    else:
        path = path / "deeper"
    alone = slots(path)
    assert not alone.shared
    went(alone, 999.0, next_at=1000.5)
    assert seen(alone) == ([999.0], 1000.5)
    assert (tmp_path / "elsewhere").read_bytes() == b"" if obstacle == "a link" else True


def test_a_disk_that_fails_ends_the_sharing_and_not_the_run(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk: the process goes on alone."""
    mine = slots(path)
    went(mine, 999.0, next_at=1000.5)

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    went(mine, 1000.0, next_at=1001.0)
    assert not mine.shared
    assert seen(mine) == ([999.0, 1000.0], 1001.0)


def test_one_that_was_stopped_in_the_middle_holds_nobody_up(path: Path) -> None:
    """Its lock is passed by: the pace is advice, and every wait ends."""
    stopped, other = slots(path), slots(path)
    with stopped.held():
        went(other, 999.0, next_at=1000.0)
        assert seen(other) == ([999.0], 1000.0)


def test_local_slots_forget_what_is_long_ago() -> None:
    """Memory holds two minutes, and never more than a bound."""
    local = LocalSlots()
    for n in range(1000):
        local.add(float(n))
    assert min(local.sent) == 999 - 120
