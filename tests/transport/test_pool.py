"""Connections are shared and used again, and never after anything went wrong."""

import contextlib
import gzip
import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from resumable.errors import Fault, TransportFault
from resumable.models import Request
from tests.support.scripted_server import Connect, Serve, answer, saying

GET = Request(method="GET", path="/")


@pytest.mark.parametrize(
    "data",
    [
        answer(b"{}"),
        answer(gzip.compress(b"{}", mtime=0), "Content-Encoding: gzip"),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        answer(b'{"message":"no"}', status="429 Too Many"),
    ],
    ids=["length", "gzip", "chunked", "error"],
)
def test_a_connection_is_used_again(serve: Serve, connect: Connect, data: bytes) -> None:
    """After a whole answer the next request takes the same connection."""
    server = serve(saying(data, keep=True))
    transport = connect(server)
    for _ in range(5):
        transport.send(GET, {})
    assert (len(server.requests), len(server.connections)) == (5, 1)


def test_threads_share_a_pool(serve: Serve, connect: Connect) -> None:
    """Eight threads and eighty requests make eight connections, not eighty."""
    together = threading.Barrier(8, timeout=5)

    def handler(connection: socket.socket, request: bytes) -> bool:
        together.wait()
        connection.sendall(answer())
        return True

    server = serve(handler)
    transport = connect(server, pool_size=8)
    with ThreadPoolExecutor(8) as threads:
        replies = list(threads.map(lambda _: transport.send(GET, {}), range(80)))
    assert {reply.body for reply in replies} == {b"{}"}
    assert len(server.connections) == 8


@pytest.mark.parametrize(
    "data",
    [
        answer(b"not gzip", "Content-Encoding: gzip"),
        answer(b"{}", "Content-Encoding: br"),
        answer(b"{}", "Content-Length: 3"),
        answer(b"x" * 2000),
        answer(b"x" * 70000, status="500 No"),
        answer(b"{}", "Location: /x", status="307 Go"),
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 103 Early\r\n\r\n",
    ],
    ids=["gzip", "coding", "lengths", "too big", "big error", "redirect", "framing", "interim"],
)
def test_a_connection_is_not_used_after_a_fault(serve: Serve, connect: Connect, data: bytes) -> None:
    """After anything but a whole answer the next request takes a new connection."""
    server = serve(saying(data, keep=True))
    transport = connect(server, body_bytes=1000)
    for _ in range(3):
        with contextlib.suppress(Fault):
            assert not transport.send(GET, {}).framed
    assert len(server.connections) == 3


def test_nothing_is_sent_twice(serve: Serve, connect: Connect) -> None:
    """A connection that breaks before the answer is one fault and one request, not a silent retry."""
    server = serve(saying(b""))
    with pytest.raises(TransportFault, match="connection closed before the answer"):
        connect(server).send(Request(method="POST", path="/", body={}), {})
    assert len(server.requests) == 1


def test_a_connection_closed_while_idle_is_replaced_or_a_fault(serve: Serve, connect: Connect) -> None:
    """After the server closed an idle connection the next request is answered, or a fault, but never hangs."""
    server = serve(saying(answer()))
    transport = connect(server)
    for _ in range(20):
        try:
            transport.send(GET, {})
        except TransportFault as fault:
            assert "connection" in fault.reason  # noqa: PT017 - it may raise or not


def test_refused_is_a_fault(connect: Connect) -> None:
    """Nobody listening is a fault that says so."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(TransportFault, match=r"^connection refused$"):
        connect(f"http://127.0.0.1:{port}").send(GET, {})


def test_a_name_that_does_not_exist_is_a_fault(connect: Connect) -> None:
    """A host name that cannot be resolved is a fault that says so."""
    with pytest.raises(TransportFault, match=r"^the host name could not be resolved"):
        connect("https://nowhere.invalid").send(GET, {})
