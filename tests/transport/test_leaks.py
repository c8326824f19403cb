"""Credentials go to the one origin and show nowhere."""

import base64
import contextlib
import io
import json
import logging
import socket
import traceback
import urllib.parse
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from resumable.errors import Fault, ResumableError, StatusFault, TransportFault
from resumable.models import Request
from resumable.redaction import Redactor, Secret
from resumable.transport.http import HttpTransport
from tests.support.scripted_server import TOKEN, Connect, Handler, Serve, Server, answer, saying

GET = Request(method="GET", path="/")


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 305, 307, 308])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_redirects_are_not_followed(
    serve: Serve, connect: Connect, bearer: dict[str, Secret], status: int, method: str
) -> None:
    """A redirect is a fault that names status and host; neither the other server nor the same one is asked again."""
    other = serve(saying(answer(b'{"stolen":1}')))
    location = f"Location: http://user:{urllib.parse.quote(TOKEN, safe='')}@localhost:{other.port}/x?{TOKEN}"
    server = serve(saying(answer(b"go", location, status=f"{status} Go"), keep=True))
    with pytest.raises(StatusFault) as caught:
        connect(server).send(Request(method=method, path="/", body={} if method == "POST" else None), bearer)
    assert caught.value.status == status
    assert caught.value.reason == f"redirected to localhost with status {status}, not followed"
    assert (len(server.requests), other.connections) == (1, [])


@pytest.mark.parametrize("location", ["", "Location: /x", "Location: http://[", "Location: http://\x1b[31mh"])
def test_redirects_to_odd_places(serve: Serve, connect: Connect, location: str) -> None:
    """A redirect to nowhere, or to what is no address, is the same fault, printable."""
    with pytest.raises(StatusFault) as caught:
        connect(serve(saying(answer(b"", location or "X: y", status="302 Go")))).send(GET, {})
    assert caught.value.reason.isprintable()


@pytest.fixture
def environment(serve: Serve, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Server]:
    """An environment full of traps: netrc, proxies, a CA bundle and a file for TLS keys; yields the proxy."""
    trap = serve(saying(answer(b"trapped")))
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine 127.0.0.1 login netrc-user password netrc-password\ndefault login x password y\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(netrc))
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, trap.url)
        monkeypatch.setenv(name.upper(), trap.url)
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.setenv(name, "/nonexistent")
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys"))
    yield trap
    assert not trap.connections


def test_nothing_is_taken_from_the_environment(
    serve: Serve, connect: Connect, bearer: dict[str, Secret], environment: Server
) -> None:
    """Neither netrc nor a proxy from the environment touches a request."""
    server = serve(saying(answer(b"{}")))
    assert connect(server).send(GET, bearer).body == b"{}"
    assert f"Authorization: Bearer {TOKEN}\r\n".encode() in server.requests[0]
    assert b"netrc" not in server.requests[0]
    assert b"Proxy" not in server.requests[0]


def test_cookies_are_not_kept(serve: Serve, connect: Connect) -> None:
    """A cookie that the server sets is not sent back."""
    server = serve(saying(answer(b"{}", "Set-Cookie: session=1; Path=/"), keep=True))
    transport = connect(server)
    transport.send(GET, {})
    transport.send(GET, {})
    assert b"cookie" not in server.requests[1].lower()


def test_the_request_is_what_was_asked_for(serve: Serve, connect: Connect) -> None:
    """Method, path, parameters, JSON and our own headers arrive, and no other header does."""
    server = serve(saying(answer(), keep=True))
    transport = connect(server)
    transport.send(Request(method="POST", path="/a/b", params={"q": "x y&z"}, body={"ä": [1, None]}), {"X-A": "b"})
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    line, *headers = head.decode().split("\r\n")
    assert line == "POST /a/b?q=x+y%26z HTTP/1.1"
    assert json.loads(body) == {"ä": [1, None]}
    assert {header.partition(":")[0] for header in headers} == {
        "Host", "User-Agent", "Accept", "Accept-Encoding", "Content-Type", "Content-Length", "X-A",
    }  # fmt: skip
    assert "Accept-Encoding: gzip" in headers
    assert "Content-Type: application/json" in headers


def test_a_form_is_sent_as_a_form(serve: Serve, connect: Connect) -> None:
    """The token request goes out as form fields, with its secret in them."""
    server = serve(saying(answer()))
    form: dict[str, str | Secret] = {"grant_type": "client_credentials", "client_secret": Secret("a&b=ü")}
    connect(server).send(Request(method="POST", path="/oauth/token"), {}, form=form)
    assert b"Content-Type: application/x-www-form-urlencoded\r\n" in server.requests[0]
    assert server.requests[0].endswith(b"\r\n\r\ngrant_type=client_credentials&client_secret=a%26b%3D%C3%BC")


@pytest.mark.parametrize("value", ["Bearer %s\r\nX: y", "Bearer %s\u20ac", " %s", "%s\n"])
def test_a_header_that_cannot_be_sent_is_a_fault_without_it(serve: Serve, connect: Connect, value: str) -> None:
    """A token that makes no header is a fault that does not repeat it, though requests would."""
    server = serve(saying(answer()))
    with pytest.raises(TransportFault) as caught:
        connect(server).send(GET, {"Authorization": Secret(value % TOKEN)})
    assert_silent(shown(caught.value))
    assert not server.requests


