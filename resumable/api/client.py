"""One exchange with the API, seen through to its end: token, pace, send, check, and again where that helps."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any, Final, TypeVar

from resumable.api.concurrency import Concurrency
from resumable.api.outage import FOR_EVERYBODY, OutageGate
from resumable.api.pace import Pacer
from resumable.api.retry import LONGEST_TOLD, judge, retry_after_seconds, waits
from resumable.api.statuses import PAGE, Action, failure_of, meaning, wall_in
from resumable.api.tokens import Token, Tokens
from resumable.clock import Stop
from resumable.config import Policy
from resumable.errors import (
    AuthenticationFailed,
    Failure,
    Fault,
    GivenUp,
    Incomplete,
    StatusFault,
    TransportFault,
    TrustFault,
    Wall,
)
from resumable.models import Counter, EventKind, Journal, Request
from resumable.redaction import Redactor
from resumable.text import span
from resumable.transport.http import Reply, Transport

T = TypeVar("T")

REFUSALS_OF_NEW_TOKENS = 3
"""So many 401s in a row for one page, each with a token asked for since, mean that tokens are not the matter."""

ATTEMPTS_TOO_BIG = 2
"""An answer that is too big is so again, but for a server that has lost its way: each costs 128 MiB."""

WORDS_READ = 2000
"""Bytes of an error answer in which a wall of the server is looked for."""


class Stopped(Exception):
    """The run is to end: the exchange was given up before it was sent, or between two tries."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One exchange for people: what it is for, in the words of a status line."""

    what: str
    request: Request
    accepts: frozenset[int] = PAGE
    """The statuses that are an answer to it; any other is a fault."""
    holds: int | None = None
    """After so many 429s it fails, for requests that are refused so for other reasons than their rate; None: never."""
    optional: bool = False
    """Whether the run can do without the answer: then a missing permission is a fault like another."""
    incidental: bool = False
    """Whether its failures alone begin no outage: the pages come without it."""


@dataclass(frozen=True, kw_only=True)
class Client:
    """Sends requests to the API host, with the means of one run. Safe to use from all its threads."""

    transport: Transport
    tokens: Tokens
    pacer: Pacer
    concurrency: Concurrency
    stop: Stop
    journal: Journal
    redactor: Redactor
    policy: Policy
    gate: OutageGate
    light: Request | None = None
    """A request of no weight, which tells whether anything is answered; None where there is none."""
    deferred: dict[str, float] = field(default_factory=dict)
    """When what was given up on may be asked for again, where the server said so and its window is taken again."""

    def exchange(self, asked: Asked, read: Callable[[Reply], T]) -> T:
        """Send a request until `read` is content with the answer, and return what it made of it.

        `read` raises ProtocolFault for an answer that is not what the contract says. Raises the last Fault when the
        attempts or the time are used up, Stopped when the run is to end, and what ends a run: AuthenticationFailed,
        or Incomplete when the server asks for a wait over the cap.
        """
        exchange = _Exchange(self, asked)
        if not asked.incidental:
            self.gate.entered(exchange)
        try:
            return exchange.run(read)
        finally:
            self.gate.left(exchange)


