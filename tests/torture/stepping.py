"""Lets the product run from one system call that changes a disk to the next, and stand still in between.

strace sends SIGSTOP with each such call. While every thread of the process stands still the test looks at the disks,
copies them, and lets it go on to the next one: one run passes all places at which a power cut could strike.
"""

import os
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

CALLS = (
    "write", "writev", "pwrite64", "pwritev", "fsync", "fdatasync", "rename", "renameat", "renameat2", "unlink",
    "unlinkat", "link", "linkat", "symlink", "symlinkat", "mkdir", "mkdirat", "rmdir", "ftruncate", "truncate",
    "fallocate", "copy_file_range",
)  # fmt: skip
PATIENCE_SECONDS = 30.0
LOOK_SECONDS = 0.1
_LINE = re.compile(r"^(\d+) +(.*)$")
_CALL = re.compile(r"^(\w+)\((.*)$")


@dataclass(frozen=True, kw_only=True)
class Call:
    """One system call, just done; `text` as strace tells it, with the paths of its descriptors."""

    number: int
    thread: int
    name: str
    text: str

    def __str__(self) -> str:
        return f"call {self.number}: {self.text[:160]}"


class Stepped:
    """A process that stands still after each call which changes a disk below `root`."""

    def __init__(self, command: list[str], *, env: Mapping[str, str], cwd: Path, root: Path) -> None:
        """Start it; iterate to step through it."""
        self._root = str(root)
        self._read, write = os.pipe()
        calls = ",".join(CALLS)
        tracing = ["strace", "-f", "-y", "-qq", "-s", "16", "-o", f"/dev/fd/{write}"]
        tracing += ["-e", f"trace={calls}", "-e", f"inject={calls}:signal=STOP"]
        self._process = subprocess.Popen(
            [*tracing, *command],
            env=dict(env),
            cwd=cwd,
            pass_fds=(write,),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        os.close(write)
        self._rest = b""
        self._pid: int | None = None
        self.output = ""
        self.code: int | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            if self._pid is not None:
                os.kill(self._pid, signal.SIGKILL)
            self._process.kill()
        self._process.communicate()
        os.close(self._read)

    def __iter__(self) -> Iterator[Call]:
        """Yield each call while the process stands still right after it."""
        number = 0
        while (pending := self._next_stop()) is not None:
            for thread, text in pending:
                if self._root in text:
                    number += 1
                    yield Call(number=number, thread=thread, name=text.split("(", 1)[0], text=text)
            assert self._pid is not None
            os.kill(self._pid, signal.SIGCONT)
        self.output = self._process.communicate(timeout=PATIENCE_SECONDS)[0].decode()
        self.code = self._process.returncode

    def _next_stop(self) -> list[tuple[int, str]] | None:
        """Return the calls made until all threads stand still; None when the process has ended."""
        calls: list[tuple[int, str]] = []
        stopped: set[int] = set()
        until = time.monotonic() + PATIENCE_SECONDS
        # Looked at again and again: of a thread that ends while the others stand still no line tells.
        while not stopped or not self._threads() <= stopped:
            try:
                thread, what = self._line()
            except EOFError:
                return None
            except TimeoutError:
                assert time.monotonic() < until, f"of {self._threads()} only {stopped} stand still, after {calls}"
                continue
            until = time.monotonic() + PATIENCE_SECONDS
            self._pid = self._pid or thread
            if what.startswith("--- stopped by SIGSTOP"):
                stopped.add(thread)
            elif _CALL.match(what):
                calls.append((thread, what))
        return calls

    def _threads(self) -> set[int]:
        return {int(name) for name in os.listdir(f"/proc/{self._pid}/task")}

    def _line(self) -> tuple[int, str]:
        """Return strace's next line. Raises EOFError at its end, TimeoutError where none has come yet."""
        while b"\n" not in self._rest:
            if not select.select([self._read], [], [], LOOK_SECONDS)[0]:
                raise TimeoutError
            piece = os.read(self._read, 65536)
            if not piece:
                raise EOFError
            self._rest += piece
        line, self._rest = self._rest.split(b"\n", 1)
        found = _LINE.match(line.decode(errors="replace"))
        assert found, f"strace said: {line!r}"
        return int(found[1]), found[2]


def product(*arguments: str) -> list[str]:
    """Return the command line that runs the product."""
    return [sys.executable, "-m", "resumable", *arguments]
