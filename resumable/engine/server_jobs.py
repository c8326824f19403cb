"""Reads windows through jobs on the server: submit, poll, page by page along the cursor, delete; one job a window."""

from collections.abc import Callable
from datetime import datetime

from resumable.api.client import Asked, Stopped
from resumable.api.statuses import DELETED, SUBMITTED, meaning
from resumable.clock import Stop
from resumable.datasets.contract import Answer, JobContract, RemoteState
from resumable.engine.cursor import BeginAgain, CursorReader
from resumable.engine.feed import Work
from resumable.engine.recorder import Recorder
from resumable.errors import Fault, NoRecords, ProtocolFault, StatusFault
from resumable.manifest.rows import WindowRow
from resumable.manifest.server_jobs import RemoteRow
from resumable.models import EventKind, Window, label
from resumable.transport.http import Reply

FIRST_POLL_SECONDS = 1.0
LONGEST_POLL_SECONDS = 30.0
"""Waits between two looks at a job grow from the one to the other, by half each time."""

PATIENCE_SECONDS = 4 * 3600.0
"""A job that is not fulfilled by then is given up on for this run."""


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

    def __init__(self, contract: JobContract, recorder: Recorder, refused: Callable[[Fault], None], jobs: int) -> None:
        """`refused` is told why a job could not be submitted; `jobs` may be on the server at once."""
        super().__init__(recorder)
        self._contract = contract
        self._refused = refused
        self._gate = Gate(recorder.context.stop, jobs)
        self._available_to: datetime | None = None
        self._deleted: set[str] = set()
        # One that could not be deleted stays in the manifest, and the next run tries it again.

    def do(self, work: Work) -> None:
        """Read one window to its end, from where the last run left it."""
        if self._available_to is not None and work.window.interval.start >= self._available_to:
            self._recorder.wait_for_data(work.window, self._available_to)
            return
        self._gate.enter()
        try:
            self._walk(work.window)
        finally:
            self._gate.leave()

    def begin(self) -> None:
        """Delete what earlier runs left on the server, and ask up to when it has its data."""
        self._clear()
        asked = Asked(what="asking up to when there is data", request=self._contract.availability())
        try:
            self._available_to = self._context.client.exchange(
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
            holds=1,
        )
        try:
            remote = self._context.client.exchange(asked, lambda reply: contract.read_id(reply.body))
        except StatusFault as fault:
            if meaning(fault.status).no_more_jobs and self._gate.refused():
                self._context.manifest.event(EventKind.REMOTE, f"{asked.what}: refused; {self._gate.limit} at once now")
                self._context.feed.reopen(window)
                return None
            self._refused(fault)
            raise
        if not self._context.manifest.submitted(window, remote):
            # A cache in between, perhaps. What such a job brings would be the records of another window.
            raise ProtocolFault("the server gave it a job that it has given before")
        return RemoteRow(id=remote, expires_at=None, cursor=None)

    def _ready(self, window: Window, remote: RemoteRow) -> None:
        """Return once the job is fulfilled. Raises BeginAgain when it never will be."""
        clock = self._context.stop.clock
        begun, wait = clock.monotonic(), FIRST_POLL_SECONDS
        what = f"{label(window.interval)}: job {remote.id}"
        while True:
            status = self._ask(
                what,
                self._contract.poll(remote.id),
                lambda reply: self._contract.read_status(reply.body, self._context.client.redactor),
            )
            if status.expires_at and status.expires_at != remote.expires_at:
                self._context.manifest.remote_expires(remote.id, status.expires_at)
            if status.state is RemoteState.READY:
                return
            if status.state is RemoteState.GONE:
                raise BeginAgain(f"its job on the server is {status.word}")
            if clock.monotonic() - begun > PATIENCE_SECONDS:
                raise ProtocolFault(f"its job on the server is still {status.word} after {PATIENCE_SECONDS / 3600:g} h")
            if self._context.stop.wait(wait):
                raise Stopped
            wait = min(wait * 1.5, LONGEST_POLL_SECONDS)

    def _results(self, window: Window, remote: RemoteRow, number: int) -> Answer:
        def read(reply: Reply) -> Answer:
            answer = self._contract.read_results(reply.body, self._context.client.redactor)
            if answer.rows == 0 and (answer.said.cursor or number > 1):
                raise NoRecords(f"page {number} of a job's results, and {answer.emptiness}")
            return answer

        request = self._contract.results(remote.id, remote.cursor, self._context.job.spec.page_size)
        return self._ask(f"{label(window.interval)} page {number}", request, read)

    def _delete(self, remote: str) -> None:
        asked = Asked(what=f"deleting job {remote}", request=self._contract.delete(remote), accepts=DELETED)
        try:
            self._context.client.exchange(asked, lambda _: None)
        except StatusFault as fault:
            if not meaning(fault.status).gone:
                return  # it stays in the manifest, and the next run tries again
        except Fault:
            return
        self._context.manifest.remote_gone(remote)
