"""The answers to details queries, by the public contract and by the article's, and to entity lists."""

import json
from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase

from resumable.simulator.api.queries import PageQuery, bad_request, read_article, read_body, read_public
from resumable.simulator.json_values import Json
from resumable.simulator.messages import AnswerPaging, Refusal, SimAnswer, SimRequest
from resumable.simulator.settings import PastEnd, SimSettings
from resumable.simulator.world.names import digest
from resumable.simulator.world.organisation import SimulatedList
from resumable.simulator.world.people import user_pages
from resumable.simulator.world.world import RecordOrder, Selection, World

Fetch = Callable[[int, int], list[bytes]]


def answer_details(request: SimRequest, settings: SimSettings, world: World, *, stage: int, turn: int) -> SimAnswer:
    """Answer a page of conversation details; the body tells which contract is meant."""
    body = read_body(request)
    if "dateFrom" in body or "dateTo" in body:
        return _answer_article(read_article(body), world, stage=stage)
    query = read_public(body, settings)
    selection = world.select(query.selector, stage=stage)
    fetch = fetcher(world, selection, attributes=False)
    if query.selector.order is RecordOrder.UNORDERED and settings.unordered_moves:
        fetch = _shuffled(fetch, selection.count, turn)
    answer = _public_page(query, settings, "conversations", selection.count, fetch)
    if body.get("aggregations"):
        answer.fields["aggregations"] = [_aggregated(spec, selection.count) for spec in body["aggregations"]]
    return answer


def answer_user_details(request: SimRequest, settings: SimSettings, world: World) -> SimAnswer:
    """Answer a page of users' details."""
    body = read_body(request)
    query = read_public(body, settings, users=True)
    count, fetch = user_pages(world, query.selector.start_ms, query.selector.end_ms, body)
    return _public_page(query, settings, "userDetails", count, fetch)


def fetcher(world: World, selection: Selection, *, attributes: bool) -> Fetch:
    """Return what reads records of a selection by position."""

    def fetch(start: int, size: int) -> list[bytes]:
        return [world.render(ref, attributes=attributes) for ref in selection.slice(max(0, start), size)]

    return fetch


def fetch_from(records: Sequence[bytes]) -> Fetch:
    """Return what reads records of a list by position."""
    return lambda start, size: list(records[max(0, start) : max(0, start) + size])


def _shuffled(fetch: Fetch, count: int, turn: int) -> Fetch:
    # a rotation that is another each time: what a client gets by paging through it repeats and lacks records
    shift = digest("unordered", turn) % count if count else 0

    def rotated(start: int, size: int) -> list[bytes]:
        size = min(size, count - start)
        begin = (start + shift) % count if count else 0
        first = fetch(begin, size) if size > 0 else []
        return first + (fetch(0, size - len(first)) if len(first) < size else [])

    return rotated


def _public_page(query: PageQuery, settings: SimSettings, key: str, total: int, fetch: Fetch) -> SimAnswer:
    records: list[bytes] | None = fetch(query.start, query.size)
    answer = SimAnswer(key=key, fields={"totalHits": total}, total_at=("totalHits",))
    answer.paging = AnswerPaging(fetch=fetch, start=query.start, size=query.size)
    if not records and settings.past_end is not PastEnd.EMPTY:
        records = None
        answer.records_text = b"null" if settings.past_end is PastEnd.NULL else None
    answer.records = records
    return answer


def _answer_article(query: PageQuery, world: World, *, stage: int) -> SimAnswer:
    selection = world.select(query.selector, stage=stage)
    fetch = fetcher(world, selection, attributes=False)
    paging = {"pageNumber": query.page, "pageSize": query.size, "pageCount": -(-selection.count // query.size)}
    return SimAnswer(
        key="entities",
        records=fetch(query.start, query.size),
        fields={"paging": paging},
        total_at=("paging", "pageCount"),
        page_at=("paging", "pageNumber"),
        paging=AnswerPaging(fetch=fetch, start=query.start, size=query.size),
    )


def _aggregated(spec: Mapping[str, Json], total: int) -> dict[str, Json]:
    named = {k: spec[k] for k in ("type", "dimension", "metric") if k in spec}
    return {**named, "count": total, "results": []}


def _called(records: Sequence[bytes], name: str | None) -> Sequence[bytes]:
    """Return the entities of a name; * at its start or end stands for any text."""
    if name is None:
        return records
    return [each for each in records if fnmatchcase(str(json.loads(each)["name"]), name)]


def answer_list(request: SimRequest, which: SimulatedList, settings: SimSettings, world: World) -> SimAnswer:
    """Answer a page of users, queues or wrap-up codes."""
    return paged_list(request, _called(world.organisation.entities(which), request.first("name")), settings)


def paged_list(request: SimRequest, records: Sequence[bytes], settings: SimSettings) -> SimAnswer:
    """Answer a page of any entity list."""
    page, size = _number(request, "pageNumber", 1), _number(request, "pageSize", 25)
    size = min(size, settings.list_page_size_cap)
    count = max(1, -(-len(records) // size))

    def uri(number: int) -> str:
        return f"{request.path}?pageSize={size}&pageNumber={number}"

    fields: dict[str, Json] = {
        "pageSize": size,
        "pageNumber": page,
        "total": len(records),
        "pageCount": count,
        "firstUri": uri(1),
        "lastUri": uri(count),
        "selfUri": uri(page),
    }
    fields |= {"nextUri": uri(page + 1)} if page < count else {}
    fields |= {"previousUri": uri(page - 1)} if page > 1 else {}
    fetch = fetch_from(records)
    start = (page - 1) * size
    return SimAnswer(
        key="entities",
        records=fetch(start, size),
        fields=fields,
        total_at=("total",),
        page_at=("pageNumber",),
        paging=AnswerPaging(fetch=fetch, start=start, size=size),
    )


def _number(request: SimRequest, name: str, default: int) -> int:
    text = request.first(name)
    if text is None:
        return default
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise bad_request(f"{name} must be a whole number of at least 1")
    return int(text)


def answer_conversations(ids: list[str], world: World, *, single: bool) -> SimAnswer:
    """Answer single conversations by id, as far as they started on a day that was asked about before."""
    records = [world.render(ref, attributes=False) for ref in map(world.find, ids) if ref is not None]
    if not single:
        return SimAnswer(key="conversations", records=records)
    if not records:
        raise Refusal(404, "not.found", f"No conversation {ids[0]}.")
    return SimAnswer(text=records[0])
