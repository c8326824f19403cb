"""What can be downloaded, as far as it can be said without importing it: a status or a help needs no more."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, kw_only=True)
class Listed:
    """A dataset of the catalogue."""

    line: str
    """What it is, for a help."""
    endpoint: str
    """Method and path of the request for its pages, or for its job on the server."""
    permission: str | None
    """What the client's role needs, as Genesys names it; None where nothing is needed, or nobody has said it."""
    module: str | None = None
    """Below `resumable.datasets`; its DATASETS hold the contract, by name. None: a file in `described/catalogue`."""
    breakdown: str | None = None
    """A column that is worth counting by."""
    bulk: str | None = None
    """The dataset that brings the same records in far fewer requests, through jobs on the server."""
    counted_by: str | None = None
    """The dataset whose answers tell at once how much this one will bring, where its own do not."""
    of_genesys: bool = True
    """Whether Genesys Cloud itself answers it; else only what speaks the same contract."""


CATALOGUE: Final[Mapping[str, Listed]] = {
    "conversations": Listed(
        line="conversations with all their detail, by the public details query (100 a page)",
        endpoint="POST /api/v2/analytics/conversations/details/query",
        permission="analytics:conversationDetail:view",
        module="details_query",
        breakdown="originatingDirection",
        bulk="conversation-history",
    ),
    "conversation-jobs": Listed(
        line="the same by asynchronous jobs, meant for bulk (1000 a page; with participant attributes)",
        endpoint="POST /api/v2/analytics/conversations/details/jobs",
        permission="analytics:conversationDetail:view",
        module="details_job",
        breakdown="originatingDirection",
        counted_by="conversations",
    ),
    "conversation-history": Listed(
        line="the same in the fewest requests: jobs for what the data lake has whole, the details query for the rest",
        endpoint="POST /api/v2/analytics/conversations/details/jobs and /query",
        permission="analytics:conversationDetail:view",
        module="history",
        breakdown="originatingDirection",
        counted_by="conversations",
    ),
    "conversations-pagecount": Listed(
        line="the same by the contract with pageCount (1000 a page)",
        endpoint="POST /api/v2/analytics/conversations/details/query",
        permission=None,
        module="pagecount",
        breakdown="originatingDirection",
        of_genesys=False,
    ),
    "user-details": Listed(
        line="presence and routing status of users over time, by the details query (100 a page)",
        endpoint="POST /api/v2/analytics/users/details/query",
        permission="analytics:userDetail:view",
        module="details_query",
        bulk="user-detail-jobs",
    ),
    "user-detail-jobs": Listed(
        line="the same by asynchronous jobs (1000 a page)",
        endpoint="POST /api/v2/analytics/users/details/jobs",
        permission="analytics:userDetail:view",
        module="details_job",
        counted_by="user-details",
    ),
    "users": Listed(
        line="the list of users as it is today, whatever their state",
        endpoint="GET /api/v2/users",
        permission=None,
        module="entities",
        breakdown="state",
    ),
    "queues": Listed(
        line="the list of queues as it is today",
        endpoint="GET /api/v2/routing/queues",
        permission="routing:queue:view",
        module="entities",
    ),
    "wrapupcodes": Listed(
        line="the list of wrap-up codes as it is today",
        endpoint="GET /api/v2/routing/wrapupcodes",
        permission="routing:wrapupCode:view",
        module="entities",
    ),
    "groups": Listed(
        line="the list of groups as it is today",
        endpoint="GET /api/v2/groups",
        permission=None,
    ),
    "skills": Listed(
        line="the list of routing skills as it is today",
        endpoint="GET /api/v2/routing/skills",
        permission=None,
    ),
    "languages": Listed(
        line="the list of routing languages as it is today",
        endpoint="GET /api/v2/routing/languages",
        permission=None,
    ),
    "divisions": Listed(
        line="the list of divisions as it is today",
        endpoint="GET /api/v2/authorization/divisions",
        permission=None,
    ),
    "presence-definitions": Listed(
        line="the list of presence definitions as it is today",
        endpoint="GET /api/v2/presence/definitions",
        permission="presence:presenceDefinition:view",
    ),
    "campaigns": Listed(
        line="the list of outbound campaigns as it is today",
        endpoint="GET /api/v2/outbound/campaigns",
        permission="outbound:campaign:view",
    ),
    "flows": Listed(
        line="the list of Architect flows as it is today, deleted ones too",
        endpoint="GET /api/v2/flows",
        permission="architect:flow:view",
    ),
    "queue-members": Listed(
        line="the members of each queue as they are today",
        endpoint="GET /api/v2/routing/queues/{id}/members",
        permission="routing:queue:view",
    ),
    "recordings": Listed(
        line="what is known of the recordings of each conversation of a job",
        endpoint="GET /api/v2/conversations/{id}/recordingmetadata",
        permission="recording:recording:view",
    ),
    "evaluations": Listed(
        line="the quality evaluations of each conversation of a job",
        endpoint="GET /api/v2/quality/evaluations/query",
        permission="quality:evaluation:view",
    ),
    "conversation-aggregates": Listed(
        line="counts and times of conversations by queue, media type, direction and half hour",
        endpoint="POST /api/v2/analytics/conversations/aggregates/query",
        permission="analytics:conversationAggregate:view",
    ),
    "user-aggregates": Listed(
        line="time of each user in each presence and routing status, by half hour",
        endpoint="POST /api/v2/analytics/users/aggregates/query",
        permission="analytics:userAggregate:view",
    ),
    "audits": Listed(
        line="who changed what in the organisation, and when",
        endpoint="POST /api/v2/audits/query",
        permission="audits:audit:view",
    ),
    "api-usage": Listed(
        line="requests to the API by day, client, path and status",
        endpoint="POST /api/v2/usage/query",
        permission="oauth:client:view",
    ),
}
"""By name. A dataset that a file describes is in no list."""

