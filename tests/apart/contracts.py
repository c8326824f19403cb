"""Every contract that the product has, as the second server and its judge see it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from tests.apart.details import without_attributes
from tests.apart.exchange import Kind
from tests.apart.truth import DAY, FIRST_DAY, Record, World

HERE = Path(__file__).parent
KeyPath = tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Contract:
    """One dataset: what it is called, which requests it makes, and where things are in its answers."""

    name: str
    page: Kind
    """The request that brings records."""
    key: str
    records: KeyPath
    counts: tuple[KeyPath, ...] = ()
    echoes: tuple[KeyPath, ...] = ()
    """Where a page says which one it is."""
    cursor: KeyPath = ()
    submit: Kind | None = None
    poll: Kind | None = None
    delete: Kind | None = None
    availability: Kind | None = None
    count: Kind | None = None
    """The query whose totalHits is an independent count."""
    typed: str = ""
    """What is typed for it, where that is not its name."""
    available_until: datetime | None = None
    """Up to when jobs have their data, where that matters."""
    either: bool = False
    """Whether a record may come with the attributes that jobs bring, or without."""
    file: str = ""
    """The description, of an endpoint that has one."""
    timeless: bool = False
    genesys: bool = True

    @property
    def dataset(self) -> str:
        """What is typed for it."""
        return str(HERE / self.file) if self.file else self.typed or self.name

    @property
    def of_users(self) -> bool:
        """Whether its records are documents grouped by user."""
        return self.key == "userId"

    @property
    def setup(self) -> tuple[Kind, ...]:
        """The requests beside the pages that a run may make."""
        own = (self.submit, self.poll, self.delete, self.availability, self.count)
        common = (Kind.TOKEN, Kind.ORGANISATION) if self.genesys else ()
        return (*common, *(kind for kind in own if kind is not None))

    def arguments(self, *, days: int = 3, page_size: int = 10, job: str = "j") -> list[str]:
        """Return the words of `backfill` for it."""
        end = FIRST_DAY + days * DAY
        span = [] if self.timeless else ["--from", f"{FIRST_DAY:%Y-%m-%d}", "--to", f"{end:%Y-%m-%d}"]
        return ["backfill", self.dataset, *span, "--page-size", str(page_size), "--job", job]

    def truth(self, world: World, *, days: int = 3) -> Sequence[Record]:
        """Return every record that a job over the first days must hold. Of users' details see `World.all_documents`."""
        end = FIRST_DAY + timedelta(days=days)
        if self.page in (Kind.USERS, Kind.QUEUES, Kind.WRAPUPCODES):
            lists = {
                Kind.USERS: world.all_users,
                Kind.QUEUES: world.all_queues,
                Kind.WRAPUPCODES: world.all_wrapupcodes,
            }
            return lists[self.page]
        if self.page in (Kind.TICKETS, Kind.FEED):
            return list(world.tickets_of(FIRST_DAY, end))
        found = [one for one in world.all_conversations if one["conversationStart"] < f"{end:%Y-%m-%d}"]
        return (
            found
            if self.page is Kind.CONVERSATION_RESULTS or self.either
            else [without_attributes(one) for one in found]
        )


_LISTED = {
    "key": "id",
    "records": ("entities",),
    "counts": (("total",), ("pageCount",), ("pageSize",)),
    "echoes": (("pageNumber",),),
    "timeless": True,
}

CONVERSATIONS = Contract(
    name="conversations",
    page=Kind.CONVERSATIONS,
    key="conversationId",
    records=("conversations",),
    counts=(("totalHits",),),
)
ARTICLE = Contract(
    name="conversations-pagecount",
    page=Kind.ARTICLE,
    key="conversationId",
    records=("entities",),
    counts=(("paging", "pageCount"), ("paging", "pageSize")),
    echoes=(("paging", "pageNumber"),),
)
CONVERSATION_JOBS = Contract(
    name="conversation-jobs",
    page=Kind.CONVERSATION_RESULTS,
    key="conversationId",
    records=("conversations",),
    cursor=("cursor",),
    submit=Kind.CONVERSATION_SUBMIT,
    poll=Kind.CONVERSATION_POLL,
    delete=Kind.CONVERSATION_DELETE,
    availability=Kind.CONVERSATION_AVAILABILITY,
    count=Kind.CONVERSATIONS,
)
HISTORY = Contract(
    name="conversation-history",
    page=Kind.CONVERSATION_RESULTS,
    key="conversationId",
    records=("conversations",),
    cursor=("cursor",),
    submit=Kind.CONVERSATION_SUBMIT,
    poll=Kind.CONVERSATION_POLL,
    delete=Kind.CONVERSATION_DELETE,
    availability=Kind.CONVERSATION_AVAILABILITY,
    count=Kind.CONVERSATIONS,
    available_until=FIRST_DAY + 2 * DAY,
    either=True,
)
"""The first two of three windows are in the data lake."""
RECENT_HISTORY = Contract(
    name="recent-conversation-history",
    page=Kind.CONVERSATIONS,
    key="conversationId",
    records=("conversations",),
    counts=(("totalHits",),),
    availability=Kind.CONVERSATION_AVAILABILITY,
    typed="conversation-history",
    available_until=FIRST_DAY,
    either=True,
)
"""No window is there yet."""
USER_DETAILS = Contract(
    name="user-details",
    page=Kind.USER_DETAILS,
    key="userId",
    records=("userDetails",),
    counts=(("totalHits",),),
)
USER_DETAIL_JOBS = Contract(
    name="user-detail-jobs",
    page=Kind.USER_RESULTS,
    key="userId",
    records=("userDetails",),
    cursor=("cursor",),
    submit=Kind.USER_SUBMIT,
    poll=Kind.USER_POLL,
    delete=Kind.USER_DELETE,
    availability=Kind.USER_AVAILABILITY,
    count=Kind.USER_DETAILS,
)
USERS = Contract(name="users", page=Kind.USERS, **_LISTED)  # type: ignore[arg-type]  # shared by three
QUEUES = Contract(name="queues", page=Kind.QUEUES, **_LISTED)  # type: ignore[arg-type]  # shared by three
WRAPUPCODES = Contract(name="wrapupcodes", page=Kind.WRAPUPCODES, **_LISTED)  # type: ignore[arg-type]  # shared by three
TICKETS = Contract(
    name="tickets",
    page=Kind.TICKETS,
    key="id",
    records=("data", "items"),
    counts=(("meta", "pages"), ("meta", "total")),
    echoes=(("meta", "page"),),
    file="tickets.toml",
    genesys=False,
)
FEED = Contract(
    name="feed",
    page=Kind.FEED,
    key="id",
    records=("tickets",),
    cursor=("paging", "after"),
    file="feed.toml",
    genesys=False,
)
ALL = (
    CONVERSATIONS,
    ARTICLE,
    CONVERSATION_JOBS,
    HISTORY,
    RECENT_HISTORY,
    USER_DETAILS,
    USER_DETAIL_JOBS,
    USERS,
    QUEUES,
    WRAPUPCODES,
    TICKETS,
    FEED,
)
