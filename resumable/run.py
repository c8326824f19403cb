"""One run of a job: puts the means together, lets the workers work, and records how it ended."""

import contextlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from resumable.auth import Credentials, TokenForm, TokenSource
from resumable.client import Client
from resumable.clock import Stop
from resumable.config import Settings
from resumable.datasets import Dataset, get
from resumable.errors import (
    Fault,
    Incomplete,
    Interrupted,
    ManifestUnusable,
    ResumableError,
    SourceUnsettled,
    StatusFault,
    UsageError,
)
from resumable.manifest import Manifest, Totals
from resumable.models import Counter, EventKind, JobState, Window, label
from resumable.pacer import Pace, Pacer
from resumable.parts import Parts
from resumable.planner import Feed
from resumable.reconcile import remove_stale
from resumable.redaction import Redactor
from resumable.transport import HttpTransport, Limits
from resumable.worker import Site, Worker, work_through

REFUSALS = frozenset({400, 404, 405, 413, 415, 422})
"""Statuses that say the request itself is wrong, so that no other page would fare better."""


@dataclass(frozen=True, kw_only=True)
class LiveRun:
    """What a watcher may look at while a run goes; each look reads the manifest anew."""

    name: str
    workers: int
    stop: Stop
    manifest: Manifest
    pacer: Pacer
    tokens: TokenSource
    feed: Feed

    def totals(self) -> Totals:
        """Sum up all windows."""
        return self.manifest.totals()

    def counters(self) -> dict[Counter, int]:
        """Return the lifetime counters."""
        return self.manifest.counters()


Watch = Callable[[LiveRun], AbstractContextManager[None]]
"""Looks on while a run goes: entered when it starts, left when it ends."""


class Run:
    """One run, for a process that holds the job's lock."""

    def __init__(self, manifest: Manifest, parts: Parts, settings: Settings, stop: Stop) -> None:
        """`stop` ends it early, after what is in flight."""
        self._manifest = manifest
        self._parts = parts
        self._settings = settings
        self._stop = stop
        self._job = manifest.job()
        self._dataset = get(self._job.spec.dataset)
        self._redactor = Redactor()

    def go(self, watch: Watch) -> None:
        """Take every page that is missing; return when the job is complete, or raise what kept it from that."""
        if self._job.schema_digest != self._dataset.schema.digest:
            raise ManifestUnusable(
                f"the job {self._job.name} was begun with another version of the schema of {self._dataset.name}.",
                hint="Finish it with the version that began it, or take it anew under another name with --job.",
            )
        with contextlib.ExitStack() as means:
            live, worker = self._set_up(means)
            self._work(live, worker, watch)
        self._conclude(worker.unsettled)

    def _work(self, live: LiveRun, worker: Worker, watch: Watch) -> None:
        self._manifest.set_state(JobState.RUNNING)
        self._manifest.event(EventKind.RUN_STARTED, f"{live.workers} workers")
        try:
            for row in self._manifest.stale_windows():
                remove_stale(row.window, manifest=self._manifest, parts=self._parts)
            with watch(live):
                work_through(live.feed, worker, threads=live.workers, stop=self._stop)
        except ResumableError as error:
            self._record_end(JobState.INTERRUPTED, error.message)
            raise

    def _set_up(self, means: contextlib.ExitStack) -> tuple[LiveRun, Worker]:
        settings, dataset = self._settings, self._dataset
        endpoints = settings.required_endpoints()
        client_id, client_secret = settings.required_client()
        self._redactor.keep(client_secret, client_id=client_id)
        api = means.enter_context(contextlib.closing(self._transport(endpoints.api)))
        login = means.enter_context(contextlib.closing(self._transport(endpoints.login)))
        tokens = TokenSource(
            login if dataset.token_form is TokenForm.BASIC else api,
            Credentials(client_id=client_id, client_secret=client_secret),
            form=dataset.token_form,
            stop=self._stop,
            journal=self._manifest,
            redactor=self._redactor,
            policy=settings.policy,
        )
        pacer = Pacer(Pace(documented=dataset.documented_rate, ceiling=settings.rate_per_minute), self._stop)
        feed = Feed(self._manifest, self._stop)
        client = Client(
            transport=api,
            tokens=tokens,
            pacer=pacer,
            stop=self._stop,
            journal=self._manifest,
            redactor=self._redactor,
            policy=settings.policy,
        )
        live = LiveRun(
            name=self._job.name,
            workers=settings.workers,
            stop=self._stop,
            manifest=self._manifest,
            pacer=pacer,
            tokens=tokens,
            feed=feed,
        )
        return live, Worker(self._site(client, feed))

    def _site(self, client: Client, feed: Feed) -> Site:
        return Site(
            job=self._job,
            dataset=self._dataset,
            client=client,
            manifest=self._manifest,
            parts=self._parts,
            feed=feed,
            stop=self._stop,
            deep_limit=self._settings.deep_limit or self._dataset.deep_limit,
            refused=self._end_if_refused,
        )

    def _transport(self, origin: str) -> HttpTransport:
        return HttpTransport(
            origin,
            limits=Limits(),
            clock=self._stop.clock,
            redactor=self._redactor,
            proxy=self._settings.proxy,
            ca_bundle=self._settings.ca_bundle,
            pool_size=self._settings.workers,
        )

    def _end_if_refused(self, fault: Fault) -> None:
        """End the run where the server refuses the query itself and no page of the job has ever come."""
        if isinstance(fault, StatusFault) and fault.status in REFUSALS and self._manifest.totals().pages_known == 0:
            raise UsageError(f"the server refuses this query ({fault.reason}).", hint=_advice(fault, self._dataset))

    def _conclude(self, unsettled: list[Window]) -> None:
        totals = self._manifest.totals()
        error = self._shortfall(totals, unsettled)
        if error is None:
            self._record_end(JobState.COMPLETE, f"{totals.windows} windows, {totals.records} records")
            return
        interrupted = isinstance(error, Interrupted)
        self._record_end(JobState.INTERRUPTED if interrupted else JobState.INCOMPLETE, error.message)
        raise error

    def _shortfall(self, totals: Totals, unsettled: list[Window]) -> ResumableError | None:
        if totals.windows_done == totals.windows:
            return None
        safe = f"{totals.pages_done:,} of {totals.pages_known:,} pages are safe"
        again = f"resumable resume {self._job.name}"
        if self._stop.requested:
            return Interrupted(
                f"interrupted: {safe}.",
                hint="The same command carries on.",
                terminated=self._stop.reason == "SIGTERM",
            )
        if unsettled:
            names = ", ".join(label(window.interval) for window in unsettled[:5])
            return SourceUnsettled(
                f"the source would not settle: {len(unsettled)} windows changed each time they were taken ({names}).",
                hint=f"{safe}. Come back when the data has stopped changing, with: {again}",
            )
        missing = f"{totals.pages_quarantined} pages are quarantined"
        return Incomplete(f"{safe}; {missing}.", hint=f"They are tried again by: {again}")

    def _record_end(self, state: JobState, text: str) -> None:
        self._manifest.event(EventKind.RUN_ENDED, f"{state.value}: {text}")
        self._manifest.set_state(state)


def _advice(fault: StatusFault, dataset: Dataset) -> str:
    if "size" in fault.reason.lower():
        return f"A page of {dataset.name} holds {dataset.page_size_max} records at most: see --page-size."
    if "interval" in fault.reason.lower():
        return "Cut the range into shorter windows with --window (one day is the default)."
    return "Check the filters, the ids and the range of the command."
