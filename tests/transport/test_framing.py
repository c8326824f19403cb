"""What is a whole answer and what is not."""

import gzip
import re
import socket
import threading

import pytest

from resumable.errors import TransportFault
from resumable.models import Request
from resumable.transport.http import HttpTransport
from tests.support.scripted_server import Connect, Handler, Serve, answer, saying

BODY = b'{"conversations":[{"conversationId":"a","n":1},{"conversationId":"b","n":2}],"totalHits":2}'
CHUNKED = (
    b"".join(b"%06x\r\n%b\r\n" % (len(piece), piece) for piece in (BODY[:10], BODY[10:40], BODY[40:])) + b"0\r\n\r\n"
)
ZIPPED = gzip.compress(BODY, mtime=0)  # the same bytes in every process that collects the tests
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
WHOLE = {
    "length": HEAD + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY,
    "chunked": HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + CHUNKED,
    "closed": HEAD + b"\r\n" + BODY,
    "gzip": HEAD + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(ZIPPED) + ZIPPED,
    "gzip closed": HEAD + b"Content-Encoding: gzip\r\n\r\n" + ZIPPED,
}


def take(transport: HttpTransport, path: str = "/") -> bytes:
    """Ask once and return the body."""
    return transport.send(Request(method="GET", path=path), {}).body


def cutting(whole: bytes, *, reset: bool) -> Handler:
    """Send as many bytes as the path says, and close or reset."""

    def handler(connection: socket.socket, request: bytes) -> None:
        connection.sendall(whole[: int(re.findall(rb"GET /(\d+)", request)[0])])
        if reset:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

    return handler


@pytest.mark.parametrize("framing", WHOLE)
def test_whole_bodies_arrive(serve: Serve, connect: Connect, framing: str) -> None:
    """A whole body arrives as it is in every framing, and only a bare close leaves it unproven."""
    reply = connect(serve(saying(WHOLE[framing]))).send(Request(method="GET", path="/"), {})
    assert reply.body == BODY
    assert reply.framed == (framing != "closed")


@pytest.mark.parametrize("reset", [False, True], ids=["closed", "reset"])
@pytest.mark.parametrize("framing", ["length", "chunked", "gzip", "gzip closed"])
def test_a_cut_at_any_byte_is_a_fault(serve: Serve, connect: Connect, framing: str, reset: bool) -> None:
    """A framed answer that is cut at any byte, in headers or body, is a fault and never a body."""
    whole = WHOLE[framing]
    transport = connect(serve(cutting(whole, reset=reset)))
    for kept in range(len(whole)):
        with pytest.raises(TransportFault):
            take(transport, f"/{kept}")


def test_a_cut_close_delimited_body_is_marked(serve: Serve, connect: Connect) -> None:
    """A close-delimited answer that is cut in its headers is a fault; cut in its body, it is marked as unproven."""
    whole = WHOLE["closed"]
    transport = connect(serve(cutting(whole, reset=False)))
    for kept in range(len(whole)):
        if kept < len(whole) - len(BODY):
            with pytest.raises(TransportFault):
                take(transport, f"/{kept}")
        else:
            assert not transport.send(Request(method="GET", path=f"/{kept}"), {}).framed


@pytest.mark.parametrize(
    "headers",
    [
        "Content-Length: 2\r\nTransfer-Encoding: chunked",
        "Content-Length: 2\r\nContent-Length: 3",
        "Content-Length: 2, 3",
        "Content-Length: -1",
        "Content-Length: +2",
        "Content-Length: 2_0",
        "Content-Length: x",
        "Content-Length:",
        "Transfer-Encoding: gzip, chunked",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunke",
        "Content-Length: 2\r\nno colon here\r\nX: y",
    ],
)
def test_framing_that_contradicts_itself_is_a_fault(serve: Serve, connect: Connect, headers: str) -> None:
    """An answer whose end could be found in two ways, or in none, is refused."""
    data = f"HTTP/1.1 200 OK\r\n{headers}\r\n\r\n{{}}\r\n0\r\n\r\n".encode()
    with pytest.raises(TransportFault, match=r"framing|headers"):
        take(connect(serve(saying(data))))


def test_a_length_said_twice_is_one_length(serve: Serve, connect: Connect) -> None:
    """Two equal Content-Length headers, as proxies make them, are not a contradiction."""
    assert take(connect(serve(saying(answer(b"{}", "Content-Length: 2"))))) == b"{}"


