"""Reads a window along a cursor, page by page, each recorded with the cursor of the next before that is asked for."""

import hashlib
from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from resumable.api.client import Asked
from resumable.api.statuses import PAGE, PAGE_OR_NOTHING, meaning
from resumable.datasets.contract import Answer, CursorContract
from resumable.datasets.facts import CursorStep, Paging
from resumable.engine.empty_windows import Belief, EmptyWindows
from resumable.engine.feed import Work
from resumable.engine.heavy_windows import HeavyWindows, Remedy
from resumable.engine.recorder import Recorder
from resumable.engine.recovery import recover
from resumable.errors import Failure, Fault, NoRecords, StatusFault
from resumable.manifest.rows import WindowRow
from resumable.manifest.server_jobs import RemoteRow
from resumable.models import EventKind, Snapshot, Window, WindowState, label
from resumable.schema.identity import identities
from resumable.transport.http import Reply

T = TypeVar("T")

LIGHT_PAGE = 100
"""Records of a page that is not made smaller because the server was slow with it."""


class BeginAgain(Exception):
    """The take cannot be read on; the window needs a new one."""

    def __init__(self, why: str, *, gone: bool = False) -> None:
        """`gone`: the server has lost what it was read from, and nothing says that the data changed."""
        super().__init__(why)
        self.gone = gone


class JobFailed(Exception):
    """The server gave up on its job for the window, and says why: a new one is made later."""


class PutOff(Exception):
    """The window seems to be empty, and is looked at again when the windows next to it are known."""


class TakenElsewhere(Exception):
    """The window is taken by another contract from here on."""


class Trail:
    """What one take has met along its cursors, so that a walk in a circle ends. As hashes, and only so many."""

    KEPT = 100_000
    """Of 8 bytes, at about 120 in memory; a window of so many pages is behind every wall."""

    def __init__(self) -> None:
        """Nothing was met."""
        self._met: dict[bytes, None] = {}

    def crosses(self, what: bytes) -> bool:
        """Take in a cursor or a page, and tell whether it was met before."""
        mark = hashlib.blake2b(what, digest_size=8).digest()
        met = mark in self._met
        self._met[mark] = None
        if len(self._met) > self.KEPT:
            del self._met[next(iter(self._met))]
        return met


