"""The power is cut after every system call of a run that changes a disk, on real file systems.

`--power-cuts N` is how many cuts of each layout are judged, chosen by the seed; 0 is all of them. A cut is a copy of
the disk's image, taken while the file system is mounted and the product stands still: what no fsync had brought there
by then is not in it. The copy is mounted, judged, the run carried on to its end on it, and judged again.
"""

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import resumable
from resumable.simulator.settings import SimSettings, Style
from resumable.simulator.simulator import Simulator, Truth
from tests.support.inprocess import settings_for
from tests.torture.disks import need, need_mounts, workbench
from tests.torture.judge import assert_complete, assert_kept, assert_not_asked_again, judged
from tests.torture.powercuts import JOB, Cut, Layout, Scene
from tests.torture.scenes import RESULTS

pytestmark = [pytest.mark.torture, pytest.mark.timeout(3600)]

LAYOUTS = (
    Layout(name="ext4", kind="ext4"),
    Layout(name="ext4-apart", kind="ext4", apart=True),
    Layout(name="xfs", kind="xfs", rarer=3),
    Layout(name="xfs-apart", kind="xfs", apart=True, rarer=4),
    Layout(name="btrfs", kind="btrfs", rarer=2),
    Layout(name="ext4-no-log", kind="ext4", log=False),
    Layout(name="ext4-apart-no-log", kind="ext4", apart=True, log=False),
    Layout(name="ext4-jobs", kind="ext4", dataset="conversation-jobs"),
    Layout(name="ext4-workers", kind="ext4", apart=True, workers=3),
)
RANGE = ("2023-10-01", "2023-10-03")
PAGE_SIZE = 4
WORLD = SimSettings(
    records=10, records_on={"2023-10-02": 5}, style=Style.SMALL, rate_public=None, rate_article=None, job_polls=1
)

Trials = Callable[[str], int]
Tally = Callable[[str, int], None]


@pytest.fixture
def sim() -> Iterator[Simulator]:
    """Serve two days, of three pages and of two."""
    with Simulator(WORLD) as simulator:
        yield simulator


@pytest.mark.parametrize("weather", ["calm", "storm"])
@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.name)
def test_what_was_recorded_before_a_power_cut_is_there_after_it(
    layout: Layout, weather: str, sim: Simulator, seed: int, trials: Trials, tally: Tally
) -> None:
    """Cut after any call, every page recorded has its whole part, no name is torn, and the run ends as the truth."""
    need("strace")
    need_mounts(layout.kind)
    name = f"test_power_cuts.py::{test_what_was_recorded_before_a_power_cut_is_there_after_it.__name__}"
    print(
        f"repeat: RESUMABLE_SEED={seed} python -m pytest -m torture -n 0 --power-cuts {trials('power-cuts')}", end=" "
    )
    print(f"'tests/torture/{name}[{layout.name}-{weather}]'")
    dice = random.Random(f"{seed} {layout.name} {weather}")
    with workbench() as bench:
        most = trials("power-cuts") and max(1, trials("power-cuts") // layout.rarer)
        scene = Scene(bench=bench, layout=layout, sim=sim, command=command(layout), most=most, dice=dice)
        scene.live(scene.disks(), storm=dice if weather == "storm" else None)
        truth = truth_of(layout, sim)
        chosen = sorted(scene.cuts, key=lambda cut: cut.call.number)
        for cut in strictest(chosen):
            judge(scene, cut, truth)
        tally(f"power cuts, {layout.name}", len(chosen))
        tally("power cuts, different disks", len({cut.digest for cut in chosen}))
        tally("power cuts with torn or zeroed sectors", sum(cut.torn for cut in chosen))


def judge(scene: Scene, cut: Cut, truth: Truth) -> None:
    """Mount the disks as the cut left them, judge, carry the run on, and judge again."""
    try:
        with scene.mounted(cut.images) as state:
            after = judged(state / JOB, workers=scene.layout.workers) if (state / JOB).exists() else None
            if after is None:
                assert not cut.kept.pages
            else:
                assert_kept(cut.kept, after)
                assert cut.kept.complete <= after.complete, "a window was complete, and is so no more"
                assert cut.kept.state != "complete" or after.state == "complete", "the job was complete"
            sim = scene.sim
            sim.log.clear()
            carry_on(scene.layout, sim, state)
            ended = assert_complete(state / JOB, truth)
            if after is not None:
                assert_not_asked_again(after, sim.log.entries(RESULTS[scene.layout.dataset]))
                assert_kept(after, ended)
    except Exception as failure:
        raise AssertionError(
            f"the power was cut after {cut.call}{' (torn)' if cut.torn else ''}: {failure}"
        ) from failure


def carry_on(layout: Layout, sim: Simulator, state: Path) -> None:
    """Do what the same command does."""
    settings = settings_for(sim, state, min_free=0, workers=layout.workers)
    spec = resumable.JobSpec.of(layout.dataset, *RANGE, page_size=PAGE_SIZE)
    resumable.make(spec, settings, name=JOB).run()


def strictest(cuts: list[Cut]) -> list[Cut]:
    """Return one cut for each different content of the disks: the last one, when most had been recorded."""
    return list({cut.digest: cut for cut in cuts}.values())


def command(layout: Layout) -> list[str]:
    """Return the command that is cut."""
    start, end = RANGE
    options = ["--page-size", str(PAGE_SIZE), "--job", JOB, "--rate", "100000"]
    return ["backfill", layout.dataset, "--from", start, "--to", end, *options]


def truth_of(layout: Layout, sim: Simulator) -> Truth:
    """Return what the job must end with."""
    query = {"startOfDayIntervalMatching": True} if layout.dataset == "conversation-jobs" else None
    return sim.truth("/".join(RANGE), dataset=layout.dataset, query=query)
