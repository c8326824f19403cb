"""Reads a window along a cursor, page by page, each recorded with the cursor of the next before that is asked for."""

from collections.abc import Callable
from typing import TypeVar

from resumable.api.client import Asked
from resumable.api.statuses import meaning
from resumable.datasets.contract import Answer, CursorContract
from resumable.engine.feed import Work
from resumable.engine.recorder import Recorder
from resumable.engine.recovery import recover
from resumable.errors import Fault, NoRecords, StatusFault
from resumable.manifest.rows import WindowRow
from resumable.manifest.server_jobs import RemoteRow
from resumable.models import Request, Snapshot, Window, WindowState, label
from resumable.transport.http import Reply

T = TypeVar("T")


class BeginAgain(Exception):
    """The take cannot be read on; the window needs a new one."""


class CursorReader:
    """What all readings along a cursor have in common; whoever has something on the server adds how to deal with it."""

    def __init__(self, recorder: Recorder) -> None:
        """`recorder` keeps what comes."""
        self._recorder = recorder
        self._context = recorder.context

    def _start(self, row: WindowRow) -> RemoteRow | None:
        """Begin to read a window; None where it is to be begun later. Raises BeginAgain or a Fault."""
        raise NotImplementedError

    def _ready(self, window: Window, remote: RemoteRow) -> None:
        """Return once the next page can be asked for. Raises BeginAgain or a Fault."""
        raise NotImplementedError

    def _results(self, window: Window, remote: RemoteRow, number: int) -> Answer:
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
                remote = self._page(row.window, remote, number)
                while remote.cursor is not None:
                    number += 1
                    remote = self._page(row.window, remote, number)
        except BeginAgain as why:
            self._recorder.retake(row.window, None, str(why))
        except Fault as fault:
            self._recorder.give_up(row.window, number, fault)
            return
        else:
            self._recorder.close(row.window)
        self._clear()

    def _page(self, window: Window, remote: RemoteRow, number: int) -> RemoteRow:
        context = self._context
        answer = self._results(window, remote, number)
        following = answer.said.cursor
        if following is not None and following == remote.cursor:
            raise BeginAgain("the server gave a cursor that it had given before")
        if answer.said.available_to and answer.said.available_to < window.interval.end:
            context.manifest.provisional(
                window, f"the server's data ends at {answer.said.available_to:%Y-%m-%d %H:%M} UTC"
            )
        snapshot = Snapshot(number=window.take, page_count=number + (following is not None), total=None)
        part = self._recorder.write(window, snapshot, number, answer) if answer.rows else None
        context.manifest.cursor_page_done(window, number, part, following, drift=answer.drift)
        return RemoteRow(id=remote.id, expires_at=remote.expires_at, cursor=following)

    def _ask(self, what: str, request: Request, read: Callable[[Reply], T]) -> T:
        try:
            return self._context.client.exchange(Asked(what=what, request=request), read)
        except StatusFault as fault:
            if meaning(fault.status).gone:
                raise BeginAgain(f"its job or cursor is gone ({fault.reason})") from None
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
            raise BeginAgain("the cursor of its next page is not known any more")
        walk = f"walk-{row.window.id}-{row.window.take}"
        self._context.manifest.walk_begun(row.window, walk)
        return RemoteRow(id=walk, expires_at=None, cursor=None)

    def _ready(self, window: Window, remote: RemoteRow) -> None:
        """Return at once: nothing has to be waited for."""

    def _results(self, window: Window, remote: RemoteRow, number: int) -> Answer:
        spec = self._context.job.spec
        what = f"{label(window.interval)} page {number}"
        request = self._contract.page(spec.query, window.interval, remote.cursor, spec.page_size)

        def read(reply: Reply) -> Answer:
            answer = self._contract.read_results(reply.body, self._context.client.redactor)
            if answer.rows == 0 and answer.said.cursor:
                raise NoRecords(f"page {number} names a next one, and {answer.emptiness}")
            return answer

        if remote.cursor is not None:
            return self._ask(what, request, read)
        try:
            return self._context.client.exchange(Asked(what=what, request=request), read)
        except Fault as fault:
            self._refused(fault)
            raise


def _read_to_the_end(row: WindowRow, remote: RemoteRow) -> bool:
    return row.window.state is WindowState.OPEN and remote.cursor is None
