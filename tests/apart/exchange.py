"""What a request and an answer are to the second server, and which requests there are."""

import enum
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit


class Kind(enum.Enum):
    """What a request asks for."""

    TOKEN = "token"
    ORGANISATION = "organisation"
    LIMITS = "limits"
    CONVERSATIONS = "conversations"
    """A page of the details query, or its totalHits used as a count."""
    ARTICLE = "article"
    CONVERSATION_BY_ID = "conversation by id"
    CONVERSATION_SUBMIT = "conversation job submit"
    CONVERSATION_POLL = "conversation job poll"
    CONVERSATION_RESULTS = "conversation job results"
    CONVERSATION_DELETE = "conversation job delete"
    CONVERSATION_AVAILABILITY = "conversation job availability"
    USER_DETAILS = "user details"
    USER_SUBMIT = "user job submit"
    USER_POLL = "user job poll"
    USER_RESULTS = "user job results"
    USER_DELETE = "user job delete"
    USER_AVAILABILITY = "user job availability"
    USERS = "users"
    QUEUES = "queues"
    WRAPUPCODES = "wrapupcodes"
    TICKETS = "tickets"
    """A described endpoint by page."""
    FEED = "feed"
    """A described endpoint by cursor."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True)
class Request:
    """One request as it came in; header names are in lower case."""

    method: str
    target: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    host: str = "api"
    """Which listener took it: `api` or `login`."""

    @property
    def path(self) -> str:
        """The path, unquoted."""
        return unquote(urlsplit(self.target).path)

    @property
    def query(self) -> dict[str, str]:
        """The query's parameters, the last of each name."""
        return dict(parse_qsl(urlsplit(self.target).query, keep_blank_values=True))

    @property
    def json(self) -> dict[str, Any]:
        """The body as an object; an empty one where it is none."""
        try:
            content = json.loads(self.body or b"{}")
        except ValueError:
            return {}
        return content if isinstance(content, dict) else {}

    @property
    def form(self) -> dict[str, str]:
        """The body as form fields."""
        return dict(parse_qsl(self.body.decode("latin-1"), keep_blank_values=True))


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One answer. `body` is JSON content, or bytes that go out as they are; `wait_seconds` pass before it."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    wait_seconds: float = 0.0

    @property
    def content(self) -> bytes:
        """The bytes that go out."""
        if self.status == 204:
            return b""
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body, ensure_ascii=False).encode()


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a request stands in its dataset: which window it is about, and which of its pages."""

    day: str = ""
    """The first moment of the window asked for, as YYYY-MM-DD; empty where the request has no window."""
    page: int = 0
    """Counted from 1; 0 where the request has no page."""
    pages: int = 0
    job: str = ""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One line of the server's log."""

    kind: Kind
    host: str
    method: str
    target: str
    body: bytes
    place: Place
    organisation: str
    client: str
    token: str
    status: int
    scripted: bool
    """Whether a rule of the script changed the answer."""
    at: float


class Refused(Exception):
    """The server will not do it: carries the answer that says so."""

    def __init__(self, answer: Answer) -> None:
        """Keep the answer."""
        super().__init__(answer.status)
        self.answer = answer


CODES = {
    400: "bad.request",
    401: "bad.credentials",
    403: "missing.permissions",
    404: "not.found",
    413: "request.entity.too.large",
    415: "unsupported.media.type",
    429: "too.many.requests.retry.after",
    500: "internal.server.error",
    502: "bad.gateway",
    503: "service.unavailable",
    504: "request.timeout",
}


def error(status: int, message: str, *, code: str | None = None, headers: Mapping[str, str] | None = None) -> Answer:
    """Return an error body as Genesys sends them."""
    said = CODES.get(status, "unknown") if code is None else code
    body = {"message": message, "code": said, "status": status, "contextId": f"context-{status}"}
    return Answer(status=status, body={**body, "details": [], "errors": []}, headers=headers or {})
