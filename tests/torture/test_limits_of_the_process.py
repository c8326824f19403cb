"""A process that may not write more, open more, hold more, or write at all: it ends in words, and can be cured."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.machine import AS_ROOT, forbidden, needs
from tests.torture import strace
from tests.torture.forkserver import Ending
from tests.torture.scenes import Scene, Stage
from tests.torture.trials import spread
from tests.torture.wholeness import Broken

pytestmark = [pytest.mark.torture, pytest.mark.timeout(7200), strace.NEEDED]

NEW, CARRIED_ON = ("new", "conversations"), ("carried on", "conversations")
JOBS = ("new", "conversation-jobs")
STORAGE, INCOMPLETE = 5, 3
NOBODY = 65534


def limited(stage: Stage, name: str, most: int, *, codes: set[int]) -> Ending:
    """Play a scene within a limit, judge what is left, then finish it without the limit."""
    # With nothing left for the wire it would try again and again, for a minute.
    ending = stage.play((*stage.scene.arguments, "--max-duration", "2s"), limits={name: (most, most)})
    context = f"{name}={most}, which ended with {ending.code}"
    before = stage.judged(context)
    assert ending.code in codes, f"{context}: {ending.stderr}"
    assert "Traceback" not in ending.stderr, f"{context}: {ending.stderr}"
    if ending.code == 0:
        stage.assert_whole(None)
    stage.finish(before)
    return ending


@pytest.mark.parametrize("scene", [NEW, JOBS], indirect=True, ids="-".join)
def test_a_file_that_may_not_grow_ends_the_run_with_5(
    scene: Scene, trials: Callable[[str], int], tally: Callable[[str, int], None]
) -> None:
    """ulimit -f from nothing to just enough: exit 5 naming the disk, or success; nothing false is recorded."""
    number = trials("disk-errors") // 12 or 200
    codes = []
    for most in spread(0, 300_000, number):
        with scene.stage() as stage:
            # SQLite cannot map the index of its log where a file may not grow to 32 KiB, and keeps a journal instead.
            codes.append(limited(stage, "RLIMIT_FSIZE", most, codes={0, STORAGE}).code)
    tally("limits of a process", len(codes))
    assert set(codes) == {0, STORAGE}


@pytest.mark.parametrize("scene", [NEW], indirect=True, ids="-".join)
def test_too_few_descriptors_end_the_run_in_words(
    scene: Scene, trials: Callable[[str], int], tally: Callable[[str, int], None]
) -> None:
    """ulimit -n from too few to enough: exit 5, or 3 where none was left for the wire, or success."""
    codes = []
    for most in spread(7, 24, min(18, trials("disk-errors") // 12 or 18)):
        with scene.stage() as stage:
            codes.append(limited(stage, "RLIMIT_NOFILE", most, codes={0, INCOMPLETE, STORAGE}).code)
    tally("limits of a process", len(codes))
    assert {0, STORAGE} <= set(codes)


@pytest.mark.parametrize("scene", [NEW], indirect=True, ids="-".join)
def test_too_little_memory_leaves_nothing_false(
    scene: Scene, trials: Callable[[str], int], tally: Callable[[str, int], None]
) -> None:
    """ulimit -v from what is in use to enough: however it ends, the promises hold and the next run completes it."""
    with scene.stage() as stage:
        stage.finish(None)  # now all is loaded
    in_use = _virtual_bytes(scene)
    codes = []
    for more in spread(0, 48 * 2**20, trials("disk-errors") // 12 or 100):
        with scene.stage() as stage:
            # CPython waits for ever for a thread that had no memory to begin with, so that some hang and are ended.
            ending = stage.play(limits={"RLIMIT_AS": (in_use + more, in_use + more)}, seconds=2)
            before = stage.judged(f"{more} bytes of memory more, which ended with {ending.code}")
            if ending.code == 0:
                stage.assert_whole(None)
            stage.finish(before)
            codes.append(ending.code)
    tally("limits of a process", len(codes))
    assert 0 in codes
    assert set(codes) != {0}


def _virtual_bytes(scene: Scene) -> int:
    """Return how much address space the server has, which is what its children begin with."""
    pages = int(Path(f"/proc/{scene.server.pid}/statm").read_text().split()[0])
    return pages * os.sysconf("SC_PAGE_SIZE")


@pytest.fixture
def read_only(tmp_path: Path) -> Iterator[Callable[[Path], None]]:
    """Return what makes a folder read-only by a mount of its own, until the test is over or `cured` is called."""
    mounted: list[Path] = []

    def mount(folder: Path) -> None:
        bind = subprocess.run(["mount", "--bind", folder, folder], capture_output=True, text=True, check=False)
        if bind.returncode != 0:
            forbidden(f"mounts: {bind.stderr}")
        mounted.append(folder)
        subprocess.run(["mount", "-o", "remount,ro,bind", folder], check=True)

    yield mount
    for folder in mounted:
        subprocess.run(["umount", "-l", folder], capture_output=True, check=False)


PLACES = {"the state folder": ".", "the job's folder": "j", "its parts": "j/parts"}


@AS_ROOT
@needs("mount", "umount")
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("scene", [CARRIED_ON], indirect=True, ids="-".join)
def test_a_disk_mounted_read_only_ends_the_run_with_5(
    scene: Scene, place: str, read_only: Callable[[Path], None]
) -> None:
    """A job whose disk can only be read ends with 5 and changes nothing; made writable again, it is carried on."""
    with scene.stage() as stage:
        folder = (stage.folder / "state" / PLACES[place]).resolve()
        was = contents(stage.job)
        read_only(folder)
        try:
            ending = stage.play()
            looked = stage.play(("status", "j", "--json"))
        finally:
            subprocess.run(["umount", folder], check=True)
        assert ending.code == STORAGE, ending.stderr
        if place != "its parts":
            assert contents(stage.job) == was
            assert looked.code in (0, STORAGE), looked.stderr
        stage.finish(stage.judged(f"{place} was read-only"))


def contents(folder: Path) -> dict[str, bytes]:
    """Return every file in a folder, but the index of the log, which readers make anew."""
    found = (path for path in folder.rglob("*") if path.is_file() and not path.name.endswith("-shm"))
    return {str(path): path.read_bytes() for path in found}


FORBIDDEN = {
    "the state folder may not be written": (".", 0o555),
    "the state folder may not be entered": (".", 0o600),
    "the job's folder may not be written": ("j", 0o555),
    "the job's folder may not be entered": ("j", 0o000),
    "the parts may not be written": ("j/parts/window=20231001T000000Z", 0o555),
    "the parts may not be read": ("j/parts/window=20231001T000000Z", 0o300),
    "the parts may not be entered": ("j/parts", 0o000),
    "the manifest may not be written": ("j/manifest.sqlite", 0o444),
    "the manifest may not be read": ("j/manifest.sqlite", 0o000),
    "the lock may not be written": ("j/lock", 0o444),
}


@AS_ROOT
@pytest.mark.parametrize("what", FORBIDDEN)
@pytest.mark.parametrize("scene", [CARRIED_ON], indirect=True, ids="-".join)
def test_what_a_user_may_not_do_ends_the_run_with_5(scene: Scene, what: str) -> None:
    """Rights taken away in any place: exit 5 in words, no page lost; given back, the job is carried on."""
    where, mode = FORBIDDEN[what]
    with scene.stage() as stage:
        for parent in [stage.folder, *stage.folder.parents][:3]:
            parent.chmod(0o755)
        for path in [stage.folder, *stage.folder.rglob("*")]:
            os.chown(path, NOBODY, NOBODY)
        forbidden = stage.folder / "state" / where
        had = forbidden.stat().st_mode
        forbidden.chmod(mode)
        ending = stage.play(user=NOBODY)
        forbidden.chmod(had)
        if ending.code != STORAGE or "internal error" in ending.stderr or "Traceback" in ending.stderr:
            raise Broken(f"{what}: ended with {ending.code}: {ending.stderr}")
        stage.finish(stage.judged(what))
