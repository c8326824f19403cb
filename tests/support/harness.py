"""The product as a process, against a simulator in this one."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from resumable.config import Settings
from resumable.job.job import Job
from resumable.job.making import find
from resumable.simulator.messages import Kind
from resumable.simulator.simulator import Simulator

PAGE_KINDS = (Kind.CONVERSATIONS, Kind.ARTICLE, Kind.JOB_RESULTS)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a process ended; a negative `code` is the signal that killed it."""

    code: int
    stdout: str
    stderr: str


@dataclass(frozen=True, kw_only=True)
class Product:
    """The command line, with credentials for one simulator and one state folder."""

    sim: Simulator
    state: Path
    extra: tuple[tuple[str, str], ...] = ()

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start a command."""
        return subprocess.Popen(
            [sys.executable, "-m", "resumable", *arguments],
            env=self._environment(),
            cwd=self.state.parent,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, timeout: float = 100) -> Outcome:
        """Run a command to its end."""
        return finished(self.start(*arguments), timeout=timeout)

    def status(self, job: str) -> dict[str, Any]:
        """Return what `status --json` prints."""
        outcome = self.run("status", job, "--json")
        assert outcome.code == 0, outcome.stderr
        answer: dict[str, Any] = json.loads(outcome.stdout)
        return answer

    def job(self, name: str) -> Job:
        """Return the job for reading."""
        return find(name, Settings(state=self.state))

    def _environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "GENESYS_CLIENT_ID": self.sim.settings.client_id,
            "GENESYS_CLIENT_SECRET": self.sim.settings.client_secret,
            "GENESYS_API_URL": self.sim.url,
            "GENESYS_LOGIN_URL": self.sim.url,
            "RESUMABLE_STATE": str(self.state),
            **dict(self.extra),
        }


def finished(process: subprocess.Popen[str], *, timeout: float = 100) -> Outcome:
    """Wait for a process and return how it ended."""
    try:
        stdout, stderr = process.communicate(timeout=timeout)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    return Outcome(code=process.returncode, stdout=stdout, stderr=stderr)


def killed(process: subprocess.Popen[str], sim: Simulator, *, pages: int, seconds: float) -> Outcome:
    """Kill a process with SIGKILL some `seconds` after it has sent so many more page requests."""
    wait_for_pages(process, sim, pages=pages)
    _wait(process, seconds)
    process.send_signal(signal.SIGKILL)
    return finished(process)


def wait_for_pages(process: subprocess.Popen[str], sim: Simulator, *, pages: int) -> None:
    """Return once so many more page requests have come in, or the process has ended."""
    sent = sim.log.count(*PAGE_KINDS)
    while process.poll() is None and sim.log.count(*PAGE_KINDS) < sent + pages:
        _wait(process, 0.01)


def _wait(process: subprocess.Popen[str], seconds: float) -> None:
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=seconds)


def plain(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Return a JSON value without its null members: absent and null are the same."""
    if isinstance(value, dict):
        return {name: plain(member) for name, member in value.items() if member is not None}
    return [plain(element) for element in value] if isinstance(value, list) else value


def by_id(records: Iterator[dict[str, Any]]) -> dict[str, Any]:
    """Return records by their id; no id may come twice."""
    found: dict[str, Any] = {}
    for record in records:
        assert record["conversationId"] not in found, f"{record['conversationId']} came twice"
        found[record["conversationId"]] = plain(record)
    return found


def assert_equal_to_truth(job: Job, sim: Simulator, *, dataset: str, query: dict[str, Any] | None = None) -> None:
    """Check that a job holds just the records that the simulator has, each once, each whole."""
    interval = job.status().job.spec.interval
    truth = {
        record["conversationId"]: plain(record) for record in sim.truth(str(interval), dataset=dataset, query=query)
    }
    got = by_id(job.records())
    assert got.keys() == truth.keys()
    assert got == truth
