"""Audit records and their queries, which are jobs by another name: created, polled, read cursor by cursor."""

import json
from typing import TYPE_CHECKING

from resumable.simulator.contracts import fetch_from
from resumable.simulator.exchange import Answer, Request, plain
from resumable.simulator.jobs import JobState
from resumable.simulator.names import seeded, uuid_of
from resumable.simulator.queries import bad_request, read_body
from resumable.simulator.text import Json, words
from resumable.simulator.times import DAY_MS, parse_interval, stamp
from resumable.simulator.world import World

if TYPE_CHECKING:
    from resumable.simulator.service import Service

FAMILY = "audits"
_A_DAY = 40
_MOST = 500
_ACTIONS = words("Create Update Delete View Publish")
_STATES = {
    JobState.QUEUED: "Queued",
    JobState.PENDING: "Running",
    JobState.FULFILLED: "Succeeded",
    JobState.FAILED: "Failed",
    JobState.CANCELLED: "Cancelled",
    JobState.EXPIRED: "Failed",
}


def audit_records(world: World, start_ms: int, end_ms: int) -> list[bytes]:
    """Return the audit records of an interval in the order of their dates."""
    found = []
    for day in range(start_ms // DAY_MS, -(-end_ms // DAY_MS)):
        rng = seeded("audits", world.settings.seed, day)
        for number, offset in enumerate(sorted(rng.sample(range(DAY_MS), _A_DAY))):
            record = _record(world, day, number, offset, rng.choice(_ACTIONS))
            if start_ms <= day * DAY_MS + offset < end_ms:
                found.append(json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode())
    return found


def _record(world: World, day: int, number: int, offset: int, action: str) -> Json:
    users = world.organisation.user_ids
    return {
        "id": uuid_of("audit", world.settings.seed, day, number),
        "eventDate": stamp(day * DAY_MS + offset),
        "action": action,
        "serviceName": "Architect",
        "entityType": "Flow",
        "user": {"id": users[number % len(users)]} if users else {},
        "remoteIp": ["192.0.2.1"],
        "status": "SUCCESS",
        "propertyChanges": [{"property": "名前", "oldValues": [], "newValues": ["Überlauf"]}],
        "context": {"ölçü": "ı"},
    }


def create_audit(service: "Service", request: Request) -> Answer:
    """Begin an audit query."""
    body = read_body(request)
    try:
        start_ms, end_ms = parse_interval(body["interval"])
    except (KeyError, TypeError, AttributeError, ValueError):
        raise bad_request("interval is required, start/end in ISO 8601") from None
    records = audit_records(service.world, start_ms, end_ms)
    made = service.jobs.create(
        FAMILY,
        "entities",
        body["interval"],
        len(records),
        fetch_from(records),
        service.settings,
        service.monotonic(),
        service.today(),
    )
    fields = {k: body[k] for k in ("interval", "serviceName", "filters", "sort") if k in body}
    answer = plain(202, {"id": made.job, "state": "Queued", **fields})
    answer.job = made.job
    return answer


def audit_status(service: "Service", job_id: str) -> Answer:
    """Tell how far an audit query is."""
    told = json.loads(service.jobs.status(FAMILY, job_id, service.settings, service.monotonic()).render())
    return plain(200, {"id": job_id, "state": _STATES[JobState(told["state"])], "startDate": told["submissionDate"]})


def audit_results(service: "Service", request: Request, job_id: str) -> Answer:
    """Return the page of an audit query's records that a cursor stands for."""
    answer = service.jobs.results(FAMILY, job_id, request, service.settings, service.monotonic(), most=_MOST)
    answer.fields |= {"id": job_id, "pageSize": answer.paging.size if answer.paging else _MOST}
    return answer
