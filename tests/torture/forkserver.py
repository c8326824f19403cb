"""Runs the product's command line again and again without loading Python again, under strace or not.

A process of its own imports the product once and then forks for every command. What runs is a real process that makes
real system calls and really dies; only the loading is spared, which touches no state. A command waits at a pipe until
strace has hold of it, so that every call it makes is seen and counted from the first on. With `inline`, its one worker
works in the main thread, so that a call's number in its thread is its number in the run.

Spoken to in lines of JSON: a `Command` in, an `Ending` out.
"""

import contextlib
import importlib
import io
import json
import os
import resource
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, NoReturn

import resumable
from resumable.cli.main import run
from resumable.clock import SystemClock

STRACE_WAIT_LINES = 50


@dataclass(frozen=True, kw_only=True)
class Command:
    """One call of the command line, and what strace is to do with it."""

    arguments: Sequence[str]
    environment: dict[str, str]
    folder: str
    """Where it runs, and where its output goes."""
    strace: Sequence[str] | None = None
    """Options for strace; None: it runs on its own."""
    inline: bool = True
    limits: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Names of the resource module's RLIMIT_ constants, with the soft and the hard limit."""
    user: int | None = None
    """Whose rights it has; None: those of the tests."""
    seconds: int = 60
    """SIGALRM ends it after so long."""
    suffix: str = ""
    """Added to the names of the files that hold its output."""
    deaf: bool = False
    """Its output goes into a pipe that nobody reads any more."""


@dataclass(frozen=True, kw_only=True)
class Ending:
    """How it ended: an exit code, or a negative signal that killed it."""

    code: int
    stdout: str
    stderr: str
    pid: int


class InlineClock(SystemClock):
    """The machine's own time; one worker needs no thread of its own."""

    def run_threads(self, target: Callable[[], None], names: Sequence[str]) -> None:
        """Run it here where there is one, in threads where there are several."""
        if len(names) == 1:
            target()
        else:
            super().run_threads(target, names)


class ForkServer:
    """A process that has the product loaded. One command at a time."""

    def __enter__(self) -> "ForkServer":
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.torture.forkserver", " ".join(_product_modules())],
            cwd=Path(__file__).parents[2],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(20)

    @property
    def pid(self) -> int:
        """The process that all commands are forked from."""
        return self._process.pid

    def run(self, command: Command) -> Ending:
        """Run a command to its end."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(asdict(command)) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, "the server has gone"
        return Ending(**json.loads(answer))


def _product_modules() -> list[str]:
    folder = Path(resumable.__file__).parent
    names = [".".join(path.relative_to(folder.parent).with_suffix("").parts) for path in folder.rglob("*.py")]
    return [name for name in sorted(names) if "simulator" not in name and not name.endswith("__main__")]


def _serve() -> None:
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    _warm_up()
    for line in sys.stdin:
        answers.write(json.dumps(asdict(_carry_out(Command(**json.loads(line))))) + "\n")
        answers.flush()


def _warm_up() -> None:
    with contextlib.redirect_stdout(io.StringIO()):  # loads the command line whole
        run(["backfill", "--help"])
    # Modules that are imported only when they are needed; pyarrow looks for pandas when it makes a column.
    for name in [*sys.argv[1].split(), "pandas", "pyarrow.pandas_compat", "zoneinfo"]:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)


def _carry_out(command: Command) -> Ending:
    out, err = (Path(command.folder) / f"{name}{command.suffix}" for name in ("stdout", "stderr"))
    ready, go = os.pipe()
    up, set_up = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(go)
        os.close(up)
        _become(command, out, err, ready, set_up)
    os.close(ready)
    os.close(set_up)
    os.read(up, 1)
    os.close(up)
    tracer = None
    try:
        if command.strace is not None:
            tracer = _attach(child, command.strace)
        os.write(go, b"!")
        os.close(go)
        _, status = os.waitpid(child, 0)
    finally:
        if tracer is not None:
            tracer.communicate(timeout=20)
    return Ending(code=os.waitstatus_to_exitcode(status), stdout=_text(out), stderr=_text(err), pid=child)


def _text(path: Path) -> str:
    return path.read_text(errors="replace") if path.exists() else ""


def _attach(child: int, options: Sequence[str]) -> subprocess.Popen[str]:
    tracer = subprocess.Popen(
        ["strace", "-f", *options, "-p", str(child)], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    said: IO[str] | None = tracer.stderr
    assert said is not None
    lines = []
    for _ in range(STRACE_WAIT_LINES):
        lines.append(said.readline())
        if "attached" in lines[-1]:
            return tracer
        if not lines[-1]:
            break
    tracer.kill()
    raise RuntimeError(f"strace did not get hold of the process: {''.join(lines)}")


def _become(command: Command, out: Path, err: Path, ready: int, set_up: int) -> NoReturn:
    code = 70
    try:
        for number, path in ((1, out), (2, err)):
            target = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
            os.dup2(target, number)
            os.close(target)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)
        os.chdir(command.folder)
        if command.deaf:
            nobody, mouth = os.pipe()
            os.close(nobody)
            os.dup2(mouth, 1)
            os.dup2(mouth, 2)
            os.close(mouth)
        os.environ.clear()
        os.environ.update(command.environment)
        for name, (soft, hard) in command.limits.items():
            resource.setrlimit(getattr(resource, name), (soft, hard))
        if command.user is not None:
            os.setgroups([])
            os.setgid(command.user)
            os.setuid(command.user)
        sys.stdout, sys.stderr = (os.fdopen(number, "w", closefd=False) for number in (1, 2))
        os.close(set_up)
        signal.alarm(command.seconds)
        os.read(ready, 1)
        os.close(ready)
        clock = InlineClock() if command.inline else SystemClock()
        code = run(command.arguments, clock=clock)
    except KeyboardInterrupt:  # as in `resumable.__main__`
        code = 130
    except BaseException:  # noqa: BLE001 - the end of a process: whatever it is, it must not go on as the server
        with contextlib.suppress(Exception):
            traceback.print_exc()
            sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    _serve()
