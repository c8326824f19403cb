"""Puts the second server on loopback: two listeners, one for the API and one for the login, plain HTTP/1.1."""

import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

from tests.apart.cloud import Cloud
from tests.apart.exchange import Answer, Request

_REASONS = {200: "OK", 202: "Accepted", 203: "Non-Authoritative Information", 204: "No Content", 206: "Partial Content"}


class Wire:
    """Serves a cloud, or whichever takes its place. Use it as a context manager."""

    def __init__(self, cloud: Cloud) -> None:
        """Listen at once; answer from `start` on."""
        self.cloud = cloud
        self._servers = {name: _Server(self, name) for name in ("api", "login")}
        self._threads = [
            threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True, name=f"apart {name}")
            for name, server in self._servers.items()
        ]

    @property
    def api(self) -> str:
        """The API's origin."""
        return self._origin("api")

    @property
    def login(self) -> str:
        """The login's origin."""
        return self._origin("login")

    def __enter__(self) -> "Wire":
        """Begin to answer."""
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Hang up on everybody and close both listeners."""
        for server in self._servers.values():
            server.shutdown()
            server.hang_up()
            server.server_close()

    def _origin(self, name: str) -> str:
        return f"http://127.0.0.1:{self._servers[name].server_address[1]}"


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, wire: Wire, host: str) -> None:
        self.wire, self.host = wire, host
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        super().__init__(("127.0.0.1", 0), _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - as socketserver has them
        with self._lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:  # noqa: ANN401 - as socketserver has it
        with self._lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - as socketserver has them
        """Say nothing: a client that hangs up is what tests do."""

    def hang_up(self) -> None:
        with self._lock:
            connections = list(self._open)
        for connection in connections:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # it is closed already


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def _answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        request = Request(
            method=self.command,
            target=self.path,
            headers={name.lower(): value for name, value in self.headers.items()},
            body=self.rfile.read(length),
            host=self.server.host,
        )
        answer = self.server.wire.cloud.handle(request)
        if answer.wait_seconds:
            time.sleep(answer.wait_seconds)
        self.wfile.write(written(answer))

    do_GET = do_POST = do_DELETE = do_PUT = _answer  # noqa: N815 - http.server looks for these names

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002, ANN401 - as http.server has them
        """Say nothing: the cloud has a log of its own."""


def written(answer: Answer) -> bytes:
    """Return an answer as it goes over the wire."""
    content = answer.content
    headers = {"Content-Type": "application/json", **answer.headers}
    if answer.status != 204:
        headers["Content-Length"] = str(len(content))
    lines = [f"HTTP/1.1 {answer.status} {_REASONS.get(answer.status, 'Status')}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + content
