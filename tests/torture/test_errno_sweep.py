"""A disk that refuses any call, once or for ever: the run ends and says so, and what is recorded is true."""

import random
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.torture import strace
from tests.torture.scenes import Scene, Stage
from tests.torture.strace import Call, Point

pytestmark = [pytest.mark.torture, pytest.mark.timeout(7200), strace.NEEDED]

STORAGE, UNEXPECTED = 5, 1

WATCHED = ("openat", "fsync", "fdatasync", "renameat", "write", "pwrite64")
"""Calls that are written down while one is refused, to see what the product does about it."""

CAN_GIVE = {
    "openat": ("EIO", "ENOSPC", "EDQUOT", "EROFS", "EACCES", "EMFILE", "ENFILE"),
    "write": ("EIO", "ENOSPC", "EDQUOT", "=1"),
    "pwrite64": ("EIO", "ENOSPC", "EDQUOT"),
    "fsync": ("EIO", "ENOSPC", "EDQUOT", "EROFS"),
    "fdatasync": ("EIO", "ENOSPC", "EDQUOT"),
    "ftruncate": ("EIO", "EROFS"),
    "renameat": ("EIO", "ENOSPC", "EDQUOT", "EROFS", "EACCES"),
    "unlinkat": ("EIO", "EROFS", "EACCES"),
    "unlink": ("EIO", "EROFS", "EACCES"),
    "mkdir": ("EIO", "ENOSPC", "EDQUOT", "EROFS", "EACCES"),
    "pread64": ("EIO",),
    "read": ("EIO",),
    "fstat": ("EIO",),
    "newfstatat": ("EIO", "EACCES"),
    "getdents64": ("EIO",),
    "flock": ("ENOLCK", "EIO"),
    "fcntl": ("EIO",),
}
"""What each call may be refused with. `=N`: it does nothing and says that it wrote N bytes.

Parts are read back, so that such a lie shows. SQLite reads nothing back, so that `pwrite64`, which is its call alone,
does not lie here. Not `close`: a kernel that reports an error there has closed the file all the same; strace has not.
"""

SAID_OTHERWISE = {
    ("pread64", "EIO"): 8,  # SQLite calls a read that failed damage; when the disk reads again nothing tells them apart
    ("fcntl", "EIO"): 7,  # SQLite calls a lock in shared memory that it was refused a lock that others hold
}
"""Other exit codes that are in order, because SQLite has one word for two things. Nothing false is kept then either."""

SHARES = {
    ("new", "conversations"): 5, ("carried on", "conversations"): 10, ("new", "conversation-jobs"): 20,
    ("taken again", "conversations-pagecount"): 20,
}  # fmt: skip
"""What part of --disk-errors each sweep gets: one in so many."""


def points(calls: list[Call], most: int, seed: int) -> list[Point]:
    """Return what to refuse: what RESUMABLE_POINT names, or a sample of the calls, each with some error."""
    dice = random.Random(seed)
    return strace.asked_for() or [
        Point(call=call.name, number=call.number, what=dice.choice(CAN_GIVE[call.name]), forever=dice.random() < 1 / 3)
        for call in strace.chosen([call for call in calls if call.name in CAN_GIVE], most, seed)
    ]


@pytest.mark.parametrize("scene", SHARES, indirect=True, ids="-".join)
def test_a_call_that_the_disk_refuses_ends_the_run_and_nothing_false_is_kept(
    scene: Scene,
    request: pytest.FixtureRequest,
    seed: int,
    trials: Callable[[str], int],
    tally: Callable[[str, int], None],
) -> None:
    """Exit 5 or, where nothing was lost by it, success; no page without its part; cured, it ends equal to the truth."""
    most = trials("disk-errors") and max(1, trials("disk-errors") // SHARES[request.node.callspec.params["scene"]])
    tried = points(scene.trace(calls=tuple(CAN_GIVE)), most, seed)
    struck = ended = 0
    for point in tried:
        with strace.told(request, seed, point), scene.stage() as stage:
            code = refused(stage, point)
            struck += struck_in(scene.place)
            ended += code == STORAGE
    tally("calls refused by the disk", struck)
    assert struck >= 0.9 * len(tried), f"only {struck} of {len(tried)} points were hit"
    # Of few points none may be one that a run cannot do without.
    assert strace.asked_for() or ended or len(tried) < 30


def refused(stage: Stage, point: Point) -> int:
    """Play a scene with a call refused, judge what is left, cure it and finish; return the exit code."""
    ending = stage.struck(point, "-e", f"trace={','.join({*WATCHED, point.call})}")
    before = stage.judged(f"after {point}, which ended with {ending.code}")
    allowed = {0, STORAGE, SAID_OTHERWISE.get((point.call, point.what))}
    if not struck_in(stage.scene.place, str(stage.folder / "state")):
        allowed.add(UNEXPECTED)  # the numbers shifted, and Python could not read a file of its own
    assert ending.code in allowed, f"{point}: ended with {ending.code}: {ending.stderr}"
    assert "Traceback" not in ending.stderr
    assert_never_synced_again(stage.scene.place / "struck")
    if ending.code == 0:
        stage.assert_whole(None)
    stage.finish(before)
    return ending.code


def struck_in(place: Path, what: str = "") -> bool:
    """Tell whether the last point was reached at all, and first in a call about this."""
    lines = (place / "struck").read_text(errors="replace").splitlines()
    first = next((line for line in lines if "(INJECTED)" in line), None)
    return first is not None and what in first


@pytest.mark.parametrize("scene", [("new", "conversations")], indirect=True, ids="-".join)
def test_an_fsync_that_failed_is_never_repeated(
    scene: Scene, request: pytest.FixtureRequest, seed: int, tally: Callable[[str, int], None]
) -> None:
    """The kernel may have dropped the pages and report success the second time: every failed fsync ends the run."""
    calls = scene.trace()
    pace = next(n for n, call in enumerate(calls) if call.name == "mkdir" and "/.pace" in call.text)
    advice = next(call for call in calls[pace:] if call.name == "fsync")  # of the pace, which is no promise
    calls = [call for call in calls if call.name in ("fsync", "fdatasync") and call is not advice]
    tried = strace.asked_for() or [
        # SQLite syncs once more as it closes: all is committed by then, and success is in order.
        Point(call=call.name, number=call.number, what="EIO")
        for call in calls
    ]
    for point in tried:
        with strace.told(request, seed, point), scene.stage() as stage:
            code = refused(stage, point)
            assert code == STORAGE or point.call == "fdatasync", f"{point} ended with {code}"
    tally("calls refused by the disk", len(tried))


def assert_never_synced_again(trace: Path) -> None:
    """Check that what could not be synced is not synced again, and that no such file gets its final name.

    Not of fdatasync, which is SQLite's: it syncs once more as it closes, when no row is acknowledged any more.
    """
    failed: set[str] = set()
    for line in trace.read_text(errors="replace").splitlines():
        sync = re.search(r"\bfsync\(\d+<(.*?)>\) = (-?\d+)", line)
        if sync:
            assert sync[1] not in failed, f"synced again after that had failed: {line}"
            if sync[2] != "0":
                failed.add(sync[1])
        rename = re.search(r'\brenameat\(\d+<(.*?)>, "(.*?)"', line)
        if rename:
            assert f"{rename[1]}/{rename[2]}" not in failed, f"renamed although its fsync had failed: {line}"
