"""Entity lists: users, queues, wrap-up codes; one envelope with pageCount for all of them.

Source: UserEntityListing, QueueEntityListing and WrapupCodeEntityListing of the official SDK. The server may use a
smaller page than was asked for and says so. Its `*Uri` members are not followed: a page is asked for by its number.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from resumable.datasets.contract import Answer, read_answer, whole_number
from resumable.datasets.token_forms import TokenForm
from resumable.models import Interval, Query, Request, Said
from resumable.redaction import Redactor
from resumable.schema.registry import pinned
from resumable.schema.schema import Schema


@dataclass(frozen=True, kw_only=True)
class EntityList:
    """The datasets `users`, `queues` and `wrapupcodes`: the list as it is when it is asked for."""

    name: str
    path: str
    schema_name: str
    params: tuple[tuple[str, str], ...] = (("sortOrder", "asc"),)
    documented_rate: float = 300.0
    page_size_default: int = 100
    page_size_max: int = 500
    page_size_clamped: bool = True
    interval_max: timedelta | None = None
    deep_limit: int | None = None
    counts_pages: bool = True
    timeless: bool = True
    token_form: TokenForm = TokenForm.BASIC

    @property
    def schema(self) -> Schema:
        """The entity as the field model has it."""
        return pinned(self.schema_name)

    def request(self, query: Query, window: Interval, number: int, page_size: int) -> Request:
        """Build the request for page `number`; the window only names the day of the list."""
        params = {"pageSize": str(page_size), "pageNumber": str(number), **dict(self.params)}
        return Request(method="GET", path=self.path, params=params)

    def read(self, body: bytes, page_size: int, redactor: Redactor) -> Answer:
        """Read `entities` and the envelope around them."""
        return read_answer(
            body,
            self.schema,
            records_key="entities",
            envelope=["pageCount", "pageNumber", "pageSize", "total"],
            redactor=redactor,
            said=_said,
        )


def _said(envelope: Mapping[str, Any]) -> Said:
    return Said(
        page_count=whole_number(envelope, "pageCount"),
        page_number=whole_number(envelope, "pageNumber"),
        page_size=whole_number(envelope, "pageSize"),
        total=whole_number(envelope, "total"),
    )


LISTS = {
    # Without a state only active users are listed, and old conversations name others too.
    "users": ("/api/v2/users", "user", (("sortOrder", "asc"), ("state", "any"))),
    "queues": ("/api/v2/routing/queues", "queue", (("sortOrder", "asc"),)),
    "wrapupcodes": ("/api/v2/routing/wrapupcodes", "wrapup-code", (("sortBy", "id"), ("sortOrder", "ascending"))),
}
"""Name: path, schema, and the parameters that keep the order."""


def entity_list(name: str) -> EntityList:
    """Return the entity list of that name."""
    path, schema_name, params = LISTS[name]
    return EntityList(name=name, path=path, schema_name=schema_name, params=params)
