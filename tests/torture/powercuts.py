"""One run of the product, and what its disks held at each place where the power could have been cut.

A cut is a copy of the images behind the mounts, taken while the product stands still after a system call, and the
ledger of what it had been told was recorded by then. Nothing is flushed for the copy: what no fsync brought to the disk
is not in it. In a storm the kernel besides writes back of its own accord, as it may at any moment: data of some files
in any order, of which the disk had taken just some sectors when the power went; or its journal alone.
"""

import ctypes
import hashlib
import os
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from resumable.simulator.simulator import Simulator
from tests.torture.disks import Bench, copy_of, extents, flushes_of
from tests.torture.judge import Ledger, judged
from tests.torture.stepping import Call, Stepped, product

JOB = "j"
COPIES_TRIED = 20
SECTOR = 512
BLOCK = 4096
NOTHING = Ledger(state=None, pages={}, orphans=frozenset(), temporary=(), takes={}, complete=frozenset(), receipt=False)
NO_LOG = (
    "import sys, resumable.storage.file_systems as systems; systems.NETWORK_KINDS |= {%r};"
    " from resumable.__main__ import main; sys.exit(main())"
)
"""Runs the command line with this kind of file system counted among those that carry no write-ahead log."""
_WRITE_AND_WAIT = 7
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, kw_only=True)
class Layout:
    """On which disks a job lies: `apart` puts its parts on a second one; `log`: with a write-ahead log."""

    name: str
    kind: str
    apart: bool = False
    log: bool = True
    dataset: str = "conversations"
    workers: int = 1
    rarer: int = 1
    """Of so many cuts one is judged here: the file system is slow to make, to mount and to copy."""


@dataclass(frozen=True, kw_only=True)
class Cut:
    """What the disks held when the power went, and what had been recorded for good by then."""

    call: Call
    images: tuple[Path, ...]
    digest: str
    kept: Ledger
    torn: bool


@dataclass(kw_only=True)
class Scene:
    """The disks of one layout and the simulator that the job is taken from."""

    bench: Bench
    layout: Layout
    sim: Simulator
    command: list[str]
    most: int
    """Cuts that are kept, any of all with the same chance; 0: all of them."""
    dice: random.Random
    cuts: list[Cut] = field(default_factory=list)
    output: str = ""

    def disks(self) -> tuple[Path, ...]:
        """Make empty disks for this layout."""
        images = tuple(self.bench.image(self.layout.kind) for _ in range(1 + self.layout.apart))
        with self.mounted(images) as state:
            for folder in (state.parent, state / JOB / "parts"):
                if (folder / "lost+found").is_dir():
                    (folder / "lost+found").rmdir()
        return images

    def mounted(self, images: tuple[Path, ...]) -> "_Mounted":
        """Mount disks for a while: yields the state folder."""
        return _Mounted(bench=self.bench, images=images)

    def live(self, images: tuple[Path, ...], *, storm: random.Random | None) -> None:
        """Run the product to its end on these disks, and keep a cut after each of its calls."""
        with self.mounted(images) as state:
            watch = _Watch(scene=self, images=images, state=state, storm=storm)
            with Stepped(self._line(), env=self.environment(state), cwd=self.bench.folder, root=state) as process:
                for call in process:
                    watch.look(call)
                self.output = process.output
            assert process.code == 0, f"the run that was to be cut ended {process.code}: {process.output}"
            assert self.cuts, "strace stopped at no call"
            last = Call(number=self.cuts[-1].call.number + 1, thread=0, name="exit", text="the process has ended")
            watch.keep(last, judged(state / JOB), at=len(self.cuts))

    def environment(self, state: Path) -> Mapping[str, str]:
        """Return the environment that leads the product to the simulator, and to the package under test."""
        settings = self.sim.settings
        passed = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
        return {
            **passed,
            "PYTHONDONTWRITEBYTECODE": "1",
            "GENESYS_CLIENT_ID": settings.client_id,
            "GENESYS_CLIENT_SECRET": settings.client_secret,
            "GENESYS_API_URL": self.sim.url,
            "GENESYS_LOGIN_URL": self.sim.url,
            "RESUMABLE_STATE": str(state),
            "RESUMABLE_MIN_FREE": "0",
        }

    def _line(self) -> list[str]:
        line = product(*self.command, "--workers", str(self.layout.workers))
        return line if self.layout.log else [line[0], "-c", NO_LOG % self.layout.kind, *line[3:]]


@dataclass(kw_only=True)
class _Mounted:
    bench: Bench
    images: tuple[Path, ...]
    _at: Path | None = None

    def __enter__(self) -> Path:
        self._at = self.bench.mounted(self.images[0])
        state = self._at / "state"
        if len(self.images) > 1:
            self.bench.mounted(self.images[1], at=state / JOB / "parts")
        return state

    def __exit__(self, *_: object) -> None:
        assert self._at is not None
        self.bench.unmount(self._at)


