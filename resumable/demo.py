"""The demonstration: a real backfill against the simulator, killed twice for real, and compared with the truth."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from resumable import status as status_of
from resumable.clock import Stop
from resumable.config import Settings
from resumable.errors import UsageError, VerificationFailed
from resumable.job.job import Job
from resumable.job.making import find
from resumable.manifest.reader import reader
from resumable.models import Counter
from resumable.simulator.faults.faults import FaultKind, Match, SimFault
from resumable.simulator.messages import Kind
from resumable.simulator.settings import SimSettings, Style
from resumable.simulator.simulator import Simulator
from resumable.storage.job_files import JobFiles, StateFiles

DATASET = "conversations"
FIRST_DAY = date(2025, 3, 3)
DAYS = 8
PAGE_SIZE = 20
RECORDS_A_DAY = 1000
"""Fifty pages a day."""

WORLD = SimSettings(
    seed=7,
    records_on={str(FIRST_DAY + timedelta(days=number)): RECORDS_A_DAY for number in range(DAYS)},
    style=Style.LIFELIKE,
    queues=5,
    token_lifetime=3.0,
    rate_public=2100,
    latency=(0.05, 0.15),
)
"""Tokens of three seconds; 2,100 requests a minute, so that 400 pages take a quarter of a minute and not over one."""

FAULTS = (
    SimFault(kind=FaultKind.STATUS, status=429, headers=(("Retry-After", "1"),), on=Match(nth=(90,))),
    SimFault(kind=FaultKind.STATUS, status=504, times=3, on=Match(nth=(35, 160, 300))),
    SimFault(kind=FaultKind.RESET_INSIDE, times=2, on=Match(nth=(60, 220))),
    SimFault(kind=FaultKind.CUT, times=2, on=Match(nth=(75, 260))),
    SimFault(kind=FaultKind.RECORDS_MISSING, times=1, on=Match(nth=(120,))),
    SimFault(kind=FaultKind.HTML, status=200, times=1, on=Match(nth=(190,))),
)
"""What goes wrong on the way."""

KILLS_AT = (1 / 3, 2 / 3)
"""Shares of the pages at which the process is killed."""

LOOK_SECONDS = 0.02
LONGEST_SECONDS = 120.0


@dataclass(frozen=True, kw_only=True)
class Killed:
    """How the job stood when its process was killed."""

    pages: int
    records: int
    requests: int


@dataclass(frozen=True, kw_only=True)
class QueueFigures:
    """What an analyst asks of a queue, by Genesys's definitions."""

    name: str
    offered: int
    answered: int
    abandoned: int
    over_sla: int
    answered_seconds: float
    """In all, until they were answered."""

    @property
    def service_level(self) -> float:
        """Which share of those that were answered, or gave up, was answered in time."""
        return (self.answered - self.over_sla) / max(1, self.answered + self.abandoned)

    @property
    def answer_seconds(self) -> float:
        """Return how long an answer took on average."""
        return self.answered_seconds / max(1, self.answered)

    def to_json(self) -> dict[str, Any]:
        """Return the object that `demo --json` prints."""
        return {
            "name": self.name,
            "offered": self.offered,
            "answered": self.answered,
            "abandoned": self.abandoned,
            "service_level": round(self.service_level, 4),
            "answer_seconds": round(self.answer_seconds, 1),
        }


@dataclass(frozen=True, kw_only=True)
class Result:
    """What the demonstration showed."""

    job: str
    folder: Path
    kills: tuple[Killed, ...]
    pages: int
    records: int
    bytes: int
    equal: int
    """Records that equal the truth, member by member."""
    expected: int
    requests: int
    requests_served: int
    """As the simulator counted them."""
    asked_again: int
    """Requests for pages that were already recorded when a process was killed."""
    faults: Mapping[str, int]
    """How often each kind of fault struck."""
    rate_limited: int
    retries: int
    tokens: int
    queues: tuple[QueueFigures, ...]

    @property
    def proved(self) -> bool:
        """Whether everything is as it was promised."""
        return self.equal == self.expected == self.records and self.asked_again == 0 and len(self.kills) == 2

    def to_json(self) -> dict[str, Any]:
        """Return the object that `demo --json` prints."""
        return {
            "job": self.job,
            "folder": str(self.folder),
            "kills": [{"pages": k.pages, "records": k.records, "requests": k.requests} for k in self.kills],
            "pages": self.pages,
            "records": self.records,
            "bytes": self.bytes,
            "records_expected": self.expected,
            "records_equal": self.equal,
            "requests": self.requests,
            "requests_served": self.requests_served,
            "finished_pages_asked_again": self.asked_again,
            "faults": dict(self.faults),
            "rate_limited": self.rate_limited,
            "retries": self.retries,
            "tokens": self.tokens,
            "queues": [queue.to_json() for queue in self.queues],
            "proved": self.proved,
        }


