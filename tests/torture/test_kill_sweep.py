"""A process killed at any system call leaves nothing false behind, and the next one ends with every record."""

import random
from collections.abc import Callable

import pytest

from tests.torture import strace
from tests.torture.judge import RESTORING, assert_kept
from tests.torture.scenes import DATASETS, JOB, RESULTS, Scene, Stage
from tests.torture.strace import CHANGES, LOOKS, Call, Point

pytestmark = [pytest.mark.torture, pytest.mark.timeout(7200), strace.NEEDED]

SIGKILL = -9

SHARES = {
    ("new", "conversations"): 5, ("new", "conversations-pagecount"): 15, ("new", "conversation-jobs"): 8,
    ("carried on", "conversations"): 15, ("carried on", "conversations-pagecount"): 30,
    ("carried on", "conversation-jobs"): 15,
    ("of the first version", "conversations"): 15,
    ("taken again", "conversations"): 20, ("taken again", "conversations-pagecount"): 30,
    # Each takes half a minute: results that are not there are waited for.
    ("taken again", "conversation-jobs"): 75,
    ("topped up", "conversations"): 30,
}  # fmt: skip
"""What part of --kill-points each sweep gets: one in so many."""


def points(calls: list[Call], most: int, seed: int) -> list[Point]:
    """Return where to kill: what RESUMABLE_POINT names, or a sample of the calls."""
    return strace.asked_for() or [
        Point(call=call.name, number=call.number, what="KILL") for call in strace.chosen(calls, most, seed)
    ]


def killed(stage: Stage, point: Point) -> bool:
    """Play a scene with a kill at a point; tell whether it was hit. What is there then must be judged."""
    ending = stage.struck(point)
    assert ending.code in (0, SIGKILL), f"{point}: ended with {ending.code}, not killed: {ending.stderr}"
    return ending.code == SIGKILL


def share(most: int, part: int) -> int:
    """Return one part of a number of trials; 0 stays all of them."""
    return most and max(1, most // part)


@pytest.mark.parametrize("scene", SHARES, indirect=True, ids="-".join)
def test_killed_at_any_call_it_is_carried_on_to_the_truth(
    scene: Scene,
    request: pytest.FixtureRequest,
    seed: int,
    trials: Callable[[str], int],
    tally: Callable[[str, int], None],
) -> None:
    """Promises 1 to 5 hold after a SIGKILL at each call, and the next run takes just the pages that are missing."""
    most = share(trials("kill-points"), SHARES[request.node.callspec.params["scene"]])
    tried = points(scene.trace(), most, seed)
    hit = 0
    for point in tried:
        with strace.told(request, seed, point), scene.stage() as stage:
            hit += killed(stage, point)
            stage.finish(stage.judged(f"after {point}"))
    tally("kills at a system call", hit)
    assert hit >= 0.9 * len(tried), f"only {hit} of {len(tried)} points were hit"


@pytest.mark.parametrize("scene", [("complete", "conversations")], indirect=True, ids="-".join)
def test_a_verification_that_is_killed_has_changed_nothing(
    scene: Scene,
    request: pytest.FixtureRequest,
    seed: int,
    trials: Callable[[str], int],
    tally: Callable[[str, int], None],
) -> None:
    """Whoever only looks leaves every file as it was, and the next look finds no fault."""
    tried = points(scene.trace(calls=(*CHANGES, *LOOKS)), share(trials("kill-points"), 15), seed)
    hit = 0
    for point in tried:
        with strace.told(request, seed, point), scene.stage() as stage:
            before = stage.judged("the start")
            hit += killed(stage, point)
            assert stage.judged(f"after {point}") == before
            stage.finish(before)
    tally("kills at a system call", hit)
    assert hit >= 0.9 * len(tried), f"only {hit} of {len(tried)} points were hit"


@pytest.mark.parametrize(
    "scene", [(kind, dataset) for kind in ("damaged", "lost") for dataset in DATASETS], indirect=True, ids="-".join
)
def test_a_repair_that_is_killed_is_done_by_the_next(
    scene: Scene,
    request: pytest.FixtureRequest,
    seed: int,
    trials: Callable[[str], int],
    tally: Callable[[str, int], None],
) -> None:
    """After a SIGKILL at each call of a repair the next one ends with the truth, and verify finds no fault."""
    tried = points(scene.trace(), share(trials("kill-points"), 15), seed)
    hit = 0
    for point in tried:
        with strace.told(request, seed, point), scene.stage() as stage:
            hit += killed(stage, point)
            asked = scene.sim.log.next_sequence()
            stage.finish(None)
            again = scene.sim.log.entries(RESULTS[scene.dataset])
            if "lost" in request.node.name:
                assert not [entry for entry in again if entry.sequence > asked], "pages that parts prove were asked for"
            assert not [*stage.job.glob(f"{RESTORING}*")], "what a killed restoration made is left"
            found = stage.play(("verify", JOB))
            assert found.code == 0, found.stdout + found.stderr
    tally("kills of a repair", hit)
    assert hit >= 0.9 * len(tried), f"only {hit} of {len(tried)} points were hit"


@pytest.mark.parametrize("scene", [("new", dataset) for dataset in DATASETS], indirect=True, ids="-".join)
def test_killed_and_killed_again_while_it_recovers_it_is_carried_on_to_the_truth(
    scene: Scene,
    request: pytest.FixtureRequest,
    seed: int,
    trials: Callable[[str], int],
    tally: Callable[[str, int], None],
) -> None:
    """The run that recovers from a kill may be killed itself, anywhere: nothing recorded is lost or asked for again."""
    dice = random.Random(seed)
    calls = scene.trace()
    given = strace.asked_for()
    pairs = [(given[0], given[1])] if given else []
    for first in [] if given else points(calls, share(trials("kill-points"), 16), seed):
        call = dice.choice(calls)
        # The recovery is shorter than the whole: the first numbers of a call are the ones that it comes to.
        pairs.append((first, Point(call=call.name, number=dice.randint(1, call.number), what="KILL")))
    hit = 0
    for pair in pairs:
        with strace.told(request, seed, *pair), scene.stage() as stage:
            killed(stage, pair[0])
            before = stage.judged(f"after {pair[0]}")
            hit += killed(stage, pair[1])
            after = stage.judged(f"after {pair[1]}")
            if before and after:
                assert_kept(before, after)
            stage.finish(after)
    tally("kills while recovering from a kill", hit)
    assert given or hit >= 0.4 * len(pairs), f"only {hit} of {len(pairs)} recoveries were killed"