class _Exchange:
    """The tries of one exchange: how many are used up, since when, and what comes next."""

    def __init__(self, client: Client, asked: Asked) -> None:
        self._client = client
        self._asked = asked
        self._clock = client.stop.clock
        self._pauses = waits(client.policy, self._clock.uniform)
        self._started = self._clock.monotonic()
        self._out = 0.0
        """Seconds that were spent on waiting for the end of an outage: they are nobody's fault here."""
        self._attempts = 0
        self._refusals = 0
        self._holds = 0

    def run(self, read: Callable[[Reply], T]) -> T:
        """See it through. Raises what `Client.exchange` raises."""
        until = self._client.deferred.pop(self._asked.what, self._started)
        if until > self._started and self._client.stop.wait(until - self._started):
            raise Stopped
        while True:
            token = self._ready()
            try:
                try:
                    reply = self._send(token)
                finally:
                    self._client.pacer.done()
                return self._client.concurrency.on_cpu(partial(read, reply))
            except GivenUp:
                raise Stopped from None
            except Fault as fault:
                self._after(fault, token)

    def _ready(self) -> Token:
        # The slot first, then the token: while waiting for a slot a short-lived token would run out. But no slot is
        # kept waiting for the first token: those of all threads would go in one burst, late, and look like others'.
        begun = self._clock.monotonic()
        try:
            while self._let_through() and self._client.tokens.get() is not None and self._client.pacer.acquire():
                if (token := self._token_for_slot()) is not None:
                    return token
        finally:
            self._client.concurrency.waited(self._clock.monotonic() - begun)
        raise Stopped

    def _let_through(self) -> bool:
        """Wait out an outage; False when the run is to end instead."""
        if not self._client.gate.shut:
            return True
        waited = self._client.gate.wait(self)
        if waited is not None:
            self._out += waited
            self._attempts = 0
        return waited is not None

    def _token_for_slot(self) -> Token | None:
        token: Token | None = None
        try:
            token = self._client.tokens.get()
            # To ask for one takes time, in which others may have been told to wait: then the slot is lost.
            if self._client.pacer.held or not self._client.gate.may_send(self):
                token = None
            return token
        finally:
            if token is None:
                self._client.pacer.unused()

    def _send(self, token: Token) -> Reply:
        self._client.journal.count(Counter.REQUESTS)
        # Built anew for each attempt: a header kept over a retry would carry the token that was just refused.
        begun = self._clock.monotonic()
        try:
            reply = self._client.transport.send(self._asked.request, self._client.tokens.headers(token))
        except Fault:
            self._client.concurrency.waited(self._clock.monotonic() - begun)
            self._client.concurrency.troubled()
            raise
        self._client.pacer.learn(reply.headers, seconds=reply.seconds)
        allowed = self._client.pacer.per_minute
        self._client.concurrency.answered(reply.seconds, per_minute=allowed)
        self._client.journal.answered(reply.seconds, allowed=allowed)
        if meaning(reply.status).failure not in FOR_EVERYBODY:
            self._client.gate.answered(self, seconds=reply.seconds)
        if reply.status in self._asked.accepts:
            return reply
        if meaning(reply.status).troubled:
            self._client.concurrency.troubled()
        raise self._status_fault(reply)

    def _status_fault(self, reply: Reply) -> StatusFault:
        asked_for = retry_after_seconds(
            reply.headers.get("retry-after"), now=self._clock.now(), served_at=reply.headers.get("date")
        )
        words = _words(reply)
        shown = self._client.redactor.body_start(words, 200)
        wall, limit = wall_in(words[:WORDS_READ].decode(errors="replace"))
        correlation, context = self._ids(reply)
        named = f" (correlation id {correlation or context})" if correlation or context else ""
        return StatusFault(
            f"HTTP {reply.status}{f': {shown}' if shown else ''}{named}",
            status=reply.status,
            failure=failure_of(reply.status, in_its_own_words=bool(_answer(reply))),
            retry_after_seconds=asked_for,
            wall=wall,
            limit=limit,
            correlation_id=correlation,
            context_id=context,
        )

    def _ids(self, reply: Reply) -> tuple[str | None, str | None]:
        """Return the ids by which the vendor's support finds an answer: of its header, and of its body."""
        named = reply.headers.get("inin-correlation-id"), _answer(reply).get("contextId")
        # An id that is none, or that shows a secret, is not worth keeping.
        fit = [
            text
            if isinstance(text, str) and _ID.fullmatch(text) and self._client.redactor.scrub(text) == text
            else None
            for text in named
        ]
        return fit[0], fit[1]

    def _after(self, fault: Fault, token: Token) -> None:
        """Do what `fault` calls for and return to try again, or raise."""
        action = judge(fault)
        self._client.journal.failed(self._asked.what, fault)
        if action is Action.REFRESH:
            self._refresh(fault, token)
        elif action is Action.HOLD and isinstance(fault, StatusFault):
            self._hold(fault)
        elif action is Action.FORBIDDEN and not self._asked.optional:
            raise AuthenticationFailed(
                f"Genesys refused this client the permission to read this ({self._asked.what}: {fault.reason}).",
                hint="Give the OAuth client a role with the permission named, then run the same command.",
            ) from None
        else:
            self._again(fault, final=action in (Action.GIVE_UP, Action.FORBIDDEN))
        self._client.journal.count(Counter.RETRIES)

    def _refresh(self, fault: Fault, token: Token) -> None:
        self._refusals += 1
        self._client.tokens.invalidate(token)
        if self._refusals >= REFUSALS_OF_NEW_TOKENS:
            raise AuthenticationFailed(
                f"Genesys refuses the tokens that it has just issued ({self._asked.what}: {fault.reason}).",
                hint="Check that GENESYS_REGION and the client's organisation belong together, and its roles.",
            ) from None

    def _hold(self, fault: StatusFault) -> None:
        self._client.journal.count(Counter.RATE_LIMITED)
        if fault.wall is Wall.JOBS and self._asked.holds is not None:
            raise fault  # not asked too often: nobody else has to wait
        self._holds += 1
        # A server that refuses and asks for no wait at all would be asked again at once, until the budget is spent.
        wait = fault.retry_after_seconds or next(self._pauses)
        too_long = wait > self._client.policy.wait_cap_seconds
        if too_long or self._spent() > self._client.policy.budget_seconds:
            since = "" if too_long else f" after {span(self._spent())} of refusals"
            raise Incomplete(
                f"the server asks to wait {span(wait)}{since} (HTTP {fault.status}, {self._asked.what}):"
                " a daily limit, it seems.",
                hint="What is recorded is safe. Run the same command then.",
                not_before=self._clock.now() + timedelta(seconds=min(wait, LONGEST_TOLD)),
            ) from None
        self._client.pacer.refused(wait)
        if self._asked.holds is not None and self._holds > self._asked.holds:
            raise fault
        self._client.journal.event(EventKind.RATE_LIMITED, f"{self._asked.what}: everybody waits {wait:.1f} s")

    def _again(self, fault: Fault, *, final: bool) -> None:
        asked_for = (fault.retry_after_seconds if isinstance(fault, StatusFault) else None) or 0.0
        heard = not self._asked.incidental or self._client.gate.shut
        bearable = asked_for <= self._client.policy.wait_cap_seconds
        if heard and bearable and self._client.gate.failed(self, fault, not_before=asked_for):
            return
        self._attempts += 1
        self._refusals = 0
        attempts = ATTEMPTS_TOO_BIG if fault.failure is Failure.TOO_BIG else self._client.policy.attempts
        used_up = self._attempts >= attempts or self._spent() > self._client.policy.budget_seconds
        if isinstance(fault, TrustFault):
            raise Incomplete(
                f"the API host could not prove who it is ({fault.reason}).",
                hint="Behind a proxy with its own certificates, set RESUMABLE_CA_BUNDLE to their file.",
            ) from None
        # A wait over the cap is not shortened: the page is given up on for this run instead.
        if asked_for > self._client.policy.wait_cap_seconds:
            raise fault
        if used_up and not final and not self._asked.incidental and self._nothing_is_answered(fault):
            return
        if final or used_up:
            if asked_for:
                self._client.deferred[self._asked.what] = self._clock.monotonic() + asked_for
            raise fault
        wait = max(next(self._pauses), asked_for)
        self._client.journal.event(EventKind.RETRY, f"{self._asked.what}: {fault.reason}; again in {wait:.1f} s")
        if self._client.stop.wait(wait):
            raise Stopped
        self._client.concurrency.waited(wait)

    def _nothing_is_answered(self, fault: Fault) -> bool:
        """Tell whether there is an outage, where nobody else asks anything: a request of no weight tells."""
        client, light = self._client, self._client.light
        if light is None or not client.gate.alone(self):
            return False
        token = self._ready()
        client.journal.count(Counter.REQUESTS)
        try:
            reply = client.transport.send(light, client.tokens.headers(token))
        except TransportFault:
            return client.gate.failed_alone(self, fault)
        finally:
            client.pacer.done()
        if meaning(reply.status).failure in FOR_EVERYBODY:
            return client.gate.failed_alone(self, fault)
        client.gate.answered(self, seconds=reply.seconds)
        return False

    def _spent(self) -> float:
        return self._clock.monotonic() - self._started - self._out


_ID: Final = re.compile(r"[A-Za-z0-9._-]{4,100}")


def _answer(reply: Reply) -> dict[str, Any]:
    """Return what an error answer holds; nothing where it is not as the API writes one."""
    try:
        answer = json.loads(reply.body)
    except (ValueError, RecursionError):
        return {}
    return answer if isinstance(answer, dict) else {}


def _words(reply: Reply) -> bytes:
    """Return what an error answer says of itself: `code, message`, or its body where that names neither."""
    answer = _answer(reply)
    words = [str(answer[name]) for name in ("code", "message") if answer.get(name)]
    # JSON may hold half a character, which UTF-8 cannot.
    return ", ".join(words).encode(errors="replace") if words else reply.body
