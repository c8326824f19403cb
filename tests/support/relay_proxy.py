"""A proxy in front of a store of objects, that cuts, delays and refuses what it is told to."""

import http.client
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit


class Act(Enum):
    """What becomes of one request."""

    PASS = "it goes through"
    REFUSE = "the connection ends before the store hears of it"
    CUT = "the store does what it is asked, and its answer is lost"
    HOLD = "the connection ends, and the store hears of it when it is let go"


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One request."""

    method: str
    path: str


Rule = Callable[[Asked], Act]


@dataclass
class RelayProxy:
    """Passes requests on to a store; `rule` decides about each."""

    upstream: str
    rule: Rule = lambda _: Act.PASS
    asked: list[Asked] = field(default_factory=list)
    """All that came, in order."""
    _held: list[Callable[[], None]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __enter__(self) -> Self:
        """Begin to listen on loopback."""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"proxy": self}))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Listen no more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def let_go(self) -> int:
        """Send what was held to the store, now; return how many requests that were."""
        with self._lock:
            held, self._held = self._held, []
        for send in held:
            send()
        return len(held)

    def decide(self, asked: Asked) -> Act:
        """Note a request, and decide about it."""
        with self._lock:
            self.asked.append(asked)
            return self.rule(asked)

    def hold(self, send: Callable[[], None]) -> None:
        """Keep a request."""
        with self._lock:
            self._held.append(send)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    proxy: RelayProxy

    def _relay(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        asked = Asked(method=self.command, path=self.path)
        act = self.proxy.decide(asked)
        if act is Act.HOLD:
            self.proxy.hold(lambda: self._send(body)[2].close())
        elif act is not Act.REFUSE:
            answer, data, connection = self._send(body)
            connection.close()
            if act is Act.PASS:
                self._answer(answer, data)
                return
        self.close_connection = True

    def _send(self, body: bytes) -> tuple[http.client.HTTPResponse, bytes, http.client.HTTPConnection]:
        at = urlsplit(self.proxy.upstream)
        connection = http.client.HTTPConnection(at.hostname or "", at.port, timeout=30)
        connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():  # Host too, as it came: it is signed
            connection.putheader(name, value)
        connection.endheaders(body)
        answer = connection.getresponse()
        return answer, answer.read(), connection

    def _answer(self, answer: http.client.HTTPResponse, data: bytes) -> None:
        self.send_response_only(answer.status, answer.reason)
        for name, value in answer.getheaders():
            if name.lower() not in ("transfer-encoding", "connection", "content-length"):
                self.send_header(name, value)
        length = answer.getheader("Content-Length") if self.command == "HEAD" else str(len(data))
        if length is not None:
            self.send_header("Content-Length", length)
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_PUT = do_HEAD = do_DELETE = do_POST = _relay  # noqa: N815 - the names that http.server looks for

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the parameter of http.server
        """Say nothing."""
