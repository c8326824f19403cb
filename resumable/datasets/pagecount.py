"""Conversations by the article's contract: `dateFrom`, `size` and `pageNumber` in, `entities` and `paging` out.

Source: the article that this product was made for. `paging.pageCount` 0 is an empty window, 1 means that the first
answer holds everything. It may answer without `entities`, or with an empty list, beside a page count that is not 0:
such a page is not done. About 200 requests a minute are allowed for one client, and no header tells. Tokens come from
the API host.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from resumable.datasets.contract import Answer, whole_number
from resumable.datasets.facts import Excess, Filters, PageSizes, Paging
from resumable.datasets.page_bodies import Envelope, read_answer
from resumable.datasets.token_forms import TokenForm
from resumable.models import MOST_ON_A_PAGE, MOST_PAGES, Interval, Query, Request, Said, iso
from resumable.redaction import Redactor
from resumable.schema.registry import pinned
from resumable.schema.schema import Schema

_SIZES = PageSizes(usual=1000, most=1000, excess=Excess.REFUSED)
_FILTERS = Filters(
    fields=frozenset({"queues", "divisions", "media_types", "directions", "group_by", "metrics"}), free=("and",)
)


@dataclass(frozen=True, kw_only=True)
class ConversationsPageCount:
    """The dataset `conversations-pagecount`."""

    name: str = "conversations-pagecount"
    paging: Literal[Paging.NUMBERED] = Paging.NUMBERED
    documented_rate: float = 200.0
    page_sizes: PageSizes = _SIZES
    interval_max: timedelta | None = None
    interval_min: timedelta | None = timedelta(hours=1)
    deep_limit: int | None = None
    timeless: bool = False
    open_end: bool = False
    table: str = "conversations"
    filters: Filters = _FILTERS
    token_form: TokenForm = TokenForm.FIELDS
    description: None = None
    inferred: None = None
    by_id: None = None
    end_key: str = "conversationEnd"
    counting: None = None

    @property
    def schema(self) -> Schema:
        """The conversation as the field model has it."""
        return pinned("conversation")

    def request(self, query: Query, window: Interval, number: int, page_size: int) -> Request:
        """Build the request for page `number`."""
        body: dict[str, Any] = {
            "dateFrom": iso(window.start),
            "dateTo": iso(window.end),
            "size": page_size,
            "pageNumber": number,
        }
        if query.group_by:
            body["groupBy"] = list(query.group_by)
        if query.metrics:
            body["metrics"] = list(query.metrics)
        conditions = _conditions(query)
        if conditions:
            body["filters"] = {"and": conditions}
        return Request(method="POST", path="/api/v2/analytics/conversations/details/query", body=body)

    def read(self, body: bytes, page_size: int, redactor: Redactor) -> Answer:
        """Read `entities` and `paging`. Raises ProtocolFault."""
        return read_answer(body, self.schema, envelope=_ENVELOPE, redactor=redactor, said=_said)


# A page count of 0 is documented as an empty dataset, whatever is beside it.
_ENVELOPE = Envelope(records_key="entities", members=["paging"], may_lack=lambda said, _: said.page_count == 0)


def _said(envelope: Mapping[str, Any]) -> Said:
    paging = envelope.get("paging")
    named = paging if isinstance(paging, dict) else {}
    return Said(
        page_count=whole_number(named, "pageCount", most=MOST_PAGES),
        page_number=whole_number(named, "pageNumber", most=MOST_PAGES),
        page_size=whole_number(named, "pageSize", most=MOST_ON_A_PAGE),
    )


def _conditions(query: Query) -> list[dict[str, Any]]:
    named = (
        ("queue.id", query.queues),
        ("division.id", query.divisions),
        ("mediaType", query.media_types),
        ("direction", query.directions),
    )
    conditions = [{"path": path, "operator": "in", "values": list(values)} for path, values in named if values]
    return conditions + list(json.loads(query.filter or "{}").get("and", []))


DATASETS = {"conversations-pagecount": ConversationsPageCount()}
