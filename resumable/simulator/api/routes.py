"""Which request is which: the kind of a path, what can be read off it, and who answers it."""

from collections.abc import Callable
from dataclasses import dataclass

from resumable.simulator.api.aggregates import conversation_aggregates, user_aggregates
from resumable.simulator.api.audits import audit_results, audit_status, create_audit
from resumable.simulator.api.contracts import (
    answer_conversations,
    answer_details,
    answer_list,
    answer_user_details,
    fetcher,
)
from resumable.simulator.api.directory import USAGE, answerer
from resumable.simulator.api.queries import read_body, read_job
from resumable.simulator.api.state import State
from resumable.simulator.json_values import Json
from resumable.simulator.messages import Kind, Refusal, SimAnswer, SimRequest, plain
from resumable.simulator.world.names import uuid_of
from resumable.simulator.world.organisation import SimulatedList
from resumable.simulator.world.people import user_pages
from resumable.simulator.world.times import stamp, to_ms

_AUDITS = "/api/v2/audits/query"
_ANALYTICS = "/api/v2/analytics/"
_LISTS = {
    "/api/v2/users": (Kind.USERS, SimulatedList.USERS),
    "/api/v2/routing/queues": (Kind.QUEUES, SimulatedList.QUEUES),
    "/api/v2/routing/wrapupcodes": (Kind.WRAPUP_CODES, SimulatedList.WRAPUP_CODES),
}
_BODY_LOGGED = 20_000  # bytes; a longer one is not kept

Answerer = Callable[[State, SimRequest], SimAnswer]


@dataclass(frozen=True, kw_only=True)
class Route:
    """What a request turned out to be."""

    kind: Kind
    answer: Answerer
    interval: str | None = None
    page: int | None = None
    page_size: int | None = None
    cursor: str | None = None
    job: str | None = None
    body: Json = None
    counts_as_page: bool = False


def route(request: SimRequest) -> Route:
    """Find out what a request is about."""
    path, method = request.path, request.method
    if path == "/oauth/token":
        return Route(kind=Kind.TOKEN, answer=_method_wrong if method != "POST" else _nothing)
    if path in _LISTS and method == "GET":
        kind, which = _LISTS[path]
        return Route(
            kind=kind,
            answer=lambda s, r: answer_list(r, which, s.settings, s.world),
            page=_int(request.first("pageNumber")) or 1,
            page_size=_int(request.first("pageSize")),
        )
    if path.startswith(_ANALYTICS) and path.endswith("/aggregates/query") and method == "POST":
        return _aggregates(request, path.removeprefix(_ANALYTICS).removesuffix("/aggregates/query"))
    for family, word in (("conversations", Kind.CONVERSATIONS), ("users", Kind.USER_DETAILS)):
        base = f"{_ANALYTICS}{family}/details"
        if path == f"{base}/query" and method == "POST":
            return _query(request, word)
        if path.startswith(f"{base}/jobs"):
            return _job(request, family, path.removeprefix(f"{base}/jobs").strip("/"))
    if path.startswith(f"{_ANALYTICS}conversations/") and path.endswith("/details") and method == "GET":
        return Route(kind=Kind.CONVERSATION, answer=_single)
    if path == "/api/v2/organizations/me" and method == "GET":
        return Route(kind=Kind.ORGANISATION, answer=_organisation)
    if path.startswith(_AUDITS):
        return _audit(request, path.removeprefix(_AUDITS).strip("/"))
    beside = answerer(request)
    if beside is not None:
        return Route(
            kind=Kind.USAGE if path.startswith(USAGE) else Kind.DIRECTORY,
            answer=beside,
            page=_int(request.first("pageNumber")),
            page_size=_int(request.first("pageSize")),
        )
    return Route(kind=Kind.UNKNOWN, answer=_nothing)


def _aggregates(request: SimRequest, family: str) -> Route:
    answer = {"conversations": conversation_aggregates, "users": user_aggregates}.get(family, _nothing)
    body = _body(request)
    return Route(kind=Kind.AGGREGATES, answer=answer, interval=_text(body.get("interval")), body=_kept(request, body))


def _audit(request: SimRequest, rest: str) -> Route:
    job_id, _, tail = rest.partition("/")
    if not rest and request.method == "POST":
        return Route(kind=Kind.AUDITS, answer=create_audit, interval=_text(_body(request).get("interval")))
    if request.method == "GET" and job_id and not tail:
        return Route(kind=Kind.AUDITS, answer=lambda s, _: audit_status(s, job_id), job=job_id)
    if request.method == "GET" and tail == "results":
        return Route(
            kind=Kind.AUDITS,
            answer=lambda s, r: audit_results(s, r, job_id),
            job=job_id,
            cursor=request.first("cursor"),
            page_size=_int(request.first("pageSize")),
        )
    return Route(kind=Kind.AUDITS, answer=_method_wrong)


