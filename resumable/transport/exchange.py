"""One request on its way: its deadline, and sockets whose every single operation ends by it.

`timeout=` of requests bounds one recv, and http.client calls recv as often as it takes: a server that sends a byte a
second holds a thread for ever (measured). So the bound sits below both, in the socket: before each connect, handshake,
send and recv the socket's timeout becomes what is left. Not bounded is `getaddrinfo`, which has no timeout to set; the
resolver's own (glibc: 5 s a try) holds there.
"""

import contextlib
import enum
import socket
import ssl
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

from resumable.clock import GRACE_SECONDS, Clock, Stop
from resumable.errors import GivenUp, TransportFault

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer
    from typing_extensions import Buffer

T = TypeVar("T")

LOOK_SECONDS: Final = 1.0
"""So often is looked whether the run is to end, while an answer is waited for."""

_MIB = 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one exchange may take at most; whatever the server does, it ends by then."""

    connect_seconds: float = 10.0
    """For the TCP connection, to each address of the host; the same again for the TLS handshake."""
    read_seconds: float = 60.0
    """Silence: between two arrivals of bytes, and while nothing is taken off our hands."""
    total_seconds: float = 180.0
    """From the connection to the last byte."""
    body_bytes: int = 128 * _MIB
    """Of the decoded body."""
    wire_bytes: int = 128 * _MIB
    """Of the body before decoding."""


class Phase(enum.StrEnum):
    """How far an exchange has come, in the words of a reason."""

    CONNECT = "while connecting"
    HANDSHAKE = "in the TLS handshake"
    SEND = "while sending the request"
    WAIT = "before the answer"
    BODY = "in the body"


class Exchange:
    """The state of one exchange; used by one thread, aborted from any."""

    def __init__(self, limits: Limits, clock: Clock, stop: Stop | None = None) -> None:
        """The deadline runs from now; once `stop` is raised it is no later than what the run is to end by."""
        self.limits = limits
        self.clock = clock
        self.started = clock.monotonic()
        self._stop = stop
        self.phase = Phase.CONNECT
        self.received = 0
        """Bytes of the body so far, before decoding."""
        self.give_back: Callable[[bool], None] | None = None
        """Puts the connection into the pool; with False, closes it first."""
        self._socket: socket.socket | None = None
        self._aborted = False

    @property
    def deadline(self) -> float:
        """When it ends at the latest; comes nearer once the run is to end."""
        return min(self.started + self.limits.total_seconds, self._stop.ends_at if self._stop else float("inf"))

    @property
    def where(self) -> str:
        """Say how far it has come."""
        return f"{self.phase} after {self.received} bytes" if self.phase is Phase.BODY else str(self.phase)

    @property
    def seconds(self) -> float:
        """How long it has taken so far."""
        return self.clock.monotonic() - self.started

    @contextlib.contextmanager
    def bounding(self, sock: socket.socket, seconds: float | None = None, *, again: bool = False) -> Iterator[None]:
        """Let one blocking operation on `sock` take until the deadline, and no more than `seconds` (or the silence).

        Raises TransportFault; with `again` it raises TimeoutError where only the seconds are over.
        """
        # In this order: `abort` raises its flag first and then looks for a socket, so one of the two sees the other.
        self._socket = sock
        if self._aborted:
            raise TransportFault(f"the connection was closed from here {self.where}")
        left = self.deadline - self.clock.monotonic()
        if left <= 0:
            raise self._late()
        sock.settimeout(min(left, seconds or self.limits.read_seconds))
        try:
            yield
        except TimeoutError:
            if self._aborted or left > (seconds or self.limits.read_seconds):
                if again and not self._aborted:
                    raise
                raise TransportFault(f"timed out {self.where}") from None
            raise self._late() from None

    def patiently(self, sock: socket.socket, operation: Callable[[], T]) -> T:
        """Do what can be done again where nothing came, a second at a time: meanwhile the deadline may come nearer."""
        silence = self.limits.read_seconds
        while True:
            wait = min(silence, LOOK_SECONDS)
            with contextlib.suppress(TimeoutError), self.bounding(sock, wait, again=silence > LOOK_SECONDS):
                return operation()
            silence -= wait

    def abort(self) -> None:
        """Make what is blocked on the socket return at once, and every later operation fail; for other threads."""
        self._aborted = True
        if self._socket is not None:
            with contextlib.suppress(OSError):
                # Not SSLSocket.shutdown: it takes the TLS layer away from under the thread that is reading.
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def release(self, *, whole: bool) -> None:
        """Give the connection back; after anything but a whole answer it is closed and not used again."""
        give_back, self.give_back = self.give_back, None
        if give_back is not None:
            give_back(whole)

    @property
    def aborted(self) -> bool:
        """Tell whether another thread has closed it."""
        return self._aborted

    def _late(self) -> TransportFault:
        if self.deadline < self.started + self.limits.total_seconds:
            return GivenUp(f"given up {GRACE_SECONDS:g} s after the run was told to end: stopped {self.where}")
        return TransportFault(f"no whole answer within {self.limits.total_seconds:g} s: stopped {self.where}")


_current: ContextVar[Exchange] = ContextVar("exchange")


def current() -> Exchange:
    """Return the exchange that this thread is in; sockets are used in one only."""
    return _current.get()


@contextlib.contextmanager
def entered(exchange: Exchange) -> Iterator[None]:
    """Make `exchange` the one this thread is in, and give its connection up however it ends."""
    token = _current.set(exchange)
    try:
        yield
    finally:
        _current.reset(token)
        exchange.release(whole=False)


class BoundedSocket(socket.socket):
    """A TCP socket whose operations end by the deadline of the exchange they belong to."""

    def connect(self, address: Any, /) -> None:  # noqa: ANN401 - what it is depends on the family
        """Connect."""
        exchange = current()
        with exchange.bounding(self, exchange.limits.connect_seconds):
            super().connect(address)

    def recv_into(self, buffer: "WriteableBuffer", nbytes: int = 0, flags: int = 0) -> int:
        """Receive what has come, at least a byte, or 0 at the end."""
        return current().patiently(self, lambda: super(BoundedSocket, self).recv_into(buffer, nbytes, flags))

    def sendall(self, data: "ReadableBuffer", flags: int = 0, /) -> None:
        """Send everything; the C code counts the timeout over the whole call."""
        with current().bounding(self):
            super().sendall(data, flags)


class BoundedTlsSocket(ssl.SSLSocket):
    """The same with TLS; these three are what every other method of it goes through."""

    def do_handshake(self, block: bool = False) -> None:
        """Shake hands; the C code counts the timeout over the whole call."""
        exchange = current()
        exchange.phase = Phase.HANDSHAKE
        try:
            with exchange.bounding(self, exchange.limits.connect_seconds):
                super().do_handshake(block)
        except TransportFault:
            self.close()  # as ssl does after an OSError
            raise

    def read(self, len: int = 1024, buffer: "Buffer | None" = None) -> Any:  # noqa: A002, ANN401 - as in ssl
        """Receive what has come, at least a byte, or nothing at the end."""
        return current().patiently(self, lambda: super(BoundedTlsSocket, self).read(len, buffer))

    def send(self, data: "ReadableBuffer", flags: int = 0) -> int:
        """Send some."""
        with current().bounding(self):
            return super().send(data, flags)


def dial(host: str, port: int) -> BoundedSocket:
    """Connect to the first address of a host that answers; the deadline holds over all of them."""
    exchange = current()
    exchange.phase = Phase.CONNECT
    last: Exception = OSError("the host has no address")
    for family, kind, protocol, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        sock = BoundedSocket(family, kind, protocol)
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.connect(address)
            exchange.phase = Phase.SEND
            return sock
        except (OSError, TransportFault) as error:
            sock.close()
            last = error
    raise last
