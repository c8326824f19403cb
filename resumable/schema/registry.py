"""The schemas that ship with the product, each made once, when first asked for."""

from functools import lru_cache

from resumable.schema.fields import Fields
from resumable.schema.schema import Schema, build
from resumable.schema.tables import analytics, queue, user

_TABLES: dict[str, tuple[int, Fields, str, str | None]] = {
    "conversation": (1, analytics.CONVERSATION, "conversationId", "conversationStart"),
    "user-detail": (1, analytics.USER_DETAIL, "userId", None),
    "user": (1, user.USER, "id", None),
    "queue": (1, queue.QUEUE, "id", None),
    "wrapup-code": (1, queue.WRAPUP_CODE, "id", None),
}

_BUNDLES = frozenset({"user-detail"})
"""Those whose records are bundles of documents."""

NAMES = tuple(_TABLES)
"""What `pinned` knows: conversation, user-detail, user, queue, wrapup-code."""


@lru_cache(maxsize=len(_TABLES))
def pinned(name: str) -> Schema:
    """Return a pinned schema by its name, the same object every time; KeyError for a name not in NAMES."""
    version, fields, key, start = _TABLES[name]
    return build(name, version, fields, key, start, bundles=name in _BUNDLES)