def _query(request: SimRequest, kind: Kind) -> Route:
    body = _body(request)
    if kind is Kind.CONVERSATIONS and ("dateFrom" in body or "dateTo" in body):
        return Route(
            kind=Kind.ARTICLE,
            answer=_details,
            interval=f"{body.get('dateFrom')}/{body.get('dateTo')}",
            page=_int(body.get("pageNumber")),
            page_size=_int(body.get("size")),
            body=_kept(request, body),
            counts_as_page=True,
        )
    paging = body.get("paging")
    if not isinstance(paging, dict):
        paging = {}
    return Route(
        kind=kind,
        answer=_user_details if kind is Kind.USER_DETAILS else _details,
        interval=_text(body.get("interval")),
        page=_int(paging.get("pageNumber", 1)),
        page_size=_int(paging.get("pageSize")),
        body=_kept(request, body),
        counts_as_page=True,
    )


def _details(state: State, request: SimRequest) -> SimAnswer:
    return answer_details(request, state.settings, state.world, stage=state.stage, turn=state.turn)


def _user_details(state: State, request: SimRequest) -> SimAnswer:
    return answer_user_details(request, state.settings, state.world)


def _job(request: SimRequest, family: str, rest: str) -> Route:
    job_id, _, tail = rest.partition("/")
    if not rest and request.method == "POST":
        body = _body(request)
        return Route(
            kind=Kind.JOB_CREATE,
            interval=_text(body.get("interval")),
            body=_kept(request, body),
            answer=lambda s, r: _create_job(s, r, family),
        )
    if rest == "availability" and request.method == "GET":
        return Route(kind=Kind.JOB_AVAILABILITY, answer=_availability)
    if not tail and job_id and request.method == "GET":
        return Route(
            kind=Kind.JOB_STATUS,
            job=job_id,
            answer=lambda s, r: s.jobs.status(family, job_id, s.settings, s.monotonic()),
        )
    if not tail and job_id and request.method == "DELETE":
        return Route(kind=Kind.JOB_DELETE, job=job_id, answer=lambda s, r: s.jobs.delete(family, job_id))
    if tail == "results" and request.method == "GET":
        return Route(
            kind=Kind.JOB_RESULTS,
            job=job_id,
            cursor=request.first("cursor"),
            page_size=_int(request.first("pageSize")),
            counts_as_page=True,
            answer=lambda s, r: _results(s, r, family, job_id),
        )
    return Route(kind=Kind.UNKNOWN, answer=_method_wrong)


def _create_job(state: State, request: SimRequest, family: str) -> SimAnswer:
    body = read_body(request)
    users = family == "users"
    query = read_job(body, users=users)
    limit = state.settings.watermark
    before = to_ms(limit) if limit else None
    if users:
        end = query.selector.end_ms if before is None else min(before, query.selector.end_ms)
        count, fetch = user_pages(state.world, query.selector.start_ms, end, body)
    else:
        selector = query.selector_before(before)
        selection = state.world.select(selector, stage=state.stage)
        count, fetch = selection.count, fetcher(state.world, selection, attributes=True)
    count -= round(count * state.settings.job_lack_share)
    if query.limit is not None:
        count = min(count, query.limit)
    return state.jobs.create(
        family,
        "userDetails" if users else "conversations",
        body["interval"],
        count,
        lambda start, size: fetch(start, max(0, min(size, count - start))),
        state.settings,
        state.monotonic(),
        state.today(),
    )


def _results(state: State, request: SimRequest, family: str, job_id: str) -> SimAnswer:
    answer = state.jobs.results(family, job_id, request, state.settings, state.monotonic())
    answer.fields["dataAvailabilityDate"] = _available(state)
    return answer


def _availability(state: State, request: SimRequest) -> SimAnswer:
    return plain(200, {"dataAvailabilityDate": _available(state)})


def _available(state: State) -> str:
    return stamp(to_ms(state.settings.watermark or state.today()))


def _single(state: State, request: SimRequest) -> SimAnswer:
    middle = request.path.removeprefix(f"{_ANALYTICS}conversations/").removesuffix("/details").removesuffix("details")
    ids = [middle] if middle else [i for text in request.query.get("id", []) for i in text.split(",")]
    return answer_conversations(ids, state.world, single=bool(middle))


def _organisation(state: State, request: SimRequest) -> SimAnswer:
    settings = state.settings
    if not settings.organisation_told:
        raise Refusal(403, "missing.permissions", "Unable to perform the requested action.")
    found = uuid_of("organisation", settings.seed, settings.organisation)
    return plain(200, {"id": found, "name": settings.organisation, "state": "active", "selfUri": request.path})


def _nothing(state: State, request: SimRequest) -> SimAnswer:
    raise Refusal(404, "not.found", f"HTTP 404 Not Found: {request.path}")


def _method_wrong(state: State, request: SimRequest) -> SimAnswer:
    raise Refusal(405, "method.not.allowed", f"HTTP 405 Method Not Allowed: {request.method}")


def _body(request: SimRequest) -> dict[str, Json]:
    body = request.json()
    return body if isinstance(body, dict) else {}


def _kept(request: SimRequest, body: dict[str, Json]) -> Json:
    return body if len(request.body) <= _BODY_LOGGED else None


def _int(value: Json) -> int | None:
    if isinstance(value, str) and value.isascii() and value.isdigit():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _text(value: Json) -> str | None:
    return value if isinstance(value, str) else None
