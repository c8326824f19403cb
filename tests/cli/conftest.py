"""The command line in this process or in one of its own, against a simulator in this one."""

import contextlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from resumable.cli.main import run
from resumable.simulator.settings import SimSettings
from resumable.simulator.simulator import Simulator
from tests.support.canary import saw

RANGE = ("--from", "2023-10-01", "--to", "2023-10-04")

SECRET = "canary-secret-8c41f0"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a command ended."""

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

    def pages_sent(self, process: subprocess.Popen[str], *, least: int) -> None:
        """Wait until so many pages have gone out whole, or the process has ended."""
        self._wait(process, lambda: sum(self.sim.log.pages().values()) >= least)

    def requests_sent(self, process: subprocess.Popen[str], *, least: int) -> None:
        """Wait until so many requests have come in, answered or not, or the process has ended."""
        self._wait(process, lambda: len(self.sim.log) >= least)

    def _wait(self, process: subprocess.Popen[str], enough: Callable[[], bool]) -> None:
        for _ in range(2000):
            if process.poll() is not None or enough():
                return
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(0.01)
        raise AssertionError("the simulator has not seen enough in 20 s")


def finished(process: subprocess.Popen[str], *, seconds: float = 30) -> Outcome:
    """Wait for a process to end."""
    try:
        stdout, stderr = process.communicate(timeout=seconds)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    return Outcome(code=process.returncode, stdout=stdout or "", stderr=stderr or "")


@pytest.fixture
def simulated() -> Iterator[Callable[..., Simulator]]:
    """Return a function that starts a simulator with some settings, quick unless they say otherwise."""
    with contextlib.ExitStack() as stack:

        def start(**settings: Any) -> Simulator:  # noqa: ANN401 - as Settings takes them
            quick = {"records": 250, "rate_public": None, "rate_article": None, "gzip": False, **settings}
            return stack.enter_context(Simulator(SimSettings(**quick)))

        yield start


@pytest.fixture
def cli(simulated: Callable[..., Simulator], tmp_path: Path) -> CommandLine:
    """Return a command line with a simulator of three pages a day."""
    return CommandLine(sim=simulated(), state=tmp_path / "state")
