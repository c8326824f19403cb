"""Reads windows through jobs on the server: submit, poll, page by page along the cursor, delete; one job a window."""

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from resumable.api.client import Asked, Stopped
from resumable.api.statuses import DELETED, SUBMITTED, meaning
from resumable.clock import Stop
from resumable.datasets.contract import Answer, JobContract, usable_id
from resumable.datasets.remote_status import RemoteState
from resumable.engine.cursor import BeginAgain, CursorReader, JobFailed, TakenElsewhere
from resumable.engine.feed import Work
from resumable.engine.recorder import Recorder
from resumable.errors import Failure, Fault, NoRecords, ProtocolFault, StatusFault, Wall
from resumable.manifest.rows import WindowRow
from resumable.manifest.server_jobs import RemoteRow
from resumable.models import EventKind, Shortfall, Window, WindowState, iso, label
from resumable.transport.http import Reply

T = TypeVar("T")

FIRST_POLL_SECONDS = 1.0
LONGEST_POLL_SECONDS = 30.0
"""Waits between two looks at a job grow from the one to the other, by half each time."""

PATIENCE_SECONDS = 4 * 3600.0
"""A job that is not fulfilled by then is given up on for this run."""

LATE_SECONDS = 120.0
"""So long may a job not be there after it was made, or its results after it was fulfilled."""

FIRST_PLACE_SECONDS = 5.0
LONGEST_PLACE_SECONDS = 60.0
PLACE_PATIENCE_SECONDS = 3600.0
"""Where others have all the room: the waits for it grow from the one to the other, and end after an hour."""

NEW_JOBS = 3
"""Made for a window whose job failed, before it is left for a later run."""

PAUSE_FACTOR = 30.0
"""The first pause before such a new job against the first wait of a retry: half a minute, and then twice that."""


class Gate:
    """Lets so many jobs be on the server at once; narrows when the server refuses one, and widens again slowly."""

    WIDENS_AFTER = 10

    def __init__(self, stop: Stop, limit: int) -> None:
        """`limit` is where it starts, and the most it ever lets through."""
        self._stop = stop
        self._most = self.limit = limit
        self._inside = 0
        self._fine = 0

    def enter(self) -> None:
        """Wait for a place and take it. Raises Stopped when the run is to end."""
        with self._stop.condition:
            while self._inside >= self.limit and not self._stop.requested:
                self._stop.clock.wait(self._stop.condition, None)
            if self._stop.requested:
                raise Stopped
            self._inside += 1

    def leave(self) -> None:
        """Give the place back."""
        with self._stop.condition:
            self._inside -= 1
            self._fine += 1
            if self._fine % self.WIDENS_AFTER == 0:
                self.limit = min(self._most, self.limit + 1)
            self._stop.condition.notify_all()

    def refused(self) -> bool:
        """Narrow after the server refused one more; False when there was no other, so that waiting would not help."""
        with self._stop.condition:
            self._fine = 0
            self.limit = max(1, self._inside - 1)
            return self._inside > 1


