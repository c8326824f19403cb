"""A disk that fills up at any moment ends the run with 5; with room again the same command carries it on."""

import contextlib
import errno
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.torture import strace
from tests.torture.disks import Bench, command, copy_of, need, need_mounts, workbench
from tests.torture.scenes import Scene
from tests.torture.trials import spread

pytestmark = [pytest.mark.torture, pytest.mark.timeout(3600), strace.NEEDED]

STORAGE = 5
ENOUGH = 600_000
"""Bytes that a run of three pages cannot need more than."""
PIECE = 64 * 1024


def filled(folder: Path, *, left: int) -> Path:
    """Fill a disk until it takes no more, then give back so many bytes; return the file that fills it."""
    filler = folder / "filler"
    with open(filler, "wb", buffering=0) as file:
        for piece in (PIECE, 4096, 512):
            with contextlib.suppress(_Full):
                while True:
                    _write(file.fileno(), os.urandom(piece))
        file.truncate(max(0, file.tell() - left))
        os.fsync(file.fileno())
    return filler


class _Full(Exception):
    """The disk takes no more."""


def _write(descriptor: int, data: bytes) -> None:
    try:
        if os.write(descriptor, data) < len(data):
            raise _Full
        os.fsync(descriptor)
    except OSError as refused:
        if refused.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise _Full from None


@contextlib.contextmanager
def disk(bench: Bench, image: Path, at: Path) -> Iterator[Path]:
    """Mount a fresh copy of a disk in the place of a state folder."""
    bench.mounted(copy_of(image, bench.place(image.suffix)), at=at)
    try:
        yield at
    finally:
        bench.unmount(at)


@pytest.mark.parametrize("kind", ["ext4", "xfs", "btrfs"])
@pytest.mark.parametrize("scene", [("new", "conversations")], indirect=True, ids="-".join)
def test_a_disk_that_is_full_ends_the_run_and_room_carries_it_on(
    kind: str, scene: Scene, trials: Callable[[str], int], tally: Callable[[str, int], None]
) -> None:
    """However little is left: exit 5 or success, at most one temporary file, nothing false; then the truth."""
    need_mounts(kind)
    codes = []
    with workbench() as bench:
        image = bench.image(kind)
        for left in spread(0, ENOUGH, (trials("disk-errors") // (15 if kind == "ext4" else 40)) or 40):
            with scene.stage() as stage, disk(bench, image, stage.folder / "state") as state:
                filler = filled(state, left=left)
                ending = stage.play()
                context = f"{kind} with {left} bytes left, which ended with {ending.code}"
                # SQLite maps the index of its log; btrfs cannot always keep even what was allocated of it, and the
                # kernel then ends the process. What that leaves is judged like any other kill.
                killed = (-signal.SIGBUS,) if kind == "btrfs" else ()
                assert ending.code in (0, STORAGE, *killed), f"{context}: {ending.stderr}"
                before = stage.judged(context)
                filler.unlink()
                stage.finish(before)
                codes.append(ending.code)
    tally(f"full disks, {kind}", len(codes))
    assert STORAGE in codes


@pytest.mark.parametrize("scene", [("carried on", "conversations")], indirect=True, ids="-".join)
def test_a_memory_disk_that_is_too_small_ends_the_run_until_it_grows(
    scene: Scene, trials: Callable[[str], int], tally: Callable[[str, int], None]
) -> None:
    """From the size of what is there already to enough: exit 5 or success; grown, it ends as the truth."""
    need("mount", "umount")
    start = scene.start
    assert start is not None
    there = sum(-(-path.stat().st_size // 4096) * 4096 + 4096 for path in start.rglob("*"))
    codes = []
    with workbench() as bench:
        for size in spread(there, there + ENOUGH, (trials("disk-errors") // 15) or 40):
            with scene.stage() as stage:
                at = stage.folder / "state"
                kept = at.rename(stage.folder / "kept")
                bench.mount("-t", "tmpfs", "-o", f"size={size}", "none", at=at)
                try:
                    command("cp", "-a", *sorted(kept.iterdir()), at)
                    ending = stage.play()
                    context = f"a memory disk of {size} bytes, which ended with {ending.code}"
                    assert ending.code in (0, STORAGE), f"{context}: {ending.stderr}"
                    before = stage.judged(context)
                    command("mount", "-o", "remount,size=16m", at)
                    stage.finish(before)
                finally:
                    bench.unmount(at)
                codes.append(ending.code)
    tally("full disks, tmpfs", len(codes))
    assert STORAGE in codes
