"""Hands out a valid token: one request for all threads, before the old one expires, and never a stream of them."""

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from resumable.api.journal import Journal
from resumable.api.outage import FOR_EVERYBODY, OutageGate
from resumable.api.retry import LONGEST_TOLD, retry_after_seconds, waits
from resumable.api.statuses import PAGE, meaning
from resumable.clock import Stop
from resumable.config import Policy
from resumable.datasets.token_forms import GivenToken, TokenForm
from resumable.errors import AuthenticationFailed, Fault, Incomplete, ProtocolFault, StatusFault, TrustFault
from resumable.models import Counter, EventKind, Request
from resumable.redaction import Redactor, Secret
from resumable.transport.http import Reply, Transport

SHORTEST_DOCUMENTED_LIFE = 300.0
"""Seconds; what a token is taken to live when the answer names no usable life. A 401 corrects it."""

LONGEST_DOCUMENTED_LIFE = 172_800.0
"""Seconds; a longer life is not believed: renewing earlier costs one request."""

MARGIN_SHARE = 0.1
MARGIN_LONGEST_SECONDS = 60.0
"""A token is renewed when a tenth of its life is left, and no more than a minute before its end."""

LONGEST_ANSWER = 65_536
"""Bytes; a longer answer holds no token, and is not read."""

BETWEEN_REQUESTS_SECONDS = 1.0
"""At most one token request a second, whatever happens."""


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """An OAuth client."""

    client_id: str
    client_secret: Secret


@dataclass(frozen=True, kw_only=True)
class Token:
    """A token and when to stop using it, by both clocks: either may be wrong, and sleep stops the monotonic one."""

    value: Secret
    stale_monotonic: float
    stale_at: datetime
    ends_monotonic: float

    def fresh(self, monotonic: float, now: datetime) -> bool:
        """Tell whether it may be used; a wall clock set back before its issue says nothing either way."""
        return monotonic < self.stale_monotonic and now < self.stale_at


class Tokens(Protocol):
    """Whoever hands out tokens to a client. Safe to use from all threads."""

    def get(self) -> Token | None:
        """Return a token that may be used; None when the run is to end instead."""

    def headers(self, token: Token) -> Mapping[str, Secret]:
        """Return the headers that carry a token, built anew for each request."""

    def invalidate(self, token: Token) -> None:
        """Forget a token that was refused. Raises AuthenticationFailed where there will be no other."""

    def life_left_seconds(self) -> float | None:
        """Return how long the current token lives on; None when there is none, or no end."""


