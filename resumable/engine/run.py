"""One run of a job: puts the means together, lets the workers work, and records how it ended."""

import contextlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace

from resumable.api.client import Client, Stopped
from resumable.api.session import open_session
from resumable.clock import Stop
from resumable.config import Settings
from resumable.datasets.facts import Paging
from resumable.datasets.limits import deep_limit
from resumable.datasets.refusals import refusal_of
from resumable.datasets.resolve import of_job
from resumable.engine import belonging, inference, receipt
from resumable.engine.belonging import HeldJournal
from resumable.engine.context import LiveRun, RunContext
from resumable.engine.cursor import CursorWorker
from resumable.engine.feed import Feed
from resumable.engine.mixed import MixedWorker
from resumable.engine.pages import PageWorker
from resumable.engine.record_keys import RecordKeys
from resumable.engine.recorder import Recorder
from resumable.engine.recovery import remove_stale
from resumable.engine.server_jobs import ServerJobWorker
from resumable.engine.small_requests import small_request
from resumable.engine.threads import Worker, work_through
from resumable.errors import (
    Fault,
    Incomplete,
    Interrupted,
    ManifestUnusable,
    ResumableError,
    SourceUnsettled,
    StorageFailed,
    UsageError,
    VerificationFailed,
)
from resumable.manifest.expected import expected
from resumable.manifest.rows import Totals
from resumable.manifest.store import Manifest
from resumable.models import EventKind, JobState, label
from resumable.status import check_complete
from resumable.storage.job_files import JobFiles, remove_unfinished_answers
from resumable.storage.parts import Parts
from resumable.storage.scratch import Scratch
from resumable.text import amount, size

LIMITS = {"limit": "the time allowed is up", "requests": "the requests allowed are used up"}
"""What a run was told to end after, by the reason for its stop."""


Watch = Callable[[LiveRun], AbstractContextManager[None]]
"""Looks on while a run goes: entered when it starts, left when it ends."""


