"""What the second server lists: users, queues, wrap-up codes, and the tickets of two described endpoints."""

import base64
from collections.abc import Sequence

from tests.apart.exchange import Answer, Place, Refused, Request, error
from tests.apart.manners import Manners
from tests.apart.truth import Record, World, read

PATHS = {"/api/v2/users": "users", "/api/v2/routing/queues": "queues", "/api/v2/routing/wrapupcodes": "wrapupcodes"}
_ORDERS = {
    "users": {"ascending", "descending"},
    "queues": {"asc", "desc"},
    "wrapupcodes": {"ascending", "descending"},
}


def entities(world: World, manners: Manners, request: Request) -> tuple[Answer, Place]:
    """Answer a page of a list, with the page size that it really has."""
    name = PATHS[request.path]
    order = request.query.get("sortOrder", "asc")
    if manners.strict_words and "sortOrder" in request.query and order not in _ORDERS[name]:
        raise Refused(error(400, f"Invalid value for sortOrder: {order}", code="invalid.value"))
    found = list(_listed(world, name, request.query))
    if order.startswith("desc"):
        found.reverse()
    size = min(_number(request.query, "pageSize", 25), manners.list_page_most)
    number, pages = _number(request.query, "pageNumber", 1), max(1, -(-len(found) // size))
    page = found[(number - 1) * size : number * size]

    def uri(to: int) -> str:
        return f"{request.path}?pageSize={size}&pageNumber={to}"

    answer: Record = {
        "entities": page,
        "pageSize": size,
        "pageNumber": number,
        "total": len(found),
        "firstUri": uri(1),
        "lastUri": uri(pages),
        "selfUri": uri(number),
        "pageCount": pages,
    }
    if number < pages:
        answer["nextUri"] = uri(number + 1)
    if number > 1:
        answer["previousUri"] = uri(number - 1)
    return Answer(body=answer), Place(page=number, pages=pages)


def tickets(world: World, request: Request) -> tuple[Answer, Place]:
    """Answer a page of the described endpoint by page."""
    body = request.json
    try:
        start, end = read(body["created"]["after"]), read(body["created"]["before"])
        number, size = int(body["page"]), int(body["per_page"])
    except (KeyError, TypeError, ValueError):
        raise Refused(error(400, "created, page and per_page are required")) from None
    found = list(world.tickets_of(start, end))
    pages = -(-len(found) // size)
    answer = {
        "data": {"items": found[(number - 1) * size : number * size]},
        "meta": {"page": number, "pages": pages, "total": len(found), "per_page": size},
    }
    return Answer(body=answer), Place(day=start.strftime("%Y-%m-%d"), page=number, pages=max(1, pages))


def feed(world: World, request: Request) -> tuple[Answer, Place]:
    """Answer a page of the described endpoint by cursor."""
    query = request.query
    try:
        start, end, size = read(query["since"]), read(query["until"]), int(query["limit"])
        index = page_of(query["after"]) if query.get("after") else 1
    except (KeyError, ValueError):
        raise Refused(error(400, "since, until and limit are required, and after must be a cursor")) from None
    found = list(world.tickets_of(start, end))
    pages = max(1, -(-len(found) // size))
    answer: Record = {"tickets": found[(index - 1) * size : index * size], "count": len(found), "paging": {}}
    if index < pages:
        answer["paging"]["after"] = cursor_to(index + 1)
    return Answer(body=answer), Place(day=start.strftime("%Y-%m-%d"), page=index, pages=pages)


def cursor_to(page: int, salt: str = "") -> str:
    """Return a cursor as they are recorded: base64 that ends in `=`."""
    text = f"page={page:04};{salt}"
    text += "~" * ((1 - len(text)) % 3)
    return base64.b64encode(text.encode()).decode()


def page_of(cursor: str, salt: str = "") -> int:
    """Return the page that a cursor leads to. Raises ValueError where it is none of this server's."""
    text = base64.b64decode(cursor, validate=True).decode().rstrip("~")
    head, _, rest = text.partition(";")
    name, _, number = head.partition("=")
    if name != "page" or rest != salt:
        raise ValueError(cursor)
    return int(number)


def _listed(world: World, name: str, query: dict[str, str]) -> Sequence[Record]:
    if name != "users":
        wanted = query.get("name")
        return [each for each in world.listed(name) if wanted in (None, each["name"])]
    state = query.get("state", "active")
    return [user for user in world.all_users if state in ("any", user["state"])]


def _number(query: dict[str, str], name: str, default: int) -> int:
    text = query.get(name, str(default))
    if not text.isdigit() or int(text) < 1:
        raise Refused(error(400, f"{name} must be a number of at least 1", code="invalid.value"))
    return int(text)
