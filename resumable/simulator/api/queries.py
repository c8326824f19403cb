"""Reads and checks the bodies of details queries, refusing what the server would refuse."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from resumable.simulator.json_values import Json
from resumable.simulator.messages import Refusal, SimRequest
from resumable.simulator.settings import Oversize, SimSettings
from resumable.simulator.world.article_filters import read_article_filters
from resumable.simulator.world.filters import Filter, FilterFault, read_filters, read_user_filters
from resumable.simulator.world.times import DAY_MS, parse_interval, parse_ms
from resumable.simulator.world.world import Matching, RecordOrder, Selector

FILTERS = ("conversationFilters", "segmentFilters", "evaluationFilters", "surveyFilters", "resolutionFilters")
USER_FILTERS = ("userFilters", "presenceFilters", "routingStatusFilters")
_SYNC_KEYS = {"interval", "order", "orderBy", "paging", "aggregations", *FILTERS}
_JOB_KEYS = {"interval", "order", "orderBy", "limit", "startOfDayIntervalMatching", *FILTERS}
_USER_SYNC_KEYS = {"interval", "order", "paging", "presenceAggregations", "routingStatusAggregations", *USER_FILTERS}
_USER_JOB_KEYS = {"interval", "order", "limit", *USER_FILTERS}
_ORDERS = ("conversationStart", "conversationEnd", "segmentStart", "segmentEnd")
_ARTICLE_SIZE = 1000


@dataclass(frozen=True, kw_only=True)
class PageQuery:
    """A checked query: what is selected and which page of it."""

    selector: Selector
    page: int
    size: int
    limit: int | None = None

    @property
    def start(self) -> int:
        """The position of the page's first record."""
        return (self.page - 1) * self.size

    def selector_before(self, before_ms: int | None) -> Selector:
        """Return the selector without the records that start at or after an instant."""
        return replace(self.selector, before_ms=before_ms)


def bad_request(message: str) -> Refusal:
    """Return the refusal of a query that makes no sense."""
    return Refusal(400, "bad.request", message)


def read_body(request: SimRequest) -> Mapping[str, Json]:
    """Return the JSON object of a request; raises Refusal for anything else."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise Refusal(415, "unsupported.media.type", "HTTP 415 Unsupported Media Type")
    body = request.json()
    if not isinstance(body, dict):
        raise bad_request("The request could not be understood by the server due to malformed syntax.")
    return body


def digest_of(body: Mapping[str, Json]) -> str:
    """Return what tells one filter from another."""
    return json.dumps({k: body[k] for k in (*FILTERS, *USER_FILTERS, "filters") if k in body}, sort_keys=True)


def read_public(body: Mapping[str, Json], settings: SimSettings, *, users: bool = False) -> PageQuery:
    """Check a query by the public contract."""
    refuse_unknown(body, _USER_SYNC_KEYS if users else _SYNC_KEYS)
    start, end = read_interval(body, settings)
    _aggregations(body)
    page, size = _paging(body.get("paging"), settings)
    if settings.heavy_hours is not None and end - start > settings.heavy_hours * DAY_MS / 24:
        raise Refusal(504, "request.timeout", "The request timed out.")
    return PageQuery(selector=_selector(body, start, end, users=users), page=page, size=size)


def read_job(body: Mapping[str, Json], *, users: bool = False) -> PageQuery:
    """Check the query of a job, which has no pages."""
    refuse_unknown(body, _USER_JOB_KEYS if users else _JOB_KEYS)
    start, end = read_interval(body)
    by_day = body.get("startOfDayIntervalMatching", False)
    if not isinstance(by_day, bool):
        raise bad_request("startOfDayIntervalMatching must be true or false")
    limit = body.get("limit")
    if limit is not None:
        limit = _whole(limit, "limit", 1)
    matching = Matching.DAY if by_day else Matching.LIFETIME
    selector = _selector(body, start, end, matching=matching, users=users)
    return PageQuery(selector=selector, page=1, size=1, limit=limit)


def read_article(body: Mapping[str, Json]) -> PageQuery:
    """Check a query by the article's contract."""
    bounds = []
    for name in ("dateFrom", "dateTo"):
        if not isinstance(body.get(name), str):
            raise bad_request(f"{name} is required")
        try:
            bounds.append(parse_ms(body[name]))
        except ValueError:
            raise bad_request(f"{name} is not a date") from None
    if bounds[0] >= bounds[1]:
        raise bad_request("dateTo must be after dateFrom")
    size = _whole(body.get("size", 25), "size", 1)
    if size > _ARTICLE_SIZE:
        raise bad_request(f"size must be between 1 and {_ARTICLE_SIZE}")
    page = _whole(body.get("pageNumber", 1), "pageNumber", 1)
    for name in ("groupBy", "metrics"):
        if not _names(body.get(name)):
            raise bad_request(f"{name} must be text or a list of texts")
    chosen = _filter(lambda: read_article_filters(body.get("filters")))
    selector = Selector(start_ms=bounds[0], end_ms=bounds[1], filter=chosen, digest=digest_of(body))
    return PageQuery(selector=selector, page=page, size=size)


