"""What strace is asked for and what it says: calls in a trace, points at which one of them is to go wrong.

A point is written CALL:NUMBER:WHAT, as `fsync:3:KILL`, `pwrite64:7:EIO`, `pwrite64:7+:ENOSPC` (from then on for ever)
or `write:2:=100` (it writes nothing and says that it wrote 100 bytes). The number counts the calls of that name in a
thread; whichever thread comes to it first is struck. Where RESUMABLE_POINT is set to one or several, with commas, only
they are tried.
"""

import contextlib
import os
import random
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support import machine

CHANGES = (
    "openat", "creat", "close", "write", "pwrite64", "writev", "fsync", "fdatasync", "sync_file_range", "ftruncate",
    "fallocate", "rename", "renameat", "renameat2", "unlink", "unlinkat", "rmdir", "mkdir", "mkdirat", "link", "linkat",
    "symlink", "fchown", "fchmod", "flock",
)  # fmt: skip
"""Calls that change what is on the disk, or who may."""

LOOKS = ("fcntl", "pread64", "read", "newfstatat", "fstat", "stat", "lseek", "getdents64", "statfs", "mmap")
"""Calls that change nothing there."""

WIRE = ("socket", "connect", "sendto", "recvfrom")


def _missing() -> str:
    """Say why nothing can be traced; an empty text where it can."""
    if reason := machine.lacking("strace"):
        return reason
    tried = subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True, text=True, check=False)
    return f"{machine.FORBIDS} tracing: {tried.stderr.strip()[:100]}" if tried.returncode else ""


NEEDED = pytest.mark.skipif(bool(_missing()), reason=_missing() or "strace")


@dataclass(frozen=True, kw_only=True)
class Call:
    """One system call of a trace; `number` counts those of its name in its thread, from 1."""

    name: str
    number: int
    thread: int
    text: str


@dataclass(frozen=True, kw_only=True)
class Point:
    """Where to strike, and with what."""

    call: str
    number: int
    what: str
    forever: bool = False

    def __str__(self) -> str:
        return f"{self.call}:{self.number}{'+' if self.forever else ''}:{self.what}"

    @property
    def options(self) -> list[str]:
        """What strace is to be told."""
        if self.what.startswith("="):
            how = f"retval={self.what[1:]}"
        else:
            how = f"error={self.what}" if self.what.startswith("E") else f"signal={self.what}"
        # Never with --seccomp-bpf: it switches the injection of signals off, in silence.
        return ["-e", f"trace={self.call}", "-e", f"inject={self.call}:{how}:when={self.number}{'+' * self.forever}"]

    @classmethod
    def parse(cls, text: str) -> "Point":
        """Read what `str` wrote."""
        call, number, what = text.split(":")
        return cls(call=call, number=int(number.removesuffix("+")), what=what, forever=number.endswith("+"))


def options_to_record(trace: Path, calls: Iterable[str]) -> list[str]:
    """Return the options with which strace writes down calls, with the paths of their descriptors."""
    return ["-o", str(trace), "-y", "-s", "64", "-e", f"trace={','.join(calls)}"]


def calls_of(trace: Path) -> list[Call]:
    """Read a trace that was recorded with those options."""
    counts: Counter[tuple[str, str]] = Counter()
    found = []
    for line in trace.read_text(errors="replace").splitlines():
        match = re.match(r"(\d+) +([a-z0-9_]+)\(", line)
        if match:
            counts[match[1], match[2]] += 1
            found.append(
                Call(name=match[2], thread=int(match[1]), number=counts[match[1], match[2]], text=line[match.end() :])
            )
    return found


def chosen(calls: Sequence[Call], most: int, seed: int) -> list[Call]:
    """Return at most so many calls, spread evenly over the names of calls and along the run; 0 is all of them."""
    if most <= 0 or len(calls) <= most:
        return list(calls)
    dice = random.Random(seed)
    by_name: dict[str, list[Call]] = {}
    for call in calls:
        by_name.setdefault(call.name, []).append(call)
    left, picked = most, []
    for rest, group in zip(range(len(by_name), 0, -1), sorted(by_name.values(), key=len), strict=True):
        # The rare ones first: what they do not need of their share goes to the frequent ones.
        share = min(len(group), left // rest)
        width = len(group) / share if share else 0
        picked += [group[int(width * (n + dice.random()))] for n in range(share)]
        left -= share
    return sorted(picked, key=calls.index)


def asked_for() -> list[Point]:
    """Return the points that RESUMABLE_POINT names; none where it is not set."""
    return [Point.parse(text) for text in os.environ.get("RESUMABLE_POINT", "").split(",") if text]


def works(say: Callable[[str], None] = print) -> bool:
    """Tell whether strace may trace here at all."""
    if shutil.which("strace") is None:
        return False
    done = subprocess.run(
        ["strace", "-f", "-o", "/dev/null", "-e", "trace=getpid", "true"], capture_output=True, text=True, check=False
    )
    say(done.stderr)
    return done.returncode == 0


@contextlib.contextmanager
def told(request: pytest.FixtureRequest, seed: int, *points: Point) -> Iterator[None]:
    """Add to whatever fails the one line that does just it again."""
    try:
        yield
    except Exception as failure:
        where = ",".join(str(point) for point in points)
        again = f"RESUMABLE_SEED={seed} RESUMABLE_POINT={where} python -m pytest -n 0 -m torture"
        failure.add_note(f"again: {again} '{request.node.nodeid}'")
        raise