def test_chunks_in_http_1_0_are_a_fault(serve: Serve, connect: Connect) -> None:
    """Chunks in an answer of a version that has none are refused."""
    with pytest.raises(TransportFault, match="framing"):
        take(connect(serve(saying(b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"))))


@pytest.mark.parametrize(
    "chunks",
    [
        b"-1\r\n{}\r\n0\r\n\r\n",
        b"+2\r\n{}\r\n0\r\n\r\n",
        b"0x2\r\n{}\r\n0\r\n\r\n",
        b"0_2\r\n{}\r\n0\r\n\r\n",
        b"\r\n{}\r\n0\r\n\r\n",
        b"2\r\n{}xx0\r\n\r\n",
        b"2\r\n{}\r\n0000",
        b"2\r\n{}\r\n0\r\nTrailer: x",
        b"ffffffffffffffffff\r\n{}\r\n0\r\n\r\n",
        b"2" + b" " * 70000 + b"\r\n{}\r\n0\r\n\r\n",
    ],
)
def test_chunks_that_http_client_would_take_are_a_fault(serve: Serve, connect: Connect, chunks: bytes) -> None:
    """A chunk size that is not plain hexadecimal in a whole line, or a chunk without its end, is refused."""
    with pytest.raises(TransportFault):
        take(connect(serve(saying(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks))))


def test_extensions_and_trailers_of_chunks_are_skipped(serve: Serve, connect: Connect) -> None:
    """What the protocol allows beside the data of chunks does not get into the body."""
    chunks = b"1;a=b\r\n{\r\n1 ;c\r\n}\r\n0;d\r\nTrailer: x\r\nOther: y\r\n\r\n"
    data = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks
    assert take(connect(serve(saying(data)))) == b"{}"


@pytest.mark.parametrize(
    ("encoding", "body", "reason"),
    [
        ("gzip", ZIPPED[:-1], "gzip cut"),
        ("gzip", ZIPPED[:-8], "gzip cut"),
        ("gzip", b"", "gzip cut"),
        ("gzip", ZIPPED[:-8] + bytes(8), "gzip damaged"),
        ("gzip", BODY, "gzip damaged"),
        ("gzip", ZIPPED + b"x", "after the end"),
        ("gzip", ZIPPED + ZIPPED, "after the end"),
        ("gzip, gzip", ZIPPED, "not asked for"),
        ("br", BODY, "not asked for"),
        ("deflate", BODY, "not asked for"),
    ],
)
def test_a_body_that_cannot_be_decoded_is_a_fault(
    serve: Serve, connect: Connect, encoding: str, body: bytes, reason: str
) -> None:
    """A gzip body that is cut, damaged or followed by anything, and any other coding, is refused."""
    with pytest.raises(TransportFault, match=reason):
        take(connect(serve(saying(answer(body, f"Content-Encoding: {encoding}")))))


def test_more_gzip_than_one_step_is_decoded_whole(serve: Serve, connect: Connect) -> None:
    """A body that takes zlib many steps comes out as it went in."""
    body = b"".join(b"%d," % (i * i) for i in range(700_000)) + bytes(5_000_000)
    assert take(connect(serve(saying(answer(gzip.compress(body, 6), "Content-Encoding: gzip"))))) == body


@pytest.mark.parametrize("status", ["102 Processing", "103 Early Hints", "101 Switching Protocols"])
def test_an_interim_status_is_not_an_answer(serve: Serve, connect: Connect, status: str) -> None:
    """An interim answer is a fault: taken for the answer, it would leave the real one to the next request."""
    with pytest.raises(TransportFault, match="interim"):
        take(connect(serve(saying(f"HTTP/1.1 {status}\r\n\r\n".encode() + answer(), keep=True))))


def test_100_continue_is_skipped(serve: Serve, connect: Connect) -> None:
    """The one interim answer that http.client knows is read over."""
    assert take(connect(serve(saying(b"HTTP/1.1 100 Continue\r\n\r\n" + answer(b"[]"))))) == b"[]"


@pytest.mark.parametrize(
    "data", [b"", b"\r\n", b"hello", b"HTTP/1.1 abc\r\n\r\n", b"HTTP/3 200 OK\r\n\r\n", b"\x16\x03\1" * 99]
)
def test_what_is_not_http_is_a_fault(serve: Serve, connect: Connect, data: bytes) -> None:
    """Bytes that are no HTTP answer are a fault."""
    with pytest.raises(TransportFault):
        take(connect(serve(saying(data))))


@pytest.mark.parametrize("pause", [0.0, 0.02], ids=["glued", "later"])
def test_a_second_answer_never_answers_the_next_request(serve: Serve, connect: Connect, pause: float) -> None:
    """Bytes that follow an answer, in the same packet or later, are not taken for the answer to the next request."""

    def handler(connection: socket.socket, request: bytes) -> bool:
        if b"GET /1 " not in request:
            connection.sendall(answer(b"own"))
            return True
        connection.sendall(answer(b"first") + (b"" if pause else answer(b"stray")))
        if pause and not closing.wait(pause / 2):
            connection.sendall(answer(b"stray"))
        return True

    closing = threading.Event()
    transport = connect(serve(handler))
    assert take(transport, "/1") == b"first"
    closing.wait(pause)
    assert take(transport, "/2") == b"own"


@pytest.mark.parametrize("status", [400, 401, 429, 500, 503])
def test_a_damaged_body_does_not_hide_an_error_status(serve: Serve, connect: Connect, status: int) -> None:
    """An error status and its Retry-After arrive even when the body behind them is cut."""
    head = f"HTTP/1.1 {status} No\r\nRetry-After: 42\r\nRetry-After: 43\r\nContent-Length: 999\r\n\r\n"
    reply = connect(serve(saying(head.encode() + b'{"message"'))).send(Request(method="GET", path="/"), {})
    assert (reply.status, reply.framed) == (status, False)
    assert reply.headers["retry-after"] == "42, 43"
    assert reply.header_values("Retry-After") == ("42", "43")


def test_an_error_body_is_kept_up_to_64_kib(serve: Serve, connect: Connect) -> None:
    """Of the body of an error no more than 64 KiB is kept."""
    reply = connect(serve(saying(answer(b"x" * 1_000_000, status="500 No")))).send(Request(method="GET", path="/"), {})
    assert (len(reply.body), reply.framed) == (65536, False)


def test_204_has_no_body(serve: Serve, connect: Connect) -> None:
    """An answer without content is whole, and its connection is used again."""
    server = serve(saying(b"HTTP/1.1 204 No Content\r\n\r\n", keep=True))
    transport = connect(server)
    assert [take(transport), take(transport)] == [b"", b""]
    assert len(server.connections) == 1
