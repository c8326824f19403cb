"""Processes under measurement: how long, how much processor, how much memory; and the simulator in one of its own."""

import contextlib
import json
import os
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

CLIENT_ID, CLIENT_SECRET = "simulator-client", "simulator-secret"
FIRST_DAY = "2023-10-01"


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What a process took, from its start to its end."""

    wall: float
    cpu: float
    peak_mb: float
    code: int
    output: str = ""
    errors: str = ""


@dataclass(frozen=True, kw_only=True)
class Server:
    """A simulator in a process of its own."""

    url: str

    @property
    def environment(self) -> dict[str, str]:
        """What the product needs to find it."""
        return {
            "GENESYS_API_URL": self.url,
            "GENESYS_LOGIN_URL": self.url,
            "GENESYS_CLIENT_ID": CLIENT_ID,
            "GENESYS_CLIENT_SECRET": CLIENT_SECRET,
        }

    def ask(self, what: str, body: Mapping[str, Any] | None = None) -> Any:  # noqa: ANN401 - whatever it answers
        """Speak to the simulator's own interface; with a body it is told something."""
        data = None if body is None else json.dumps(body).encode()
        request = Request(f"{self.url}/simulator/{what}", data=data)  # noqa: S310 - our own, on loopback
        with urlopen(request, timeout=60) as answer:  # noqa: S310 - on loopback too
            return json.loads(answer.read())

    def pages(self) -> list[tuple[float, int]]:
        """Return when each page was asked for, in seconds, and the status of the answer."""
        entries = self.ask("log")
        return sorted((entry["at"], entry["status"]) for entry in entries if entry["kind"] == "conversations")


@contextlib.contextmanager
def serving(*, records: int, latency: float = 0.0, rate: int = 0, **settings: object) -> Iterator[Server]:
    """Start a simulator with so many conversations a day; `rate` 0 is no limit. It ends with the block."""
    # Bodies go as they are: unzipping on one side would cost more of the two cores than what is compared.
    known = {"gzip": False, "cache_bytes": 700_000_000, **settings}
    command = [sys.executable, "-m", "resumable", "simulate", "--json", "--records", str(records)]
    command += ["--rate", str(rate), "--latency", str(latency), "--settings", json.dumps(known)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert process.stdout is not None
        yield Server(url=_object(process.stdout)["url"])
    finally:
        process.terminate()
        process.communicate(timeout=30)


def _object(lines: Iterator[str]) -> dict[str, Any]:
    """Read lines up to the end of the JSON object that they begin with."""
    text = ""
    for line in lines:
        text += line
        with contextlib.suppress(ValueError):
            found: dict[str, Any] = json.loads(text)
            return found
    raise RuntimeError("the simulator did not start")


def measured(command: Sequence[str], *, environment: Mapping[str, str] | None = None, timeout: float = 900) -> Cost:
    """Run a command to its end and return what it took. Raises RuntimeError where it failed."""
    cost = ended(started(command, environment=environment), timeout=timeout)
    if cost.code not in (0, 3):
        raise RuntimeError(f"{' '.join(command)} ended with {cost.code}: {cost.errors[-2000:]}")
    return cost


@dataclass(frozen=True, kw_only=True)
class Started:
    """A process under way."""

    process: subprocess.Popen[str]
    at: float


def started(command: Sequence[str], *, environment: Mapping[str, str] | None = None) -> Started:
    """Start a command that is to be measured."""
    env = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), **(environment or {})}
    process = subprocess.Popen(
        list(command), env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    return Started(process=process, at=time.monotonic())


def ended(running: Started, *, timeout: float = 900) -> Cost:
    """Wait for a process, and return what it took; it is killed after `timeout` seconds."""
    process, said = running.process, {}
    readers = [
        threading.Thread(target=lambda name, stream: said.update({name: stream.read()}), args=(name, stream))
        for name, stream in (("output", process.stdout), ("errors", process.stderr))
    ]
    for reader in readers:
        reader.start()
    alarm = threading.Timer(timeout, process.kill)
    alarm.start()
    _, status, used = os.wait4(process.pid, 0)
    wall = time.monotonic() - running.at
    alarm.cancel()
    process.returncode = os.waitstatus_to_exitcode(status)
    for reader in readers:
        reader.join()
    for stream in (process.stdout, process.stderr):
        assert stream is not None
        stream.close()
    return Cost(wall=wall, cpu=used.ru_utime + used.ru_stime, peak_mb=_megabytes(used), code=process.returncode, **said)


def _megabytes(used: resource.struct_rusage) -> float:
    return used.ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3 / 1.024)


def product(
    server: Server, state: Path, *arguments: str, module: str = "resumable"
) -> tuple[list[str], dict[str, str]]:
    """Return the command line of the product against a server, and its environment."""
    environment = {**server.environment, "RESUMABLE_STATE": str(state)}
    return [sys.executable, "-m", module, *arguments], environment


def backfill(days: int, *extra: str, dataset: str = "conversations") -> list[str]:
    """Return the arguments that take so many days, as fast as it goes."""
    return ["backfill", dataset, "--from", FIRST_DAY, "--to", day(days), "--rate", "1000000", *extra]


def day(number: int) -> str:
    """Return the day that is so many days after the first."""
    return (date.fromisoformat(FIRST_DAY) + timedelta(days=number)).isoformat()