class ServerJobWorker(CursorReader):
    """Opens windows and reads each to its end. One object serves all threads."""

    def __init__(
        self,
        contract: JobContract,
        recorder: Recorder,
        refused: Callable[[Fault], None],
        jobs: int,
        elsewhere: Callable[[Window, str], bool] = lambda _window, _why: False,
    ) -> None:
        """`refused` is told why a job could not be submitted; `jobs` may be on the server at once.

        `elsewhere` is offered what jobs do not bring, and why; it tells whether it takes that over.
        """
        super().__init__(recorder)
        self._elsewhere = elsewhere
        self._contract = contract
        self._refused = refused
        self._gate = Gate(recorder.context.stop, jobs)
        self.available_to: datetime | None = None
        """Up to when the source says that it has its data; None where it does not."""
        self._deleted: set[str] = set()
        self._submitted: set[str] = set()
        """Jobs of this run: what becomes of one of an earlier run says nothing about the next."""
        self._failures: dict[int, int] = {}
        self._not_before: dict[int, float] = {}
        self._places_from = float("-inf")
        """Before then the server wants no job submitted."""
        self._crowded_since: float | None = None
        """Since when the server has refused every job, with none of ours on it."""
        # One that could not be deleted stays in the manifest, and the next run tries it again.

    def do(self, work: Work) -> None:
        """Read one window to its end, from where the last run left it."""
        window = self._having_data(work.window)
        if window is None:
            return
        stop = self._context.stop
        if stop.wait(self._not_before.pop(window.id, 0.0) - stop.clock.monotonic()):
            raise Stopped
        self._gate.enter()
        try:
            self._walk(window)
        finally:
            self._gate.leave()

    def _having_data(self, window: Window) -> Window | None:
        """Return a window as it is to be read, a new take where it was cut off; None where it waits for its data."""
        manifest, ends = self._context.manifest, self.available_to
        if ends is not None and window.interval.start >= ends and window.state is WindowState.PLANNED:
            self._recorder.wait_for_data(window, ends)
            return None
        row = manifest.window(window.id)
        if row.shortfall is Shortfall.FEWER and window.state is WindowState.OPEN:
            return self._recorder.compare_again(row)
        if row.shortfall is not Shortfall.CUT_OFF:
            return window
        if window.state is WindowState.PLANNED:
            manifest.learned.no_longer_short(window)
            return window
        if ends is None or ends >= window.interval.end:
            # Where nobody says up to when there is data, the results will.
            return manifest.retake(window, None, "the source did not have it whole").window
        remote = manifest.remote(window)
        if remote is not None and remote.cursor is not None:
            return window  # what is there of it is read to its end
        self._recorder.wait_for_data(window, ends)
        return None

    def begin(self) -> None:
        """Delete what earlier runs left on the server, and ask up to when it has its data."""
        self._clear()
        request = self._contract.availability()
        if request is None:
            return
        asked = Asked(what="asking up to when there is data", request=request, counted=False)
        try:
            self.available_to = self._context.client.exchange(
                asked, lambda reply: self._contract.read_availability(reply.body)
            )
        except Fault as fault:
            # Each answer with results says it too, so that a window is marked provisional all the same.
            self._context.manifest.event(EventKind.WARNING, f"{asked.what}: {fault.reason}")

    def _clear(self) -> None:
        """Delete the jobs on the server that nothing will be read from any more; each by one thread."""
        for remote in self._context.manifest.useless_remotes():
            with self._context.stop.condition:
                if remote in self._deleted:
                    continue
                self._deleted.add(remote)
            self._delete(remote)

    def _start(self, row: WindowRow) -> RemoteRow | None:
        if row.done:
            raise BeginAgain("its job on the server is not known any more")
        window, contract = row.window, self._contract
        asked = Asked(
            what=f"{label(window.interval)}: submitting a job",
            request=contract.submit(self._context.job.spec.query, window.interval),
            accepts=SUBMITTED,
            not_before=lambda: self._places_from,
            holds=1,
            once=self._recorder.nothing_comes,
        )
        try:
            remote = self._context.client.exchange(asked, lambda reply: contract.read_id(reply.body))
        except StatusFault as fault:
            if self._crowded(window, asked, fault):
                return None
            if self._heavy.remedy(window, fault) is None:
                self._refused(fault)
            raise
        self._crowded_since = None
        if not self._context.manifest.submitted(window, remote):
            # A cache in between, perhaps. What such a job brings would be the records of another window.
            raise ProtocolFault("the server gave it a job that it has given before")
        self._submitted.add(remote)
        return RemoteRow(id=remote, expires_at=None, cursor=None)

    def _crowded(self, window: Window, asked: Asked, fault: StatusFault) -> bool:
        """Tell whether a job was refused because of others; then its window comes again, when there may be room.

        Raises StatusFault where others have had all the room for too long, Stopped when the run is to end.
        """
        if not meaning(fault.status).no_more_jobs or fault.limit is not None:
            return False
        asked_for = fault.retry_after_seconds or 0.0
        if asked_for > self._context.client.policy.wait_cap_seconds:
            return False
        self._places_from = max(self._places_from, self._context.stop.clock.monotonic() + asked_for)
        if self._gate.refused():
            # One of ours ends first: nobody enters before.
            self._context.manifest.event(EventKind.REMOTE, f"{asked.what}: refused; {self._gate.limit} at once now")
            self._context.feed.reopen(window)
            return True
        if fault.wall is not Wall.JOBS and fault.failure is Failure.QUERY_REFUSED:
            return False
        now = self._context.stop.clock.monotonic()
        since = self._crowded_since = self._crowded_since or now
        if now - since > PLACE_PATIENCE_SECONDS:
            raise StatusFault(
                f"others have as many jobs on the server as it lets be at once, for {(now - since) / 60:.0f} minutes"
                f" by now ({fault.reason})",
                status=fault.status,
                failure=Failure.NO_MORE_JOBS,
            )
        wait = min(max(FIRST_PLACE_SECONDS, (now - since) / 2), LONGEST_PLACE_SECONDS)
        self._context.manifest.event(
            EventKind.REMOTE, f"{asked.what}: refused, and no other job is ours; again in {wait:.0f} s"
        )
        if self._context.stop.wait(wait):
            raise Stopped
        self._context.feed.reopen(window)
        return True

    def _failed(self, window: Window, why: str) -> None:
        """Make a new job later, after a pause that grows; after a few of them the window is left for a later run."""
        failures = self._failures[window.id] = self._failures.get(window.id, 0) + 1
        if failures > NEW_JOBS:
            if not self._elsewhere(window, why):
                self._recorder.fail(window, why)
            return
        pause = self._context.client.policy.first_wait_seconds * PAUSE_FACTOR * 2 ** (failures - 1)
        row = self._context.manifest.retake(window, None, f"{why}; a new one is made in {pause:.0f} s")
        self._not_before[window.id] = self._context.stop.clock.monotonic() + pause
        self._context.feed.postpone(row.window)

    def _cut_off(self, window: Window, available_to: datetime) -> None:
        if self._elsewhere(window, f"the data for jobs ends at {iso(available_to)}"):
            # What availability said was wrong: windows that begin later need not find that out one by one.
            self.available_to = min(self.available_to or available_to, available_to)
            raise TakenElsewhere
        super()._cut_off(window, available_to)

    def _ready(self, window: Window, remote: RemoteRow) -> None:
        """Return once the job is fulfilled. Raises BeginAgain when it never will be."""
        clock = self._context.stop.clock
        begun, wait = clock.monotonic(), FIRST_POLL_SECONDS
        what = f"{label(window.interval)}: job {remote.id}"
        if not usable_id(remote.id):
            raise BeginAgain("the id of its job is none", gone=True)
        while True:
            status = self._ask_for(
                Asked(what=what, request=self._contract.poll(remote.id), counted=False),
                window,
                lambda reply: self._contract.read_status(reply.body, self._context.client.redactor),
                patient=remote.id in self._submitted,
            )
            if status.expires_at and status.expires_at != remote.expires_at:
                self._context.manifest.remote_expires(remote.id, status.expires_at)
            if status.state is RemoteState.READY:
                return
            if status.state is RemoteState.GONE:
                why = f"its job on the server is {status.word}"
                raise JobFailed(why) if remote.id in self._submitted else BeginAgain(why, gone=True)
            if clock.monotonic() - begun > PATIENCE_SECONDS:
                raise ProtocolFault(f"its job on the server is still {status.word} after {PATIENCE_SECONDS / 3600:g} h")
            if self._context.stop.wait(wait):
                raise Stopped
            wait = min(wait * 1.5, LONGEST_POLL_SECONDS)

    def _ask_for(self, asked: Asked, window: Window, read: Callable[[Reply], T], *, patient: bool) -> T:
        """Ask about a job; `patient`: where it is not there it may be so in a moment, and is asked for again."""
        clock = self._context.stop.clock
        begun, wait = clock.monotonic(), FIRST_POLL_SECONDS
        while True:
            try:
                return self._context.client.exchange(asked, read)
            except StatusFault as fault:
                if not meaning(fault.status).gone or self._heavy.remedy(window, fault) is not None:
                    raise
                waited = clock.monotonic() - begun
                if not (patient and meaning(fault.status).late) or waited + wait > LATE_SECONDS:
                    why = f"its job or cursor is gone ({fault.reason})"
                    # Of a job that this run made the next may fare as it did; one of an earlier run is just too old.
                    raise JobFailed(why) if patient else BeginAgain(why, gone=True) from None
                text = f"{asked.what}: not there yet ({fault.reason}); again in {wait:.1f} s"
                self._context.manifest.event(EventKind.RETRY, text)
            if self._context.stop.wait(wait):
                raise Stopped
            wait = min(wait * 1.5, LONGEST_POLL_SECONDS)

    def _results(self, window: Window, remote: RemoteRow, number: int, *, counted: bool) -> Answer:
        def read(reply: Reply) -> Answer:
            with self._recorder.keeping(window, number):
                answer = self._contract.read_results(reply.body, self._context.client.redactor)
            if answer.rows == 0 and answer.said.cursor:
                raise NoRecords(f"page {number} of a job's results, and {answer.emptiness}")
            return answer

        page_size = self._heavy.page_size(window)
        request = self._contract.results(remote.id, remote.cursor, page_size)
        what, once = f"{label(window.interval)} page {number}", self._recorder.nothing_comes
        asked = Asked(what=what, request=request, counted=counted, records=page_size, once=once)
        return self._ask_for(asked, window, read, patient=remote.id in self._submitted)

    def _delete(self, remote: str) -> None:
        request = self._contract.delete(remote) if usable_id(remote) else None
        if request is None:  # or of an older version, which took what the server gave
            self._context.manifest.remote_gone(remote)
            return
        asked = Asked(what=f"deleting job {remote}", request=request, accepts=DELETED)
        try:
            self._context.client.exchange(asked, lambda _: None)
        except StatusFault as fault:
            if not meaning(fault.status).gone:
                return  # it stays in the manifest, and the next run tries again
        except Fault:
            return
        self._context.manifest.remote_gone(remote)