def resetting(connection: socket.socket, request: bytes) -> None:
    """Reset the connection in the body."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nx")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


def echoing(connection: socket.socket, request: bytes) -> None:
    """Send the request back, in every place an answer has."""
    echo = request.replace(b"\r\n", b" ")
    connection.sendall(
        b"HTTP/1.1 200 " + echo + b"\r\nContent-Length: " + echo + b"\r\nX: " + echo + b"\r\n\r\n" + request
    )


FAILURES: dict[str, Handler] = {
    "nothing": saying(b""),
    "garbage": saying(TOKEN.encode()),
    "cut": saying(answer(b"x" * 9)[:-2]),
    "reset": resetting,
    "echo": echoing,
    "redirect": saying(answer(b"", f"Location: http://{TOKEN}/", status="302 Go")),
    "gzip": saying(answer(b"x", "Content-Encoding: gzip")),
    "headers": saying(b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 200 + b"\r\n"),
    "line": saying(b"HTTP/1.1 200 OK\r\nA: " + b"b" * 70000 + b"\r\n\r\n"),
    "chunk": saying(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"),
    "big": saying(answer(b"x" * 3000)),
    "silence": lambda connection, request: bool(connection.recv(1)),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_no_fault_shows_a_secret(
    serve: Serve, connect: Connect, bearer: dict[str, Secret], failure: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever goes wrong, neither the fault, nor its traceback with all locals, nor the log shows the token."""
    caplog.set_level(logging.DEBUG)
    redactor = Redactor()
    redactor.learn(Secret(TOKEN))
    transport = connect(serve(FAILURES[failure]), redactor=redactor, read_seconds=0.1, body_bytes=2000)
    form: dict[str, str | Secret] = {"client_id": "id", "client_secret": Secret(TOKEN)}
    attempts: tuple[Callable[[], object], ...] = (
        lambda: transport.send(Request(method="POST", path="/", body={"a": 1}), bearer),
        lambda: transport.send(Request(method="POST", path="/"), {}, form=form),
    )
    for attempt in attempts:
        with pytest.raises(Fault) as caught:
            attempt()
        assert_silent(shown(caught.value))
        assert caught.value.reason
        assert len(caught.value.reason) < 120
        assert caught.value.reason.isprintable()
    assert_silent(caplog.text)


def test_refused_shows_no_secret(connect: Connect, bearer: dict[str, Secret]) -> None:
    """The same for connections that are never made, and for addresses that are refused."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    transport = connect(f"http://127.0.0.1:{port}")
    for path in ("/", "//evil"):
        with pytest.raises((Fault, ResumableError)) as caught:
            transport.send(Request(method="GET", path=path), bearer)
        assert_silent(shown(caught.value))


def test_an_answer_does_not_show_its_content(serve: Serve, connect: Connect) -> None:
    """The repr of an answer, which may hold a token, shows only its status and size."""
    reply = connect(serve(saying(answer(TOKEN.encode(), f"X-Token: {TOKEN}")))).send(GET, {})
    assert TOKEN.encode() in reply.body
    assert_silent(repr(reply) + str(reply) + f"{reply}")


def test_a_transport_does_not_show_its_proxy(connect: Connect) -> None:
    """The password of a proxy shows neither in the transport nor in what is logged through its redactor."""
    redactor = Redactor()
    transport = connect(
        "https://host", proxy=f"http://user:{urllib.parse.quote(TOKEN, safe='')}@localhost:1", redactor=redactor
    )
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        print(transport, vars(transport), redactor.scrub(f"password is {TOKEN}"))
    assert_silent(printed.getvalue())


def shown(error: BaseException) -> str:
    """Return all that anybody could print of an exception: text, repr, args, chain and every frame's locals."""
    lines = traceback.TracebackException.from_exception(error, capture_locals=True).format()
    chain = [repr(part) for part in (error.__cause__, error.__context__) if part is not None]
    return "\n".join([str(error), repr(error), repr(error.args), repr(vars(error)), *chain, *lines])


def assert_silent(text: str) -> None:
    """Assert that no form of the token is in the text."""
    # The test's own constant would show in the frame of the test, were it a local.
    encoded = base64.b64encode(TOKEN.encode()).decode().rstrip("=")
    for form in (
        TOKEN,
        encoded,
        urllib.parse.quote(TOKEN),
        urllib.parse.quote(TOKEN, safe=""),
        json.dumps(TOKEN)[1:-1],
    ):
        assert form not in text


def test_the_test_sees_secrets() -> None:
    """The check above finds a token that is in a local."""
    with pytest.raises(AssertionError):
        assert_silent(shown(_leaking()))


def _leaking() -> BaseException:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    try:
        raise TransportFault(f"{len(headers)}")
    except TransportFault as error:
        return error


def test_transports_are_seams() -> None:
    """Whatever has `send` and `close` is a transport to the type checker; this one is the real one."""
    assert {"send", "close"} <= set(dir(HttpTransport))
