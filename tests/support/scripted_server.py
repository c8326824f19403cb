"""A scripted server on loopback, over plain sockets, that can be as rude as a test needs."""

import contextlib
import re
import socket
import ssl
import threading
from collections.abc import Callable
from typing import Any, Protocol

from resumable.transport.http import HttpTransport

Handler = Callable[[socket.socket, bytes], bool | None]
"""Gets a connection and a whole request; True keeps the connection open for another."""


TOKEN = "canary-token-4711/+="
"""Looks like what a server would issue, and changes its look in base64 and in URLs."""


class Server:
    """Accepts connections one thread each, counts them, and leaves the answers to the handler."""

    def __init__(self, handler: Handler, *, context: ssl.SSLContext | None = None) -> None:
        """It listens from here on."""
        self.handler = handler
        self.context = context
        self.requests: list[bytes] = []
        self.connections: list[socket.socket] = []
        self.closing = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.url = f"{'https' if context else 'http'}://127.0.0.1:{self.port}"
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def close(self) -> None:
        """Cut every connection and wait for every thread."""
        self.closing.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in list(self.connections):
            with contextlib.suppress(OSError):
                socket.socket.shutdown(connection, socket.SHUT_RDWR)
        for thread in list(self._threads):
            thread.join(10)
            assert not thread.is_alive()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self.connections.append(connection)
                thread = threading.Thread(target=self._talk, args=(connection,))
                self._threads.append(thread)
                thread.start()

    def _talk(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), contextlib.closing(connection):
            if self.context is not None:
                connection = self.context.wrap_socket(connection, server_side=True)
                self.connections.append(connection)
            with contextlib.closing(connection):
                while request := read_message(connection):
                    self.requests.append(request)
                    if not self.handler(connection, request):
                        return


def read_message(connection: socket.socket) -> bytes:
    """Read one request with its body; nothing at the end of the connection."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(65536)
        if not more:
            return b""
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)content-length: *(\d+)", head)
    while length and len(body) < int(length[1]):
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


def answer(body: bytes = b"{}", *headers: str, status: str = "200 OK") -> bytes:
    """Write an answer with its length."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def saying(data: bytes, *, keep: bool = False) -> Handler:
    """Answer every request with these bytes, and close unless told to keep."""

    def handler(connection: socket.socket, request: bytes) -> bool:
        connection.sendall(data)
        return keep

    return handler


class Serve(Protocol):
    """Starts servers that end with the test."""

    def __call__(self, handler: Handler, *, context: ssl.SSLContext | None = None) -> Server: ...


class Connect(Protocol):
    """Makes transports that end with the test; numbers are limits, the rest settings."""

    def __call__(self, server: Server | str, **settings: Any) -> HttpTransport: ...  # noqa: ANN401 - limits - any setting
