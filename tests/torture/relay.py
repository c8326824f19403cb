"""Stands between the product and a simulator, and sends the simulator's answers on in any framing, whole or cut."""

import enum
import gzip
import random
import re
import socket
import struct
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import resumable
from resumable import Endpoints
from resumable.simulator.messages import SimAnswer, SimRequest
from resumable.simulator.simulator import Simulator
from tests.support.inprocess import settings_for
from tests.support.scripted_server import Server

PageName = tuple[str, str]
"""A page as its request names it: the body, or the path where there is none."""


class Framing(enum.Enum):
    """How the end of a body is told, and whether it is packed."""

    LENGTH = "length"
    CHUNKED = "chunked"
    CLOSE = "close"
    GZIP_LENGTH = "gzip-length"
    GZIP_CHUNKED = "gzip-chunked"
    GZIP_CLOSE = "gzip-close"

    @property
    def packed(self) -> bool:
        """Whether the body is gzip."""
        return self.value.startswith("gzip")

    @property
    def ending(self) -> str:
        """What tells the end."""
        return self.value.removeprefix("gzip-")

    def message(self, answer: SimAnswer, dice: random.Random) -> tuple[bytes, bytes]:
        """Return an answer's head and the bytes of its body on the wire."""
        body = answer.render()
        lines = [f"HTTP/1.1 {answer.status} Said", "Content-Type: application/json"]
        lines += [f"{name}: {value}" for name, value in answer.headers]
        if self.packed:
            body = gzip.compress(body, 1, mtime=0)
            lines.append("Content-Encoding: gzip")
        if self.ending == "length":
            lines.append(f"Content-Length: {len(body)}")
        elif self.ending == "chunked":
            lines.append("Transfer-Encoding: chunked")
            body = b"".join(_chunks(body, dice))
        lines.append("Connection: close")
        return ("\r\n".join(lines) + "\r\n\r\n").encode(), body


@dataclass(frozen=True, kw_only=True)
class Cut:
    """One answer that did not come whole: `kept` of `size` bytes of its body were sent."""

    number: int
    page: PageName
    kept: int
    size: int
    reset: bool

    def __str__(self) -> str:
        return f"cut {self.number}: {self.kept} of {self.size} bytes, {'reset' if self.reset else 'closed'}"


@dataclass(kw_only=True)
class Relay:
    """Cuts answers with records as `cuts` says: it is told the page and how often that was asked for before."""

    sim: Simulator
    framing: Framing
    dice: random.Random
    cuts: Callable[[PageName, int], bool]
    made: list[Cut] = field(default_factory=list)
    asked: Counter[PageName] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, connection: socket.socket, request: bytes) -> None:
        """Answer one request, and close."""
        asked = _request(request)
        answer = self.sim._service.handle(asked).answer
        head, body, reset = self._decide(asked, answer)
        connection.sendall(head + body)
        if reset:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def _decide(self, asked: SimRequest, answer: SimAnswer) -> tuple[bytes, bytes, bool]:
        with self._lock:
            head, body = self.framing.message(answer, self.dice)
            if answer.key is None:
                return head, body, False
            page = (asked.target, asked.body.decode())
            before = self.asked[page]
            self.asked[page] += 1
            if not self.cuts(page, before):
                return head, body, False
            kept, reset = self._place(len(body)), self.dice.random() < 0.3
            self.made.append(Cut(number=len(self.made) + 1, page=page, kept=kept, size=len(body), reset=reset))
            return head, body[:kept], reset

    def _place(self, size: int) -> int:
        """Return how many bytes are kept: any number but all of them, the edges more often than chance has it."""
        edge = self.dice.random()
        if edge < 0.1:
            return self.dice.randrange(min(4, size))
        return max(0, size - 1 - self.dice.randrange(12)) if edge < 0.4 else self.dice.randrange(size)


@dataclass(kw_only=True)
class Impostor:
    """Answers some requests itself, as `instead` says, and leaves the others to the simulator.

    `instead` is told the request and its good answer, and returns the pieces that go on the wire; None leaves it be.
    """

    sim: Simulator
    instead: Callable[[SimRequest, SimAnswer], Iterable[bytes] | None]
    requests: list[SimRequest] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, connection: socket.socket, request: bytes) -> None:
        """Answer one request, and close."""
        asked = _request(request)
        with self._lock:
            self.requests.append(asked)
        answer = self.sim._service.handle(asked).answer
        pieces = self.instead(asked, answer)
        for piece in said(answer.render(), answer.headers, status=answer.status) if pieces is None else pieces:
            connection.sendall(piece)


def said(body: bytes, headers: Iterable[tuple[str, str]] = (), *, status: int = 200) -> list[bytes]:
    """Return the pieces of a whole answer with its length."""
    lines = [f"HTTP/1.1 {status} Said", f"Content-Length: {len(body)}", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in headers]
    return [("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"), body]


def number_of(asked: SimRequest) -> int | None:
    """Return the number of the page that a request of one of the two paged contracts asks for."""
    body = asked.json()
    if not isinstance(body, dict):
        return None
    number = body.get("paging", body).get("pageNumber")
    return number if isinstance(number, int) else None


def day_of(asked: SimRequest) -> str:
    """Return the day of the window that a request asks for."""
    body = asked.json()
    return str(body.get("interval") or body.get("dateFrom"))[:10] if isinstance(body, dict) else ""


@contextmanager
def relayed(
    relay: Relay | Impostor, state: Path, *, server: list[Server] | None = None, **more: object
) -> Iterator[resumable.Settings]:
    """Serve through a relay for a while; yields settings that lead to it. The server is appended to `server`."""
    serving = Server(relay)
    if server is not None:
        server.append(serving)
    try:
        yield replace(settings_for(relay.sim, state, **more), endpoints=Endpoints(api=serving.url, login=serving.url))
    finally:
        serving.close()


def _chunks(body: bytes, dice: random.Random) -> Iterator[bytes]:
    at = 0
    while at < len(body):
        size = dice.randrange(1, 4000)
        piece = body[at : at + size]
        yield f"{len(piece):x}\r\n".encode() + piece + b"\r\n"
        at += size
    yield b"0\r\n\r\n"


def _request(message: bytes) -> SimRequest:
    head, _, body = message.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    method, target, _version = first.split(" ")
    headers = {name.lower(): value for name, value in (re.split(r":\s*", line, maxsplit=1) for line in lines)}
    return SimRequest(method=method, target=target, headers=headers, body=body)
