"""The query's filters in the public contract's words (source: ConversationQuery and its filter models)."""

import json
from typing import Any

from resumable.models import Query

PARTS = ("segmentFilters", "conversationFilters", "evaluationFilters", "surveyFilters", "resolutionFilters")
"""What a free filter may hold, each a list."""


def conversation_filters(query: Query) -> dict[str, list[dict[str, Any]]]:
    """Return the members of a query body that select conversations.

    Values of one flag are alternatives (or), flags add up (and), and so does the free filter.
    """
    found: dict[str, list[dict[str, Any]]] = {}
    for part, dimension, values in (
        ("segmentFilters", "queueId", query.queues),
        ("segmentFilters", "mediaType", query.media_types),
        ("segmentFilters", "direction", query.directions),
        ("conversationFilters", "divisionId", query.divisions),
    ):
        if values:
            found.setdefault(part, []).append(any_of(dimension, values))
    for part, filters in json.loads(query.filter or "{}").items():
        found.setdefault(part, []).extend(filters)
    return found


def any_of(dimension: str, values: tuple[str, ...]) -> dict[str, Any]:
    """Return the filter that one dimension has one of the values."""
    predicates = [{"type": "dimension", "dimension": dimension, "operator": "matches", "value": v} for v in values]
    return {"type": "or", "predicates": predicates}
