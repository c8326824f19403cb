"""A signal at any call ends a run cleanly, a second one at once, and a reader that leaves ends nothing."""

import signal
from collections.abc import Callable

import pytest

from tests.torture import strace
from tests.torture.scenes import Scene, Stage
from tests.torture.strace import Call, Point
from tests.torture.wholeness import Broken

pytestmark = [pytest.mark.torture, pytest.mark.timeout(7200), strace.NEEDED]

CODES = {"SIGINT": 130, "SIGTERM": 143, "SIGHUP": 143}
NEW = ("new", "conversations")
JOBS = ("new", "conversation-jobs")


def points(calls: list[Call], most: int, seed: int, *, signals: list[str], forever: bool = False) -> list[Point]:
    """Return where to send what: what RESUMABLE_POINT names, or a sample of the calls, each with one of the signals."""
    chosen = strace.chosen(calls, most, seed)
    return strace.asked_for() or [
        Point(call=call.name, number=call.number, what=signals[n % len(signals)], forever=forever)
        for n, call in enumerate(chosen)
    ]


def share(most: int, part: int) -> int:
    """Return one part of a number of trials; 0 stays all of them."""
    return most and max(1, most // part)


def interrupted(stage: Stage, point: Point, *, inline: bool) -> int | None:
    """Play a scene with a signal, judge what is left, return the exit code; None where the point was not reached."""
    struck = stage.scene.place / "struck"
    ending = stage.play(strace=["-o", str(struck), *point.options], inline=inline)
    if f"--- {point.what} " not in struck.read_text(errors="replace"):
        assert ending.code == 0, ending.stderr
        return None
    ledger = stage.judged(f"after {point}")
    assert "Traceback" not in ending.stderr
    if ending.code == -signal.Signals[point.what]:
        # Nobody watches for signals before there is anything to end, nor after all is done.
        if ledger is not None and ledger.pages and ledger.state != "complete":
            raise Broken(f"{point}: was not watched for while the job ran")
        return 0
    assert ending.code in (0, CODES[point.what]), f"{point}: ended with {ending.code}: {ending.stderr}"
    if ending.code == 0 and (ledger is None or ledger.state != "complete"):
        raise Broken(f"{point}: ended with 0, and the job is not complete")
    return ending.code


@pytest.mark.parametrize("scene", [NEW, JOBS], indirect=True, ids="-".join)
def test_a_signal_at_any_call_lets_what_is_in_flight_finish(
    scene: Scene,
    request: pytest.FixtureRequest,
    seed: int,
    trials: Callable[[str], int],
    tally: Callable[[str, int], None],
) -> None:
    """SIGINT ends with 130, SIGTERM and SIGHUP with 143; nothing torn is left, nothing is asked for again."""
    codes = []
    most = share(trials("kill-points"), 8)
    for point in points(scene.trace(), most, seed, signals=list(CODES)):
        with strace.told(request, seed, point), scene.stage() as stage:
            # In the thread that takes signals, and in one of its own as it is for users.
            code = interrupted(stage, point, inline=point.number % 3 != 0)
            codes += [] if code is None else [code]
            before = stage.judged("")
            if before is not None and before.temporary:
                raise Broken(f"after a clean stop there are {before.temporary}")
            stage.finish(before)
    tally("signals at a system call", len(codes))
    assert strace.asked_for() or set(codes) != {0}, f"no run was interrupted: {codes}"


@pytest.mark.parametrize("scene", [NEW], indirect=True, ids="-".join)
def test_a_second_signal_ends_it_at_once_and_harms_nothing(
    scene: Scene,
    request: pytest.FixtureRequest,
    seed: int,
    trials: Callable[[str], int],
    tally: Callable[[str, int], None],
) -> None:
    """Signals at every call from some call on: 130 or 143, the promises hold, the next run takes what is missing."""
    tried = points(scene.trace(), share(trials("kill-points"), 12), seed, signals=["SIGINT", "SIGTERM"], forever=True)
    ended = 0
    for point in tried:
        with strace.told(request, seed, point), scene.stage() as stage:
            ended += bool(interrupted(stage, point, inline=True))
            stage.finish(stage.judged(""))
    tally("signals again and again", ended)
    assert strace.asked_for() or ended


@pytest.mark.parametrize("output", ["stdout", "stderr"])
@pytest.mark.parametrize("scene", [NEW], indirect=True, ids="-".join)
def test_a_reader_that_leaves_in_the_middle_ends_nothing(
    scene: Scene, output: str, request: pytest.FixtureRequest, seed: int, tally: Callable[[str, int], None]
) -> None:
    """EPIPE at any line of output, once or for ever: the run goes on to its end, with exit code 0."""
    trace, file = scene.place / "trace", scene.place / "stage" / output
    with scene.stage() as stage:
        record = strace.options_to_record(trace, ["write"])
        assert stage.play((*scene.arguments, "--json"), strace=[*record, "-P", str(file)]).code == 0
    last = max(call.number for call in strace.calls_of(trace))
    tried = strace.asked_for() or [
        Point(call="write", number=number, what="EPIPE", forever=forever)
        for number in range(1, last + 1)
        for forever in (False, True)
    ]
    struck = 0
    for point in tried:
        with strace.told(request, seed, point), scene.stage() as stage:
            ending = stage.play(
                (*scene.arguments, "--json"), strace=["-o", str(trace), *point.options, "-P", str(file)]
            )
            assert ending.code == 0, f"{point}: {ending.code} {ending.stderr}"
            stage.assert_whole(None)
            struck += "(INJECTED)" in trace.read_text()
    assert struck
    tally("outputs cut off", struck)


@pytest.mark.parametrize("scene", [NEW, JOBS], indirect=True, ids="-".join)
def test_nobody_reads_the_output_from_the_start(scene: Scene) -> None:
    """Both outputs closed from the first word on: the job is completed, with exit code 0."""
    with scene.stage() as stage:
        ending = stage.play((*scene.arguments, "--json"), deaf=True, inline=False)
        assert ending.code == 0
        stage.assert_whole(None)
