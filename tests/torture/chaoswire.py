"""Carries requests in a chaos run, and watches what the product sends: tokens, waits, the pace, whom it asks again."""

import json
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from resumable.api.retry import retry_after_seconds
from resumable.clock import Stop
from resumable.config import Policy, Settings
from resumable.errors import TransportFault
from resumable.models import Request
from resumable.redaction import Secret
from resumable.simulator.simulator import Simulator
from resumable.transport.http import Reply
from tests.support.clock import VirtualClock
from tests.support.transports import SimulatedTransport, revealed
from tests.torture.chaosdisk import Crash, Disk

DEADLINE_SECONDS = 180.0
"""What HTTP gives one exchange; the simulated wire gives it, too."""

SHORTEST_LIFE, LONGEST_LIFE = 300.0, 172_800.0
NEARLY = 1e-6
OUT_OF = Settings().patience


@dataclass(frozen=True, kw_only=True)
class _Issued:
    monotonic: float
    true: float
    wall: datetime
    life: float


@dataclass(eq=False)
class Watcher:
    """What the server knows of one process: it is new in each run."""

    clock: VirtualClock
    sim: Simulator
    disk: Disk
    stop: Stop
    policy: Policy
    per_minute: float
    """The pace that is allowed until the server tells its own."""
    told_most: float | None
    """What the user allows at most."""
    workers: int
    lists: bool = False
    """Requests of different windows are the same: a server in trouble is asked by each of them."""
    stop_at: int | None = None
    """A signal comes with this request."""
    signal: str = "SIGTERM"
    broken: list[str] = field(default_factory=list)
    sent: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    _tokens: dict[str, _Issued] = field(default_factory=dict)
    _token_asked: float = float("-inf")
    _token_hold: float = float("-inf")
    _hold: float = float("-inf")
    _place_hold: float = float("-inf")
    _holds: dict[str, float] = field(default_factory=dict)
    _moments: deque[float] = field(default_factory=deque)

    def transport(self, _origin: str) -> "WatchedTransport":
        """Return what a run asks through."""
        return WatchedTransport(watcher=self, inner=SimulatedTransport(self.clock, self.sim))

    def going(self, request: Request, headers: Mapping[str, str]) -> None:
        """Judge a request that leaves now."""
        now = self.clock.monotonic()
        self.sent += 1
        if self.sent == self.stop_at:
            self.stop.request(self.signal)
        if request.path == "/oauth/token":
            if now < self._token_asked + 1.0 - NEARLY:
                self._broke(f"8: two token requests within {now - self._token_asked:.3f} s")
            if now < self._token_hold - NEARLY:
                self._broke(f"9: a token was asked for {self._token_hold - now:.3f} s before the server allowed")
            self._token_asked = now
            return
        self._judge_token(headers.get("Authorization", "").removeprefix("Bearer "), now)
        if now < self._hold - NEARLY:
            self._broke(f"9: {request.path} was asked {self._hold - now:.3f} s before a 429 allowed")
        if request.method == "POST" and request.path.endswith("/jobs") and now < self._place_hold - NEARLY:
            self._broke(f"9: a job was submitted {self._place_hold - now:.3f} s before the server allowed")
        if now < self._holds.get(_name(request), now) - NEARLY:
            self._broke(f"9: {request.path} was asked again too early, by {self._holds[_name(request)] - now:.3f} s")
        self._judge_pace(now)

    def came(self, request: Request, reply: Reply) -> None:
        """Take in an answer."""
        now = self.clock.monotonic()
        self.statuses[reply.status] += 1
        told = retry_after_seconds(
            reply.headers.get("retry-after"), now=self.clock.now(), served_at=reply.headers.get("date")
        )
        if request.path == "/oauth/token":
            self._learn_token(reply)
            if reply.status in (408, 429) or reply.status >= 500:
                self._token_hold = now + (told or 0.0)
        elif reply.status == 429 and b"asynchronous jobs" in reply.body:
            # One job more than may be at once: only the next one has to wait.
            self._place_hold = max(self._place_hold, now + (told or 0.0))
        elif reply.status == 429:
            self._hold = max(self._hold, now + (told or 0.0))
        elif told and reply.status >= 500 and not self.lists:
            self._holds[_name(request)] = now + told
        if "inin-ratelimit-allowed" in reply.headers:
            allowed = float(reply.headers["inin-ratelimit-allowed"])
            self.per_minute = max(self.per_minute, min(allowed, self.told_most or allowed))

    def waited(self, seconds: float, *, outage: bool = False) -> None:
        """Judge a wait that begins; in an outage all but one wait for that one, as long as there is patience."""
        if outage and seconds <= OUT_OF.total_seconds() + NEARLY:
            return
        longest = self.policy.wait_cap_seconds + 121.0 * max(1.0, 60.0 / (self.told_most or 60.0))
        if seconds > longest:
            self._broke(f"9: a wait of {seconds:.0f} s, and the cap is {self.policy.wait_cap_seconds:.0f} s")

    def _judge_token(self, text: str, now: float) -> None:
        issued = self._tokens.get(text)
        if issued is None:
            self._broke("8: a request carries a token that nobody issued in this run")
        elif now > issued.monotonic + issued.life + NEARLY:
            self._broke(f"8: a token of {issued.life:g} s was used after {now - issued.monotonic:g} s")
        elif self.clock.now() > issued.wall + timedelta(seconds=issued.life):
            self._broke(f"8: by the wall clock a token was used after {self.clock.now() - issued.wall}")

    def _judge_pace(self, now: float) -> None:
        self._moments.append(now)
        while self._moments[0] <= now - 60.0 + NEARLY:
            self._moments.popleft()
        if len(self._moments) > self.per_minute + 1:
            self._broke(f"9: {len(self._moments)} requests in a minute, and {self.per_minute:g} are allowed")

    def _learn_token(self, reply: Reply) -> None:
        try:
            answer: dict[str, Any] = json.loads(reply.body)
            text: object = answer["access_token"]
            life: Any = answer.get("expires_in")
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return
        if not isinstance(text, str):
            return
        usable = isinstance(life, int | float) and not isinstance(life, bool) and 0 < life < float("inf")
        self._tokens[text] = _Issued(
            monotonic=self._token_asked,
            true=self.clock.monotonic(),
            wall=self.clock.now(),
            life=min(float(life), LONGEST_LIFE) if usable else SHORTEST_LIFE,
        )

    def _broke(self, what: str) -> None:
        self.broken.append(f"{what}, at {self.clock.monotonic():.3f}")


@dataclass(frozen=True, kw_only=True)
class WatchedTransport:
    """Implements `resumable.transport.http.Transport`."""

    watcher: Watcher
    inner: SimulatedTransport

    def send(
        self, request: Request, headers: Mapping[str, str | Secret], *, form: Mapping[str, str | Secret] | None = None
    ) -> Reply:
        """Ask the simulator, and tell the watcher. Raises TransportFault."""
        watcher = self.watcher
        if watcher.disk.dead:
            raise Crash
        watcher.going(request, revealed(headers))
        begun = watcher.clock.monotonic()
        try:
            reply = self.inner.send(request, headers, form=form)
        finally:
            if watcher.disk.dead:
                raise Crash
        if watcher.clock.monotonic() - begun > DEADLINE_SECONDS:
            raise TransportFault("too slow")
        watcher.came(request, reply)
        return reply

    def close(self) -> None:
        """Do nothing."""


def _name(request: Request) -> str:
    return json.dumps([request.method, request.path, dict(request.params), request.body], sort_keys=True)
