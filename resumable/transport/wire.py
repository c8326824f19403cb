"""urllib3 and http.client with their holes closed: bounded sockets, strict framing, one origin, one pool."""

import http.client
import io
import re
import socket
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import requests.adapters
import urllib3
import urllib3.connection
import urllib3.connectionpool

from resumable.errors import TransportFault
from resumable.transport.address import Origin, Proxy
from resumable.transport.exchange import BoundedTlsSocket, Phase, current, dial

if TYPE_CHECKING:
    from urllib3._base_connection import BaseHTTPConnection

_MAX_LINE = 65536
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(;[^\r\n]*)?\r?\n")


class _LastLine:
    """Stands before the reader while the headers are read, and keeps the last line that came."""

    def __init__(self, reader: io.BufferedReader) -> None:
        self.reader = reader
        self.line = b""

    def readline(self, limit: int) -> bytes:
        """Read a line and remember it."""
        self.line = self.reader.readline(limit)
        return self.line

    def close(self) -> None:
        """Close the reader."""
        self.reader.close()


class RawAnswer(http.client.HTTPResponse):
    """An answer whose headers and chunks are refused unless they came whole.

    http.client takes the end of the connection for the end of the headers, so that a cut there gives an answer
    without its Content-Length; takes a size line cut to `0` for the last chunk; reads chunk sizes with `int(line, 16)`,
    where -1 means all there is; and takes 103 for the answer, so that the real one would answer the next request.
    """

    chunk_left: int | None

    def begin(self) -> None:
        """Read status and headers up to their empty line."""
        reader = self.fp
        self.fp = last = _LastLine(reader)  # type: ignore[assignment]  # all that begin() needs of a reader
        try:
            super().begin()
        finally:
            self.fp = reader
        if last.line not in (b"\r\n", b"\n"):
            raise TransportFault("headers cut")
        if self.status < 200:
            raise TransportFault(f"the interim status {self.status} instead of an answer")
        if self.msg.defects or self.msg.get_payload():
            raise TransportFault("malformed headers")

    def _get_chunk_left(self) -> int | None:
        """Return what is left of this chunk, after reading the next size where there is none; None after the last."""
        if self.chunk_left:
            return self.chunk_left
        if self.chunk_left == 0 and self.fp.read(2) != b"\r\n":
            raise TransportFault(f"chunk without its end {current().where}")
        line = self.fp.readline(_MAX_LINE)
        size = _CHUNK_SIZE.fullmatch(line)
        if size is None:
            raise TransportFault(f"{'malformed chunk size' if line.rstrip() != line else 'cut'} {current().where}")
        self.chunk_left = int(size[1], 16)
        if self.chunk_left:
            return self.chunk_left
        while (line := self.fp.readline(_MAX_LINE)) not in (b"\r\n", b"\n"):
            if not line.endswith(b"\n"):
                raise TransportFault(f"cut {current().where}, behind the last chunk")
        self.chunk_left = None
        self.close()
        return None


class _Connection(urllib3.connection.HTTPConnection):
    response_class = RawAnswer

    def _new_conn(self) -> socket.socket:
        """Open a bounded socket; urllib3 would open one that starts its timeout anew for every address."""
        try:
            return dial(self._dns_host, self.port)
        except OSError as error:
            # A bare reset would pass for one while sending, which urllib3 swallows to read an early answer.
            raise urllib3.exceptions.NewConnectionError(self, "no connection") from error

    def request(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - as they come
        """Send the request."""
        current().phase = Phase.SEND
        super().request(*args, **kwargs)

    def getresponse(self) -> urllib3.HTTPResponse:  # type: ignore[override]  # urllib3 does it too
        """Read the answer up to its body."""
        current().phase = Phase.WAIT
        return super().getresponse()


class _TlsConnection(_Connection, urllib3.connection.HTTPSConnection):
    pass


class _Pool(urllib3.connectionpool.HTTPConnectionPool):
    ConnectionCls = _Connection

    def _put_conn(self, conn: "BaseHTTPConnection | None") -> None:
        """Leave it to the exchange, which knows only later whether the answer was whole, to put the connection back."""
        put = super()._put_conn

        def give_back(whole: bool) -> None:
            if conn is not None and not whole:
                conn.close()
            put(conn)

        current().give_back = give_back


class _TlsPool(_Pool, urllib3.connectionpool.HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


class Adapter(requests.adapters.HTTPAdapter):
    """Sends every request through one pool to one origin; nothing of a request or an answer chooses another.

    It is used without a requests.Session, and so without what sessions add: redirects, cookies, netrc, and proxies
    and CA bundles from the environment.
    """

    def __init__(self, origin: Origin, *, context: ssl.SSLContext | None, proxy: Proxy | None, size: int) -> None:
        """`context` verifies the origin, and the proxy where that speaks TLS; `size` connections stay open."""
        super().__init__()
        self.pool = _pool(origin, context, proxy, size)

    def get_connection_with_tls_context(self, *args: object, **kwargs: object) -> urllib3.HTTPConnectionPool:
        """Return the pool, whatever URL, proxies or verify say."""
        return self.pool

    def cert_verify(self, *args: object, **kwargs: object) -> None:
        """Leave verification to the pool's context, which cannot be told not to."""

    def close(self) -> None:
        """Close the connections that nobody uses."""
        self.pool.close()


def tls_context(ca_bundle: str | None) -> ssl.SSLContext:
    """Make a context that verifies chain and name; trust is `ca_bundle` (a file or a folder) or certifi's.

    Not `create_default_context`: it would write session keys to the file that SSLKEYLOGFILE names.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.sslsocket_class = BoundedTlsSocket
    path = ca_bundle or requests.adapters.DEFAULT_CA_BUNDLE_PATH
    folder = Path(path).is_dir()
    context.load_verify_locations(cafile=None if folder else path, capath=path if folder else None)
    return context


def _pool(origin: Origin, context: ssl.SSLContext | None, proxy: Proxy | None, size: int) -> urllib3.HTTPConnectionPool:
    settings: Mapping[str, Any] = {"maxsize": size, "block": False}
    if context is not None:
        settings = {**settings, "ssl_context": context}
    manager: urllib3.PoolManager
    if proxy is None:
        manager = urllib3.PoolManager(**settings)
    else:
        credentials = urllib3.make_headers(proxy_basic_auth=proxy.credentials.reveal()) if proxy.credentials else None
        manager = urllib3.ProxyManager(proxy.url, proxy_headers=credentials, proxy_ssl_context=context, **settings)
    manager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}
    return manager.connection_from_host(origin.host, origin.port, scheme=origin.scheme)
