"""Reads windows along a cursor that has no job on the server behind it: several windows at once, each in order."""

from collections.abc import Callable

from resumable.api.client import Asked
from resumable.datasets.contract import Answer, CursorContract
from resumable.engine.feed import Work
from resumable.engine.recorder import Recorder
from resumable.engine.walker import BeginAgain, Walker
from resumable.errors import Fault, ProtocolFault
from resumable.manifest.rows import WindowRow
from resumable.manifest.server_jobs import RemoteRow
from resumable.models import Window, label
from resumable.transport.http import Reply


class WalkWorker(Walker):
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
        for walk in self._site.manifest.useless_remotes():
            self._site.manifest.remote_gone(walk)

    def _start(self, row: WindowRow) -> RemoteRow:
        if row.done:
            raise BeginAgain("the cursor of its next page is not known any more")
        walk = f"walk-{row.window.id}-{row.window.take}"
        self._site.manifest.walk_begun(row.window, walk)
        return RemoteRow(id=walk, expires_at=None, cursor=None)

    def _ready(self, window: Window, remote: RemoteRow) -> None:
        """Return at once: nothing has to be waited for."""

    def _results(self, window: Window, remote: RemoteRow, number: int) -> Answer:
        spec = self._site.job.spec
        what = f"{label(window.interval)} page {number}"
        request = self._contract.page(spec.query, window.interval, remote.cursor, spec.page_size)

        def read(reply: Reply) -> Answer:
            answer = self._contract.read_results(reply.body, self._site.client.redactor)
            if answer.rows == 0 and answer.said.cursor:
                raise ProtocolFault(f"page {number} names a next one, and {answer.emptiness}")
            return answer

        if remote.cursor is not None:
            return self._ask(what, request, read)
        try:
            return self._site.client.exchange(Asked(what=what, request=request), read)
        except Fault as fault:
            self._refused(fault)
            raise
