"""Conversations by the public details query: `interval` in, `conversations` and `totalHits` out.

Source: ConversationQuery and AnalyticsConversationQueryResponse of the official SDK. There is no page count: it is
totalHits over the page size, rounded up, and totalHits is approximate and moves while data arrives. Past the last page
`conversations` is absent or null. Day windows are disjoint; slices of one day overlap.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from resumable.auth import TokenForm
from resumable.datasets.contract import Answer, read_answer, whole_number
from resumable.datasets.filters import conversation_filters
from resumable.models import Interval, Query, Request, Said
from resumable.redaction import Redactor
from resumable.schema import Schema, pinned


@dataclass(frozen=True, kw_only=True)
class Conversations:
    """The dataset `conversations`."""

    name: str = "conversations"
    documented_rate: float = 300.0
    page_size_default: int = 100
    page_size_max: int = 100
    token_form: TokenForm = TokenForm.BASIC

    @property
    def schema(self) -> Schema:
        """The conversation as the field model has it."""
        return pinned("conversation")

    def request(self, query: Query, window: Interval, number: int, page_size: int) -> Request:
        """Build the request for page `number`; the order makes the paging repeatable."""
        return Request(
            method="POST",
            path="/api/v2/analytics/conversations/details/query",
            body={
                "interval": str(window),
                "order": "asc",
                "orderBy": "conversationStart",
                "paging": {"pageSize": page_size, "pageNumber": number},
                **conversation_filters(query),
            },
        )

    def read(self, body: bytes, page_size: int, redactor: Redactor) -> Answer:
        """Read `conversations` and `totalHits`."""

        def said(envelope: Mapping[str, Any]) -> Said:
            total = whole_number(envelope, "totalHits")
            return Said(page_count=None if total is None else -(-total // page_size), total=total)

        return read_answer(
            body,
            self.schema,
            records_key="conversations",
            envelope=["totalHits"],
            redactor=redactor,
            said=said,
        )
