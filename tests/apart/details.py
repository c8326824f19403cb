"""The details queries of the second server: conversations by both contracts, and users' documents."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from tests.apart.exchange import Answer, Place, Refused, Request, error
from tests.apart.manners import Manners
from tests.apart.truth import Document, Range, Record, World, written

SEVEN_DAYS = 7 * 86_400
ARTICLE_PATHS = {"queue.id": "queueId", "division.id": "divisionId", "mediaType": "mediaType", "direction": "direction"}
"""The filter paths of the article's contract that this server knows; any other is a 400."""


def without_attributes(record: Record) -> Record:
    """Return a conversation as the details queries send it: without participants' attributes."""
    inner = [{name: value for name, value in one.items() if name != "attributes"} for one in record["participants"]]
    return {**record, "participants": inner}


def conversations(world: World, manners: Manners, request: Request) -> tuple[Answer, Place]:
    """Answer a page of the public details query."""
    asked = interval_of(request)
    number, size = _paging(request, manners)
    found = [without_attributes(record) for record in filtered(world.conversations_of(asked), request.json)]
    if request.json.get("order") == "desc":
        found.reverse()
    page = found[(number - 1) * size : number * size]
    return _page_answer("conversations", page, len(found), manners), _place(asked, number, len(found), size)


def user_details(world: World, manners: Manners, request: Request) -> tuple[Answer, Place]:
    """Answer a page of users' details: so many documents, grouped by user; totalHits counts the documents."""
    asked = interval_of(request)
    number, size = _paging(request, manners)
    found = documents_asked(world, asked, request.json)
    page = grouped(found[(number - 1) * size : number * size])
    return _page_answer("userDetails", page, len(found), manners), _place(asked, number, len(found), size)


def article(world: World, request: Request) -> tuple[Answer, Place]:
    """Answer a page of the article's contract."""
    body = request.json
    size, number = body.get("size", 25), body.get("pageNumber", 1)
    if not isinstance(size, int) or not 1 <= size <= 1000:
        raise Refused(error(400, "size must be between 1 and 1000"))
    if not isinstance(number, int) or number < 1:
        raise Refused(error(400, "pageNumber must be at least 1"))
    try:
        asked = Range.of(f"{body['dateFrom']}/{body['dateTo']}")
    except (KeyError, ValueError):
        raise Refused(error(400, "dateFrom and dateTo are required")) from None
    found = [without_attributes(record) for record in _article_filtered(world.conversations_of(asked), body)]
    pages = -(-len(found) // size)
    paging = {"pageNumber": number, "pageSize": size, "pageCount": pages}
    answer = {"entities": found[(number - 1) * size : number * size], "paging": paging}
    return Answer(body=answer), _place(asked, number, len(found), size)


def by_id(world: World, request: Request) -> tuple[Answer, Place]:
    """Answer the conversations with some ids."""
    wanted = request.query.get("id", "").split(",")
    found = [without_attributes(record) for record in world.all_conversations if record["conversationId"] in wanted]
    return Answer(body={"conversations": found}), Place()


def interval_of(request: Request, *, most_seconds: int | None = SEVEN_DAYS) -> Range:
    """Return the interval that a query asks for, or refuse it."""
    interval = request.json.get("interval")
    if not isinstance(interval, str):
        raise Refused(error(400, "interval is required"))
    try:
        asked = Range.of(interval)
    except ValueError:
        raise Refused(error(400, f"Invalid interval: {interval}")) from None
    if asked.end <= asked.start:
        raise Refused(error(400, f"Invalid interval: {interval}"))
    if most_seconds is not None and (asked.end - asked.start).total_seconds() > most_seconds:
        raise Refused(error(400, "Please provide a search interval that does not exceed 7 days"))
    return asked


def documents_asked(world: World, asked: Range, body: Record) -> list[Document]:
    """Return the documents of a users' query, in order."""
    users = {
        predicate["value"]
        for one in body.get("userFilters") or ()
        for predicate in one.get("predicates") or ()
        if predicate.get("dimension") == "userId"
    }
    return [document for document in world.documents_of(asked) if not users or document.user in users]


def grouped(documents: Sequence[Document]) -> list[Record]:
    """Return documents as a page shows them: an entry a user, in the order in which they appear."""
    found: dict[str, Record] = {}
    for one in documents:
        entry = found.setdefault(one.user, {"userId": one.user})
        period: Record = {"startTime": written(one.start), "endTime": written(one.end)}
        name = "routingStatus" if one.listed == "routingStatus" else "systemPresence"
        entry.setdefault(one.listed, []).append({**period, name: one.state})
    return list(found.values())


def filtered(records: Iterable[Record], body: Record) -> Iterator[Record]:
    """Yield the conversations that all filters of a query let through."""
    filters = [*(body.get("conversationFilters") or ()), *(body.get("segmentFilters") or ())]
    return (record for record in records if all(_passes(one, record) for one in filters))


def _passes(asked: Record, record: Record) -> bool:
    said = [_holds(predicate, record) for predicate in asked.get("predicates") or ()]
    said += [_passes(clause, record) for clause in asked.get("clauses") or ()]
    return any(said) if asked.get("type") == "or" else all(said)


def _holds(predicate: Record, record: Record) -> bool:
    values = set(_values(record, str(predicate.get("dimension"))))
    operator = predicate.get("operator", "matches")
    if operator == "exists":
        return bool(values)
    return not values if operator == "notExists" else predicate.get("value") in values


def _values(content: Any, name: str) -> Iterator[Any]:  # noqa: ANN401 - JSON
    if isinstance(content, dict):
        for key, value in content.items():
            if key == name:
                yield value
            elif key == "divisionIds" and name == "divisionId":
                yield from value
            else:
                yield from _values(value, name)
    elif isinstance(content, list):
        for one in content:
            yield from _values(one, name)


def _article_filtered(records: Iterable[Record], body: Record) -> Iterator[Record]:
    filters = (body.get("filters") or {}).get("and") or []
    for one in filters:
        if one.get("path") not in ARTICLE_PATHS:
            raise Refused(error(400, f"Unknown filter path: {one.get('path')}"))
    wanted = [(ARTICLE_PATHS[one["path"]], set(one.get("values") or ())) for one in filters]
    return (record for record in records if all(values & set(_values(record, name)) for name, values in wanted))


def _paging(request: Request, manners: Manners) -> tuple[int, int]:
    paging = request.json.get("paging") or {"pageSize": 25, "pageNumber": 1}
    number, size = paging.get("pageNumber"), paging.get("pageSize")
    if not isinstance(number, int) or not isinstance(size, int) or number < 1 or size < 1:
        raise Refused(error(400, "paging must have a pageSize and a pageNumber of at least 1"))
    if size > 100 and not manners.clamp_page_size:
        raise Refused(error(400, "The page size may not exceed 100"))
    if number * min(size, 100) > manners.deep_limit:
        raise Refused(error(400, f"Pagination may not exceed {manners.deep_limit} results."))
    return number, min(size, 100)


def _page_answer(key: str, page: Sequence[Record], total: int, manners: Manners) -> Answer:
    if page:
        return Answer(body={key: page, "totalHits": total})
    return Answer(body={key: None, "totalHits": total} if manners.null_past_end else {"totalHits": total})


def _place(asked: Range, number: int, total: int, size: int) -> Place:
    return Place(day=asked.day, page=number, pages=max(1, -(-total // size)))
