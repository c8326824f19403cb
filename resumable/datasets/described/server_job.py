"""A described endpoint that is submitted, polled and read: the records are the results of a job on the server."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from resumable.datasets.contract import Answer, identifier, members, next_cursor, text
from resumable.datasets.described.declared import Declared
from resumable.datasets.described.forms import ServerJob
from resumable.datasets.described.template import as_parameter, filled, filled_path, object_at
from resumable.datasets.described.walk import NOWHERE, without_nowhere
from resumable.datasets.facts import Paging
from resumable.datasets.remote_status import RemoteState, RemoteStatus
from resumable.errors import ProtocolFault
from resumable.models import Interval, Query, Request, Said
from resumable.redaction import Redactor


@dataclass(frozen=True, kw_only=True)
class DeclaredJob(Declared):
    """One job on the server for each window."""

    server_job: ServerJob
    paging: Literal[Paging.SERVER_JOB] = Paging.SERVER_JOB
    inferred: None = None

    def submit(self, query: Query, window: Interval) -> Request:
        """Build the request that makes a job. Raises UsageError for a window that it cannot ask for."""
        return self._request(self._values(window, self.page_sizes.usual))

    def read_id(self, body: bytes) -> str:
        """Read the job's id. Raises ProtocolFault."""
        return identifier(object_at(members(body), self.server_job.id[:-1]), self.server_job.id[-1])

    def poll(self, remote: str) -> Request:
        """Build the request for a job's state."""
        return Request(method="GET", path=filled_path(self.server_job.poll, {"job": remote}))

    def read_status(self, body: bytes, redactor: Redactor) -> RemoteStatus:
        """Read a job's state, by the words of the description. Raises ProtocolFault."""
        answer, job = members(body, redactor), self.server_job
        word = text(object_at(answer, job.state[:-1]), job.state[-1])
        words = {RemoteState.WAITING: job.waiting, RemoteState.READY: job.ready, RemoteState.GONE: job.failed}
        state = next((state for state, known in words.items() if word in known), None)
        if word is None or state is None:
            raise ProtocolFault(f"a job's state that is not described: {redactor.body_start(str(word).encode(), 40)}")
        why = text(object_at(answer, job.message[:-1]), job.message[-1]) if job.message else None
        message = redactor.body_start((why or "").encode(), 120)
        return RemoteStatus(state=state, word=f"{word}: {message}" if message else word)

    def results(self, remote: str, cursor: str | None, page_size: int) -> Request:
        """Build the request for the page that a cursor stands for."""
        values: dict[str, str | int] = {"page_size": page_size, "cursor": NOWHERE if cursor is None else cursor}
        params = {name: as_parameter(filled(value, values)) for name, value in self.server_job.params.items()}
        made = Request(method="GET", path=filled_path(self.server_job.results, {"job": remote}), params=params)
        return replace(made, params=without_nowhere(made.params))

    def read_results(self, body: bytes, redactor: Redactor) -> Answer:
        """Read a page; `said.cursor` stands for the next one, None after the last. Raises ProtocolFault."""
        where = self.declaration.answer.next_cursor

        def said(envelope: Mapping[str, Any]) -> Said:
            return Said(cursor=next_cursor(object_at(envelope, where[:-1]), where[-1]) if where else None)

        return self._answer(body, redactor, (where,), said)

    def delete(self, remote: str) -> Request | None:
        """Build the request that deletes a job; None where nothing is described, and the server forgets it itself."""
        path = self.server_job.delete
        return Request(method="DELETE", path=filled_path(path, {"job": remote})) if path else None

    def availability(self) -> None:
        """Return None: a description does not say up to when there is data."""

    def read_availability(self, body: bytes) -> datetime | None:
        """Return None: it is not asked for."""
        return None
