"""Answers as bytes on a socket, whole or broken in the ways a network breaks them."""

import contextlib
import gzip
import socket
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import blake2b
from http import HTTPStatus

from resumable.simulator.faults.faults import FaultKind, SimFault
from resumable.simulator.messages import SimAnswer
from resumable.simulator.settings import Framing
from resumable.simulator.world.world import Cache

_LINGER_NOT = struct.pack("ii", 1, 0)
_PHRASES = {status.value: status.phrase for status in HTTPStatus}
_CHUNK = 65_536
_LEAST_GZIP = 500  # bytes; below, gzip gains nothing
_BOMB_STEP = 1_000_000
_zipped: Cache[bytes] = Cache(64_000_000, len)


class Broken(Exception):
    """The connection is to be closed, and the answer did not go out whole."""


@dataclass(frozen=True, kw_only=True)
class Sending:
    """How answers go out: `sleep` waits and tells by raising Broken that the simulator is being closed."""

    sock: socket.socket
    sleep: Callable[[float], None]
    gzip: bool
    framing: Framing
    keep_alive: bool
    head_only: bool = False


def send(answer: SimAnswer, fault: SimFault | None, how: Sending) -> int:
    """Write an answer and return the number of bytes; raises Broken if the connection cannot be used again."""
    if fault is None:
        return _send_whole(answer, how)
    return _BREAKS[fault.kind](answer, fault, how)


def _send_whole(answer: SimAnswer, how: Sending) -> int:
    body, encoding = _encoded(answer.render(), answer, how)
    framing = Framing.LENGTH if answer.status in (204, 304) else how.framing
    head = _head(answer, framing, len(body), encoding, keep_alive=how.keep_alive)
    if how.head_only:
        body = b""
    if framing is Framing.CHUNKED and not how.head_only:
        body = b"".join(_chunks(body))
    _write(how.sock, head + body)
    if framing is Framing.CLOSE:
        raise Closed(len(head) + len(body))
    return len(head) + len(body)


class Closed(Broken):
    """The answer went out whole, and the end of the connection is part of it."""

    def __init__(self, sent: int) -> None:
        super().__init__(sent)
        self.sent = sent


def _encoded(body: bytes, answer: SimAnswer, how: Sending) -> tuple[bytes, str | None]:
    if not how.gzip or len(body) < _LEAST_GZIP:
        return body, None
    return _zipped.get(blake2b(body, digest_size=16).digest(), lambda: gzip.compress(body, 1, mtime=0)), "gzip"


def _head(answer: SimAnswer, framing: Framing, length: int, encoding: str | None, *, keep_alive: bool) -> bytes:
    phrase = _PHRASES.get(answer.status, "Unknown")
    lines = [f"HTTP/1.1 {answer.status} {phrase}", f"Content-Type: {answer.content_type}"]
    lines += [f"{name}: {value}" for name, value in answer.headers]
    if encoding:
        lines.append(f"Content-Encoding: {encoding}")
    if framing is Framing.LENGTH:
        lines.append(f"Content-Length: {length}")
    if framing is Framing.CHUNKED:
        lines.append("Transfer-Encoding: chunked")
    if framing is Framing.CLOSE or not keep_alive:
        lines.append("Connection: close")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")


def _chunks(body: bytes) -> Iterator[bytes]:
    for start in range(0, len(body), _CHUNK):
        part = body[start : start + _CHUNK]
        yield f"{len(part):x}\r\n".encode() + part + b"\r\n"
    yield b"0\r\n\r\n"


def _write(sock: socket.socket, data: bytes) -> None:
    try:
        sock.sendall(data)
    except OSError as problem:
        raise Broken(str(problem)) from problem


def reset(sock: socket.socket) -> None:
    """Close a connection so that the client sees a reset rather than an end."""
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
    sock.close()


def _reset_now(answer: SimAnswer, fault: SimFault, how: Sending) -> int:
    reset(how.sock)
    raise Broken("reset before the answer")


