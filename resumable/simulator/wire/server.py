"""HTTP/1.1 on a loopback socket: one thread for each connection, few system calls for each answer."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable
from functools import partial

from resumable.simulator.api.control import PREFIX, control, truth_lines
from resumable.simulator.api.service import Outcome, Service
from resumable.simulator.messages import Refusal, SimRequest, error_body, plain
from resumable.simulator.settings import Framing
from resumable.simulator.wire.wire import Broken, Closed, Sending, send

_MOST_HEAD = 262_144
_MOST_BODY = 64_000_000
_RECEIVE = 262_144
_SLICE = 0.2  # seconds
Sleep = Callable[[float], None]


class _Gone(Exception):
    """The client has closed the connection, or sends what is not HTTP."""


class LoopbackServer:
    """Accepts connections and serves them until it is closed."""

    def __init__(
        self, service: Service, host: str, port: int, sleep: Sleep | None, tls: ssl.SSLContext | None = None
    ) -> None:
        self._tls = tls
        self._service = service
        self._closing = threading.Event()
        self._sleep = sleep
        self._connections: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._listener = socket.create_server((host, port), backlog=512)
        self.host, self.port = self._listener.getsockname()[:2]
        self._acceptor = threading.Thread(target=self._accept, name="simulator-accept", daemon=True)

    def start(self) -> None:
        """Begin to accept."""
        self._acceptor.start()

    def close(self) -> None:
        """Stop accepting and drop all connections."""
        self._closing.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that waits in accept
        self._listener.close()
        self._acceptor.join(5)
        with self._lock:
            connections = list(self._connections)
        for sock in connections:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def _pause(self, sock: socket.socket, seconds: float) -> None:
        # in slices, so that a client that has left is noticed in the middle of a long wait
        while not self._closing.is_set() and not _has_left(sock):
            if seconds <= 0:
                return
            if self._sleep is None:
                self._closing.wait(min(seconds, _SLICE))
                seconds -= _SLICE
            else:
                self._sleep(seconds)
                return
        raise Broken("the client has left or the simulator is being closed")

    def _accept(self) -> None:
        while not self._closing.is_set():
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self._connections.add(sock)
            threading.Thread(target=self._serve, args=(sock,), name="simulator-connection", daemon=True).start()

    def _serve(self, plain_sock: socket.socket) -> None:
        sock = plain_sock
        try:
            if self._tls is not None:
                sock = self._tls.wrap_socket(plain_sock, server_side=True)
            reader = _Reader(sock)
            while not self._closing.is_set():
                request = reader.read()
                if not self._exchange(sock, request):
                    return
        except (_Gone, Broken, OSError):
            return
        finally:
            with self._lock:
                self._connections.discard(plain_sock)
            sock.close()

    def _exchange(self, sock: socket.socket, request: SimRequest) -> bool:
        keep = request.headers.get("connection", "").lower() != "close"
        if request.path.startswith(PREFIX):
            self._control(sock, request, keep=keep)
            return keep
        outcome = self._service.handle(request)
        settings = self._service.state.settings
        how = Sending(
            sock=sock,
            sleep=partial(self._pause, sock),
            gzip=settings.gzip and request.takes_gzip,
            framing=settings.framing,
            keep_alive=keep,
            head_only=request.method == "HEAD",
        )
        self._send(outcome, how)
        return keep

    def _send(self, outcome: Outcome, how: Sending) -> None:
        sent, delivered = 0, False
        try:
            if outcome.latency > 0:
                how.sleep(outcome.latency)
            sent = send(outcome.answer, outcome.wire, how)
            delivered = True
        except Closed as closed:
            sent, delivered = closed.sent, True
            raise
        finally:
            if outcome.sequence is not None:
                now = self._service.state.monotonic()
                self._service.log.finish(outcome.sequence, sent_bytes=sent, delivered=delivered, done_at=now)

    def _control(self, sock: socket.socket, request: SimRequest, *, keep: bool) -> None:
        how = Sending(sock=sock, sleep=partial(self._pause, sock), gzip=False, framing=Framing.LENGTH, keep_alive=keep)
        try:
            lines = truth_lines(self._service, request)
        except (ValueError, Refusal) as problem:
            send(plain(400, error_body(400, str(problem), "simulator")), None, how)
            return
        if lines is None:
            send(control(self._service, request), None, how)
            return
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n")
        for batch in lines:
            sock.sendall(f"{len(batch):x}\r\n".encode() + batch + b"\r\n")
        sock.sendall(b"0\r\n\r\n")


def _has_left(sock: socket.socket) -> bool:
    if isinstance(sock, ssl.SSLSocket):
        return False  # cannot be peeked at; writing will tell
    try:
        return sock.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


class _Reader:
    """Reads requests off a connection."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._buffer = b""

    def read(self) -> SimRequest:
        """Return the next request; raises _Gone when there is none."""
        head = self._until(b"\r\n\r\n", _MOST_HEAD)
        first, *lines = head.decode("latin-1").split("\r\n")
        parts = first.split(" ")
        if len(parts) != 3 or not parts[2].startswith("HTTP/1."):
            raise _Gone(first)
        headers = {}
        for line in lines:
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        if headers.get("expect", "").lower() == "100-continue":
            self._sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        target = parts[1]
        if "://" in target:  # a client that takes this for its proxy sends the whole address
            target = "/" + target.split("://", 1)[1].partition("/")[2]
        return SimRequest(method=parts[0], target=target, headers=headers, body=self._body(headers))

    def _body(self, headers: dict[str, str]) -> bytes:
        if headers.get("transfer-encoding", "").lower() == "chunked":
            return self._chunked()
        text = headers.get("content-length", "0")
        if not text.isdigit() or int(text) > _MOST_BODY:
            raise _Gone(text)
        return self._exactly(int(text))

    def _chunked(self) -> bytes:
        parts: list[bytes] = []
        while True:
            try:
                size = int(self._until(b"\r\n", _MOST_HEAD).partition(b";")[0], 16)
            except ValueError as problem:
                raise _Gone("chunk") from problem
            parts.append(self._exactly(size))
            self._until(b"\r\n", _MOST_HEAD)
            if size == 0:
                return b"".join(parts)

    def _until(self, end: bytes, most: int) -> bytes:
        while end not in self._buffer:
            if len(self._buffer) > most:
                raise _Gone("too long")
            self._more()
        found, _, self._buffer = self._buffer.partition(end)
        return found

    def _exactly(self, size: int) -> bytes:
        while len(self._buffer) < size:
            self._more()
        found, self._buffer = self._buffer[:size], self._buffer[size:]
        return found

    def _more(self) -> None:
        data = self._sock.recv(_RECEIVE)
        if not data:
            raise _Gone("end")
        self._buffer += data
