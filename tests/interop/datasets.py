"""The datasets whose contract the SDK and the OpenAPI document know, and a query for each with every filter in play."""

import json

from resumable import Query
from resumable.datasets.catalogue import CATALOGUE
from resumable.simulator.simulator import Simulator

FOREIGN = {"conversations-pagecount": "its body is another contract's, on the same path as the public one"}
"""Datasets that are left out, and why."""

PUBLIC = [name for name, listed in CATALOGUE.items() if name not in FOREIGN and listed.module]
FILTERED = ["conversations", "conversation-jobs", "conversation-history", "user-details", "user-detail-jobs"]


def every_filter(sim: Simulator, dataset: str) -> Query:
    """Return a query that sets every flag, and every list of a free filter, and still selects some records."""
    organisation = sim.world.organisation
    if dataset.startswith("user"):
        some = [_is("userId", user) for user in organisation.user_ids[::2]]
        free = {
            "userFilters": [{"type": "or", "predicates": some}],
            "presenceFilters": [{"type": "and", "predicates": [_is("systemPresence", None)]}],
            "routingStatusFilters": [{"type": "and", "predicates": [_is("routingStatus", None)]}],
        }
        return Query(filter=json.dumps(free))
    free = {
        "segmentFilters": [
            {
                "type": "and",
                "clauses": [
                    {"type": "or", "predicates": [_is("purpose", "agent"), _is("purpose", "acd")]},
                    {"type": "and", "predicates": [_is("wrapUpCode", None)]},
                ],
                "predicates": [{"type": "metric", "metric": "tSegmentDuration", "range": {"gte": 0, "lt": 10**8}}],
            }
        ],
        "conversationFilters": [{"type": "and", "predicates": [_is("conversationEnd", None)]}],
        "evaluationFilters": [{"type": "and", "predicates": [_is("evaluationId", None)]}],
        "surveyFilters": [{"type": "and", "predicates": [_is("surveyId", None)]}],
        "resolutionFilters": [
            {"type": "and", "predicates": [{"type": "metric", "metric": "nNextContactAvoided", "operator": "exists"}]}
        ],
    }
    return Query(
        queues=organisation.queue_ids,
        divisions=organisation.division_ids,
        media_types=("voice", "chat", "email"),
        directions=("inbound", "outbound"),
        filter=json.dumps(free),
    )


def _is(dimension: str, value: str | None) -> dict[str, str]:
    predicate = {"type": "dimension", "dimension": dimension}
    return predicate | ({"operator": "matches", "value": value} if value is not None else {"operator": "exists"})
