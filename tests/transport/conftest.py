"""Scripted servers and transports that end with the test."""

import contextlib
import ssl
from collections.abc import Iterator
from typing import Any

import pytest

from resumable.clock import SystemClock
from resumable.models import Request
from resumable.redaction import Redactor, Secret
from resumable.transport.exchange import Limits
from resumable.transport.http import HttpTransport
from tests.support.scripted_server import TOKEN, Connect, Handler, Serve, Server


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start servers."""
    with contextlib.ExitStack() as stack:

        def start(handler: Handler, *, context: ssl.SSLContext | None = None) -> Server:
            server = Server(handler, context=context)
            stack.callback(server.close)
            return server

        yield start


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Make transports."""
    with contextlib.ExitStack() as stack:

        def make(server: Server | str, **settings: Any) -> HttpTransport:  # noqa: ANN401 - any setting
            limits = {name: settings.pop(name) for name in list(settings) if name in Limits.__dataclass_fields__}
            settings.setdefault("redactor", Redactor())
            origin = server if isinstance(server, str) else server.url
            transport = HttpTransport(origin, limits=Limits(**limits), clock=SystemClock(), **settings)
            stack.callback(transport.close)
            return transport

        yield make


@pytest.fixture
def request_() -> Request:
    """A page request."""
    return Request(method="POST", path="/api/v2/query", body={"pageNumber": 1})


@pytest.fixture
def bearer() -> dict[str, Secret]:
    """The header that must never show."""
    return {"Authorization": Secret(f"Bearer {TOKEN}")}
