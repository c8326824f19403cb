"""Details by the public query: `interval` and `paging` in, records and `totalHits` out; pages in any order.

Which conversations match an interval: those with activity in it that started on a UTC day it touches. So day windows
are disjoint, and slices of one day overlap.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from resumable.datasets.contract import Answer
from resumable.datasets.details import CONVERSATIONS, QUERY_INTERVAL_MAX, USERS, DetailsById, DetailsSubject
from resumable.datasets.facts import Filters, PageSizes, Paging
from resumable.datasets.token_forms import TokenForm
from resumable.models import Interval, Query, Request
from resumable.redaction import Redactor
from resumable.schema.schema import Schema

_SIZES = PageSizes(usual=100, most=100)


@dataclass(frozen=True, kw_only=True)
class DetailsQuery:
    """The datasets `conversations` and `user-details`."""

    name: str
    subject: DetailsSubject
    paging: Literal[Paging.NUMBERED] = Paging.NUMBERED
    documented_rate: float = 300.0
    page_sizes: PageSizes = _SIZES
    interval_max: timedelta | None = QUERY_INTERVAL_MAX
    interval_min: timedelta | None = timedelta(hours=1)
    deep_limit: int | None = 100_000
    timeless: bool = False
    token_form: TokenForm = TokenForm.BASIC
    description: None = None
    inferred: None = None
    counting: None = None

    @property
    def schema(self) -> Schema:
        """The subject's."""
        return self.subject.schema

    @property
    def open_end(self) -> bool:
        """The subject's."""
        return self.subject.open_end

    @property
    def end_key(self) -> str | None:
        """The subject's."""
        return self.subject.end_key

    @property
    def by_id(self) -> DetailsById | None:
        """The subject's: its records are the query's own, without attributes of participants."""
        return DetailsById(subject=self.subject) if self.subject.by_id else None

    @property
    def table(self) -> str:
        """The subject's."""
        return self.subject.table or self.name

    @property
    def filters(self) -> Filters:
        """The subject's."""
        return self.subject.narrowing

    def request(self, query: Query, window: Interval, number: int, page_size: int) -> Request:
        """Build the request for page `number`; the order makes the paging repeatable."""
        body = {
            "interval": str(window),
            **self.subject.order(),
            "paging": {"pageSize": page_size, "pageNumber": number},
            **self.subject.selection(query),
        }
        return Request(method="POST", path=f"{self.subject.path}/query", body=body)

    def read(self, body: bytes, page_size: int, redactor: Redactor) -> Answer:
        """Read the records and `totalHits`. Raises ProtocolFault."""
        return self.subject.read(body, page_size, redactor)


DATASETS = {
    "conversations": DetailsQuery(name="conversations", subject=CONVERSATIONS),
    "user-details": DetailsQuery(name="user-details", subject=USERS),
}
