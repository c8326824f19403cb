"""What the fault matrix finds in the product as it is. Whoever fixes a group takes it out of here; empty is the aim."""

_LISTS = ("users", "queues", "wrapupcodes")

SAMPLED: frozenset[str] = frozenset(
    {
        "conversations: conversations: key",
        "conversations-pagecount: article: key",
        "conversation-jobs: conversation job results: key",
        "user-details: user details: key",
        "user-detail-jobs: user job results: key",
        "tickets: tickets: key",
        "feed: feed: key",
        *(f"{name}: {name}: key" for name in _LISTS),
    }
)
"""Groups of which a cell of the bounded sample fails."""

ALL: frozenset[str] = SAMPLED | {
    "conversations-pagecount: article: count",
    "tickets: tickets: count",
    "conversations: conversations: body",
    "conversations-pagecount: article: body",
    "user-details: user details: body",
    "user-details: user details: count",
    "user-detail-jobs: user job results: body",
    "user-detail-jobs: user job submit: id",
    "tickets: tickets: body",
    "feed: feed: body",
    "feed: feed: cursor",
    *(f"{name}: {name}: body" for name in _LISTS),
    *(f"{name}: {name}: count" for name in _LISTS),
}
"""Groups of which any cell fails."""
