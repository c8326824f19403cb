"""A run that is to end ends: what is in flight has thirty seconds, whatever the server does."""

import contextlib
import socket
import threading
import time
from pathlib import Path

import pytest

from resumable import Incomplete, Interrupted, JobSpec, Query, Secret, Settings, make
from resumable import clock as clocks
from resumable.clock import Stop, SystemClock
from resumable.config import Endpoints, Policy
from resumable.errors import GivenUp
from resumable.models import Request
from resumable.transport.exchange import Exchange, Limits
from tests.support.clock import VirtualClock
from tests.support.scripted_server import Connect, Serve, answer


def test_the_deadline_comes_nearer_once_the_run_is_to_end() -> None:
    """Thirty seconds after the flag was raised, in virtual time; never later than it was before."""
    clock = VirtualClock()
    stop = Stop(clock)
    exchange = Exchange(Limits(), clock, stop)
    assert exchange.deadline == clock.monotonic() + 180
    clock.sleep(10)
    stop.request("limit")
    assert exchange.deadline == clock.monotonic() + 30
    clock.sleep(5)
    stop.request("SIGINT")
    assert exchange.deadline == clock.monotonic() + 25
    ours, theirs = socket.socketpair()
    with contextlib.closing(ours), contextlib.closing(theirs):
        with exchange.bounding(ours):
            pass
        clock.sleep(25)
        with pytest.raises(GivenUp, match="30 s after the run was told to end"), exchange.bounding(ours):
            pass
    late = Exchange(Limits(total_seconds=3), clock, Stop(clock))
    assert late.deadline == clock.monotonic() + 3


def drip(connection: socket.socket, request: bytes) -> None:
    """Answer for ever, a byte now and then."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
    with contextlib.suppress(OSError):
        while True:
            connection.sendall(b" ")
            time.sleep(0.05)


def silence(connection: socket.socket, request: bytes) -> None:
    """Take the request, and say nothing until the other side leaves."""
    connection.recv(1)


@pytest.mark.parametrize("handler", [drip, silence])
def test_an_exchange_is_given_up_when_its_time_is_over(
    serve: Serve, connect: Connect, monkeypatch: pytest.MonkeyPatch, handler: "object"
) -> None:
    """From a server that drips, and from one that is silent: within a second of the grace that is left."""
    monkeypatch.setattr(clocks, "GRACE_SECONDS", 0.3)
    assert callable(handler)
    stop = Stop(SystemClock())
    transport = connect(serve(handler), stop=stop)
    begun = time.monotonic()
    threading.Timer(0.2, stop.request, ("limit",)).start()
    with pytest.raises(GivenUp):
        transport.send(Request(method="GET", path="/x"), {})
    assert 0.4 <= time.monotonic() - begun < 5


@pytest.mark.parametrize(("reason", "error"), [("limit", Incomplete), ("SIGINT", Interrupted)])
def test_a_run_against_a_server_that_drips_ends_when_it_is_told_to(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reason: str, error: type[Exception]
) -> None:
    """Nothing is quarantined for it: the same command asks for the page again."""
    monkeypatch.setattr(clocks, "GRACE_SECONDS", 0.3)

    def handler(connection: socket.socket, request: bytes) -> bool | None:
        if b"/oauth/token" in request:
            connection.sendall(answer(b'{"access_token": "t", "token_type": "bearer", "expires_in": 86400}'))
            return False
        drip(connection, request)
        return None

    server = serve(handler)
    settings = Settings(
        endpoints=Endpoints(api=server.url, login=server.url),
        client_id="id",
        client_secret=Secret("secret-of-a-test"),
        state=tmp_path,
        workers=2,
        policy=Policy(attempts=1),
    )
    spec = JobSpec.of("conversations", "2023-10-01", "2023-10-03", query=Query(), page_size=100)
    job = make(spec, settings, name="job")
    stop = Stop(SystemClock())
    threading.Timer(1.0, stop.request, (reason,)).start()
    begun = time.monotonic()
    with pytest.raises(error):
        job.run(stop=stop)
    assert time.monotonic() - begun < 10
    assert job.status().totals.pages_quarantined == 0