class Run:
    """One run, for a process that holds the job's lock."""

    def __init__(self, manifest: Manifest, home: JobFiles, settings: Settings, stop: Stop) -> None:
        """`stop` ends it early, after what is in flight."""
        self._manifest = manifest
        self._home = home
        self._parts = Parts(home)
        self._settings = settings
        self._stop = stop
        self._job = manifest.job()
        self._contract = of_job(self._job.spec, self._job.columns)

    def go(self, watch: Watch) -> None:
        """Take every page that is missing; return when the job is complete, or raise what kept it from that."""
        if self._job.schema_digest != self._contract.schema.digest:
            raise ManifestUnusable(
                f"the job {self._job.name} was begun with another version of the schema of {self._contract.name}.",
                hint="Finish it with the version that began it, or take it anew under another name with --job.",
            )
        self._check_room()
        with Scratch(self._home.folder) as scratch, contextlib.ExitStack() as watched:
            kept = RecordKeys(scratch)
            journal = HeldJournal(self._manifest)
            with self._session(journal) as client:
                recorder = None
                if self._belong(client, journal):
                    self._begin(client)
                    recorder = self._work(client, kept, lambda live: watched.enter_context(watch(live)))
            self._conclude(recorder, kept)  # watched too: with many pages of earlier runs it takes minutes

    def _session(self, journal: HeldJournal) -> AbstractContextManager[Client]:
        query = self._job.spec.query
        return open_session(self._contract, self._settings, stop=self._stop, journal=journal, query=query)

    def conclude(self) -> None:
        """Close a job of which every window is complete; nothing is asked of the server. Raises ManifestUnusable."""
        for row in self._manifest.stale_windows():
            remove_stale(row.window, manifest=self._manifest, parts=self._parts)
        with Scratch(self._home.folder) as scratch:
            self._conclude(None, RecordKeys(scratch))

    def check_complete(self) -> None:
        """Raise ManifestUnusable or VerificationFailed where a job that is called complete is not."""
        check_complete(self._manifest, self._home, closed=True)

    def _check_room(self) -> None:
        """Refuse to start where the disk cannot hold what is known to come."""
        if not self._settings.min_free:
            return
        totals = self._manifest.totals()
        a_page = totals.bytes / totals.pages_done if totals.pages_done else 0
        needed = int(a_page * (totals.pages_known - totals.pages_done)) + self._settings.min_free
        free = self._home.store.free()
        if free is not None and free < needed:
            raise StorageFailed(
                f"the disk that holds {self._home.place} has {size(free)} free; {size(needed)} are"
                " needed for the pages known and some room.",
                hint="Make room, then run the same command. To run all the same, set RESUMABLE_MIN_FREE=0.",
            )

    def _belong(self, client: Client, journal: HeldJournal) -> bool:
        """Learn whose data the job holds, or refuse another's before anything is changed; False where it is to end."""
        try:
            self._job = belonging.settle(self._manifest, client, self._contract, self._settings)
        except UsageError:
            raise
        except Stopped:
            journal.release()
            return False
        except BaseException:
            journal.release()
            raise
        journal.release()
        return True

    def _begin(self, client: Client) -> None:
        self._manifest.set_state(JobState.RUNNING)
        self._manifest.learned.outage(None, "")  # of an earlier run: somebody has been answered since
        self._manifest.event(EventKind.RUN_STARTED, f"{client.concurrency.size} workers")
        if self._manifest.no_log:
            slower = f"no write-ahead log on this disk ({self._manifest.no_log}): each page is recorded more slowly"
            self._manifest.event(EventKind.WARNING, slower)

    def _work(self, client: Client, kept: RecordKeys, show: Callable[[LiveRun], None]) -> Recorder | None:
        """Do the work of the run; None where it was to end before any could begin."""
        recorder = None
        try:
            self._settle_schema(client)
            live, recorder, worker = self._set_up(client, kept)
            for row in self._manifest.stale_windows():
                remove_stale(row.window, manifest=self._manifest, parts=self._parts)
            worker.begin()
            show(live)
            work_through(live.feed, worker, concurrency=live.concurrency, in_hand=client.in_hand, stop=self._stop)
        except Stopped:
            pass  # a signal came while the run was being prepared
        except ResumableError as error:
            self._record_end(JobState.INTERRUPTED, error.message)
            self._tell_since(error)
            raise
        return recorder

    def _settle_schema(self, client: Client) -> None:
        try:
            self._job, self._contract = inference.settle(self._contract, self._manifest, client)
        except Fault as fault:
            self._end_if_refused(fault)
            raise Incomplete(
                f"no page came to infer the schema from: {fault.reason}.",
                hint="Run the same command again, or describe the columns in the file, under [schema].",
            ) from None

    def _set_up(self, client: Client, kept: RecordKeys) -> tuple[LiveRun, Recorder, Worker]:
        feed = Feed(self._manifest, self._stop, limit=lambda: client.concurrency.size)
        query = self._job.spec.query
        client = replace(client, small=lambda: small_request(self._contract, query, self._manifest))
        context = RunContext(
            job=self._job,
            contract=self._contract,
            client=client,
            manifest=self._manifest,
            parts=self._parts,
            feed=feed,
            stop=self._stop,
            spec=self._job.spec.to_json(),
            deep_limit=deep_limit(self._contract, self._settings.deep_limit or self._job.deep_limit),
            count=self._settings.count,
            fail_on_drift=self._settings.fail_on_drift,
        )
        recorder = Recorder(context=context, keys=kept)
        return LiveRun(context=context), recorder, self._worker(recorder)

    def _worker(self, recorder: Recorder) -> Worker:
        contract, refused = self._contract, self._end_if_refused
        if contract.paging is Paging.SERVER_JOB:
            return ServerJobWorker(contract, recorder, refused, jobs=self._settings.workers)
        if contract.paging is Paging.BY_WINDOW:
            return MixedWorker(contract, recorder, refused, jobs=self._settings.workers)
        if contract.paging is Paging.CURSOR:
            return CursorWorker(contract, recorder, refused)
        return PageWorker(contract, recorder, refused)

    def _end_if_refused(self, fault: Fault) -> None:
        """End the run where the server refuses the query itself and no page of the job has ever come."""
        error = refusal_of(fault, self._contract)
        if error is not None and self._manifest.totals().pages_known == 0:
            raise error

    def _conclude(self, recorder: Recorder | None, kept: RecordKeys) -> None:
        totals = self._manifest.totals()
        error = self._shortfall(totals, recorder)
        if error is None:
            try:
                self._manifest.check_in_place()
                check_complete(self._manifest, self._home, closed=False)
            except (ManifestUnusable, VerificationFailed) as unsound:
                error = unsound
        if error is None:
            remove_unfinished_answers(self._home.store)
            receipt.write(self._manifest, self._parts, self._contract, kept)
            self._record_end(JobState.COMPLETE, f"{totals.windows} windows, {totals.records} records")
            return
        self._record_end(JobState.INTERRUPTED if self._stop.requested else JobState.INCOMPLETE, error.message)
        self._tell_since(error)
        raise error

    def _tell_since(self, error: ResumableError) -> None:
        """Let what ends a run say since when the job is not complete: one that never completes would end like this."""
        if isinstance(error, Incomplete) and (behind := self._manifest.behind()) is not None:
            error.since, error.runs = behind.since, behind.runs

    def _shortfall(self, totals: Totals, recorder: Recorder | None) -> ResumableError | None:
        # A complete job asks for nothing more: what it left on the server would stay there.
        left = self._stop.requested and bool(self._manifest.useless_remotes())
        if totals.windows_done == totals.windows and not left:
            return None
        done = totals.pages_done
        safe = f"{expected(self._manifest, totals).of(done)} {'is' if done == 1 else 'are'} safe"
        if self._stop.reason in LIMITS:
            return Incomplete(f"{LIMITS[self._stop.reason]}: {safe}.", hint="The same command resumes.", safe=done)
        if self._stop.requested or recorder is None:
            return Interrupted(
                f"interrupted: {safe}.",
                hint="The same command resumes.",
                safe=done,
                terminated=self._stop.reason == "SIGTERM",
            )
        if (error := self._left_over(totals, recorder, safe)) is not None:
            return error
        # Nothing stood in their way, and yet nobody was given them: they are not found by their state.
        left_out = f"{totals.windows - totals.windows_done} windows that it no longer finds are not complete"
        return ManifestUnusable(
            f"the manifest does not agree with itself: {left_out}; {safe}.",
            hint="Repair it with:",
            command=f"resumable repair {self._job.name}",
            safe=done,
        )

    def _left_over(self, totals: Totals, recorder: Recorder, safe: str) -> ResumableError | None:
        """Return what kept a run that tried everything from completing the job, as far as it knows that."""
        done, again = totals.pages_done, f"resumable resume {self._job.name}"
        if unsettled := recorder.unsettled:
            return SourceUnsettled(
                f"the source would not settle: {len(unsettled)} windows changed each time they were taken"
                f" ({', '.join(label(window.interval) for window in unsettled[:5])}).",
                hint=f"{safe}. Come back when the data has stopped changing, with:",
                command=again,
                safe=done,
            )
        if recorder.failed and not totals.pages_quarantined:
            why = next(iter(recorder.failed.values()))
            return Incomplete(
                f"{safe}; the server failed {amount(len(recorder.failed), 'window')} each time: {why}.",
                hint="Come back later, with:",
                command=again,
                safe=done,
            )
        if (waiting := recorder.waiting) and not totals.pages_quarantined:
            return Incomplete(
                f"{safe}; {amount(len(waiting), 'window')} the source does not have whole yet: its data ends at"
                f" {max(waiting.values()):%Y-%m-%d %H:%M} UTC.",
                hint="They are downloaded, or downloaded again, once it reaches past them, by:",
                command=again,
                safe=done,
            )
        if recorder.uncertain and not totals.pages_quarantined:
            why = next(iter(recorder.uncertain.values()))
            return Incomplete(
                f"{safe}; fewer records came than the source named in {amount(len(recorder.uncertain), 'window')}:"
                f" {why}.",
                hint="Where the next download brings the same, that settles it:",
                command=again,
                safe=done,
            )
        if totals.pages_quarantined:
            text = f"{safe}; {totals.pages_quarantined} pages are quarantined."
            nothing = recorder.nothing_comes
            return Incomplete(text, hint="They are tried again by:", command=again, safe=done, unreachable=nothing)
        return None

    def _record_end(self, state: JobState, text: str) -> None:
        self._manifest.event(EventKind.RUN_ENDED, f"{state.value}: {text}")
        self._manifest.set_state(state)
