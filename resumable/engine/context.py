"""What a run has in hand: one frozen context for its workers, and the view of it for those who look on."""

from dataclasses import dataclass

from resumable.api.client import Client
from resumable.api.concurrency import Concurrency
from resumable.api.pace import Pacer
from resumable.api.tokens import Tokens
from resumable.clock import Stop
from resumable.datasets.contract import Contract
from resumable.engine.feed import Feed
from resumable.manifest.rows import JobRow, Totals
from resumable.manifest.store import Manifest
from resumable.models import Counter, WindowContract
from resumable.storage.parts import Parts


@dataclass(frozen=True, kw_only=True)
class RunContext:
    """What all threads of a run share."""

    job: JobRow
    contract: Contract
    client: Client
    manifest: Manifest
    parts: Parts
    feed: Feed
    stop: Stop
    spec: str
    """The job's spec, as each part's footer repeats it."""
    deep_limit: int | None
    """Records of one window that can be paged through; None where there is no limit."""
    window_contract: WindowContract | None = None
    """Which contract of the dataset this is, where its windows are taken by one of two."""
    count: bool = True
    """Whether windows whose answers name no total are counted by other means."""
    fail_on_drift: bool = False
    """Whether a value that the schema has no place for ends the run."""


@dataclass(frozen=True, kw_only=True)
class LiveRun:
    """What a watcher may look at while a run goes; each look reads the manifest anew."""

    context: RunContext

    @property
    def name(self) -> str:
        """The job's name."""
        return self.context.job.name

    @property
    def concurrency(self) -> Concurrency:
        """How many requests are in flight at once."""
        return self.context.client.concurrency

    @property
    def pacer(self) -> Pacer:
        """What decides when the next request may go."""
        return self.context.client.pacer

    @property
    def tokens(self) -> Tokens:
        """What hands out tokens."""
        return self.context.client.tokens

    @property
    def feed(self) -> Feed:
        """What hands out the work."""
        return self.context.feed

    @property
    def stop(self) -> Stop:
        """What ends the run early."""
        return self.context.stop

    @property
    def manifest(self) -> Manifest:
        """The job's memory."""
        return self.context.manifest

    def totals(self) -> Totals:
        """Sum up all windows."""
        return self.context.manifest.totals()

    def counters(self) -> dict[Counter, int]:
        """Return the lifetime counters."""
        return self.context.manifest.counters()
