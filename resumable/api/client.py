"""One exchange with the API, seen through to its end: token, pace, send, check, and again where that helps."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import TypeVar

from resumable.api.concurrency import Concurrency
from resumable.api.in_hand import BytesInHand
from resumable.api.journal import Journal
from resumable.api.outage import FOR_EVERYBODY, OutageGate
from resumable.api.pace import Pacer
from resumable.api.retry import LONGEST_TOLD, judge, waits
from resumable.api.status_faults import status_fault
from resumable.api.statuses import PAGE, Action, meaning
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
from resumable.models import Counter, EventKind, Request
from resumable.redaction import Redactor
from resumable.text import span
from resumable.transport.http import Reply, Transport

T = TypeVar("T")

REFUSALS_OF_NEW_TOKENS = 3
"""So many 401s in a row for one page, each with a token asked for since, mean that tokens are not the matter."""

ATTEMPTS_TOO_BIG = 2
"""An answer that is too big is so again, but for a server that has lost its way: each costs 128 MiB."""


class Lost:
    """Stands for a slot that was taken and may not be used: others were told to wait since."""


class Stopped(Exception):
    """The run is to end: the exchange was given up before it was sent, or between two tries."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One exchange for people: what it is for, in the words of a status line."""

    what: str
    request: Request
    accepts: frozenset[int] = PAGE
    """The statuses that are an answer to it; any other is a fault."""
    not_before: Callable[[], float] = lambda: float("-inf")
    """Tells at which monotonic second it may go, where it is refused for other reasons than everybody's rate."""
    records: int = 0
    """How many records the answer may have; 0 for what is no page."""
    holds: int | None = None
    """After so many 429s it fails, for requests that are refused so for other reasons than their rate; None: never."""
    counted: bool = True
    """Whether it is one of those that a run may be allowed so many of: without some no run would ever get on."""
    optional: bool = False
    """Whether the run can do without the answer: then a missing permission is a fault like another."""
    once: bool = False
    """Whether it is tried once and no more, but for what is nobody's fault: a limit, a token, an outage."""
    incidental: bool = False
    """Whether its failures alone begin no outage: the pages come without it."""


@dataclass(frozen=True, kw_only=True)
class Client:
    """Sends requests to the API host, with the means of one run. Safe to use from all its threads."""

    transport: Transport
    tokens: Tokens
    pacer: Pacer
    concurrency: Concurrency
    in_hand: BytesInHand
    stop: Stop
    journal: Journal
    redactor: Redactor
    policy: Policy
    gate: OutageGate
    light: Request | None = None
    """A request of no weight, which tells whether anything is answered; None where there is none."""
    small: Callable[[], Request | None] = lambda: None
    """Makes a small request to what brings the pages, which tells whether they alone fail; None where there is none."""
    deferred: dict[str, float] = field(default_factory=dict)
    """When what was given up on may be asked for again, where the server said so and its window is taken again."""

    def exchange(self, asked: Asked, read: Callable[[Reply], T]) -> T:
        """Send a request until `read` is content with the answer, and return what it made of it.

        `read` raises ProtocolFault for an answer that is not what the contract says. Raises the last Fault when the
        attempts or the time are used up, Stopped when the run is to end, and what ends a run: AuthenticationFailed,
        or Incomplete when the server asks for a wait over the cap.
        """
        # Before the gate counts it: who waits here asks nothing, and must not seem to do well in an outage.
        begun = self.stop.clock.monotonic()
        if not self.in_hand.take(asked.records):
            raise Stopped
        self.concurrency.waited(self.stop.clock.monotonic() - begun)
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
            while self._let_through() and (slot := self._slot(counted=self._asked.counted)) is not None:
                if isinstance(slot, Token):
                    return slot
                self._client.stop.wait(self._held_seconds())
        finally:
            self._client.concurrency.waited(self._clock.monotonic() - begun)
        raise Stopped

    def _let_through(self) -> bool:
        """Wait out an outage, or until it is this one's turn to ask; False when the run is to end instead."""
        gate = self._client.gate
        while gate.shut:
            waited = gate.wait(self)
            if waited is None:
                return False
            self._out += waited
            self._attempts = 0
            if not gate.looks(self) or (small := self._client.small()) is None:
                return True
            if (fault := self._aside(small)) is not None:
                gate.failed(self, fault)
        return True

    def _slot(self, *, counted: bool) -> "Token | Lost | None":
        """Wait for a token and a slot; Lost where others were told to wait since, None when the run is to end."""
        client = self._client
        if client.tokens.get() is None or not client.pacer.acquire(counted=counted):
            return None
        token: Token | None = None
        try:
            token = client.tokens.get()
            # To ask for one takes time, in which others may have been told to wait: then the slot is lost.
            if client.pacer.held or self._held_seconds() > 0 or not client.gate.may_send(self):
                token = None
            return token or Lost()
        finally:
            if token is None:
                client.pacer.unused(counted=counted)

    def _refused(self, reply: Reply) -> StatusFault:
        return status_fault(reply, redactor=self._client.redactor, now=self._clock.now())

    def _held_seconds(self) -> float:
        return self._asked.not_before() - self._clock.monotonic()

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
        self._client.journal.answered(reply.seconds, allowed=allowed, others=self._client.pacer.used_by_others)
        if meaning(reply.status).failure not in FOR_EVERYBODY:
            self._client.gate.answered(self, seconds=reply.seconds)
        if reply.status in self._asked.accepts:
            self._client.in_hand.came(self._asked.records, len(reply.body))
            return reply
        if meaning(reply.status).troubled:
            self._client.concurrency.troubled()
        raise self._refused(reply)

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
        if heard and bearable and self._client.gate.failed(self, fault, not_before=asked_for, look=self._look):
            return
        self._attempts += 1
        self._refusals = 0
        attempts = ATTEMPTS_TOO_BIG if fault.failure is Failure.TOO_BIG else self._client.policy.attempts
        attempts = 1 if self._asked.once else attempts
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
        if self._aside(light) is None:
            return client.gate.shut  # it may have begun while the slot was waited for
        return client.gate.failed_alone(self, fault)

    def _look(self) -> bool:
        """Ask for something else than what failed, and tell whether that is answered."""
        small = self._client.small()
        if small is None:
            return False
        self._client.journal.count(Counter.RETRIES)
        return self._aside(small) is None

    def _aside(self, request: Request) -> Fault | None:
        """Ask for something else once, only to see whether it is answered; return the fault where it is not.

        Raises Stopped.
        """
        client = self._client
        while not isinstance(token := self._slot(counted=False), Token):
            if token is None:
                raise Stopped
            if client.gate.shut:
                return None  # it began while the slot was waited for, and is waited out as ever
        client.journal.count(Counter.REQUESTS)
        try:
            reply = client.transport.send(request, client.tokens.headers(token))
        except TransportFault as failure:
            return failure
        finally:
            client.pacer.done()
        client.pacer.learn(reply.headers, seconds=reply.seconds)
        fault = self._refused(reply)
        if fault.failure in FOR_EVERYBODY:
            return fault
        if judge(fault) is Action.HOLD and fault.retry_after_seconds:
            client.pacer.refused(fault.retry_after_seconds)
        client.gate.answered(self, seconds=reply.seconds)
        return None

    def _spent(self) -> float:
        return self._clock.monotonic() - self._started - self._out
