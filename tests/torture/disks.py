"""Disks of the test's own: images on loop devices, memory disks, disks that fail; all gone afterwards, come what may.

Everything lives below one folder with a name of its own, and a lock that its maker holds. What a killed test run left
behind is found by that name and taken down by the next one that needs a disk.
"""

import contextlib
import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.support import machine

PREFIX = "resumable-torture-"
LOCK = "lock"
ENOUGH_MEMORY = 2 * 2**30

MAKERS = {
    "ext4": (["mkfs.ext4", "-q", "-F", "-J", "size=1"], 12 * 2**20, "noatime,commit=300"),
    "xfs": (["mkfs.xfs", "-q", "-f"], 300 * 2**20, "noatime"),
    "btrfs": (["mkfs.btrfs", "-q", "-f"], 110 * 2**20, "noatime,commit=300"),
}
"""Of each kind of file system: what makes one, the least size it takes, options that keep it from flushing early."""


def need(*tools: str, root: bool = True) -> None:
    """Skip the test, saying why, where a tool or a right is missing."""
    machine.need(*tools)
    if root and os.geteuid() != 0:
        machine.forbidden("mounts and loop devices: the tests do not run as root")


def need_mounts(*kinds: str) -> None:
    """Skip the test where images of these kinds cannot be made and mounted."""
    need("losetup", "mount", "umount", *(MAKERS[kind][0][0] for kind in kinds))
    known = Path("/proc/filesystems").read_text(encoding="ascii").split()
    if missing := [kind for kind in kinds if kind not in known]:
        machine.forbidden(f"{', '.join(missing)}: its kernel does not know them")
    with workbench() as bench:
        try:
            bench.mounted(bench.image("ext4"))
        except AssertionError as refused:
            machine.forbidden(f"loop mounts: {refused}")


def command(*arguments: str | Path) -> str:
    """Run a tool and return what it printed."""
    words = [str(argument) for argument in arguments]
    done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, f"{' '.join(words)}: {done.stderr.strip()}"
    return done.stdout


@dataclass(kw_only=True)
class Bench:
    """A folder for disks; whatever is mounted below it is taken down with it."""

    folder: Path
    _made: int = field(default=0)

    def place(self, suffix: str = "") -> Path:
        """Return a path that is not taken."""
        self._made += 1
        return self.folder / f"{self._made}{suffix}"

    def image(self, kind: str, *, size: int | None = None) -> Path:
        """Make an image that holds an empty file system."""
        maker, least, _ = MAKERS[kind]
        path = self.place(f".{kind}")
        with open(path, "wb") as file:
            file.truncate(size or least)
        command(*maker, path)
        return path

    def mounted(self, image: Path, *, at: Path | None = None, options: str = "") -> Path:
        """Mount an image or a device, and return where."""
        kind = image.suffix[1:]
        usual = MAKERS[kind][2]
        return self.mount("-t", kind, "-o", ",".join(filter(None, ["loop", usual, options])), image, at=at)

    def memory(self, size: int) -> Path:
        """Mount a memory disk of so many bytes."""
        return self.mount("-t", "tmpfs", "-o", f"size={size}", "none")

    def mount(self, *arguments: str | Path, at: Path | None = None) -> Path:
        """Mount something, and return where."""
        at = at or self.place()
        at.mkdir(exist_ok=True, parents=True)
        command("mount", *arguments, at)
        return at

    def unmount(self, at: Path) -> None:
        """Take a mount and all mounts below it down."""
        for point in reversed(mounts_below(at)):
            command("umount", point)


@contextlib.contextmanager
def workbench() -> Iterator[Bench]:
    """Give a folder for disks, in memory where there is enough, and take everything in it down at the end."""
    home = _home()
    for old in home.glob(f"{PREFIX}*"):
        _take_down_if_left(old)
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=home))
    with open(folder / LOCK, "wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            yield Bench(folder=folder)
        finally:
            take_down(folder)


def take_down(folder: Path) -> None:
    """Unmount all below a folder, free the loop devices of its images, and remove it."""
    for point in reversed(mounts_below(folder)):
        done = subprocess.run(["umount", point], capture_output=True, check=False)
        if done.returncode:
            subprocess.run(["umount", "-l", point], capture_output=True, check=False)
    for device, image in loops():
        if image.startswith(str(folder)):
            subprocess.run(["losetup", "-d", device], capture_output=True, check=False)
    shutil.rmtree(folder, ignore_errors=True)


def mounts_below(folder: Path) -> list[Path]:
    """Return where something is mounted, at a folder or below it, in the order of mounting."""
    lines = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    return [point for point in (Path(line.split()[4]) for line in lines) if point.is_relative_to(folder)]


def loops() -> list[tuple[str, str]]:
    """Return the loop devices in use, each with the file behind it."""
    found = []
    for device in Path("/sys/block").glob("loop*"):
        with contextlib.suppress(OSError):
            found.append((f"/dev/{device.name}", (device / "loop/backing_file").read_text(encoding="utf-8").strip()))
    return found


def flushes_of(image: Path) -> int:
    """Return how often what was written to a mounted image has been flushed to it."""
    return sum(
        int((Path("/sys/block") / Path(device).name / "stat").read_text(encoding="ascii").split()[15])
        for device, file in loops()
        if file == str(image)
    )


def copy_of(image: Path, copy: Path) -> Path:
    """Copy what a disk holds at this moment, its holes as holes."""
    with open(image, "rb") as source, open(copy, "wb") as target:
        size = os.fstat(source.fileno()).st_size
        target.truncate(size)
        for start, end in extents(source.fileno(), size):
            at = start
            while at < end:
                at += os.sendfile(target.fileno(), source.fileno(), at, end - at) if _seek(target.fileno(), at) else 0
    return copy


def extents(descriptor: int, size: int) -> Iterator[tuple[int, int]]:
    """Yield where a sparse file has data."""
    at = 0
    while at < size:
        try:
            start = os.lseek(descriptor, at, os.SEEK_DATA)
        except OSError:
            return
        at = os.lseek(descriptor, start, os.SEEK_HOLE)
        yield start, at


def _seek(descriptor: int, at: int) -> bool:
    return os.lseek(descriptor, at, os.SEEK_SET) == at


def _home() -> Path:
    memory = Path("/dev/shm")
    with contextlib.suppress(OSError):
        room = os.statvfs(memory)
        if os.access(memory, os.W_OK) and room.f_bavail * room.f_frsize > ENOUGH_MEMORY:
            return memory
    return Path(tempfile.gettempdir())


def _take_down_if_left(folder: Path) -> None:
    try:
        with open(folder / LOCK, "rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            take_down(folder)
    except (BlockingIOError, FileNotFoundError):
        return  # its maker is alive, or has this moment made or removed it
