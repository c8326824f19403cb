"""A Genesys Cloud written from the facts alone: takes a request, gives an answer, and remembers both.

`handle` is all there is to it; `tests.apart.wire` puts it on a socket.
"""

import base64
import binascii
import re
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from tests.apart.details import article, by_id, conversations, user_details
from tests.apart.exchange import Answer, Entry, Kind, Place, Refused, Request, error
from tests.apart.jobs import Jobs
from tests.apart.lists import PATHS, entities, feed, tickets
from tests.apart.manners import Manners
from tests.apart.script import Script
from tests.apart.truth import World

SECRET = "canary-secret-apart-77d1"
"""What every client's secret begins with; the canary of the tests looks for it in everything that is put out."""

_DETAILS_JOBS = "/api/v2/analytics/(conversations|users)/details/jobs"
_ROUTES: tuple[tuple[str, str, dict[str, Kind]], ...] = (
    ("POST", "/oauth/token", {"": Kind.TOKEN}),
    ("GET", "/api/v2/organizations/me", {"": Kind.ORGANISATION}),
    ("GET", "/api/v2/organizations/limits/namespaces/[^/]+", {"": Kind.LIMITS}),
    ("GET", "/api/v2/analytics/conversations/details", {"": Kind.CONVERSATION_BY_ID}),
    ("POST", "/api/v2/analytics/users/details/query", {"": Kind.USER_DETAILS}),
    ("POST", _DETAILS_JOBS, {"conversations": Kind.CONVERSATION_SUBMIT, "users": Kind.USER_SUBMIT}),
    (
        "GET",
        f"{_DETAILS_JOBS}/availability",
        {"conversations": Kind.CONVERSATION_AVAILABILITY, "users": Kind.USER_AVAILABILITY},
    ),
    ("GET", f"{_DETAILS_JOBS}/(?P<job>[^/]+)", {"conversations": Kind.CONVERSATION_POLL, "users": Kind.USER_POLL}),
    (
        "GET",
        f"{_DETAILS_JOBS}/(?P<job>[^/]+)/results",
        {"conversations": Kind.CONVERSATION_RESULTS, "users": Kind.USER_RESULTS},
    ),
    (
        "DELETE",
        f"{_DETAILS_JOBS}/(?P<job>[^/]+)",
        {"conversations": Kind.CONVERSATION_DELETE, "users": Kind.USER_DELETE},
    ),
    ("GET", "/api/v2/users", {"": Kind.USERS}),
    ("GET", "/api/v2/routing/queues", {"": Kind.QUEUES}),
    ("GET", "/api/v2/routing/wrapupcodes", {"": Kind.WRAPUPCODES}),
    ("POST", "/api/v1/tickets/search", {"": Kind.TICKETS}),
    ("GET", "/api/v1/feed", {"": Kind.FEED}),
)
OPEN = (Kind.TOKEN, Kind.TICKETS, Kind.FEED)
"""What needs no Bearer token."""


def kind_of(request: Request) -> tuple[Kind, str]:
    """Return what a request asks for, and the id of the job in its path."""
    if request.method == "POST" and request.path == "/api/v2/analytics/conversations/details/query":
        return (Kind.CONVERSATIONS if "interval" in request.json else Kind.ARTICLE), ""
    for method, pattern, kinds in _ROUTES:
        match = re.fullmatch(pattern, request.path)
        if match and method == request.method:
            subject = match.group(1) if match.re.groups and "(conversations|users)" in pattern else ""
            return kinds[subject], match.groupdict().get("job", "")
    return Kind.UNKNOWN, ""


