"""Every wrong answer: what a server may say in place of the right thing, to each kind of request of each contract."""

import enum
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from tests.apart.contracts import Contract, KeyPath
from tests.apart.exchange import Answer, Kind, Request, error
from tests.apart.lists import cursor_to, page_of
from tests.apart.script import Change, instead, nested, value_at, with_value, without


class Family(enum.Enum):
    """What is wrong with an answer."""

    BODY = "body"
    """A 2xx with another body, or another 2xx."""
    STATUS = "status"
    COUNT = "count"
    ECHO = "echo"
    ID = "id"
    KEY = "key"
    """A record of a built-in contract whose own id is none; one of a described endpoint is counted as without a key."""
    CURSOR = "cursor"
    REPETITION = "repetition"
    STATE = "state"
    DATE = "date"


@dataclass(frozen=True, kw_only=True)
class Wrong:
    """One wrong answer."""

    name: str
    family: Family
    change: Change
    once_only: bool = False
    """Whether to give it for ever would be a truth of its own, which a client has to believe."""
    before_last: bool = False
    """Whether the last page may be like that: nothing but a total tells how many records it should have."""


ERROR = {"message": "An internal error occurred.", "code": "internal.server.error", "status": 500, "contextId": "c-1"}
LIMITED = error(429, "Rate limit exceeded the maximum. Retry the request in [42] seconds").body
ACCEPTED = {"message": "Your request is being processed.", "status": 202}
HTML = b"<html><body>Sign in to the network</body></html>"

COUNTS: dict[str, Any] = {
    "negative": -5,
    "0": 0,
    "1": 1,
    "2^31": 2**31,
    "2^63-1": 2**63 - 1,
    "2^63": 2**63,
    "2^64": 2**64,
    "1e308": 1e308,
    "float": 2.5,
    "nan": float("nan"),
    "text": "many",
    "digits": "25",
    "null": None,
    "bool": True,
    "list": [25],
}
IDS: dict[str, Any] = {
    "null": None,
    "number": 7,
    "empty": "",
    "parent": "..",
    "dot": ".",
    "slash": "a/b",
    "climb": "../../../../oauth/token",
    "escaped": "%2e%2e",
    "query": "?x=1",
    "fragment": "a#b",
    "space": "a b",
    "newline": "a\r\nX-Evil: 1",
    "nul": "a\0b",
    "unicode": "é\u202e\U0001f600",
    "long": "a" * 5_000,
    "bool": True,
    "list": ["a"],
    "object": {"id": "a"},
}
STATUSES = (301, 307, 400, 401, 403, 404, 408, 409, 410, 413, 418, 500, 502, 503, 504, 520)


def wrong_answers(contract: Contract, kind: Kind) -> Iterator[Wrong]:
    """Yield every wrong answer to one kind of request of a contract."""
    yield from _bodies()
    yield from _statuses()
    if kind is contract.page:
        yield from _page_bodies(contract)
        yield from _counts(contract.counts)
        yield from _echoes(contract.echoes)
        yield from _cursors(contract)
        yield from _repetitions(contract)
        if contract.genesys:
            yield from _record_ids(contract)
        if contract.submit is not None:
            yield from _dates(("dataAvailabilityDate",))
    elif kind is contract.submit:
        yield from _ids(("jobId",))
    elif kind is contract.poll:
        yield from _states()
    elif kind is contract.availability:
        yield from _dates(("dataAvailabilityDate",))
    elif kind is contract.count:
        yield from _counts((("totalHits",),))
    elif kind is Kind.TOKEN:
        yield from _ids(("access_token",))
        yield from _counts((("expires_in",),))
    elif kind is Kind.ORGANISATION:
        yield from _ids(("id",))


def _bodies() -> Iterator[Wrong]:
    bodies: dict[str, tuple[int, Any]] = {
        "error body": (200, ERROR),
        "empty object": (200, {}),
        "empty list": (200, []),
        "null": (200, None),
        "true": (200, True),
        "number": (200, 0),
        "text": (200, "OK"),
        "html": (200, HTML),
        "nothing": (200, b""),
        "202 message": (202, ACCEPTED),
        "202 nothing": (202, b""),
        "204": (204, b""),
        "429's body": (200, LIMITED),
        "maintenance": (200, {"maintenance": True}),
        "other envelope": (200, {"data": {"results": [], "total": 0}, "errors": None}),
        "another list": (200, {"results": []}),
    }
    for name, (status, body) in bodies.items():
        yield Wrong(name=name, family=Family.BODY, change=instead(body, status=status))
    for status in (201, 203, 206, 226):
        yield Wrong(name=f"{status} beside the right body", family=Family.BODY, change=_with_status(status))
    yield Wrong(name="in a list", family=Family.BODY, change=_rewritten(lambda body: [body]))
    yield Wrong(name="in an object", family=Family.BODY, change=_rewritten(lambda body: {"body": body}))
    yield Wrong(name="as a text", family=Family.BODY, change=_rewritten(json.dumps))
    yield Wrong(name="cut", family=Family.BODY, change=_rewritten(lambda body: json.dumps(body).encode()[:-9]))


