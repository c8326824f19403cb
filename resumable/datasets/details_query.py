"""Details by the public query: `interval` and `paging` in, records and `totalHits` out; pages in any order.

Which conversations match an interval: those with activity in it that started on a UTC day it touches. So day windows
are disjoint, and slices of one day overlap.
"""

from dataclasses import dataclass
from datetime import timedelta

from resumable.datasets.contract import Answer
from resumable.datasets.details import CONVERSATIONS, DetailsSubject
from resumable.datasets.token_forms import TokenForm
from resumable.models import Interval, Query, Request
from resumable.redaction import Redactor
from resumable.schema.schema import Schema


@dataclass(frozen=True, kw_only=True)
class DetailsQuery:
    """The datasets `conversations` and `user-details`."""

    name: str = "conversations"
    subject: DetailsSubject = CONVERSATIONS
    documented_rate: float = 300.0
    page_size_default: int = 100
    page_size_max: int = 100
    page_size_clamped: bool = True
    interval_max: timedelta | None = timedelta(days=7)
    deep_limit: int | None = 100_000
    counts_pages: bool = True
    timeless: bool = False
    token_form: TokenForm = TokenForm.BASIC

    @property
    def schema(self) -> Schema:
        """The subject's."""
        return self.subject.schema

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
        """Read the records and `totalHits`."""
        return self.subject.read(body, page_size, redactor)
