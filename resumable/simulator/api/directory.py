"""The answers about what else an organisation has: lists by page or whole, by queue and by conversation, and usage."""

import json
from collections.abc import Callable, Mapping
from typing import Final

from resumable.simulator.api.contracts import fetch_from, paged_list
from resumable.simulator.api.jobs import RemoteJobState
from resumable.simulator.api.queries import bad_request, read_body
from resumable.simulator.api.state import State
from resumable.simulator.messages import Refusal, SimAnswer, SimRequest, plain
from resumable.simulator.world.directory import evaluations_of, listed, members_of, recordings_of, usage_rows
from resumable.simulator.world.times import parse_interval

PATHS: Final[Mapping[str, str]] = {
    "/api/v2/groups": "groups",
    "/api/v2/routing/skills": "skills",
    "/api/v2/routing/languages": "languages",
    "/api/v2/authorization/divisions": "divisions",
    "/api/v2/presence/definitions": "presence-definitions",
    "/api/v2/outbound/campaigns": "campaigns",
    "/api/v2/flows": "flows",
}
"""The lists, by their paths."""

USAGE: Final = "/api/v2/usage/query"
_QUEUES: Final = "/api/v2/routing/queues/"
_CONVERSATIONS: Final = "/api/v2/conversations/"
_EVALUATIONS: Final = "/api/v2/quality/evaluations/query"
_FAMILY: Final = "usage"
_STATES: Final = {RemoteJobState.FULFILLED: "Complete", RemoteJobState.FAILED: "Failed"}

Answerer = Callable[[State, SimRequest], SimAnswer]


def answerer(request: SimRequest) -> Answerer | None:
    """Return what answers a request about these; None where it is about something else."""
    path = request.path
    if path.startswith(USAGE):
        return _usage
    if request.method != "GET":
        return None
    if path in PATHS:
        return _list
    if path.startswith(_QUEUES) and path.endswith("/members"):
        return _members
    if path.startswith(_CONVERSATIONS) and path.endswith("/recordingmetadata"):
        return _recordings
    return _evaluations if path == _EVALUATIONS else None


def _list(state: State, request: SimRequest) -> SimAnswer:
    name = PATHS[request.path]
    records = listed(state.world.organisation, name)
    if name == "presence-definitions":
        return SimAnswer(key="entities", records=records, fields={"total": len(records), "selfUri": request.path})
    return paged_list(request, records, state.settings)


def _members(state: State, request: SimRequest) -> SimAnswer:
    queue = request.path.removeprefix(_QUEUES).removesuffix("/members")
    found = members_of(state.world.organisation, queue)
    if found is None:
        raise Refusal(404, "not.found", f"No queue {queue}.")
    answer = paged_list(request, found, state.settings)
    for name in ("total", "pageCount", "lastUri"):  # the model of this list has none of them
        answer.fields.pop(name)
    answer.total_at = ()
    return answer


def _recordings(state: State, request: SimRequest) -> SimAnswer:
    conversation = request.path.removeprefix(_CONVERSATIONS).removesuffix("/recordingmetadata")
    records = recordings_of(state.world.organisation, conversation)
    return SimAnswer(text=b"[" + b",".join(records) + b"]")


def _evaluations(state: State, request: SimRequest) -> SimAnswer:
    conversation = request.first("conversationId")
    if not conversation:
        raise bad_request("One of conversationId, agentUserId, evaluatorUserId is required.")
    return paged_list(request, evaluations_of(state.world.organisation, conversation), state.settings)


def _usage(state: State, request: SimRequest) -> SimAnswer:
    job_id, _, tail = request.path.removeprefix(USAGE).strip("/").partition("/")
    if not job_id and request.method == "POST":
        return _create(state, request)
    if request.method != "GET" or tail != "results":
        raise Refusal(405, "method.not.allowed", f"HTTP 405 Method Not Allowed: {request.method}")
    told = json.loads(state.jobs.status(_FAMILY, job_id, state.settings, state.monotonic()).render())
    word = _STATES.get(RemoteJobState(told["state"]), "Running")
    if word != "Complete":
        return plain(200, {"results": [], "queryStatus": word})
    answer = state.jobs.results(_FAMILY, job_id, request, state.settings, state.monotonic())
    answer.fields.pop("cursor", None)
    answer.fields["queryStatus"] = word
    return answer


def _create(state: State, request: SimRequest) -> SimAnswer:
    body = read_body(request)
    try:
        start_ms, end_ms = parse_interval(body["interval"])
    except (KeyError, TypeError, AttributeError, ValueError):
        raise bad_request("interval is required, start/end in ISO 8601") from None
    records = usage_rows(state.world.organisation, start_ms, end_ms)
    made = state.jobs.create(
        _FAMILY,
        "results",
        body["interval"],
        len(records),
        fetch_from(records),
        state.settings,
        state.monotonic(),
        state.today(),
    )
    answer = plain(202, {"executionId": made.job, "resultsUri": f"{USAGE}/{made.job}/results"})
    answer.job = made.job
    return answer