def _statuses() -> Iterator[Wrong]:
    for status in STATUSES:
        headers = {"Location": "http://127.0.0.1:9/elsewhere"} if status in (301, 307) else {}
        answer = replace(error(status, f"It is {status}"), headers=headers)
        yield Wrong(name=str(status), family=Family.STATUS, change=_always(answer))
    yield Wrong(name="502 html", family=Family.STATUS, change=instead(HTML, status=502))
    for name, headers in {"429": {}, "429 in 7 s": {"Retry-After": "7"}, "429 in -1 s": {"Retry-After": "-1"}}.items():
        yield Wrong(name=name, family=Family.STATUS, change=_always(replace(error(429, "Slow"), headers=headers)))


def _page_bodies(contract: Contract) -> Iterator[Wrong]:
    key = contract.records
    values: dict[str, Any] = {
        "records null": None,
        "records an object": {},
        "records a text": "x",
        "records a number": 0,
    }
    for name, value in values.items():
        yield Wrong(name=name, family=Family.BODY, change=with_value(*key, value=value))
    yield Wrong(name="records missing", family=Family.BODY, change=without(*key))
    yield Wrong(name="records of nulls", family=Family.BODY, change=with_value(*key, value=[None, None]))
    yield Wrong(name="error beside no records", family=Family.BODY, change=instead(nested(key, [], ERROR)))
    yield Wrong(name="error beside records", family=Family.BODY, change=_rewritten(lambda body: {**body, **ERROR}))
    yield Wrong(name="206 and half of the records", family=Family.BODY, change=_halved(key))
    if contract.counts:
        yield Wrong(name="no records beside the count", family=Family.BODY, change=with_value(*key, value=[]))
        yield Wrong(name="empty dataset", family=Family.BODY, change=_emptied(contract), once_only=True)
    if contract.cursor:
        yield Wrong(name="empty dataset", family=Family.BODY, change=instead(nested(key, [], {})), once_only=True)


def _counts(paths: tuple[KeyPath, ...]) -> Iterator[Wrong]:
    for path in paths:
        for name, value in COUNTS.items():
            change = with_value(*path, value=value)
            yield Wrong(name=f"{'.'.join(path)} {name}", family=Family.COUNT, change=change)
        yield Wrong(name=f"{'.'.join(path)} missing", family=Family.COUNT, change=without(*path))
        for by in (-1, 1):
            yield Wrong(name=f"{'.'.join(path)} {by:+}", family=Family.COUNT, change=_moved(path, by))


def _echoes(paths: tuple[KeyPath, ...]) -> Iterator[Wrong]:
    for path in paths:
        for name, value in {**COUNTS, "999": 999}.items():
            yield Wrong(name=f"{path[-1]} {name}", family=Family.ECHO, change=with_value(*path, value=value))
        yield Wrong(name=f"{path[-1]} +1", family=Family.ECHO, change=_moved(path, 1))


def _ids(path: KeyPath) -> Iterator[Wrong]:
    for name, value in IDS.items():
        yield Wrong(name=f"{path[-1]} {name}", family=Family.ID, change=with_value(*path, value=value))
    yield Wrong(name=f"{path[-1]} missing", family=Family.ID, change=without(*path))
    yield Wrong(name=f"{path[-1]} of the first", family=Family.ID, change=_Remembered(path))


def _cursors(contract: Contract) -> Iterator[Wrong]:
    if not contract.cursor:
        return
    path = contract.cursor
    for name, value in IDS.items():
        # A null or an empty one is the end, and nothing but a count can tell that it is not.
        if name not in ("null", "empty") or contract.count is Kind.CONVERSATIONS:
            yield Wrong(name=f"cursor {name}", family=Family.CURSOR, change=with_value(*path, value=value))
    if contract.count is Kind.CONVERSATIONS:
        yield Wrong(name="cursor missing", family=Family.CURSOR, change=without(*path), once_only=True)
        over = led_on(path, 2)
        yield Wrong(name="cursor of the page after the next", family=Family.CURSOR, change=over, once_only=True)
    yield Wrong(name="cursor of this page", family=Family.CURSOR, change=led_on(path, 0))
    yield Wrong(name="cursor of the page before", family=Family.CURSOR, change=led_on(path, -1))
    yield Wrong(name="cursor of the first page", family=Family.CURSOR, change=led_on(path, -99))
    yield Wrong(name="cursor onwards", family=Family.CURSOR, change=led_on(path, 1))


