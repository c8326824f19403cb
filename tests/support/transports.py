"""Transports without a socket: one that follows a script, and one that leads to a simulator on the test's own clock."""

import json
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from resumable.clock import Clock
from resumable.errors import TransportFault
from resumable.models import Request
from resumable.redaction import Secret
from resumable.simulator.faults.faults import WIRE_FAULTS
from resumable.simulator.messages import SimRequest as SimulatedRequest
from resumable.simulator.simulator import Simulator
from resumable.transport.http import Reply


@dataclass(frozen=True, kw_only=True)
class Sent:
    """One request as the transport saw it."""

    at: float
    request: Request
    headers: Mapping[str, str]
    form: Mapping[str, str] | None


Step = Reply | Exception | Callable[[Sent], Reply]
"""What comes of one request: an answer, a failure, or a function that makes one of them."""


@dataclass
class ScriptedTransport:
    """Implements `resumable.transport.http.Transport`: the n-th request gets the n-th step, the last one for ever."""

    clock: Clock
    steps: Iterable[Step] = field(repr=False)
    latency: float = 0.0
    sent: list[Sent] = field(default_factory=list, repr=False)
    closed: bool = False

    def __post_init__(self) -> None:
        """Begin the script."""
        self._rest = list(self.steps)
        self._nobody = threading.Condition()

    def send(
        self, request: Request, headers: Mapping[str, str | Secret], *, form: Mapping[str, str | Secret] | None = None
    ) -> Reply:
        """Play the next step."""
        sent = Sent(
            at=self.clock.monotonic(),
            request=request,
            headers=revealed(headers),
            form=None if form is None else revealed(form),
        )
        self.sent.append(sent)
        step = self._rest.pop(0) if len(self._rest) > 1 else self._rest[0]
        pause(self.clock, self._nobody, self.latency)
        if isinstance(step, Exception):
            raise step
        return step if isinstance(step, Reply) else step(sent)

    def close(self) -> None:
        """Remember it."""
        self.closed = True


@dataclass
class SimulatedTransport:
    """Carries requests to a simulator that was never started: no socket, and its latency passes on the test's clock."""

    clock: Clock
    sim: Simulator
    way_seconds: tuple[float, float] = (0.0, 0.0)
    """How long a request is on its way before the server counts it."""

    def __post_init__(self) -> None:
        """Nothing is under way."""
        self._nobody = threading.Condition()

    def send(
        self, request: Request, headers: Mapping[str, str | Secret], *, form: Mapping[str, str | Secret] | None = None
    ) -> Reply:
        """Ask the simulator. Raises TransportFault for what goes wrong on the wire."""
        begun = self.clock.monotonic()
        pause(self.clock, self._nobody, self.clock.uniform(*self.way_seconds))
        service = self.sim._service
        outcome = service.handle(_simulated(request, headers, form))
        pause(self.clock, self._nobody, outcome.latency)
        lost = outcome.wire is not None and outcome.wire.kind in WIRE_FAULTS
        whole = outcome.answer.status != 0 and not lost
        body = outcome.answer.render() if whole else b""
        if outcome.sequence is not None:
            done_at = self.clock.monotonic()
            service.log.finish(outcome.sequence, sent_bytes=len(body), delivered=whole, done_at=done_at)
        if not whole:
            raise TransportFault(outcome.wire.kind.value if outcome.wire else "connection reset")
        return reply(
            body,
            status=outcome.answer.status,
            headers={name.lower(): value for name, value in outcome.answer.headers},
            seconds=self.clock.monotonic() - begun,
        )

    def close(self) -> None:
        """Do nothing."""


def reply(
    content: Any = None,  # noqa: ANN401 - any JSON, or bytes as they are
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    seconds: float = 0.0,
) -> Reply:
    """Make an answer of some JSON, or of bytes."""
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return Reply(status=status, headers=dict(headers or {}), body=body, seconds=seconds)


def token_reply(value: str = "token-1", *, expires_in: object = 86400) -> Reply:
    """Make the answer of a token endpoint."""
    return reply({"access_token": value, "token_type": "bearer", "expires_in": expires_in})


def revealed(values: Mapping[str, str | Secret]) -> dict[str, str]:
    """Return headers or form fields as they go on the wire."""
    return {name: value.reveal() if isinstance(value, Secret) else value for name, value in values.items()}


def pause(clock: Clock, condition: threading.Condition, seconds: float) -> None:
    """Let time pass; the clock may wake early."""
    end = clock.monotonic() + seconds
    with condition:
        while (left := end - clock.monotonic()) > 0:
            clock.wait(condition, left)


def _simulated(
    request: Request, headers: Mapping[str, str | Secret], form: Mapping[str, str | Secret] | None
) -> SimulatedRequest:
    target = request.path + (f"?{urlencode(request.params)}" if request.params else "")
    known = {name.lower(): value for name, value in revealed(headers).items()}
    if form is not None:
        known["content-type"] = "application/x-www-form-urlencoded"
        body = urlencode(revealed(form)).encode()
    else:
        known["content-type"] = "application/json"
        body = b"" if request.body is None else json.dumps(request.body).encode()
    return SimulatedRequest(method=request.method, target=target, headers=known, body=body)