REQUESTS_A_JOB: Final = 6
"""A job on the server is submitted, looked at some times and deleted, and its window is counted by a query."""

RECORDS_A_JOB_PAGE: Final = 1000
"""Seen in production; 10,000 are asked for there too, and nobody says whether they come. What is promised is this."""

WORTH_SAYING: Final = 2
"""So many times fewer requests are worth a hint. A tenth is the most that can be saved: 1000 a page in place of 100."""


def breakdown_of(dataset: str) -> str | None:
    """Return a column that is worth counting by; None where none is known."""
    return CATALOGUE[dataset].breakdown if dataset in CATALOGUE else None


def permission_of(dataset: str) -> str | None:
    """Return the permission that a dataset needs, as Genesys Cloud's administration shows it; None where none is known.

    `analytics:conversationDetail:view` is shown as `Analytics > Conversation Detail > View`.
    """
    named = CATALOGUE[dataset].permission if dataset in CATALOGUE else None
    if named is None:
        return None
    return " > ".join(re.sub(r"(?<=[a-z])(?=[A-Z])", " ", piece[:1].upper() + piece[1:]) for piece in named.split(":"))


def counted_by(dataset: str) -> str | None:
    """Return the dataset whose answers tell at once how much a bulk dataset will bring; None where there is none."""
    return CATALOGUE[dataset].counted_by if dataset in CATALOGUE else None


def cheaper(dataset: str, *, requests: int, records: int, windows: int) -> tuple[str, int] | None:
    """Return the dataset that brings the same in far fewer requests, and how many; None where there is none."""
    bulk = CATALOGUE[dataset].bulk if dataset in CATALOGUE else None
    needed = -(-records // RECORDS_A_JOB_PAGE) + REQUESTS_A_JOB * windows
    return (bulk, needed) if bulk and needed * WORTH_SAYING <= requests else None