def _repetitions(contract: Contract) -> Iterator[Wrong]:
    key = contract.records
    changes = {
        "the records in another order": _listed(key, lambda records: records[::-1]),
        "a record twice": _listed(key, lambda records: [*records, records[0]]),
    }
    for name, change in changes.items():
        yield Wrong(name=name, family=Family.REPETITION, change=change)
    if not contract.counts and contract.count is not Kind.CONVERSATIONS:
        return  # nothing tells that one is missing
    changes = {
        "a record in another's place": _listed(key, lambda records: [*records[:-1], records[0]]),
        "a record too few": _listed(key, lambda records: records[:-1]),
        "half of the records": _listed(key, lambda records: records[: len(records) // 2]),
    }
    for name, change in changes.items():
        # A page count tells of a last page no more than that it is there, and totals are not compared with users.
        untold = contract.page in (Kind.ARTICLE, Kind.USER_DETAILS)
        short = untold and (contract.of_users or name != "a record in another's place")
        yield Wrong(name=name, family=Family.REPETITION, change=change, once_only=True, before_last=short)


def _record_ids(contract: Contract) -> Iterator[Wrong]:
    key = contract.key
    values: dict[str, Any] = {"null": None, "empty": "", "list": [], "object": {}, "float": 1.5, "bool": True}
    for name, value in values.items():
        change = _listed(contract.records, lambda records, value=value: [{**records[0], key: value}, *records[1:]])
        yield Wrong(name=f"{key} {name}", family=Family.KEY, change=change, once_only=True)


def _states() -> Iterator[Wrong]:
    values: tuple[Any, ...] = (
        "QUEUED",
        "PENDING",
        "FAILED",
        "CANCELLED",
        "EXPIRED",
        "DONE",
        "fulfilled",
        "",
        None,
        7,
        True,
        [],
    )
    for value in values:
        yield Wrong(name=f"state {value!r}", family=Family.STATE, change=with_value("state", value=value))
    yield Wrong(name="state missing", family=Family.STATE, change=without("state"))
    yield Wrong(name="fulfilled too early", family=Family.STATE, change=with_value("state", value="FULFILLED"))
    failed = instead({"state": "FAILED", "errorMessage": "The query was too large."})
    yield Wrong(name="failed, and why", family=Family.STATE, change=failed)


def _dates(path: KeyPath) -> Iterator[Wrong]:
    far = ("2000-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "99999-01-01T00:00:00Z", "0000-00-00", 2**64)
    values: tuple[Any, ...] = ("", None, 7, "soon", [], "2023-10-02T12:00:00Z", *far)
    for value in values:
        yield Wrong(name=f"{path[-1]} {value!r}", family=Family.DATE, change=with_value(*path, value=value))
    yield Wrong(name=f"{path[-1]} missing", family=Family.DATE, change=without(*path))


class _Remembered:
    """Gives the id of the first answer that it sees to all that come after."""

    def __init__(self, path: KeyPath) -> None:
        self._path, self._first = path, None

    def __call__(self, request: Request, answer: Answer) -> Answer:
        if self._first is None:
            self._first = value_at(answer.body, self._path)
        return with_value(*self._path, value=self._first)(request, answer)


def _always(answer: Answer) -> Change:
    return lambda _request, _answer: answer


def _with_status(status: int) -> Change:
    return lambda _request, answer: replace(answer, status=status)


def _rewritten(rewrite: Any) -> Change:  # noqa: ANN401 - a function from JSON to JSON or bytes
    return lambda _request, answer: replace(answer, body=rewrite(answer.body))


def _listed(key: KeyPath, rewrite: Any) -> Change:  # noqa: ANN401 - a function from records to records
    def change(request: Request, answer: Answer) -> Answer:
        records = value_at(answer.body, key)
        return with_value(*key, value=rewrite(records))(request, answer) if records else answer

    return change


def _halved(key: KeyPath) -> Change:
    half = _listed(key, lambda records: records[: len(records) // 2])
    return lambda request, answer: replace(half(request, answer), status=206)


def _moved(path: KeyPath, by: int) -> Change:
    return lambda request, answer: with_value(*path, value=(value_at(answer.body, path) or 0) + by)(request, answer)


def _emptied(contract: Contract) -> Change:
    def change(request: Request, answer: Answer) -> Answer:
        for path, value in ((contract.records, []), *((path, 0) for path in contract.counts if path[-1] != "pageSize")):
            answer = with_value(*path, value=value)(request, answer)
        return answer

    return change


def led_on(path: KeyPath, by: int) -> Change:
    """Return a change to a cursor of a page so many further on; both servers' cursors name their page."""

    def change(request: Request, answer: Answer) -> Answer:
        parts = request.path.split("/")
        salt = parts[parts.index("jobs") + 1][:8] if "jobs" in parts else ""
        asked = request.query.get("cursor") or request.query.get("after")
        page = page_of(asked, salt) if asked else 1
        return with_value(*path, value=cursor_to(max(1, page + by), salt))(request, answer)

    return change