def _reset_later(answer: SimAnswer, fault: SimFault, how: Sending) -> int:
    body, encoding = _encoded(answer.render(), answer, how)
    head = _head(answer, Framing.LENGTH, len(body), encoding, keep_alive=True)
    after = 0 if fault.kind is FaultKind.RESET_AFTER_HEADERS else _position(fault.at, len(body))
    _write(how.sock, head + body[:after])
    how.sleep(0.02)  # a reset overtakes what was written; let the client have it first
    reset(how.sock)
    raise Broken("reset in the answer")


def _cut(answer: SimAnswer, fault: SimFault, how: Sending) -> int:
    body = answer.render()
    encoding = None
    if fault.framing == "gzip":
        body, encoding = gzip.compress(body, 1, mtime=0), "gzip"
    part = body[: _position(fault.at, len(body))]
    if fault.framing == "gzip":  # the length matches what is sent: only the gzip stream tells that it is torn
        data = _head(answer, Framing.LENGTH, len(part), encoding, keep_alive=False) + part
    elif fault.framing == Framing.CHUNKED:
        data = _head(answer, Framing.CHUNKED, 0, None, keep_alive=False) + b"".join(_chunks(part))[: -len(b"0\r\n\r\n")]
    else:
        data = _head(answer, Framing(fault.framing), len(body), None, keep_alive=False) + part
    _write(how.sock, data)
    raise Broken("cut")


def _position(at: int | None, length: int) -> int:
    if at is None:
        return length // 2
    return max(0, min(length, at if at >= 0 else length + at))


def _stall(answer: SimAnswer, fault: SimFault, how: Sending) -> int:
    body = answer.render()
    head = _head(answer, Framing.LENGTH, len(body), None, keep_alive=True)
    before = 0 if fault.at is None else len(head) + _position(fault.at, len(body))
    data = head + body
    _write(how.sock, data[:before])
    how.sleep(fault.seconds)
    _write(how.sock, data[before:])
    return len(data)


def _drip(answer: SimAnswer, fault: SimFault, how: Sending) -> int:
    body = answer.render()
    head = _head(answer, Framing.LENGTH, len(body), None, keep_alive=True)
    data = head + body
    begin = 0 if fault.part == "headers" else len(head) + _position(fault.at or 0, len(body))
    end = len(head) if fault.part == "headers" else len(data)
    _write(how.sock, data[:begin])
    step = max(1, fault.extent)
    for start in range(begin, end, step):
        _write(how.sock, data[start : min(end, start + step)])
        how.sleep(fault.seconds)
    _write(how.sock, data[end:])
    return len(data)


def _endless(answer: SimAnswer, fault: SimFault, how: Sending) -> int:
    body = answer.render()
    _write(how.sock, _head(answer, Framing.CHUNKED, 0, None, keep_alive=False))
    sent = 0
    for part in _never_ending(body):
        _write(how.sock, f"{len(part):x}\r\n".encode() + part + b"\r\n")
        sent += len(part)
        how.sleep(0)
        if sent >= fault.extent:
            break
    raise Broken("endless")


def _never_ending(body: bytes) -> Iterator[bytes]:
    yield body[:-1] or b"["
    while True:
        yield b" " * _CHUNK


def _bomb(answer: SimAnswer, fault: SimFault, how: Sending) -> int:
    body = answer.render()
    packer = zlib.compressobj(6, zlib.DEFLATED, 31)
    parts = [packer.compress(body[:-1])]
    blanks = b" " * _BOMB_STEP
    parts += [packer.compress(blanks) for _ in range(fault.extent // _BOMB_STEP)]
    parts += [packer.compress(body[-1:]), packer.flush()]
    packed = b"".join(parts)
    _write(how.sock, _head(answer, Framing.LENGTH, len(packed), "gzip", keep_alive=True) + packed)
    return len(packed)


_BREAKS: dict[FaultKind, Callable[[SimAnswer, SimFault, Sending], int]] = {
    FaultKind.RESET_BEFORE: _reset_now,
    FaultKind.LOST_ANSWER: _reset_now,
    FaultKind.RESET_AFTER_HEADERS: _reset_later,
    FaultKind.RESET_INSIDE: _reset_later,
    FaultKind.CUT: _cut,
    FaultKind.STALL: _stall,
    FaultKind.DRIP: _drip,
    FaultKind.ENDLESS: _endless,
    FaultKind.GZIP_BOMB: _bomb,
}
