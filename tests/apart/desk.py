"""The product as a person uses it: its command line, in this process on a clock that jumps, or as a process."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from resumable.cli.main import run
from tests.apart.clock import TODAY, JumpingClock
from tests.apart.wire import Wire
from tests.support.canary import saw

DOCUMENTED = frozenset({0, 2, 3, 4, 5, 6, 7, 8, 9, 130, 143})
"""The exit codes that a user is told of, without 1: unexpected is what no answer of a server may be."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a command ended."""

    code: int
    stdout: str
    stderr: str
    seconds: float
    """On the clock of the desk."""

    @property
    def json(self) -> dict[str, Any]:
        """The one JSON object on stdout."""
        answer: dict[str, Any] = json.loads(self.stdout)
        return answer


class Time:
    """The one clock of a desk and its servers: it goes on from command to command."""

    def __init__(self, at: datetime = TODAY) -> None:
        """Start at some moment."""
        self.clock = JumpingClock(at=at)

    def now(self) -> datetime:
        """Return the moment."""
        return self.clock.now()

    def next(self, *, later: timedelta = timedelta()) -> JumpingClock:
        """Return the clock for the next command: one without the threads of the last."""
        self.clock = JumpingClock(at=self.now() + later)
        return self.clock


@dataclass(kw_only=True)
class Desk:
    """A state folder, credentials in the environment, and one command after another."""

    wire: Wire
    state: Path
    time: Time = field(default_factory=Time)
    extra: dict[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        """What commands see of the environment."""
        return {
            "PATH": os.environ["PATH"],
            "GENESYS_CLIENT_ID": self.wire.cloud.client,
            "GENESYS_CLIENT_SECRET": self.wire.cloud.secret,
            "GENESYS_API_URL": self.wire.api,
            "GENESYS_LOGIN_URL": self.wire.login,
            "RESUMABLE_STATE": str(self.state),
            "RESUMABLE_WORKERS": "3",
            "RESUMABLE_PROGRESS_SECONDS": "600",
            **{name: os.environ[name] for name in ("PYTHONPATH",) if name in os.environ},
            **self.extra,
        }

    def __call__(self, *arguments: str, later: timedelta = timedelta()) -> Outcome:
        """Run a command in this process, `later` than the last one; its waits pass at once."""
        clock = self.time.next(later=later)
        stdout, stderr, begun = io.StringIO(), io.StringIO(), clock.monotonic()
        code = run(arguments, stdout=stdout, stderr=stderr, environment=self.environment, clock=clock)
        saw("stdout of a command", stdout.getvalue())
        saw("stderr of a command", stderr.getvalue())
        return Outcome(
            code=int(code), stdout=stdout.getvalue(), stderr=stderr.getvalue(), seconds=clock.monotonic() - begun
        )

    def process(self, *arguments: str, timeout: float = 60) -> Outcome:
        """Run a command as a process, in real time."""
        done = subprocess.run(
            [sys.executable, "-m", "resumable", *arguments],
            env=self.environment,
            cwd=self.state.parent,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        return Outcome(code=done.returncode, stdout=done.stdout, stderr=done.stderr, seconds=0.0)

    def status(self, job: str) -> dict[str, Any]:
        """Return what `status --json` says of a job."""
        outcome = self("status", job, "--json")
        assert outcome.code == 0, outcome.stderr
        return outcome.json

    def folder(self, job: str) -> Path:
        """Return a job's folder."""
        return self.state / job

    def parts(self, job: str) -> Iterator[Path]:
        """Yield the parts of a job, as the readers of the world find them."""
        yield from sorted((self.folder(job) / "parts").rglob("*.parquet"))


MakeDesk = Callable[..., Desk]
"""Makes a desk at a server with some world and manners, at some time; the fixture `desk_at` is one."""