def _names(given: Json) -> bool:
    if isinstance(given, list):
        return all(isinstance(name, str) for name in given)
    return given is None or isinstance(given, str)


def _selector(
    body: Mapping[str, Json], start: int, end: int, *, matching: Matching = Matching.DAY, users: bool
) -> Selector:
    order = body.get("order", "asc")
    if order not in tuple(RecordOrder):
        raise bad_request("order must be one of [asc, desc, unordered]")
    order_by = body.get("orderBy", "conversationStart")
    if order_by not in _ORDERS:
        raise bad_request(f"orderBy must be one of [{', '.join(_ORDERS)}]")
    chosen = _filter(lambda: read_user_filters(body) if users else read_filters(body))
    return Selector(
        start_ms=start,
        end_ms=end,
        filter=chosen,
        digest=digest_of(body),
        matching=matching,
        order=RecordOrder(order),
        by_end=order_by in ("conversationEnd", "segmentEnd"),
    )


def _filter(read: Callable[[], Filter]) -> Filter:
    try:
        return read()
    except FilterFault as problem:
        raise bad_request(str(problem)) from None


def refuse_unknown(body: Mapping[str, Json], known: set[str]) -> None:
    """Refuse a body with fields that the server does not know."""
    unknown = sorted(set(body) - known)
    if unknown:
        raise bad_request(f"Unrecognized field(s): {', '.join(unknown)}")


def read_interval(body: Mapping[str, Json], settings: SimSettings | None = None) -> tuple[int, int]:
    """Read the interval of a body, as milliseconds since 1970; with settings, by their bound."""
    given = body.get("interval")
    if not isinstance(given, str):
        raise bad_request("The required field 'interval' is missing.")
    try:
        start, end = parse_interval(given)
    except ValueError:
        raise bad_request(f"'{given}' is not a valid interval (start/end in ISO 8601).") from None
    if start >= end:
        raise bad_request("The interval must end after it starts.")
    if settings is not None and end - start > settings.interval_days * DAY_MS:
        days = f"{settings.interval_days:g}"
        raise bad_request(f"This query must have a search interval ('interval') that does not exceed {days} days.")
    return start, end


def _paging(given: Json, settings: SimSettings) -> tuple[int, int]:
    if given is None:
        given = {}
    if not isinstance(given, dict):
        raise bad_request("paging must be an object")
    page = _whole(given.get("pageNumber", 1), "pageNumber", 1)
    size = _whole(given.get("pageSize", 25), "pageSize", 1)
    if size > settings.page_size_cap:
        if settings.oversize is Oversize.REFUSE:
            raise bad_request(f"pageSize must not exceed {settings.page_size_cap}")
        size = settings.page_size_cap
    if page * size > settings.deep_limit:
        raise bad_request(f"Pagination may not exceed {settings.deep_limit} results.")
    return page, size


def _aggregations(body: Mapping[str, Json]) -> None:
    given = body.get("aggregations", [])
    if not isinstance(given, list) or not all(isinstance(a, dict) and a.get("type") for a in given):
        raise bad_request("aggregations must be a list of objects with a type")


def _whole(value: Json, name: str, least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise bad_request(f"{name} must be a whole number")
    if value < least:
        raise bad_request(f"{name} must be at least {least}")
    return value
