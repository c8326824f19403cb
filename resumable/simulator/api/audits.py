"""Queries of audit records, which are jobs by another name: created, polled, read cursor by cursor."""

import json

from resumable.simulator.api.contracts import fetch_from
from resumable.simulator.api.jobs import RemoteJobState
from resumable.simulator.api.queries import bad_request, read_body
from resumable.simulator.api.state import State
from resumable.simulator.messages import SimAnswer, SimRequest, plain
from resumable.simulator.world.audit_records import audit_records
from resumable.simulator.world.times import parse_interval

FAMILY = "audits"
_MOST = 500
_STATES = {
    RemoteJobState.QUEUED: "Queued",
    RemoteJobState.PENDING: "Running",
    RemoteJobState.FULFILLED: "Succeeded",
    RemoteJobState.FAILED: "Failed",
    RemoteJobState.CANCELLED: "Cancelled",
    RemoteJobState.EXPIRED: "Failed",
}


def create_audit(state: State, request: SimRequest) -> SimAnswer:
    """Begin an audit query."""
    body = read_body(request)
    try:
        start_ms, end_ms = parse_interval(body["interval"])
    except (KeyError, TypeError, AttributeError, ValueError):
        raise bad_request("interval is required, start/end in ISO 8601") from None
    records = audit_records(state.world, start_ms, end_ms)
    made = state.jobs.create(
        FAMILY,
        "entities",
        body["interval"],
        len(records),
        fetch_from(records),
        state.settings,
        state.monotonic(),
        state.today(),
    )
    fields = {k: body[k] for k in ("interval", "serviceName", "filters", "sort") if k in body}
    answer = plain(202, {"id": made.job, "state": "Queued", **fields})
    answer.job = made.job
    return answer


def audit_status(state: State, job_id: str) -> SimAnswer:
    """Tell how far an audit query is."""
    told = json.loads(state.jobs.status(FAMILY, job_id, state.settings, state.monotonic()).render())
    return plain(
        200, {"id": job_id, "state": _STATES[RemoteJobState(told["state"])], "startDate": told["submissionDate"]}
    )


def audit_results(state: State, request: SimRequest, job_id: str) -> SimAnswer:
    """Return the page of an audit query's records that a cursor stands for."""
    answer = state.jobs.results(FAMILY, job_id, request, state.settings, state.monotonic(), most=_MOST)
    answer.fields |= {"id": job_id, "pageSize": answer.paging.size if answer.paging else _MOST}
    return answer
