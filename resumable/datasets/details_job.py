"""Details by asynchronous jobs, the contract meant for bulk: submit, poll, read cursor by cursor, delete.

Source: a Genesys page on bulk export, and AsyncConversationQuery, AsyncQueryStatus and the results' models of the
official SDK. The cursor is opaque and only goes forward; no cursor means the last page, and that is the only sign of
the end. Participant attributes exist here only. Past `dataAvailabilityDate` a job succeeds and is silently partial.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from urllib.parse import quote

from resumable.datasets.contract import (
    Answer,
    identifier,
    instant,
    members,
    next_cursor,
    text,
    whole_number,
)
from resumable.datasets.details import CONVERSATIONS, USERS, DetailsCount, DetailsSubject
from resumable.datasets.facts import Filters, PageSizes, Paging
from resumable.datasets.page_bodies import Envelope, read_answer
from resumable.datasets.remote_status import RemoteState, RemoteStatus
from resumable.datasets.token_forms import TokenForm
from resumable.errors import ProtocolFault
from resumable.models import Interval, Query, Request, Said
from resumable.redaction import Redactor
from resumable.schema.schema import Schema

_STATES = {
    "QUEUED": RemoteState.WAITING,
    "PENDING": RemoteState.WAITING,
    "FULFILLED": RemoteState.READY,
    "FAILED": RemoteState.GONE,
    "CANCELLED": RemoteState.GONE,
    "EXPIRED": RemoteState.GONE,
}

_SIZES = PageSizes(usual=1000, most=10_000)
"""2,000 and 10,000 are asked for in production; whether they are honoured nobody says, and what comes is believed."""


@dataclass(frozen=True, kw_only=True)
class DetailsJob:
    """The datasets `conversation-jobs` and `user-detail-jobs`."""

    name: str
    subject: DetailsSubject
    paging: Literal[Paging.SERVER_JOB] = Paging.SERVER_JOB
    documented_rate: float = 300.0
    page_sizes: PageSizes = _SIZES
    interval_max: timedelta | None = None
    interval_min: timedelta | None = timedelta(hours=1)
    deep_limit: int | None = None
    timeless: bool = False
    token_form: TokenForm = TokenForm.BASIC
    description: None = None
    inferred: None = None
    by_id: None = None  # it has no attributes of participants, and would lose them

    @property
    def schema(self) -> Schema:
        """The subject's; job results are the only ones that fill its attributes."""
        return self.subject.schema

    @property
    def end_key(self) -> str | None:
        """The subject's."""
        return self.subject.end_key

    @property
    def counting(self) -> DetailsCount:
        """The query beside it: results name no total."""
        return DetailsCount(subject=self.subject)

    @property
    def table(self) -> str:
        """The subject's."""
        return self.subject.table or self.name

    @property
    def filters(self) -> Filters:
        """The subject's."""
        return self.subject.narrowing

    def submit(self, query: Query, window: Interval) -> Request:
        """Build the request that makes a job; records count to the day they started on, so windows are disjoint."""
        body: dict[str, Any] = {"interval": str(window), **self.subject.order(), **self.subject.selection(query)}
        if self.subject.starts_of_day:
            body["startOfDayIntervalMatching"] = True
        return Request(method="POST", path=f"{self.subject.path}/jobs", body=body)

    def read_id(self, body: bytes) -> str:
        """Read `jobId`. Raises ProtocolFault."""
        return identifier(members(body), "jobId")

    def poll(self, remote: str) -> Request:
        """Build the request for a job's state."""
        return Request(method="GET", path=self._path(remote))

    def read_status(self, body: bytes, redactor: Redactor) -> RemoteStatus:
        """Read `state`, `errorMessage` and `expirationDate`. Raises ProtocolFault."""
        answer = members(body, redactor)
        word = text(answer, "state")
        if word not in _STATES:
            raise ProtocolFault(f"a job's state that is not documented: {redactor.body_start(str(word).encode(), 40)}")
        message = redactor.body_start((text(answer, "errorMessage") or "").encode(), 120)
        said = f"{word}: {message}" if message else word
        return RemoteStatus(state=_STATES[word], word=said, expires_at=instant(answer, "expirationDate"))

    def results(self, remote: str, cursor: str | None, page_size: int) -> Request:
        """Build the request for the page that a cursor stands for."""
        params = {"pageSize": str(page_size), **({"cursor": cursor} if cursor else {})}
        return Request(method="GET", path=f"{self._path(remote)}/results", params=params)

    def read_results(self, body: bytes, redactor: Redactor) -> Answer:
        """Read the records, `cursor` and `dataAvailabilityDate`. Raises ProtocolFault."""

        def said(envelope: Mapping[str, Any]) -> Said:
            return Said(
                cursor=next_cursor(envelope, "cursor"),
                available_to=instant(envelope, "dataAvailabilityDate"),
                total=whole_number(envelope, "totalHits"),
            )

        envelope = Envelope(
            records_key=self.subject.records_key,
            members=["cursor", "dataAvailabilityDate", "totalHits"],
            may_lack=lambda said, _: self.subject.empty_by_total and said.total == 0 and said.cursor is None,
        )
        return read_answer(body, self.schema, envelope=envelope, redactor=redactor, said=said)

    def delete(self, remote: str) -> Request:
        """Build the request that deletes a job."""
        return Request(method="DELETE", path=self._path(remote))

    def availability(self) -> Request:
        """Build the request for the watermark."""
        return Request(method="GET", path=f"{self.subject.path}/jobs/availability")

    def read_availability(self, body: bytes) -> datetime | None:
        """Read `dataAvailabilityDate`. Raises ProtocolFault."""
        return instant(members(body), "dataAvailabilityDate")

    def _path(self, remote: str) -> str:
        # An id is the server's text: as one path segment it can lead nowhere else.
        return f"{self.subject.path}/jobs/{quote(remote, safe='')}"


DATASETS = {
    "conversation-jobs": DetailsJob(name="conversation-jobs", subject=CONVERSATIONS),
    "user-detail-jobs": DetailsJob(name="user-detail-jobs", subject=USERS),
}
