"""The command line, in this process or in one of its own, against a simulator in this one."""

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from resumable.cli.main import run
from resumable.config import Settings
from resumable.job.job import Job
from resumable.job.making import find
from resumable.simulator.messages import Kind
from resumable.simulator.simulator import Simulator
from tests.support.canary import saw
from tests.support.machine import measured

RANGE = ("--from", "2023-10-01", "--to", "2023-10-04")
SECRET = "canary-secret-8c41f0"
PAGE_KINDS = (Kind.CONVERSATIONS, Kind.ARTICLE, Kind.JOB_RESULTS)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a command ended; a negative `code` is the signal that killed its process."""

    code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> dict[str, Any]:
        """The one JSON object on stdout."""
        answer: dict[str, Any] = json.loads(self.stdout)
        return answer


@dataclass(kw_only=True)
class CommandLine:
    """The command line, with credentials for one simulator and one state folder."""

    sim: Simulator
    state: Path
    extra: dict[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        """What the command sees of the environment."""
        return {
            "PATH": os.environ["PATH"],
            "GENESYS_CLIENT_ID": self.sim.settings.client_id,
            "GENESYS_CLIENT_SECRET": self.sim.settings.client_secret,
            "GENESYS_API_URL": self.sim.url,
            "GENESYS_LOGIN_URL": self.sim.url,
            "RESUMABLE_STATE": str(self.state),
            **{name: os.environ[name] for name in ("PYTHONPATH",) if name in os.environ},
            **measured(),
            **self.extra,
        }

    def __call__(self, *arguments: str) -> Outcome:
        """Run a command in this process."""
        stdout, stderr = io.StringIO(), io.StringIO()
        code = run(arguments, stdout=stdout, stderr=stderr, environment=self.environment)
        saw("stdout of a command", stdout.getvalue())
        saw("stderr of a command", stderr.getvalue())
        return Outcome(code=code, stdout=stdout.getvalue(), stderr=stderr.getvalue())

    def start(self, *arguments: str, **options: Any) -> subprocess.Popen[str]:  # noqa: ANN401 - as Popen takes them
        """Start a command as a process."""
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
        return subprocess.Popen(
            [sys.executable, "-m", "resumable", *arguments],
            env=self.environment,
            cwd=self.state.parent,
            text=True,
            **pipes,
        )

    def status(self, job: str) -> dict[str, Any]:
        """Return what `status --json` prints."""
        outcome = self("status", job, "--json")
        assert outcome.code == 0, outcome.stderr
        return outcome.json

    def job(self, name: str) -> Job:
        """Return the job for reading."""
        return find(name, Settings(state=self.state))

    def pages_sent(self, process: subprocess.Popen[str], *, least: int) -> None:
        """Wait until so many pages have gone out whole, or the process has ended."""
        _wait(process, lambda: sum(self.sim.log.pages().values()) >= least)

    def requests_sent(self, process: subprocess.Popen[str], *, least: int) -> None:
        """Wait until so many requests have come in, answered or not, or the process has ended."""
        _wait(process, lambda: len(self.sim.log) >= least)

    def more_pages_asked(self, process: subprocess.Popen[str], *, count: int, patience: float = 100) -> None:
        """Wait until so many more pages have been asked for than by now, or the process has ended."""
        enough = self.sim.log.count(*PAGE_KINDS) + count
        _wait(process, lambda: self.sim.log.count(*PAGE_KINDS) >= enough, patience=patience)

    def killed(self, process: subprocess.Popen[str], *, pages: int, seconds: float) -> Outcome:
        """Kill a process with SIGKILL some `seconds` after it has asked for so many more pages."""
        self.more_pages_asked(process, count=pages)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
        process.send_signal(signal.SIGKILL)
        return finished(process)


def _wait(process: subprocess.Popen[str], enough: Callable[[], bool], *, patience: float = 20) -> None:
    for _ in range(round(patience * 100)):
        if process.poll() is not None or enough():
            return
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.01)
    raise AssertionError(f"the simulator has not seen enough in {patience:g} s")


def finished(process: subprocess.Popen[str], *, seconds: float = 100) -> Outcome:
    """Wait for a process to end, and return how it did."""
    try:
        stdout, stderr = process.communicate(timeout=seconds)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    return Outcome(code=process.returncode, stdout=stdout or "", stderr=stderr or "")
