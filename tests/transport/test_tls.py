"""Nobody gets a credential who cannot prove to be the configured host."""

import contextlib
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
import trustme

from resumable.errors import TransportFault, TrustFault
from resumable.models import Request
from resumable.redaction import Secret
from tests.support.machine import needs
from tests.support.scripted_server import TOKEN, Connect, Handler, Serve, Server, answer, saying

GET = Request(method="GET", path="/")


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """A certificate authority of our own."""
    return trustme.CA()


@pytest.fixture(scope="module")
def bundle(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The file that makes it trusted."""
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)


def context_of(certificate: trustme.LeafCert) -> ssl.SSLContext:
    """Return a server's context with this certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


@pytest.fixture(scope="module")
def good(authority: trustme.CA) -> ssl.SSLContext:
    """The context of a server that may be trusted."""
    return context_of(authority.issue_cert("127.0.0.1", "localhost"))


def test_an_own_bundle_is_trusted(serve: Serve, connect: Connect, good: ssl.SSLContext, bundle: str) -> None:
    """A server whose certificate the configured bundle vouches for is talked to, on one connection."""
    server = serve(saying(answer(b"[1]"), keep=True), context=good)
    transport = connect(server, ca_bundle=bundle)
    assert [transport.send(GET, {}).body for _ in range(3)] == [b"[1]"] * 3
    assert len(server.connections) == 2  # one, once plain and once wrapped


@needs("openssl")
def test_a_folder_of_certificates_is_trusted(
    serve: Serve, connect: Connect, good: ssl.SSLContext, bundle: str, tmp_path: Path
) -> None:
    """A bundle may be a folder that OpenSSL has hashed."""
    pem = Path(bundle).read_text()
    (tmp_path / f"{hash_of(bundle)}.0").write_text(pem)
    server = serve(saying(answer(b"[1]")), context=good)
    assert connect(server, ca_bundle=str(tmp_path)).send(GET, {}).body == b"[1]"


def hash_of(path: str) -> str:
    """Return the name that OpenSSL looks a certificate up by."""
    return subprocess.run(
        ["openssl", "x509", "-hash", "-noout", "-in", path], check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.mark.parametrize("fault", ["unknown", "expired", "early", "host", "self-signed"])
def test_bad_certificates_are_refused(
    serve: Serve, connect: Connect, authority: trustme.CA, bundle: str, bearer: dict[str, Secret], fault: str
) -> None:
    """A certificate that is unknown, out of its time or another host's ends in a TrustFault before a byte is sent."""
    past, future = datetime(2020, 1, 1, tzinfo=UTC), datetime(2120, 1, 1, tzinfo=UTC)
    faults: dict[str, Callable[[], tuple[trustme.LeafCert | None, str]]] = {
        "unknown": lambda: (trustme.CA().issue_cert("127.0.0.1"), "unable to get local issuer certificate"),
        "expired": lambda: (
            authority.issue_cert("127.0.0.1", not_before=past, not_after=past.replace(year=2021)),
            "expired",
        ),
        "early": lambda: (
            authority.issue_cert("127.0.0.1", not_before=future, not_after=future.replace(year=2121)),
            "not yet valid",
        ),
        "host": lambda: (authority.issue_cert("127.0.0.2", "localhost"), "IP address mismatch"),
        "self-signed": lambda: (None, "self-signed certificate"),
    }
    certificate, reason = faults[fault]()
    if certificate is None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        own = trustme.CA()
        chain = Path(bundle).with_name("self.pem")
        chain.write_bytes(own.private_key_pem.bytes() + own.cert_pem.bytes())
        context.load_cert_chain(chain)
    else:
        context = context_of(certificate)
    server = serve(saying(answer()), context=context)
    with pytest.raises(TrustFault, match=reason) as caught:
        connect(server, ca_bundle=bundle).send(GET, bearer)
    assert caught.value.reason.startswith("TLS: ")
    assert not server.requests


def test_without_a_bundle_only_public_authorities_are_trusted(
    serve: Serve, connect: Connect, good: ssl.SSLContext, bundle: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a bundle our own authority is unknown, even if the environment names it, and no TLS key is logged."""
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.setenv(name, bundle)
    keys = Path(bundle).with_name("keys")
    monkeypatch.setenv("SSLKEYLOGFILE", str(keys))
    server = serve(saying(answer()), context=good)
    with pytest.raises(TrustFault):
        connect(server).send(GET, {})
    connect(server, ca_bundle=bundle).send(GET, {})
    assert not keys.exists()


def test_plain_text_where_tls_should_be_is_a_fault(serve: Serve, connect: Connect, bearer: dict[str, Secret]) -> None:
    """A server that speaks plain http on an https address gets no request."""
    server = serve(saying(answer()))
    with pytest.raises(TransportFault, match="TLS"):
        connect(f"https://127.0.0.1:{server.port}", connect_seconds=0.1).send(GET, bearer)
    assert not any(TOKEN.encode() in request for request in server.requests)


@pytest.mark.parametrize("kept", [0, 10, 60, 100])
def test_tls_that_is_cut_is_a_fault(
    serve: Serve, connect: Connect, good: ssl.SSLContext, bundle: str, kept: int
) -> None:
    """A TLS connection that ends without saying so is a fault wherever the answer was."""

    def handler(connection: socket.socket, request: bytes) -> None:
        connection.sendall(answer(b"x" * 99)[:kept])
        socket.socket.shutdown(connection, socket.SHUT_RDWR)

    with pytest.raises(TransportFault):
        connect(serve(handler, context=good), ca_bundle=bundle).send(GET, {})


def test_a_drip_over_tls_ends_at_the_total_deadline(
    serve: Serve, connect: Connect, good: ssl.SSLContext, bundle: str
) -> None:
    """The total deadline holds over TLS too."""
    stop = threading.Event()

    def handler(connection: socket.socket, request: bytes) -> None:
        connection.sendall(answer(b"x" * 99)[:-99])
        while not stop.wait(0.02):
            connection.sendall(b"x")

    transport = connect(serve(handler, context=good), ca_bundle=bundle, total_seconds=0.3)
    with pytest.raises(TransportFault, match=r"within 0\.3 s"):
        transport.send(GET, {})
    stop.set()


def test_close_ends_what_is_in_flight_over_tls(
    serve: Serve, connect: Connect, good: ssl.SSLContext, bundle: str
) -> None:
    """Closing from another thread ends a TLS exchange at once, and not in a body made of ciphertext."""
    stop = threading.Event()

    def handler(connection: socket.socket, request: bytes) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\nx")
        transport.close()
        stop.wait(5)

    transport = connect(serve(handler, context=good), ca_bundle=bundle)
    with pytest.raises(TransportFault, match="closed from here"):
        transport.send(GET, {})
    stop.set()


def tunnelling(target: Server, seen: list[bytes]) -> Handler:
    """Behave as a proxy does: connect to the target, whatever host was asked for, and carry bytes."""

    def carry(source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                seen.append(data)
                sink.sendall(data)
        except OSError:
            pass
        finally:
            for end in (source, sink):
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    def handler(connection: socket.socket, request: bytes) -> None:
        with socket.create_connection(("127.0.0.1", target.port)) as onward:
            connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            back = threading.Thread(target=carry, args=(onward, connection))
            back.start()
            carry(connection, onward)
            back.join(5)

    return handler


@pytest.mark.parametrize("secure", [False, True], ids=["http", "https"])
def test_a_configured_proxy_carries_a_tunnel(
    serve: Serve, connect: Connect, authority: trustme.CA, good: ssl.SSLContext, bundle: str, secure: bool,
    bearer: dict[str, Secret],
) -> None:  # fmt: skip
    """A proxy gets its own credentials and the host name, and carries TLS that only the origin can read."""
    server = serve(saying(answer(b"[1]"), keep=True), context=context_of(authority.issue_cert("api.example")))
    seen: list[bytes] = []
    proxy = serve(tunnelling(server, seen), context=good if secure else None)
    url = proxy.url.replace("://", "://me:pass%20word@")
    transport = connect("https://api.example", proxy=url, ca_bundle=bundle)
    assert [transport.send(GET, bearer).body for _ in range(2)] == [b"[1]"] * 2
    assert len(proxy.requests) == 1
    assert proxy.requests[0].startswith(b"CONNECT api.example:443 HTTP/1.")
    assert b"Basic bWU6cGFzcyB3b3Jk\r\n" in proxy.requests[0]
    assert TOKEN.encode() not in b"".join([*proxy.requests, *seen])
    assert TOKEN.encode() in server.requests[0]
    assert b"Proxy-Authorization" not in server.requests[0]


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "the proxy refused with status 407"),
        (b"HTTP/1.1 502 Bad\r\n\r\n", "the proxy refused with status 502"),
        (b"", "connection closed"),
        (b"HTTP/1.1 200 OK\r\n\r\nnot TLS at all", "TLS"),
    ],
)
def test_a_proxy_that_refuses_is_a_fault(
    serve: Serve, connect: Connect, bearer: dict[str, Secret], said: bytes, reason: str
) -> None:
    """A proxy that does not make the tunnel is a fault that says so, and it gets no token."""
    proxy = serve(saying(said))
    with pytest.raises(TransportFault, match=reason):
        connect("https://api.example", proxy=proxy.url, connect_seconds=1).send(GET, bearer)
    assert not any(TOKEN.encode() in request for request in proxy.requests)


def test_a_proxy_that_drips_ends_at_the_total_deadline(serve: Serve, connect: Connect) -> None:
    """The deadline holds in the tunnel's answer too."""
    stop = threading.Event()

    def handler(connection: socket.socket, request: bytes) -> None:
        while not stop.wait(0.02):
            connection.sendall(b"HTTP/1.1 200 OK\r\n" if not stop.is_set() else b"")

    transport = connect("https://api.example", proxy=serve(handler).url, total_seconds=0.3)
    with pytest.raises(TransportFault, match=r"within 0\.3 s"):
        transport.send(GET, {})
    stop.set()


def test_loopback_is_reached_without_the_proxy(serve: Serve, connect: Connect, bearer: dict[str, Secret]) -> None:
    """A plain http origin, which is on this machine, is never asked for through a proxy, which would see the token."""
    proxy, server = serve(saying(answer())), serve(saying(answer(b"[1]")))
    assert connect(server, proxy=proxy.url).send(GET, bearer).body == b"[1]"
    assert not proxy.connections