@dataclass(kw_only=True)
class Demo:
    """One demonstration."""

    state: Path
    environment: Mapping[str, str]
    stop: Stop
    tell: Callable[[str], None]
    comparing: Callable[[], contextlib.AbstractContextManager[object]] = contextlib.nullcontext
    """Shows that something goes on while records are compared, which takes seconds."""
    world: SimSettings = WORLD
    _kills: list[Killed] = field(default_factory=list)
    _finished: dict[int, set[tuple[str, int]]] = field(default_factory=dict)
    """Pages recorded at a kill, by how many requests the simulator had seen then."""

    def run(self) -> Result:
        """Run it. Raises VerificationFailed where what came is not what was promised."""
        name = self._free_name()
        with Simulator(self.world, faults=FAULTS) as sim:
            command, pages = self._command(name), DAYS * RECORDS_A_DAY // PAGE_SIZE
            self._introduce(sim)
            self.tell(f"\n$ resumable {' '.join(command)}")
            for share in KILLS_AT:
                with self._child(sim, command) as child:
                    self._kill(child, sim, name, at=int(pages * share))
                self.tell("$ resumable ... the same command again")
            with self._child(sim, command) as child:
                self._wait(child, lambda: child.poll() is not None)
                if child.returncode != 0:
                    raise VerificationFailed(
                        f"the last run ended with exit code {child.returncode}.", hint="What it said is above."
                    )
            with self._child(sim, lists := ["backfill", "queues", "--job", f"{name}-queues"]) as child:
                self.tell(f"$ resumable {' '.join(lists)}")
                self._wait(child, lambda: child.poll() is not None)
            with self.comparing():
                result = self._compare(sim, name)
        if not result.proved:
            raise VerificationFailed(
                f"the demonstration failed: {result.equal:,} of {result.expected:,} records equal the truth,"
                f" {result.asked_again} finished pages were asked for again.",
                hint=f"What came is in {result.folder}.",
            )
        return result

    def _introduce(self, sim: Simulator) -> None:
        life, wrong = f"{self.world.token_lifetime:g} s", sum(fault.times or 0 for fault in FAULTS)
        self.tell(f"A simulated Genesys Cloud listens on {sim.url}: {self.world.rate_public:,} requests")
        self.tell(f"a minute are allowed, tokens live {life}, and {wrong} answers will be 429, 504, cut short")
        self.tell("or no JSON. The command below is a process of its own, and is killed twice.")

    def _command(self, name: str) -> list[str]:
        last, size = FIRST_DAY + timedelta(days=DAYS), ["--page-size", str(PAGE_SIZE)]
        return ["backfill", DATASET, "--from", str(FIRST_DAY), "--to", str(last), *size, "--job", name]

    def _free_name(self) -> str:
        # Never an old one: it might be somebody's own job of that name, and a complete one would show nothing.
        for number in range(1, 1000):
            name = "demo" if number == 1 else f"demo-{number}"
            files = StateFiles(folder=self.state)
            if not any(files.job(each).folder.exists() for each in (name, f"{name}-queues")):
                return name
        raise UsageError(f"{self.state} holds a thousand demonstrations.", hint="Delete some of them.")

    @contextlib.contextmanager
    def _child(self, sim: Simulator, command: list[str]) -> Iterator[subprocess.Popen[bytes]]:
        """Start the product as a process of its own; it never outlives this."""
        credentials = {
            "GENESYS_CLIENT_ID": sim.settings.client_id,
            "GENESYS_CLIENT_SECRET": sim.settings.client_secret,
            "GENESYS_API_URL": sim.url,
            "GENESYS_LOGIN_URL": sim.url,
            "RESUMABLE_STATE": str(self.state),
        }
        others = {n: v for n, v in self.environment.items() if not n.startswith(("GENESYS_", "RESUMABLE_"))}
        argv = [sys.executable, "-m", "resumable", *command]
        with subprocess.Popen(  # noqa: S603 - this very program, with arguments of this module
            argv, env={**others, **credentials}, stdin=subprocess.DEVNULL, process_group=0
        ) as child:  # a group of its own: Ctrl-C is for the demonstration, which ends it
            try:
                yield child
            finally:
                child.kill()

    def _kill(self, child: subprocess.Popen[bytes], sim: Simulator, name: str, *, at: int) -> None:
        """Kill the process with SIGKILL once so many pages are done."""
        home = StateFiles(folder=self.state).job(name)

        def far_enough() -> bool:
            known = status_of.read(home, events=0)
            return child.poll() is not None or (known is not None and known.totals.pages_done >= at)

        self._wait(child, far_enough)
        child.kill()
        child.wait()
        known = status_of.read(home, events=0)
        if known is None or child.returncode != -9:
            raise VerificationFailed(
                f"the process ended with {child.returncode} before it was killed.",
                hint="Is this machine very busy? Run it again.",
            )
        totals = known.totals
        served = max((entry.sequence for entry in sim.log), default=0)
        self._finished[served] = _pages_done(home)
        self._kills.append(
            Killed(pages=totals.pages_done, records=totals.records, requests=known.counters[Counter.REQUESTS])
        )
        if sys.stderr.isatty():
            # The child wrote to this very terminal, and could not give it its cursor back.
            os.write(2, b"\x1b[?25h\n")
        safe = f"{totals.pages_done:,} pages and {totals.records:,} records are safe"
        self.tell(f"kill -9 {child.pid}: {safe}; the job is {known.state.value}\n")

    def _wait(self, child: subprocess.Popen[bytes], enough: Callable[[], bool]) -> None:
        clock = self.stop.clock
        deadline = clock.monotonic() + LONGEST_SECONDS
        while not enough():
            if clock.monotonic() > deadline:
                raise VerificationFailed(
                    "the demonstration took too long.", hint="Is this machine very busy? Try again."
                )
            self.stop.wait(LOOK_SECONDS)

    def _compare(self, sim: Simulator, name: str) -> Result:
        job = find(name, Settings(state=self.state))
        known = job.status()
        truth = {record["conversationId"]: record for record in sim.truth(str(known.job.spec.interval))}
        equal = sum(truth.pop(record["conversationId"], None) == record for record in job.records())
        log = sim.log.entries(Kind.CONVERSATIONS)
        again = sum(
            (entry.interval, entry.page) in pages
            for served, pages in self._finished.items()
            for entry in log
            if entry.sequence > served
        )
        return Result(
            job=name,
            folder=job.folder,
            kills=tuple(self._kills),
            pages=known.totals.pages_done,
            records=known.totals.records,
            bytes=known.totals.bytes,
            equal=equal,
            expected=equal + len(truth),
            requests=known.counters[Counter.REQUESTS],
            requests_served=len(log),
            asked_again=again,
            faults=sim.faults_fired(),
            rate_limited=known.counters[Counter.RATE_LIMITED],
            retries=known.counters[Counter.RETRIES],
            tokens=known.counters[Counter.TOKEN_REFRESHES],
            queues=_queue_figures(job),
        )


def _queue_figures(job: Job) -> tuple[QueueFigures, ...]:
    """Add up the interactions of each queue, the one that was offered most first."""
    lines: list[bytes] = []
    job.export(lines.append, format="jsonl", table="interactions")
    found: dict[str, list[dict[str, Any]]] = {}
    for row in map(json.loads, b"".join(lines).splitlines()):
        found.setdefault(row.get("queueName", row["queueId"]), []).append(row)
    figures = [
        QueueFigures(
            name=name,
            offered=sum(row["offered"] for row in rows),
            answered=sum(row["answered"] for row in rows),
            abandoned=sum(row["abandoned"] for row in rows),
            over_sla=sum(row["overSla"] for row in rows),
            answered_seconds=sum(row["waitMs"] for row in rows if row["answered"]) / 1000,
        )
        for name, rows in found.items()
    ]
    return tuple(sorted(figures, key=lambda each: -each.offered))


def _pages_done(home: JobFiles) -> set[tuple[str, int]]:
    """Return the pages that are recorded as done, as the simulator names them."""
    with reader(home) as manifest:
        if manifest is None:
            return set()
        return {
            (str(row.window.interval), page.number) for row in manifest.windows() for page in manifest.pages(row.window)
        }
