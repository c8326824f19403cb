"""Reads one body: capped while it streams, decoded by ourselves, and known to be whole or refused."""

import io
import re
import zlib
from typing import Final, Protocol

from resumable.errors import Failure, TransportFault
from resumable.transport.exchange import Exchange

_READ: Final = 65536
_STEP: Final = 1024 * 1024
"""Most that one call of zlib may return: 64 KiB of a gzip bomb hold 64 MiB."""
_BODYLESS: Final = (204, 304)
_NUMBER: Final = re.compile(r"[0-9]{1,18}")


class Headers(Protocol):
    """What is needed of urllib3's headers."""

    def getlist(self, name: str) -> list[str]:
        """Return every value of a header."""


class Raw(Protocol):
    """What is needed of urllib3's answer."""

    status: int
    version: int

    @property
    def headers(self) -> Headers:
        """Its headers."""

    def read(self, amt: int, decode_content: bool) -> bytes:
        """Read up to `amt` bytes; fewer only at the end."""


class Body:
    """The body of one answer as it comes in; `taken` stays usable when a fault ends it early."""

    def __init__(self, raw: Raw, exchange: Exchange, *, cap: int) -> None:
        """`cap` is how many decoded bytes are taken."""
        self._raw = raw
        self._exchange = exchange
        self._cap = cap
        # BytesIO hands its own buffer out as bytes: joining pieces would need twice the size at the end.
        self._sink = io.BytesIO()
        self._inflate: zlib._Decompress | None = None

    @property
    def taken(self) -> bytes:
        """What has been decoded so far."""
        return self._sink.getvalue()

    def read(self) -> bool:
        """Take the whole body, or raise TransportFault; False if nothing but the closed connection marked its end."""
        if self._raw.status in _BODYLESS:
            self._raw.read(_READ, decode_content=False)
            return True
        framed = _framed(self._raw)
        if _compressed(self._raw.headers):
            self._inflate = zlib.decompressobj(wbits=31)
        while chunk := self._raw.read(_READ, decode_content=False):
            self._exchange.received += len(chunk)
            if self._exchange.received > self._exchange.limits.wire_bytes:
                raise TransportFault(
                    f"too big: more than {self._exchange.limits.wire_bytes} bytes on the wire", failure=Failure.TOO_BIG
                )
            if self._inflate is None:
                self._write(chunk)
            else:
                self._unzip(self._inflate, chunk)
        if self._inflate is not None and not self._inflate.eof:
            raise TransportFault(f"gzip cut after {self._exchange.received} bytes")
        # The end of a gzip stream carries a checksum and a length: that is a frame too.
        return framed or self._inflate is not None

    def _unzip(self, inflate: "zlib._Decompress", data: bytes) -> None:
        while data:
            self._write(inflate.decompress(data, _STEP))
            data = inflate.unconsumed_tail
            if inflate.unused_data:
                raise TransportFault("bytes after the end of the gzip stream")

    def _write(self, piece: bytes) -> None:
        room = self._cap - self._sink.tell()
        self._sink.write(piece[:room] if len(piece) > room else piece)
        if len(piece) > room:
            raise TransportFault(f"too big: more than {self._cap} bytes decoded", failure=Failure.TOO_BIG)


def _framed(raw: Raw) -> bool:
    """Tell whether length or chunks mark the end of the body; refuse framing that could be read in two ways."""
    lengths = {value.strip() for line in raw.headers.getlist("content-length") for value in line.split(",")}
    codings = [value.strip().lower() for line in raw.headers.getlist("transfer-encoding") for value in line.split(",")]
    if codings and (codings != ["chunked"] or lengths or raw.version < 11):
        raise TransportFault("contradictory framing: Transfer-Encoding that is not chunked alone")
    if len(lengths) > 1 or not all(map(_NUMBER.fullmatch, lengths)):
        raise TransportFault("contradictory framing: Content-Length that is not one number")
    return bool(codings or lengths)


def _compressed(headers: Headers) -> bool:
    """Tell whether the body is gzip; refuse any coding that was not asked for."""
    codings = [value.strip().lower() for line in headers.getlist("content-encoding") for value in line.split(",")]
    codings = [coding for coding in codings if coding not in ("", "identity")]
    if not codings:
        return False
    if codings not in (["gzip"], ["x-gzip"]):
        raise TransportFault("a Content-Encoding that was not asked for")
    return True