class TokenSource:
    """The one place that asks for tokens in a run. Safe to use from all threads."""

    def __init__(
        self,
        transport: Transport,
        credentials: Credentials,
        *,
        form: TokenForm,
        stop: Stop,
        journal: Journal,
        redactor: Redactor,
        policy: Policy,
        gate: OutageGate,
    ) -> None:
        """`transport` leads to the origin that issues tokens for `form`, `gate` waits out its outages."""
        self._gate = gate
        self._transport = transport
        self._credentials = credentials
        self._form = form
        self._stop = stop
        self._journal = journal
        self._redactor = redactor
        self._policy = policy
        self._token: Token | None = None
        self._refreshing = False
        self._asked = float("-inf")

    def get(self) -> Token | None:
        """Return a token that is not about to expire; None when the run is to end instead.

        The first thread that finds none asks for it, the others wait. Raises AuthenticationFailed or Incomplete.
        """
        clock, condition = self._stop.clock, self._stop.condition
        with condition:
            while True:
                if self._stop.requested:
                    return None
                if self._token and self._token.fresh(clock.monotonic(), clock.now()):
                    return self._token
                if not self._refreshing:
                    break
                clock.wait(condition, None)
            self._refreshing = True
        token: Token | None = None
        try:
            token = self._refresh()
            return token
        finally:
            with condition:
                self._token, self._refreshing = token, False
                condition.notify_all()

    def headers(self, token: Token) -> Mapping[str, Secret]:
        """Return the Authorization header."""
        return {"Authorization": Secret(f"Bearer {token.value.reveal()}")}

    def invalidate(self, token: Token) -> None:
        """Forget a token that was refused, unless another thread has replaced it already."""
        with self._stop.condition:
            if self._token is token:
                self._token = None

    def life_left_seconds(self) -> float | None:
        """Return how long the current token lives on; None when there is none."""
        token = self._token
        return max(0.0, token.ends_monotonic - self._stop.clock.monotonic()) if token else None

    def _refresh(self) -> Token | None:
        clock = self._stop.clock
        pauses = waits(self._policy, clock.uniform)
        failures, wait = 0, 0.0
        self._gate.entered(self)
        try:
            while True:
                if self._gate.wait(self) is None:
                    return None
                if self._stop.wait(max(wait, self._asked + BETWEEN_REQUESTS_SECONDS - clock.monotonic())):
                    return None
                self._asked = clock.monotonic()
                try:
                    token = self._ask()
                except Fault as fault:
                    failures, wait = failures + 1, self._pause(fault, next(pauses))
                    wait = self._waited_for(fault, failures, wait)
                else:
                    self._gate.answered(self, seconds=clock.monotonic() - self._asked)
                    return token
        finally:
            self._gate.left(self)

    def _waited_for(self, fault: Fault, failures: int, wait: float) -> float:
        """Return how long to wait after so many failures, or raise Incomplete; an outage has waits of its own."""
        asked = (fault.retry_after_seconds if isinstance(fault, StatusFault) else None) or 0.0
        if self._gate.failed(self, fault, not_before=asked):
            return 0.0
        if failures < self._policy.attempts:
            return wait
        if fault.failure in FOR_EVERYBODY:
            self._gate.failed_alone(self, fault, not_before=asked)
            return 0.0
        raise Incomplete(
            f"could not get an access token: {fault.reason}.",
            hint="Run the same command again when the login service answers.",
            unreachable=True,
        )

    def _pause(self, fault: Fault, seconds: float) -> float:
        """Return how long to wait after `fault`, or raise what ends the run."""
        if isinstance(fault, StatusFault) and meaning(fault.status).refuses_client:
            raise AuthenticationFailed(
                f"Genesys refused the client credentials ({fault.reason}). Nothing was downloaded or changed by that.",
                hint="Check GENESYS_CLIENT_ID and GENESYS_CLIENT_SECRET, and that the client belongs to the region.",
            ) from None
        if isinstance(fault, TrustFault):
            raise Incomplete(
                f"could not get an access token: {fault.reason}.",
                hint="Fix that, then run the same command. Behind a proxy with its own certificates, set"
                " RESUMABLE_CA_BUNDLE to their file.",
                unreachable=True,
            )
        asked = fault.retry_after_seconds if isinstance(fault, StatusFault) else None
        if isinstance(fault, StatusFault) and asked is not None and asked > self._policy.wait_cap_seconds:
            raise Incomplete(
                f"the login service asks to wait {round(asked)} s (HTTP {fault.status}).",
                hint="What is recorded is safe. Run the same command then.",
                not_before=self._stop.clock.now() + timedelta(seconds=min(asked, LONGEST_TOLD)),
            )
        return max(seconds, asked or 0.0)

    def _ask(self) -> Token:
        reply = self._send()
        if reply.status not in PAGE:
            raise StatusFault(
                f"HTTP {reply.status}{_error_word(reply)}",
                status=reply.status,
                failure=meaning(reply.status).failure,
                retry_after_seconds=retry_after_seconds(
                    reply.headers.get("retry-after"), now=self._stop.clock.now(), served_at=reply.headers.get("date")
                ),
            )
        value, life = _read_token(reply, self._redactor)
        self._redactor.learn(value)
        self._journal.count(Counter.TOKEN_REFRESHES)
        self._journal.event(EventKind.TOKEN, f"a token of {life:g} s")
        clock = self._stop.clock
        # A life of less than a second is no life that is meant: such a token is tried, and a 401 would correct it.
        if (took := clock.monotonic() - self._asked) >= life >= 1.0:
            raise ProtocolFault(f"the token was {took:.0f} s on its way, and lives for {life:g} s")
        usable = life - min(MARGIN_LONGEST_SECONDS, life * MARGIN_SHARE)
        return Token(
            value=value,
            # Counted from before the request: the server's clock for it started no earlier.
            stale_monotonic=self._asked + usable,
            stale_at=clock.now() + timedelta(seconds=usable),
            ends_monotonic=self._asked + life,
        )

    def _send(self) -> Reply:
        client, secret = self._credentials.client_id, self._credentials.client_secret
        request = Request(method="POST", path="/oauth/token")
        grant: dict[str, str | Secret] = {"grant_type": "client_credentials"}
        if self._form is TokenForm.FIELDS:
            return self._transport.send(request, {}, form={**grant, "client_id": client, "client_secret": secret})
        return self._transport.send(request, {"Authorization": _basic(client, secret)}, form=grant)


