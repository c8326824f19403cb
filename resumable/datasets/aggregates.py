"""Aggregates of conversations by day: what the server counted when it happened, apart from the details.

Source: ConversationAggregationQuery and its answer in the official SDK. The answer is whole, without pages; a group
is of each media type, whatever else is asked for. Permission: analytics:conversationAggregate:view.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Final

from resumable.datasets.contract import instant, members
from resumable.errors import ProtocolFault
from resumable.models import Interval, Request
from resumable.redaction import Redactor

METRICS: Final = ("nOffered", "tAnswered", "tAbandon", "tHandle")
"""Emitted once for each stay in a queue, or for each handling; aggregates and details both count them when emitted."""

INTERVAL_MAX: Final = timedelta(days=7)
"""Asked for at one time; nobody documents a limit, and a week's answer is small."""

DayCounts = Counter[tuple[date, str]]
"""By UTC day and metric."""


def request(window: Interval) -> Request:
    """Build the request for the counts of each day of a window."""
    body = {"interval": str(window), "granularity": "P1D", "metrics": [*METRICS]}
    return Request(method="POST", path="/api/v2/analytics/conversations/aggregates/query", body=body)


def read(body: bytes, redactor: Redactor) -> DayCounts:
    """Read the answer: how often each metric was emitted on each day. Raises ProtocolFault."""
    found: DayCounts = Counter()
    answer = members(body, redactor)
    if "errorMessage" in answer or "code" in answer:
        raise ProtocolFault("the answer speaks of an error")
    for result in _objects(answer, "results"):
        for data in _objects(result, "data"):
            start = instant({"start": str(data.get("interval")).partition("/")[0]}, "start")
            for metric in _objects(data, "metrics"):
                name, stats = metric.get("metric"), metric.get("stats")
                count = stats.get("count") if isinstance(stats, Mapping) else None
                if start is None or not isinstance(count, int):
                    raise ProtocolFault("the answer names a metric without a count or a day")
                if name in METRICS:
                    found[start.date(), str(name)] += count
    return found


def _objects(answer: Mapping[str, Any], name: str) -> Iterator[Mapping[str, Any]]:
    listed = answer.get(name) or []
    if not isinstance(listed, Sequence) or not all(isinstance(each, Mapping) for each in listed):
        raise ProtocolFault(f"{name} is not a list of objects")
    yield from listed
