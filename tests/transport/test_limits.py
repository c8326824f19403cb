"""Whatever the server does, an exchange ends in time and in bounds, and from any thread."""

import gzip
import socket
import threading
import time
import tracemalloc
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from resumable.errors import TransportFault
from resumable.models import Request
from resumable.transport.http import HttpTransport
from tests.support.scripted_server import Connect, Handler, Serve, answer, saying

GET = Request(method="GET", path="/")
MIB = 1024 * 1024


def dripping(start: bytes, drip: bytes) -> Handler:
    """Send `start`, then `drip` for as long as somebody reads, a little at a time."""

    def handler(connection: socket.socket, request: bytes) -> None:
        connection.sendall(start)
        for _ in range(200):
            connection.sendall(drip)
            time.sleep(0.02)

    return handler


def pouring(start: bytes, piece: bytes) -> Handler:
    """Send `start`, then `piece` again and again."""

    def handler(connection: socket.socket, request: bytes) -> None:
        connection.sendall(start)
        while True:
            connection.sendall(piece)

    return handler


def failing(transport: HttpTransport, request: Request = GET) -> tuple[str, float]:
    """Return the reason of a fault and the seconds until it."""
    began = time.monotonic()
    with pytest.raises(TransportFault) as caught:
        transport.send(request, {})
    return caught.value.reason, time.monotonic() - began