class CursorReader:
    """What all readings along a cursor have in common; whoever has something on the server adds how to deal with it."""

    def __init__(self, recorder: Recorder) -> None:
        """`recorder` keeps what comes."""
        self._recorder = recorder
        self._context = recorder.context
        self._heavy = HeavyWindows(recorder)
        self._empty = EmptyWindows(recorder.context.manifest)

    def _start(self, row: WindowRow) -> RemoteRow | None:
        """Begin to read a window; None where it is to be begun later. Raises BeginAgain or a Fault."""
        raise NotImplementedError

    def _ready(self, window: Window, remote: RemoteRow) -> None:
        """Return once the next page can be asked for. Raises BeginAgain or a Fault."""
        raise NotImplementedError

    def _results(self, window: Window, remote: RemoteRow, number: int, *, counted: bool) -> Answer:
        """Fetch the page that the cursor of `remote` stands for. Raises BeginAgain or a Fault."""
        raise NotImplementedError

    def _clear(self) -> None:
        """Let go of what nothing will be read from any more."""
        raise NotImplementedError

    def _walk(self, window: Window) -> None:
        """Read a window to its end, from where the last run left it."""
        context = self._context
        row = recover(window, manifest=context.manifest, parts=context.parts, job=context.job)
        number = row.done + 1
        try:
            remote = context.manifest.remote(row.window) or self._start(row)
            if remote is None:
                return
            if not _read_to_the_end(row, remote):
                self._ready(row.window, remote)
                self._read(row.window, remote, number)
        except BeginAgain as why:
            self._recorder.retake(row.window, None, str(why), failed=why.gone)
        except JobFailed as why:
            self._failed(row.window, str(why))
        except PutOff:
            context.feed.postpone(row.window)
            return
        except TakenElsewhere:
            pass
        except Fault as fault:
            self._given_up(row.window, fault)
            return
        else:
            self._recorder.close(row.window)
        self._clear()

    def _read(self, window: Window, remote: RemoteRow, number: int) -> None:
        """Read a window from a page on to its last."""
        trail = Trail()
        if remote.cursor is not None:
            trail.crosses(remote.cursor.encode())
        remote, number = self._page(window, remote, number, trail)
        while remote.cursor is not None:
            remote, number = self._page(window, remote, number, trail)

    def _given_up(self, window: Window, fault: Fault) -> None:
        """Let a window that is too heavy be read in a lighter way; any other is given up on for this run."""
        row = self._context.manifest.window(window.id)
        # Whatever else a job answers 504 to, its query is not run by that request.
        by_job = fault.failure is Failure.TIMED_OUT and self._context.contract.paging is Paging.SERVER_JOB
        remedy = None if by_job else self._heavy.remedy(row.window, fault)
        if remedy is None:
            self._recorder.give_up(row.window, row.done + 1, fault)
        else:
            self._heavy.lighten(row.window, row.done + 1, remedy, fault)
            self._clear()

    def _cut_off(self, window: Window, available_to: datetime) -> None:
        """Deal with a window that the source does not have whole, before any page of it that says so is recorded."""
        self._recorder.cut_off(window, available_to)

    def _failed(self, window: Window, why: str) -> None:
        """Deal with a job that the server gave up on."""
        raise NotImplementedError

    def _page(self, window: Window, remote: RemoteRow, number: int, trail: Trail) -> tuple[RemoteRow, int]:
        """Take a page; return where the next one is, and its number: the same where this one had no records."""
        context = self._context
        answer = self._believable(window, remote, number)
        following = answer.said.cursor
        if following is not None and trail.crosses(following.encode()):
            raise BeginAgain("the server gave a cursor that it had given before")
        if answer.table is not None and answer.rows:
            keys = identities(answer.table, context.contract.schema).to_pylist()
            if trail.crosses(repr(keys).encode(errors="replace")):
                raise BeginAgain("the server gave a page that it had given before")
        if answer.said.available_to and answer.said.available_to < window.interval.end:
            self._cut_off(window, answer.said.available_to)
        snapshot = Snapshot(number=window.take, page_count=number + (following is not None), total=None)
        part = None
        if answer.rows:
            written = self._recorder.write(window, snapshot, number, answer)
            part, answer, following = written.part, written.answer, written.answer.said.cursor
        row = context.manifest.cursor_page_done(window, number, part, following, drift=answer.drift)
        return RemoteRow(id=remote.id, expires_at=remote.expires_at, cursor=following), row.done + 1

    def _believable(self, window: Window, remote: RemoteRow, number: int) -> Answer:
        """Fetch a page; where the first one has no records it may be doubtful, and is fetched a second time.

        Raises PutOff where that cannot be decided before the windows next to it have been looked at.
        """
        kept = self._empty.kept(window) if number == 1 else None
        # Of a run that may send one request only, the second one would be the first of the next run, for ever.
        with self._context.client.pacer.together():
            answer = kept or self._lighter(window, remote, number)
            if answer.rows or answer.said.cursor:
                return answer
            if number > 1:
                return self._end(window, remote, number, answer)
            # A job that waits on the server would take the place of another.
            may_wait = self._context.contract.paging is Paging.CURSOR
            belief = self._empty.judge(window, answer, may_wait=may_wait)
            if belief is Belief.LATER:
                raise PutOff
            return self._lighter(window, remote, number, counted=False) if belief is Belief.DOUBTED else answer

    def _end(self, window: Window, remote: RemoteRow, number: int, answer: Answer) -> Answer:
        """Return what is behind the last cursor: no record is an end that some walks have, and is looked at twice.

        Where an independent count tells whether records are missing, once is enough.
        """
        context = self._context
        counting = context.contract.counting
        if context.count and counting is not None and counting.of_records:
            return answer
        text = f"{label(window.interval)} page {number}: no records behind the last cursor: asked a second time"
        context.manifest.event(EventKind.RETRY, text)
        return self._lighter(window, remote, number, counted=False)

    def _lighter(self, window: Window, remote: RemoteRow, number: int, *, counted: bool = True) -> Answer:
        """Fetch a page; one that is too big is asked for again by the same cursor, in fewer and fewer records."""
        while True:
            # Each anew: what was learned of the window while it is read is in the manifest.
            window = self._context.manifest.window(window.id).window
            try:
                return self._results(window, remote, number, counted=counted)
            except Fault as fault:
                slow = fault.failure is Failure.TIMED_OUT and self._heavy.page_size(window) > LIGHT_PAGE
                heavy = slow or self._heavy.remedy(window, fault) is Remedy.SMALLER_PAGES
                if not heavy or self._heavy.smaller_page(window, fault) is None:
                    raise

    def _ask(self, asked: Asked, read: Callable[[Reply], T]) -> T:
        try:
            return self._context.client.exchange(asked, read)
        except StatusFault as fault:
            if meaning(fault.status).gone and fault.limit is None:
                raise BeginAgain(f"its job or cursor is gone ({fault.reason})", gone=True) from None
            raise


