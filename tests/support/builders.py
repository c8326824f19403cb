"""Small builders for what the core is made of: journals, sources of tokens, clients, manifests, answers."""

from collections import Counter as Tally
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

import resumable
from resumable.api.client import Client
from resumable.api.concurrency import Concurrency
from resumable.api.in_hand import BytesInHand
from resumable.api.outage import OutageGate
from resumable.api.pace import Pace, Pacer
from resumable.api.tokens import Credentials, TokenSource
from resumable.clock import Clock, Stop
from resumable.config import Endpoints, Policy, Settings
from resumable.datasets.token_forms import TokenForm
from resumable.errors import Fault
from resumable.manifest.store import Manifest
from resumable.models import Counter, EventKind, Interval, JobSpec, Query, Snapshot, Window, iso
from resumable.redaction import Redactor, Secret
from resumable.schema.registry import pinned
from resumable.simulator.simulator import Simulator
from resumable.storage.parts import Footer
from resumable.transport.http import Transport
from tests.support.transports import SimulatedTransport

CLIENT_SECRET = "canary-secret-5f1d"
START = datetime(2023, 10, 1, tzinfo=UTC)


@dataclass
class MemoryJournal:
    """A journal that only remembers."""

    counts: Tally[Counter] = field(default_factory=Tally)
    events: list[tuple[EventKind, str]] = field(default_factory=list)
    failures: list[tuple[str, Fault]] = field(default_factory=list)
    outages: list[tuple[datetime | None, str]] = field(default_factory=list)

    def count(self, counter: Counter) -> None:
        """Add one."""
        self.counts[counter] += 1

    def event(self, kind: EventKind, text: str) -> None:
        """Keep a line."""
        self.events.append((kind, text))

    def failed(self, asked: str, fault: Fault) -> None:
        """Keep it."""
        self.failures.append((asked, fault))

    def outage(self, since: datetime | None, why: str) -> None:
        """Remember it."""
        self.outages.append((since, why))

    def answered(self, seconds: float, *, allowed: float, others: int | None = None) -> None:
        """Let it pass."""


@dataclass(frozen=True, kw_only=True)
class Parties:
    """One client with all it needs; `journal` saw everything."""

    client: Client
    tokens: TokenSource
    stop: Stop
    journal: MemoryJournal


def token_source(
    transport: Transport,
    clock: Clock,
    *,
    stop: Stop | None = None,
    journal: MemoryJournal | None = None,
    form: TokenForm = TokenForm.BASIC,
    policy: Policy | None = None,
    client_id: str = "client",
    client_secret: str = CLIENT_SECRET,
) -> TokenSource:
    """Make a source of tokens."""
    redactor = Redactor()
    redactor.keep(Secret(client_secret), client_id=client_id)
    stop, journal = stop or Stop(clock), journal or MemoryJournal()
    return TokenSource(
        transport,
        Credentials(client_id=client_id, client_secret=Secret(client_secret)),
        form=form,
        stop=stop,
        journal=journal,
        redactor=redactor,
        policy=policy or Policy(),
        gate=OutageGate(stop, journal, patience=timedelta(minutes=30)),
    )


def parties(
    api: Transport,
    login: Transport,
    clock: Clock,
    *,
    rate: float = 1_000_000,
    policy: Policy | None = None,
    pace: Pace | None = None,
) -> Parties:
    """Make a client."""
    stop, journal = Stop(clock), MemoryJournal()
    tokens = token_source(login, clock, stop=stop, journal=journal, policy=policy)
    client = Client(
        transport=api,
        tokens=tokens,
        pacer=Pacer(pace or Pace(documented=rate), stop),
        concurrency=Concurrency(clock, usual=8),
        in_hand=BytesInHand(stop),
        stop=stop,
        journal=journal,
        redactor=Redactor(),
        policy=policy or Policy(),
        gate=OutageGate(stop, journal, patience=timedelta(minutes=30)),
    )
    return Parties(client=client, tokens=tokens, stop=stop, journal=journal)


def virtual_settings(sim: Simulator, clock: Clock, state: Path, **more: Any) -> Settings:  # noqa: ANN401 - any setting
    """Return settings that lead to a simulator without sockets, on the test's clock."""
    origin = "http://127.0.0.1:1"
    return Settings(
        endpoints=Endpoints(api=origin, login=origin),
        client_id=sim.settings.client_id,
        client_secret=Secret(sim.settings.client_secret),
        state=state,
        transport=lambda _origin: SimulatedTransport(clock, sim),
        **more,
    )


def make_job(
    sim: Simulator,
    clock: Clock,
    state: Path,
    *,
    days: int = 2,
    **more: Any,  # noqa: ANN401 - any setting
) -> resumable.Job:
    """Make a job over the simulator's first days, with pages of 20 unless told otherwise."""
    dataset, page_size = more.pop("dataset", "conversations"), more.pop("page_size", 20)
    spec = JobSpec.of(dataset, START, START + timedelta(days=days), page_size=page_size)
    return resumable.make(spec, virtual_settings(sim, clock, state, **more), name="job", clock=clock)


def days(count: int, *, start: datetime = START) -> Iterator[Interval]:
    """Yield windows of a day."""
    for n in range(count):
        yield Interval(start=start + timedelta(days=n), end=start + timedelta(days=n + 1))


MADE: list[Manifest] = []
"""What `make_manifest` has made; it is closed with the test, by `tests/conftest.py`."""


def make_manifest(path: Path, clock: Clock, *, windows: int = 2, page_size: int = 2) -> Manifest:
    """Make a manifest with windows of a day; it is closed with the test, where the test does not close it."""
    spec = JobSpec(
        dataset="conversations",
        interval=Interval(start=START, end=START + timedelta(days=windows)),
        query=Query(),
        window=timedelta(days=1),
        page_size=page_size,
    )
    digest = pinned("conversation").digest
    MADE.append(Manifest.create(path, clock, name="job", spec=spec, schema_digest=digest, windows=days(windows)))
    return MADE[-1]


def snapshot(window: Window, page_count: int, total: int | None = None) -> Snapshot:
    """Return a snapshot of a window's current take."""
    return Snapshot(number=window.take, page_count=page_count, total=total)


def table(*ids: str) -> pa.Table:
    """Return a page of conversations of which only the ids are known."""
    schema = pinned("conversation").arrow
    return pa.Table.from_pylist([{"conversationId": name} for name in ids], schema=schema)


def footer(manifest: Manifest, window: Window, number: int, rows: int, *, page_count: int, total: int) -> Footer:
    """Return what a part of a page says of itself."""
    job = manifest.job()
    return Footer(
        job=job.uuid,
        job_name=job.name,
        spec=job.spec.to_json(),
        query_digest=job.spec.digest,
        schema_digest=job.schema_digest,
        window=window.interval,
        take=window.take,
        number=number,
        rows=rows,
        page_count=page_count,
        total=total,
        snapshot_page_count=page_count,
        snapshot_total=total,
        taken_at=iso(START),
    )
