"""Decides every answer: who is asking, whether they may, what goes wrong, and what the data says."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from resumable.simulator.api.jobs import RemoteJobState
from resumable.simulator.api.rates import Rates
from resumable.simulator.api.routes import Route, route
from resumable.simulator.api.state import State
from resumable.simulator.api.tokens import IssuedTokens
from resumable.simulator.faults.faults import WIRE_FAULTS, FaultBook, FaultKind, RequestFacts, SimFault
from resumable.simulator.faults.spoil import replacement, spoil
from resumable.simulator.messages import Kind, Refusal, SimAnswer, SimRequest, error_body, plain
from resumable.simulator.request_log import Entry, Log
from resumable.simulator.settings import SimSettings
from resumable.simulator.world.names import seeded, uuid_of


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What is to be sent: the answer, the delay before it, and how the wire breaks."""

    answer: SimAnswer
    latency: float
    wire: SimFault | None
    sequence: int | None


class Service:
    """The server without the sockets."""

    def __init__(
        self,
        settings: SimSettings,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        today: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.state = State(settings, monotonic=monotonic, today=today)
        self.tokens, self.rates, self.log = IssuedTokens(), Rates(), Log()
        self.faults = FaultBook(settings.seed)
        self._lock = threading.Lock()
        self._dice = seeded("latency", settings.seed)

    def handle(self, request: SimRequest) -> Outcome:
        """Decide the answer to a request and keep it in the log."""
        now = self.state.monotonic()
        settings = self.state.settings
        found = route(request)
        sequence = self.log.next_sequence()
        context_id = uuid_of("context", settings.seed, sequence)
        draft = _Draft(request, found, settings, now, sequence)
        if found.job is not None and found.interval is None:
            draft.interval = self.state.jobs.interval(found.job)
        answer = self._decide(draft, context_id)
        answer.headers += [("inin-correlation-id", context_id), *draft.headers]
        latency = self._latency(settings) + sum(f.seconds for f in draft.faults if f.kind is FaultKind.SLOW)
        self.log.add(draft.entry(answer.status, latency, self.tokens.name(request)))
        wire = next((f for f in draft.faults if f.kind in WIRE_FAULTS), None)
        return Outcome(answer=answer, latency=latency, wire=wire, sequence=sequence)

    def _latency(self, settings: SimSettings) -> float:
        if callable(settings.latency):
            return settings.latency()
        if isinstance(settings.latency, tuple):
            with self._lock:
                return self._dice.uniform(*settings.latency)
        return settings.latency

    def _decide(self, draft: "_Draft", context_id: str) -> SimAnswer:
        try:
            if draft.route.kind is not Kind.TOKEN:
                self._admit(draft)
            draft.faults = self.faults.pick(draft.facts)
            for fault in draft.faults:
                instead = replacement(fault, context_id) or self._upset(fault, draft)
                if instead is not None:
                    return self._spoilt(instead, draft)
            if any(f.kind is FaultKind.RESET_BEFORE for f in draft.faults):
                return plain(0, None)
            return self._spoilt(self._work(draft), draft)
        except Refusal as refusal:
            body = error_body(refusal.status, refusal.message, context_id, refusal.code)
            return plain(refusal.status, body, refusal.headers)

    def _admit(self, draft: "_Draft") -> None:
        settings = draft.settings
        token = self.tokens.check(draft.request, draft.now)
        article = draft.route.kind is Kind.ARTICLE
        allowed = settings.rate_article if article else settings.rate_public
        if allowed is None:
            return
        key = f"client {token.client_id}" if article else f"token {token.id}"
        standing = self.rates.admit(key, allowed, settings, draft.now)
        draft.rate_count = standing.count
        if settings.rate_headers_article if article else settings.rate_headers:
            draft.headers += standing.headers()
        if not standing.admitted:
            seconds = standing.reset_seconds
            message = f"Rate limit exceeded the maximum. Retry the request in [{seconds}] seconds"
            headers = (("Retry-After", str(seconds)),) if settings.retry_after else ()
            raise Refusal(429, "too.many.requests.retry.after", message, headers)

    def _upset(self, fault: SimFault, draft: "_Draft") -> SimAnswer | None:
        if fault.kind is FaultKind.REVOKE:
            self.tokens.revoke()
            raise Refusal(401, "bad.credentials", "Invalid login credentials.")
        if fault.kind is FaultKind.CURSOR_GONE:
            raise Refusal(400, "bad.request", "The cursor is not valid any more.")
        if fault.kind is FaultKind.JOB_FAILED and draft.route.job:
            self.state.jobs.end(draft.route.job, RemoteJobState(fault.value or "FAILED"))
        return None

    def _work(self, draft: "_Draft") -> SimAnswer:
        if draft.route.kind is Kind.TOKEN and draft.request.method == "POST":
            answer, draft.issued = self.tokens.issue(draft.request, draft.settings, draft.now)
            return answer
        self.state.page_asked(draft.route.counts_as_page)
        answer = draft.route.answer(self.state, draft.request)
        draft.job = answer.job or draft.job
        return answer

    def _spoilt(self, answer: SimAnswer, draft: "_Draft") -> SimAnswer:
        for fault in draft.faults:
            if fault.kind is FaultKind.REPEATED_CURSOR and draft.route.cursor is not None:
                answer.fields["cursor"] = draft.route.cursor
            if fault.kind is FaultKind.CURSOR_CIRCLE and draft.route.job is not None and "cursor" in answer.fields:
                answer.fields["cursor"] = self.state.jobs.first_cursor(draft.route.job)
            spoil(answer, fault, draft.sequence)
        return answer


class _Draft:
    """What is known of a request while its answer is decided."""

    def __init__(self, request: SimRequest, found: Route, settings: SimSettings, now: float, sequence: int) -> None:
        self.request, self.route, self.settings, self.now, self.sequence = request, found, settings, now, sequence
        self.faults: list[SimFault] = []
        self.headers: list[tuple[str, str]] = []
        self.rate_count: int | None = None
        self.issued: str | None = None
        self.interval, self.job = found.interval, found.job

    @property
    def facts(self) -> RequestFacts:
        return RequestFacts(kind=self.route.kind, path=self.request.path, page=self.route.page, interval=self.interval)

    def entry(self, status: int, latency: float, token: str | None) -> Entry:
        return Entry(
            sequence=self.sequence,
            at=self.now,
            kind=self.route.kind,
            method=self.request.method,
            path=self.request.path,
            query=self.request.query,
            interval=self.interval,
            page=self.route.page,
            page_size=self.route.page_size,
            cursor=self.route.cursor,
            job=self.job,
            body=self.route.body,
            token=token,
            issued=self.issued,
            status=status,
            latency=latency,
            faults=tuple(fault.kind.value for fault in self.faults),
            rate_count=self.rate_count,
        )