@pytest.mark.parametrize(
    ("start", "drip"),
    [
        (b"", b"H"),
        (b"HTTP/1.1 200 OK\r\nX: ", b"a"),
        (b"HTTP/1.1 200 OK\r\n", b"A: b\r\n"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n", b"x"),
        (b"HTTP/1.1 200 OK\r\n\r\n", b"x"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;", b"x"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", b"A: b\r\n"),
    ],
    ids=["status", "header", "headers", "continue", "length", "closed", "chunks", "extension", "trailers"],
)
def test_a_drip_ends_at_the_total_deadline(serve: Serve, connect: Connect, start: bytes, drip: bytes) -> None:
    """A server that sends a byte now and then, wherever in its answer, is left at the total deadline."""
    reason, seconds = failing(connect(serve(dripping(start, drip)), total_seconds=0.25, read_seconds=5))
    assert "within 0.25 s" in reason
    assert 0.2 <= seconds < 2


@pytest.mark.parametrize(
    ("start", "where"),
    [(b"", "before the answer"), (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx", "in the body")],
)
def test_silence_ends_at_the_read_limit(serve: Serve, connect: Connect, start: bytes, where: str) -> None:
    """A server that falls silent is left after the read limit, long before the total one."""
    stop = threading.Event()

    def handler(connection: socket.socket, request: bytes) -> None:
        connection.sendall(start)
        stop.wait(5)

    transport = connect(serve(handler), read_seconds=0.15, total_seconds=30)
    reason, seconds = failing(transport)
    stop.set()
    assert reason.startswith(f"timed out {where}")
    assert 0.1 <= seconds < 2


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_connection_that_is_not_accepted_ends_at_the_connect_limit(connect: Connect, scheme: str) -> None:
    """A host that does not answer the connection, or not the handshake, is left after the connect limit."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        address = listener.getsockname()
        queued = [] if scheme == "https" else [socket.create_connection(address)]
        transport = connect(f"{scheme}://127.0.0.1:{address[1]}", connect_seconds=0.15)
        reason, seconds = failing(transport)
        for connection in queued:
            connection.close()
    assert reason == "timed out " + ("while connecting" if scheme == "http" else "in the TLS handshake")
    assert 0.1 <= seconds < 2


def test_a_request_that_nobody_reads_ends_at_the_read_limit(connect: Connect) -> None:
    """A server that takes no bytes off our hands is left after the read limit."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        transport = connect(f"http://127.0.0.1:{listener.getsockname()[1]}", read_seconds=0.15)
        reason, seconds = failing(transport, Request(method="POST", path="/", body={"x": "y" * 20 * MIB}))
    assert reason == "timed out while sending the request"
    assert seconds < 2


@pytest.mark.parametrize(
    "start",
    [
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 999999999999\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffff\r\n",
    ],
    ids=["closed", "length", "chunked"],
)
def test_an_endless_body_ends_at_the_cap(serve: Serve, connect: Connect, start: bytes) -> None:
    """A body without end is left at the cap, and takes no more memory than the cap and a little."""
    transport = connect(serve(pouring(start, bytes(65536))), body_bytes=8 * MIB, wire_bytes=8 * MIB)
    reason, peak = peak_of(lambda: failing(transport)[0])
    assert reason.startswith("too big")
    assert peak < 11 * MIB


@pytest.mark.parametrize("endless", [False, True])
def test_a_gzip_bomb_ends_at_the_cap(serve: Serve, connect: Connect, endless: bool) -> None:
    """A small body that unpacks to a large one is left at the cap of decoded bytes, in bounded memory."""
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n"
    if endless:
        inflate = zlib.compressobj(9, wbits=31)
        start = inflate.compress(bytes(MIB)) + inflate.flush(zlib.Z_FULL_FLUSH)
        handler = pouring(head + b"\r\n" + start, inflate.compress(bytes(MIB)) + inflate.flush(zlib.Z_FULL_FLUSH))
    else:
        handler = saying(answer(gzip.compress(bytes(64 * MIB)), "Content-Encoding: gzip"))
    transport = connect(serve(handler), body_bytes=8 * MIB)
    reason, peak = peak_of(lambda: failing(transport)[0])
    assert reason == f"too big: more than {8 * MIB} bytes decoded"
    assert peak < 13 * MIB


def test_gzip_that_unpacks_to_nothing_ends_at_the_wire_cap(serve: Serve, connect: Connect) -> None:
    """A body that goes on for ever without yielding a byte is left at the cap of bytes on the wire."""
    inflate = zlib.compressobj(9, wbits=31)
    start = (
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + inflate.compress(b"{") + inflate.flush(zlib.Z_FULL_FLUSH)
    )
    nothing = b"\0\0\0\xff\xff" * 10_000  # stored blocks of no bytes
    reason, _ = failing(connect(serve(pouring(start, nothing)), wire_bytes=MIB))
    assert reason == f"too big: more than {MIB} bytes on the wire"


def test_a_body_of_exactly_the_cap_arrives(serve: Serve, connect: Connect) -> None:
    """The cap is what may arrive, to the byte, and one byte more may not."""
    for size in (MIB, MIB + 1):
        transport = connect(serve(saying(answer(gzip.compress(bytes(size)), "Content-Encoding: gzip"))), body_bytes=MIB)
        if size == MIB:
            assert len(transport.send(GET, {}).body) == MIB
        else:
            assert failing(transport)[0].startswith("too big")


def peak_of(action: Callable[[], str]) -> tuple[str, int]:
    """Return what `action` returns, and how much memory Python had at most meanwhile."""
    tracemalloc.start()
    try:
        return action(), tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "start",
    [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx", b"HTTP/1.1 200 OK\r\n\r\n{}", b"HTTP/1.1 500 No\r\n\r\n{}"],
    ids=["before", "length", "closed", "error"],
)
def test_close_ends_what_is_in_flight(serve: Serve, connect: Connect, start: bytes) -> None:
    """Closing from another thread ends every request in flight with a fault, at once."""
    flying, stop = threading.Semaphore(0), threading.Event()

    def handler(connection: socket.socket, request: bytes) -> None:
        connection.sendall(start)
        flying.release()
        stop.wait(5)

    transport = connect(serve(handler))
    with ThreadPoolExecutor(3) as threads:
        faults = [threads.submit(failing, transport) for _ in range(3)]
        for _ in faults:
            assert flying.acquire(timeout=5)
        began = time.monotonic()
        transport.close()
        assert {fault.result(5)[0][:32] for fault in faults} == {"the connection was closed from he"[:32]}
        assert time.monotonic() - began < 2
        stop.set()


def test_close_ends_a_connection_that_is_not_accepted(connect: Connect) -> None:
    """Closing from another thread also ends what is still connecting."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        address = listener.getsockname()
        with socket.create_connection(address), ThreadPoolExecutor(1) as threads:
            transport = connect(f"http://127.0.0.1:{address[1]}")
            fault = threads.submit(failing, transport)
            time.sleep(0.1)
            transport.close()
            assert fault.result(5)[1] < 2


def test_a_closed_transport_sends_nothing(serve: Serve, connect: Connect) -> None:
    """After close every request is a fault, and nothing reaches the server."""
    server = serve(saying(answer()))
    transport = connect(server)
    transport.close()
    assert failing(transport)[0] == "the transport is closed"
    assert not server.connections