@dataclass(kw_only=True)
class _Watch:
    """Follows a run from outside: what it was told is recorded, and what is on its disks."""

    scene: Scene
    images: tuple[Path, ...]
    state: Path
    storm: random.Random | None
    kept: Ledger = NOTHING
    _writer: int = 0
    _unread: bool = False
    _seen: int = 0
    _last: tuple[str, tuple[Path, ...]] = ("", ())

    def look(self, call: Call) -> None:
        """Keep the cut after a call."""
        of_manifest = f"/{JOB}/manifest.sqlite" in call.text
        if of_manifest:
            self._writer, self._unread = call.thread, True
        elif self._unread and call.thread == self._writer:
            # The thread that wrote to the manifest does something else now: its commit has returned, and what a reader
            # sees was acknowledged. The statement asks nothing of any fsync, so that one that is missing shows.
            self.kept, self._unread = judged(self.state / JOB, context=f"the running job, at {call}"), False
        self._seen += 1
        at = self._place()
        if self.storm is not None and self.storm.random() < 0.5:
            self._storm(call, self.storm, at)
        elif at is not None:
            self.keep(call, self.kept, at=at)

    def _place(self) -> int | None:
        """Return the place that the next cut gets among those that are kept; None: it is passed over."""
        scene = self.scene
        if not scene.most or len(scene.cuts) < scene.most:
            return len(scene.cuts)
        place = scene.dice.randrange(self._seen)
        return place if place < scene.most else None

    def _put(self, cut: Cut, at: int) -> None:
        """Keep a cut in a place; the images of the one that had it are thrown away: all would not fit."""
        cuts = self.scene.cuts
        gone = cuts[at].images if at < len(cuts) else ()
        cuts[at : at + 1] = [cut]
        for image in gone:
            if image not in self._last[1] and all(image not in other.images for other in cuts):
                image.unlink()

    def keep(self, call: Call, kept: Ledger, *, at: int) -> None:
        """Keep what is on the disks now."""
        if _digest(*self.images) != self._last[0]:
            before, self._last = self._last[1], self._copies()
            for image in before:
                if all(image not in other.images for other in self.scene.cuts):
                    image.unlink()
        digest, images = self._last
        self._put(Cut(call=call, images=images, digest=digest, kept=kept, torn=False), at)

    def _storm(self, call: Call, dice: random.Random, at: int | None) -> None:
        if dice.random() < 0.25:
            self._write_journal()
            if at is not None:
                self.keep(call, self.kept, at=at)
            return
        flushed = [flushes_of(image) for image in self.images]
        before = self._copies()[1] if at is not None else ()
        files = sorted(path for path in self.state.rglob("*") if path.is_file())
        for path in files:
            if dice.random() < 0.7:
                _write_back(path, dice)
        if at is None:
            return
        after = self._copies()[1]
        if flushed == [flushes_of(image) for image in self.images]:
            torn = [_tear(old, new, dice) for old, new in zip(before, after, strict=True)]
        else:  # by the kernel: what was written before a flush is on the disk whole before what came after it
            before, after, torn = after, before, [False]
        for path in after:
            path.unlink()
        self._put(Cut(call=call, images=before, digest=_digest(*before), kept=self.kept, torn=any(torn)), at)

    def _write_journal(self) -> None:
        """Bring the metadata of all files to the disk, by an fsync of a file that has nothing to do with the job."""
        for folder in {self.state.parent, *([self.state / JOB / "parts"] if len(self.images) > 1 else [])}:
            stranger = folder.parent / "stranger" if folder != self.state.parent else folder / "stranger"
            with open(stranger if folder == self.state.parent else folder / ".stranger", "ab") as file:
                file.write(b"x")
                os.fsync(file.fileno())

    def _copies(self) -> tuple[str, tuple[Path, ...]]:
        """Copy the disks as they are at one moment: where the kernel writes to one meanwhile, all are copied again."""
        for _ in range(COPIES_TRIED):
            copies = tuple(copy_of(image, self.scene.bench.place(image.suffix)) for image in self.images)
            digest = _digest(*copies)
            if digest == _digest(*self.images):
                return digest, copies
            for copy in copies:
                copy.unlink()
        raise AssertionError("the disks were written to whenever they were copied")


def _write_back(path: Path, dice: random.Random) -> None:
    """Let the kernel write some of a file's data to the disk: not what names it, and not its size."""
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        for start in range(0, size, BLOCK):
            if dice.random() < 0.8:
                failed = _libc.sync_file_range(
                    file.fileno(), ctypes.c_int64(start), ctypes.c_int64(BLOCK), _WRITE_AND_WAIT
                )
                assert not failed, os.strerror(ctypes.get_errno())


def _tear(old: Path, new: Path, dice: random.Random) -> bool:
    """Put some of the sectors in which a newer copy differs into an older one; the others stay as they were.

    A sector is new or old, never both nor zeroed: that a write leaves its neighbours alone SQLite asks of a disk.
    """
    torn = False
    with open(old, "r+b") as target, open(new, "rb") as source:
        for start, end in extents(source.fileno(), os.fstat(source.fileno()).st_size):
            data, was = os.pread(source.fileno(), end - start, start), os.pread(target.fileno(), end - start, start)
            for at in _differences(was, data):
                if dice.random() < 0.6:
                    os.pwrite(target.fileno(), data[at : at + SECTOR], start + at)
                else:
                    torn = True
    return torn


def _differences(was: bytes, data: bytes) -> Iterator[int]:
    if was == data:
        return
    for block in range(0, len(data), BLOCK):
        if was[block : block + BLOCK] != data[block : block + BLOCK]:
            for at in range(block, min(block + BLOCK, len(data)), SECTOR):
                if was[at : at + SECTOR] != data[at : at + SECTOR]:
                    yield at


def _digest(*images: Path) -> str:
    found = hashlib.blake2b(digest_size=16)
    for image in images:
        with open(image, "rb") as file:
            for start, end in extents(file.fileno(), os.fstat(file.fileno()).st_size):
                found.update(start.to_bytes(8, "big"))
                found.update(os.pread(file.fileno(), end - start, start))
    return found.hexdigest()