class GivenTokens:
    """Hands out the one token that the user gave, or none where the API wants none."""

    def __init__(self, given: GivenToken, value: Secret, stop: Stop) -> None:
        """`value` is the token; empty where there is none."""
        self._given = given
        self._stop = stop
        self._token = Token(value=value, stale_monotonic=_NEVER, stale_at=_LAST, ends_monotonic=_NEVER)

    def get(self) -> Token | None:
        """Return the token; None when the run is to end instead."""
        return None if self._stop.requested else self._token

    def headers(self, token: Token) -> Mapping[str, Secret]:
        """Return the header that the token travels in; none where there is no token."""
        if not token.value:
            return {}
        return {self._given.header: Secret(self._given.form.replace("{token}", token.value.reveal()))}

    def invalidate(self, token: Token) -> None:
        """Raise AuthenticationFailed: there is no other."""
        variable = self._given.variable
        raise AuthenticationFailed(
            f"the server refuses the token in {variable}." if variable else "the server wants a token.",
            hint=f"Set {variable} to a token that is valid."
            if variable
            else 'Name it in the description of the endpoint: token = "env:NAME".',
        ) from None

    def life_left_seconds(self) -> float | None:
        """Return None: nobody says how long it lives."""
        return None


_NEVER = float("inf")
_LAST = datetime.max.replace(tzinfo=UTC)


def _basic(client: str, secret: Secret) -> Secret:
    pair = f"{client}:{secret.reveal()}".encode()
    return Secret("Basic " + base64.b64encode(pair).decode())


def _error_word(reply: Reply) -> str:
    """Return the answer's own word for what is wrong (`: invalid_client`), if it has one that is safe to print."""
    try:
        word = json.loads(reply.body).get("error")
    except (ValueError, AttributeError, RecursionError):
        return ""
    return f": {word}" if isinstance(word, str) and re.fullmatch(r"[a-z][a-z_. ]{0,40}", word) else ""


def _read_token(reply: Reply, redactor: Redactor) -> tuple[Secret, float]:
    """Return the token and its life in seconds; a life that is no positive number is not believed."""
    if len(reply.body) > LONGEST_ANSWER:
        raise ProtocolFault(f"an answer of {len(reply.body)} bytes is no token")
    try:
        answer = json.loads(reply.body)
        value, life = answer["access_token"], answer.get("expires_in")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise ProtocolFault(
            f"the answer holds no token (starts with {redactor.body_start(reply.body, 60)!r})"
        ) from None
    if not isinstance(value, str) or not re.fullmatch(r"[\x21-\x7e]{1,8192}", value):
        raise ProtocolFault("the answer's access_token is not a token")
    usable = isinstance(life, int | float) and not isinstance(life, bool) and 0 < life < float("inf")
    return Secret(value), float(min(life, LONGEST_DOCUMENTED_LIFE)) if usable else SHORTEST_DOCUMENTED_LIFE