class Cloud:
    """One organisation's API, and its login."""

    def __init__(
        self,
        world: World | None = None,
        *,
        manners: Manners | None = None,
        client: str = "client-apart",
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`client` is the one OAuth client that it knows; `now` is the clock that its tokens and jobs live by."""
        self.world = world or World()
        self.manners = manners or Manners()
        self.client, self.secret = client, f"{SECRET}-{client}"
        self.script = Script()
        self.log: list[Entry] = []
        self.jobs = Jobs(world=self.world, manners=self.manners)
        self._now = now
        self._tokens: dict[str, datetime] = {}
        self._lock = threading.Lock()

    def handle(self, request: Request) -> Answer:
        """Answer one request. Any thread may call."""
        with self._lock:
            kind, job = kind_of(request)
            try:
                answer, place = self._served(kind, job, request)
            except Refused as refused:
                answer, place = refused.answer, Place(job=job)
            answer, scripted = self.script.changed(kind, place, request, answer)
            if len(self.log) >= self.manners.requests_most:
                answer = error(403, "No more")
            self._remember(kind, place, request, answer, scripted=scripted)
            return Answer(
                status=answer.status,
                body=answer.body,
                headers={**self._headers(), **answer.headers},
                wait_seconds=answer.wait_seconds,
            )

    def asked(self, *kinds: Kind) -> list[Entry]:
        """Return the log's entries of some kinds; of all where none is named."""
        with self._lock:
            return [entry for entry in self.log if not kinds or entry.kind in kinds]

    def overrun(self) -> bool:
        """Tell whether more was asked than any sane run asks."""
        return len(self.log) > self.manners.requests_most

    def settle(self, manners: Manners) -> None:
        """Behave otherwise from now on."""
        with self._lock:
            self.manners = self.jobs.manners = manners

    def revoke(self) -> None:
        """Let no token be valid any more."""
        with self._lock:
            self._tokens.clear()

    def _served(self, kind: Kind, job: str, request: Request) -> tuple[Answer, Place]:
        if kind is Kind.UNKNOWN:
            raise Refused(error(404, f"HTTP 404 Not Found: {request.method} {request.path}"))
        if kind is Kind.TOKEN:
            return self._token(request), Place()
        if kind not in OPEN:
            self._check_token(request)
        if kind is Kind.ORGANISATION:
            if not self.manners.organisation_allowed:
                raise Refused(error(403, "Unable to perform the requested action. You must have a permission."))
            return Answer(body=self.world.organisation), Place()
        if kind is Kind.LIMITS:
            raise Refused(error(404, "Not found"))
        if kind.value.startswith(("conversation job", "user job")):
            return self._job(kind, job, request)
        if request.path in PATHS:
            return entities(self.world, self.manners, request)
        ways: dict[Kind, Callable[[], tuple[Answer, Place]]] = {
            Kind.CONVERSATIONS: lambda: conversations(self.world, self.manners, request),
            Kind.ARTICLE: lambda: article(self.world, request),
            Kind.CONVERSATION_BY_ID: lambda: by_id(self.world, request),
            Kind.USER_DETAILS: lambda: user_details(self.world, self.manners, request),
            Kind.TICKETS: lambda: tickets(self.world, request),
            Kind.FEED: lambda: feed(self.world, request),
        }
        return ways[kind]()

    def _job(self, kind: Kind, job: str, request: Request) -> tuple[Answer, Place]:
        subject = "users" if kind.value.startswith("user") else "conversations"
        now = self._now()
        if kind in (Kind.CONVERSATION_SUBMIT, Kind.USER_SUBMIT):
            return self.jobs.submit(subject, request, now)
        if kind in (Kind.CONVERSATION_POLL, Kind.USER_POLL):
            return self.jobs.look(job, now)
        if kind in (Kind.CONVERSATION_RESULTS, Kind.USER_RESULTS):
            return self.jobs.results(job, request, now)
        if kind in (Kind.CONVERSATION_DELETE, Kind.USER_DELETE):
            return self.jobs.delete(job)
        return self.jobs.availability(now)

    def _token(self, request: Request) -> Answer:
        given = _basic(request) or (request.form.get("client_id", ""), request.form.get("client_secret", ""))
        if request.form.get("grant_type") != "client_credentials":
            raise Refused(Answer(status=400, body={"error": "unsupported_grant_type"}))
        if given != (self.client, self.secret):
            raise Refused(Answer(status=401, body={"error": "invalid_client", "description": "not found"}))
        token = f"canary-token-apart-{self.client}-{len(self._tokens) + len(self.log)}"
        self._tokens[token] = self._now()
        return Answer(body={"access_token": token, "token_type": "bearer", "expires_in": self.manners.token_seconds})

    def _check_token(self, request: Request) -> None:
        issued = self._tokens.get(_bearer(request))
        if issued is None:
            raise Refused(error(401, "Invalid login credentials."))
        if (self._now() - issued).total_seconds() >= self.manners.token_seconds:
            raise Refused(error(401, "The token has expired.", code="credentials.expired"))

    def _headers(self) -> dict[str, str]:
        now = self._now()
        minute = sum(1 for entry in self.log[-self.manners.rate :] if now.timestamp() - entry.at < 60)
        return {
            "inin-correlation-id": f"00000000-0000-4000-8000-{len(self.log):012}",
            "inin-ratelimit-count": str(minute),
            "inin-ratelimit-allowed": str(self.manners.rate),
            "inin-ratelimit-reset": str(60 - now.second),
        }

    def _remember(self, kind: Kind, place: Place, request: Request, answer: Answer, *, scripted: bool) -> None:
        self.log.append(
            Entry(
                kind=kind,
                host=request.host,
                method=request.method,
                target=request.target,
                body=request.body,
                place=place,
                organisation=self.world.name,
                client=self.client,
                token=_bearer(request),
                status=answer.status,
                scripted=scripted,
                at=self._now().timestamp(),
            )
        )


def _bearer(request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token if scheme.lower() == "bearer" else ""


def _basic(request: Request) -> tuple[str, str] | None:
    scheme, _, text = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, _, secret = base64.b64decode(text).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return name, secret


def content_of(entry: Entry) -> dict[str, Any]:
    """Return the JSON body of a logged request."""
    return Request(method=entry.method, target=entry.target, body=entry.body).json
