"""A disk that loses writes and says so once, below a real file system: the run ends, and no page is taken for safe.

nbdkit serves the disk and fails writes with EIO while a file exists; nbdfuse makes it a file, a loop device a disk.
After an fsync has failed the kernel calls the next one a success, and the cache shows bytes that the disk never had:
only what is read after mounting anew counts.
"""

import contextlib
import random
import subprocess
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from resumable.simulator.settings import SimSettings
from resumable.simulator.simulator import Simulator
from tests.torture import strace
from tests.torture.disks import Bench, command, need, workbench
from tests.torture.forkserver import ForkServer
from tests.torture.scenes import Scene, new

pytestmark = [pytest.mark.torture, pytest.mark.timeout(3600), strace.NEEDED]

SIZE = 24 * 2**20
STORAGE = 5
LOOKS = 500


@dataclass(frozen=True, kw_only=True)
class BadDisk:
    """A disk whose writes fail while `trouble` exists."""

    device: str
    trouble: Path
    bench: Bench

    def mount(self, at: Path) -> None:
        """Mount it, mended as a start of the machine would mend it."""
        done = subprocess.run(["fsck.ext4", "-p", "-f", self.device], capture_output=True, text=True, check=False)
        assert done.returncode < 4, f"fsck: {done.stdout} {done.stderr}"
        self.bench.mount("-t", "ext4", "-o", "noatime", self.device, at=at)


@contextlib.contextmanager
def bad_disk(bench: Bench) -> Iterator[BadDisk]:
    """Make one, with an empty ext4."""
    trouble, file = bench.place(".trouble"), bench.place(".disk")
    file.touch()
    plugin = ["nbdkit", "--exit-with-parent", "--filter=error", "memory", str(SIZE)]
    failing = ["error=EIO", "error-pwrite-rate=100%", f"error-file={trouble}"]
    server = subprocess.Popen(
        ["nbdfuse", str(file), "--socket-activation", *plugin, *failing],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    moment = threading.Event()
    try:
        for _ in range(LOOKS):
            if file.stat().st_size == SIZE:
                break
            moment.wait(0.01)
        device = command("losetup", "--find", "--show", file).strip()
        try:
            command("mkfs.ext4", "-q", "-F", "-J", "size=1", device)
            yield BadDisk(device=device, trouble=trouble, bench=bench)
        finally:
            command("losetup", "--detach", device)
    finally:
        subprocess.run(["fusermount3", "-u", str(file)], capture_output=True, check=False)
        server.terminate()
        server.wait(20)


@pytest.fixture
def slow(forkserver: ForkServer, tmp_path: Path) -> Iterator[Scene]:
    """A job that takes long enough for a disk to fail in the middle of it."""
    with Simulator(SimSettings(records=8, rate_public=None, latency=0.06)) as sim:
        yield new(forkserver, sim, "conversations", tmp_path)


def test_a_disk_that_loses_writes_costs_no_page_that_was_recorded(
    slow: Scene, seed: int, trials: Callable[[str], int], tally: Callable[[str, int], None]
) -> None:
    """Failing for a moment or for good: exit 5 or success; read anew, what is recorded is whole; cured, the truth."""
    need("nbdkit", "nbdfuse", "fusermount3", "losetup", "mkfs.ext4", "fsck.ext4")
    dice, codes, moment = random.Random(seed), [], threading.Event()
    for _ in range((trials("disk-errors") // 15) or 60):
        begins, lasts = dice.uniform(0, 0.5), dice.choice((0.02, 0.1, 5.0))
        with workbench() as bench, bad_disk(bench) as disk, slow.stage() as stage, ThreadPoolExecutor(1) as pool:
            at = stage.folder / "state"
            disk.mount(at)
            try:
                running = pool.submit(stage.play, None, inline=False)
                moment.wait(begins)
                disk.trouble.touch()
                with contextlib.suppress(TimeoutError):
                    running.result(lasts)
                if lasts < 1:
                    disk.trouble.unlink()
                ending = running.result(60)
            finally:
                bench.unmount(at)
                disk.trouble.unlink(missing_ok=True)
            context = f"writes failing after {begins:.3f} s for {lasts} s (seed {seed}), exit {ending.code}"
            assert ending.code in (0, STORAGE), f"{context}: {ending.stderr}"
            disk.mount(at)
            try:
                stage.finish(stage.judged(context))
            finally:
                bench.unmount(at)
            codes.append(ending.code)
    tally("disks that lost writes", len(codes))
    assert STORAGE in codes
