"""Entity lists: users, queues, wrap-up codes; one envelope with pageCount for all of them.

Source: UserEntityListing, QueueEntityListing and WrapupCodeEntityListing of the official SDK. The server may use a
smaller page than was asked for and says so. Its `*Uri` members are not followed: a page is asked for by its number.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, Literal

from resumable.datasets.contract import Answer, whole_number
from resumable.datasets.facts import NO_FILTERS, Filters, PageSizes, Paging
from resumable.datasets.page_bodies import Envelope, read_answer
from resumable.datasets.token_forms import TokenForm
from resumable.models import MOST_ON_A_PAGE, MOST_PAGES, Interval, Query, Request, Said
from resumable.redaction import Redactor
from resumable.schema.registry import pinned
from resumable.schema.schema import Schema

_SIZES = PageSizes(usual=100, most=500)


@dataclass(frozen=True, kw_only=True)
class EntityList:
    """The datasets `users`, `queues` and `wrapupcodes`: the list as it is when it is asked for."""

    name: str
    path: str
    schema_name: str
    params: tuple[tuple[str, str], ...]
    """What keeps the order, and says what is listed."""
    paging: Literal[Paging.NUMBERED] = Paging.NUMBERED
    documented_rate: float = 300.0
    page_sizes: PageSizes = _SIZES
    interval_max: timedelta | None = None
    interval_min: timedelta | None = None
    deep_limit: int | None = None
    timeless: bool = True
    open_end: bool = True
    filters: Filters = NO_FILTERS
    token_form: TokenForm = TokenForm.BASIC
    description: None = None
    inferred: None = None
    by_id: None = None
    end_key: None = None
    counting: None = None

    @property
    def schema(self) -> Schema:
        """The entity as the field model has it."""
        return pinned(self.schema_name)

    @property
    def table(self) -> str:
        """The dataset's name."""
        return self.name

    def request(self, query: Query, window: Interval, number: int, page_size: int) -> Request:
        """Build the request for page `number`; the window only names the day of the list."""
        params = {"pageSize": str(page_size), "pageNumber": str(number), **dict(self.params)}
        return Request(method="GET", path=self.path, params=params)

    def read(self, body: bytes, page_size: int, redactor: Redactor) -> Answer:
        """Read `entities` and the envelope around them. Raises ProtocolFault."""
        return read_answer(body, self.schema, envelope=_ENVELOPE, redactor=redactor, said=_said)


_ENVELOPE = Envelope(records_key="entities", members=["pageCount", "pageNumber", "pageSize", "total"])


def _said(envelope: Mapping[str, Any]) -> Said:
    return Said(
        page_count=whole_number(envelope, "pageCount", most=MOST_PAGES),
        page_number=whole_number(envelope, "pageNumber", most=MOST_PAGES),
        page_size=whole_number(envelope, "pageSize", most=MOST_ON_A_PAGE),
        total=whole_number(envelope, "total"),
    )


EXPANDED: Final = (
    "routingStatus",
    "presence",
    "station",
    "authorization",
    "team",
    "groups",
    "skills",
    "languages",
    "locations",
    "dateLastLogin",
    "biography",
    "certifications",
    "conversationSummary",
    "employerInfo",
    "geolocation",
    "integrationPresence",
    "languagePreference",
    "lasttokenissued",
    "outOfOffice",
    "profileSkills",
    "workPlanBidRanks",
)
"""What of a user comes only where it is asked for, and has columns: without it 263 of 295 stay empty."""

DATASETS = {
    entities.name: entities
    for entities in (
        # Without a state only active users are listed, and old conversations name others too.
        EntityList(
            name="users",
            path="/api/v2/users",
            schema_name="user",
            params=(("sortOrder", "ascending"), ("state", "any"), ("expand", ",".join(EXPANDED))),
        ),
        EntityList(name="queues", path="/api/v2/routing/queues", schema_name="queue", params=(("sortOrder", "asc"),)),
        EntityList(
            name="wrapupcodes",
            path="/api/v2/routing/wrapupcodes",
            schema_name="wrapup-code",
            params=(("sortBy", "id"), ("sortOrder", "ascending")),
        ),
    )
}
