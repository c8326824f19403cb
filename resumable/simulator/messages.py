"""One request and the answer in the making, before any of it is bytes on the wire."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import parse_qs, unquote, urlsplit

from resumable.simulator.json_values import Json


class Kind(StrEnum):
    """What a request is about: the word that the log and the faults use."""

    TOKEN = "token"  # noqa: S105 -- the name of an endpoint
    CONVERSATIONS = "conversations"  # a page by the public contract
    ARTICLE = "article"  # a page by the article's contract
    CONVERSATION = "conversation"  # single conversations by id
    USER_DETAILS = "user-details"
    JOB_CREATE = "job-create"
    JOB_STATUS = "job-status"
    JOB_RESULTS = "job-results"
    JOB_DELETE = "job-delete"
    JOB_AVAILABILITY = "job-availability"
    USERS = "users"
    QUEUES = "queues"
    WRAPUP_CODES = "wrapupcodes"
    AUDITS = "audits"
    AGGREGATES = "aggregates"
    DIRECTORY = "directory"  # groups, skills, flows, members, recordings, ...
    USAGE = "usage"
    ORGANISATION = "organisation"
    UNKNOWN = "unknown"
    CONTROL = "control"  # the simulator's own; never logged, limited or disturbed


@dataclass(frozen=True, kw_only=True)
class SimRequest:
    """A request as it came. Names of headers are lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def path(self) -> str:
        """The path without the query, decoded."""
        return unquote(urlsplit(self.target).path)

    @property
    def query(self) -> dict[str, list[str]]:
        """The query's values by name."""
        return parse_qs(urlsplit(self.target).query, keep_blank_values=True)

    def first(self, name: str) -> str | None:
        """Return the first value of a query parameter."""
        values = self.query.get(name)
        return values[0] if values else None

    def json(self) -> Json:
        """Return the body read as JSON, or None where it is not."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    @property
    def takes_gzip(self) -> bool:
        """Whether the client said that it can read gzip."""
        return "gzip" in self.headers.get("accept-encoding", "").lower()


class Refusal(Exception):
    """The server says no: an error answer in the documented shape."""

    def __init__(self, status: int, code: str, message: str, headers: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.headers = status, code, message, headers


CODES: Mapping[int, str] = {
    400: "bad.request",
    401: "bad.credentials",
    403: "missing.permissions",
    404: "not.found",
    405: "method.not.allowed",
    413: "request.entity.too.large",
    415: "unsupported.media.type",
    429: "too.many.requests.retry.after",
    500: "internal.server.error",
    502: "bad.gateway",
    503: "service.unavailable",
    504: "request.timeout",
}


def error_body(status: int, message: str, context_id: str, code: str | None = None) -> dict[str, Json]:
    """Return an error in the documented shape."""
    return {
        "message": message,
        "code": code or CODES.get(status, "internal.server.error"),
        "status": status,
        "messageParams": {},
        "contextId": context_id,
        "details": [],
        "errors": [],
    }


@dataclass(kw_only=True)
class AnswerPaging:
    """Where the records of an answer come from, so that a fault can serve others."""

    fetch: Callable[[int, int], list[bytes]]  # (first position, how many)
    start: int
    size: int


@dataclass(kw_only=True)
class SimAnswer:
    """An answer in the making: records under their key, then the other fields."""

    status: int = 200
    fields: dict[str, Json] = field(default_factory=dict)
    key: str | None = None
    records: list[bytes] | None = None  # None: the key is absent
    records_text: bytes | None = None  # stands in place of the list
    total_at: tuple[str, ...] = ()
    page_at: tuple[str, ...] = ()
    paging: AnswerPaging | None = None
    job: str | None = None  # the id of the job that was made
    headers: list[tuple[str, str]] = field(default_factory=list)
    content_type: str = "application/json"
    text: bytes | None = None  # the whole body; fields and records are ignored

    def render(self) -> bytes:
        """Return the body."""
        if self.text is not None:
            return self.text
        others = json.dumps(self.fields, ensure_ascii=False, separators=(",", ":")).encode()
        if self.key is None or (self.records is None and self.records_text is None):
            return others
        listed = self.records_text if self.records_text is not None else b"[" + b",".join(self.records or ()) + b"]"
        return b'{"' + self.key.encode() + b'":' + listed + (b"," + others[1:] if self.fields else b"}")


def plain(status: int, content: Json, headers: tuple[tuple[str, str], ...] = ()) -> SimAnswer:
    """Return an answer of some JSON."""
    text = b"" if content is None else json.dumps(content, separators=(",", ":")).encode()
    return SimAnswer(status=status, text=text, headers=list(headers))
