"""What conversations and users' details share in the public contract: a details query and asynchronous jobs.

Source: ConversationQuery, AsyncConversationQuery, UserDetailsQuery, AsyncUserDetailsQuery and their answers in the
official SDK. There is no page count: it is totalHits over the page size, rounded up, and totalHits is approximate and
moves while data arrives. Past the last page the records are absent or null.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from resumable.datasets.contract import Answer, whole_number
from resumable.datasets.facts import Filters
from resumable.datasets.page_bodies import Envelope, read_answer
from resumable.errors import ProtocolFault
from resumable.models import Interval, Query, Request, Said
from resumable.redaction import Redactor
from resumable.schema.registry import pinned
from resumable.schema.schema import Schema

if TYPE_CHECKING:
    import pyarrow as pa

QUERY_INTERVAL_MAX = timedelta(days=7)
"""Of a details query; older texts say 31 days."""


@dataclass(frozen=True, kw_only=True)
class DetailsSubject:
    """What details are asked for: where, how the answer lists them, and how a query selects them."""

    path: str
    """Of the API, to which `/query` and `/jobs` are added."""
    records_key: str
    schema_name: str
    order_by: str | None
    """What the server may sort by, where it lets one say."""
    filters: tuple[tuple[str, str, str], ...]
    """Query field, filter list and dimension: what each flag becomes."""
    free: tuple[str, ...]
    """What a free filter may hold, each a list."""
    starts_of_day: bool
    """Whether its jobs can be told to count a record to the UTC day it started on."""
    open_end: bool
    """Whether the total of a query may be less than what there is."""
    empty_by_total: bool
    """Whether an empty answer is a total of 0 alone."""
    table: str | None
    """What its records are called in an export; None: as their dataset."""
    end_key: str | None
    """The column that a record lacks until it has ended; None where its records have no end."""
    by_id: bool
    """Whether it can be asked for by ids."""
    counted: str
    """What `totalHits` of its query counts."""

    @property
    def schema(self) -> Schema:
        """The pinned schema of its records."""
        return pinned(self.schema_name)

    @property
    def narrowing(self) -> Filters:
        """What narrows a query."""
        return Filters(fields=frozenset(name for name, _, _ in self.filters), free=self.free)

    def order(self) -> dict[str, str]:
        """Return the members that make paging repeatable."""
        return {"order": "asc", **({"orderBy": self.order_by} if self.order_by else {})}

    def selection(self, query: Query) -> dict[str, list[dict[str, Any]]]:
        """Return the members that select records.

        Values of one flag are alternatives (or), flags add up (and), and so does the free filter.
        """
        found: dict[str, list[dict[str, Any]]] = {}
        for name, part, dimension in self.filters:
            values: tuple[str, ...] = getattr(query, name)
            if values:
                found.setdefault(part, []).append(_any_of(dimension, values))
        for part, filters in json.loads(query.filter or "{}").items():
            found.setdefault(part, []).extend(filters)
        return found

    def read(self, body: bytes, page_size: int, redactor: Redactor) -> Answer:
        """Read a page of a details query: the records and `totalHits`."""

        def said(envelope: Mapping[str, Any]) -> Said:
            total = whole_number(envelope, "totalHits")
            return Said(page_count=None if total is None else -(-total // page_size), total=total)

        # Past the last page, and so in an empty window too, the records are absent or null: only the total is there.
        envelope = Envelope(
            records_key=self.records_key, members=["totalHits"], may_lack=lambda said, _: said.total is not None
        )
        return read_answer(body, self.schema, envelope=envelope, redactor=redactor, said=said)


CONVERSATIONS = DetailsSubject(
    path="/api/v2/analytics/conversations/details",
    records_key="conversations",
    schema_name="conversation",
    order_by="conversationStart",
    filters=(
        ("queues", "segmentFilters", "queueId"),
        ("media_types", "segmentFilters", "mediaType"),
        ("directions", "segmentFilters", "direction"),
        ("divisions", "conversationFilters", "divisionId"),
    ),
    free=("segmentFilters", "conversationFilters", "evaluationFilters", "surveyFilters", "resolutionFilters"),
    starts_of_day=True,
    open_end=True,
    empty_by_total=False,
    table="conversations",
    end_key="conversationEnd",
    by_id=True,
    counted="conversations",
)

USERS = DetailsSubject(
    path="/api/v2/analytics/users/details",
    records_key="userDetails",
    schema_name="user-detail",
    order_by=None,
    filters=(),
    free=("userFilters", "presenceFilters", "routingStatusFilters"),
    starts_of_day=False,
    open_end=False,
    empty_by_total=True,
    table=None,
    end_key=None,
    by_id=False,
    # Not users: recordings of one user have 7. That it is documents is an inference, so that little is made of it.
    counted="documents",
)


@dataclass(frozen=True, kw_only=True)
class DetailsCount:
    """The `totalHits` of a details query, by a request for the smallest of pages; it is approximate."""

    subject: DetailsSubject
    interval_max: timedelta | None = QUERY_INTERVAL_MAX

    @property
    def what(self) -> str:
        """What the query counts."""
        return f"{self.subject.counted} by the details query"

    @property
    def of_records(self) -> bool:
        """Of conversations it does."""
        return self.subject.counted == self.subject.records_key

    def request(self, query: Query, window: Interval) -> Request:
        """Build the request for a page of one record, selected as the job selects them."""
        body = {"interval": str(window), "paging": {"pageSize": 1, "pageNumber": 1}, **self.subject.selection(query)}
        return Request(method="POST", path=f"{self.subject.path}/query", body=body)

    def read(self, body: bytes, redactor: Redactor) -> int:
        """Read `totalHits` of an answer that is a page. Raises ProtocolFault."""
        total = self.subject.read(body, 1, redactor).said.total
        if total is None:
            raise ProtocolFault("the answer names no totalHits")
        return total


@dataclass(frozen=True, kw_only=True)
class DetailsById:
    """Details of records by their ids; those that are not there are left out of the answer."""

    subject: DetailsSubject
    at_once: int = 50
    """Ids of 36 characters: an address of 2 KB, which every gateway takes. How many the server takes nobody says."""

    def request(self, ids: Sequence[str]) -> Request:
        """Build the request for some."""
        return Request(method="GET", path=self.subject.path, params={"id": ",".join(ids)})

    def read(self, body: bytes, redactor: Redactor) -> "pa.Table | None":
        """Read the records. Raises ProtocolFault."""
        envelope = Envelope(records_key=self.subject.records_key, members=[])
        return read_answer(body, self.subject.schema, envelope=envelope, redactor=redactor, said=lambda _: Said()).table


def _any_of(dimension: str, values: tuple[str, ...]) -> dict[str, Any]:
    predicates = [{"type": "dimension", "dimension": dimension, "operator": "matches", "value": v} for v in values]
    return {"type": "or", "predicates": predicates}
