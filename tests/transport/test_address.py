"""Which origins, proxies and paths are taken."""

import pytest

from resumable.clock import SystemClock
from resumable.errors import UsageError
from resumable.models import Request
from resumable.redaction import Redactor
from resumable.transport.exchange import Limits
from resumable.transport.http import HttpTransport
from tests.support.scripted_server import Connect, Serve, answer, saying


def make(origin: str, **settings: str) -> HttpTransport:
    """Make a transport that is never used."""
    transport = HttpTransport(origin, limits=Limits(), clock=SystemClock(), redactor=Redactor(), **settings)  # type: ignore[arg-type]  # any setting
    transport.close()
    return transport


@pytest.mark.parametrize(
    ("given", "origin"),
    [
        ("https://api.mypurecloud.com", "https://api.mypurecloud.com"),
        ("https://API.mypurecloud.com:443/", "https://api.mypurecloud.com"),
        ("https://api.mypurecloud.com:8443", "https://api.mypurecloud.com:8443"),
        ("https://10.1.2.3", "https://10.1.2.3"),
        ("https://[2001:db8::1]:8443", "https://[2001:db8::1]:8443"),
        ("http://localhost:8080", "http://localhost:8080"),
        ("http://127.0.0.1", "http://127.0.0.1"),
        ("http://127.9.9.9:1", "http://127.9.9.9:1"),
        ("http://[::1]:8080/", "http://[::1]:8080"),
    ],
)
def test_good_origins(given: str, origin: str) -> None:
    """https is taken anywhere and http on loopback, and the origin is told in one way."""
    assert str(make(given).origin) == origin


@pytest.mark.parametrize(
    "given",
    [
        "http://api.mypurecloud.com",
        "http://10.0.0.1",
        "http://0.0.0.0",
        "http://127.0.0.1.nip.io",
        "http://localhost.example.com",
        "http://2130706433",
        "http://[::ffff:10.0.0.1]",
        "https://user@host",
        "https://user:pa55word@host",
        "https://:@host",
        "https://host?x=y",
        "https://host/?",
        "https://host/#",
        "https://host/api",
        "https://host:99999",
        "https://host:port",
        "https://",
        "https:///path",
        "https://ho st",
        "https://host\n.evil.example",
        "https://host\\@evil.example",
        "https://[fe80::1%25eth0]",
        "https://höst.example",
        "ftp://host",
        "api.mypurecloud.com",
        "//host",
        "",
    ],
)
def test_bad_origins(given: str) -> None:
    """Anything but scheme, host and port is a usage error with a hint, and repeats no password."""
    with pytest.raises(UsageError) as caught:
        make(given)
    assert caught.value.hint
    assert "pa55word" not in caught.value.message + caught.value.hint


@pytest.mark.parametrize(
    "proxy", ["socks5://127.0.0.1:1", "proxy", "http://", "http://u:pa55word@h:x", "http://pro xy"]
)
def test_bad_proxies(proxy: str) -> None:
    """A proxy is an http or https URL, and a usage error otherwise that repeats no password."""
    with pytest.raises(UsageError) as caught:
        make("https://host", proxy=proxy)
    assert "pa55word" not in caught.value.message + caught.value.hint


@pytest.mark.parametrize("content", [None, "no certificate\n"])
def test_bad_bundles(tmp_path: object, content: str | None) -> None:
    """A CA bundle that is missing or holds no certificate is a usage error that names it."""
    path = f"{tmp_path}/ca.pem"
    if content:
        with open(path, "w") as file:
            file.write(content)
    with pytest.raises(UsageError, match=r"ca\.pem"):
        make("https://host", ca_bundle=path)


@pytest.mark.parametrize(
    "path",
    [
        "https://evil.example/x",
        "//evil.example/x",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/x\r\nHost: evil.example",
        "/x y",
        "/x\x00",
        "/x#y",
        "/../x",
        "/a/%2e%2E/x",
        "/./x",
        "@evil.example/",
        ".evil.example/",
        ":80@evil.example/",
        "x",
        "",
    ],
)
def test_paths_that_leave_the_origin(serve: Serve, connect: Connect, path: str) -> None:
    """A path that joined to the origin could mean another one is refused before anything is sent."""
    server = serve(saying(answer()))
    with pytest.raises(UsageError):
        connect(server).send(Request(method="GET", path=path), {})
    assert not server.connections


@pytest.mark.parametrize(
    "path", ["/", "/api/v2/users", "/a//b", "/a@b", "/a:b", "/a%2Fb", "/a?b=//c", "/ä", "/a..b/...", "/@evil.example"]
)
def test_paths_that_stay(serve: Serve, connect: Connect, path: str) -> None:
    """Any other path goes to the origin."""
    server = serve(saying(answer()))
    connect(server).send(Request(method="GET", path=path, params={"q": "//evil.example/#?&"}), {})
    assert len(server.requests) == 1
    assert f"Host: 127.0.0.1:{server.port}".encode() in server.requests[0]