class CursorWorker(CursorReader):
    """Opens windows and reads each to its end. One object serves all threads."""

    def __init__(self, contract: CursorContract, recorder: Recorder, refused: Callable[[Fault], None]) -> None:
        """`refused` is told why a first page failed; it ends the run where no page could ever come."""
        super().__init__(recorder)
        self._contract = contract
        self._refused = refused

    def do(self, work: Work) -> None:
        """Read one window to its end, from where the last run left it."""
        self._walk(work.window)

    def begin(self) -> None:
        """Forget the walks of windows that are complete, or taken anew."""
        self._clear()

    def _clear(self) -> None:
        for walk in self._context.manifest.useless_remotes():
            self._context.manifest.remote_gone(walk)

    def _start(self, row: WindowRow) -> RemoteRow:
        if row.done:
            raise BeginAgain("the cursor of its next page is not known any more", gone=True)
        walk = f"walk-{row.window.id}-{row.window.take}"
        self._context.manifest.walk_begun(row.window, walk)
        return RemoteRow(id=walk, expires_at=None, cursor=None)

    def _ready(self, window: Window, remote: RemoteRow) -> None:
        """Return at once: nothing has to be waited for."""

    def _failed(self, window: Window, why: str) -> None:
        """Take the window again: there is no job that could fail."""
        self._recorder.retake(window, None, why)

    def _results(self, window: Window, remote: RemoteRow, number: int, *, counted: bool) -> Answer:
        contract, whose = self._contract, self._context.job.organisation
        step = CursorStep(
            query=self._context.job.spec.query,
            cursor=remote.cursor,
            page_size=self._heavy.page_size(window),
            origin=None if whose is None else whose.origin,
        )
        asked = Asked(
            what=f"{label(window.interval)} page {number}",
            request=contract.page(step.query, window.interval, step.cursor, step.page_size),
            accepts=PAGE_OR_NOTHING if contract.skips_missing else PAGE,
            counted=counted,
            records=step.page_size,
            once=self._recorder.nothing_comes,
        )

        def read(reply: Reply) -> Answer:
            with self._recorder.keeping(window, number):
                if reply.status not in PAGE:
                    missing = contract.read_missing(reply.body, step)
                    self._context.manifest.event(EventKind.WARNING, f"{asked.what}: {missing.emptiness}")
                    return missing
                answer = contract.read_page(reply.body, self._context.client.redactor, step)
            if answer.rows == 0 and answer.said.cursor and not answer.may_be_empty:
                raise NoRecords(f"page {number} names a next one, and {answer.emptiness}")
            return answer

        if remote.cursor is not None:
            return self._ask(asked, read)
        try:
            return self._context.client.exchange(asked, read)
        except Fault as fault:
            if self._heavy.remedy(window, fault) is None:
                self._refused(fault)
            raise


def _read_to_the_end(row: WindowRow, remote: RemoteRow) -> bool:
    return row.window.state is WindowState.OPEN and remote.cursor is None
