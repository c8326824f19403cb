"""Turns what requests, urllib3, http.client, ssl and the system raise into one fault with a short reason.

Only texts that cannot hold a secret go into a reason: the system's and OpenSSL's own words. The messages of requests
are left out, because some repeat the offending header.
"""

import http.client
import re
import socket
import ssl
import zlib
from collections.abc import Iterator
from typing import Final

import requests
import urllib3.exceptions

from resumable.errors import TransportFault, TrustFault
from resumable.transport.exchange import Exchange, Phase

TRANSLATED: Final = (
    requests.RequestException,
    urllib3.exceptions.HTTPError,
    http.client.HTTPException,
    OSError,
    zlib.error,
    ValueError,  # a header or URL that cannot be encoded, and reads on sockets closed meanwhile
    MemoryError,
)
"""Everything that sending a request and reading its answer is known to raise."""

_TUNNEL: Final = re.compile(r"Tunnel connection failed: (\d{3})")


def fault_of(error: BaseException, exchange: Exchange) -> TransportFault:
    """Return a fresh fault for `error`: without traceback, cause or context, whose frames hold the token."""
    if exchange.aborted:
        return TransportFault(f"the connection was closed from here {exchange.where}")
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return TrustFault(f"TLS: {cause.verify_message}")
        reason = _reason(cause, exchange)
        if reason:
            return TransportFault(reason)
    if exchange.phase in (Phase.CONNECT, Phase.SEND):
        return TransportFault(f"the request could not be sent: {type(error).__name__}")
    return TransportFault(f"not an HTTP answer: {type(error).__name__} {exchange.where}")


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield what an error wraps, innermost first: urllib3 keeps it in `reason`, in args, or as cause."""
    inner = [getattr(error, "reason", None), *error.args, error.__cause__]
    for item in inner:
        if isinstance(item, BaseException) and item is not error:
            yield from _causes(item)
    yield error


def _reason(error: BaseException, exchange: Exchange) -> str:
    """Return the reason for one error by its kind, or nothing if its kind says too little."""
    match error:
        case socket.gaierror():
            return f"the host name could not be resolved: {error.strerror}"
        case ssl.SSLError():
            return f"TLS: {(error.reason or 'failed').lower().replace('_', ' ')} {exchange.where}"
        case http.client.RemoteDisconnected():
            return f"connection closed {exchange.where}"
        case http.client.IncompleteRead() | urllib3.exceptions.IncompleteRead():
            return f"body cut after {_count(error, exchange)}"
        case urllib3.exceptions.InvalidHeader():
            return "contradictory framing: Content-Length that is not one number"
        case http.client.LineTooLong():
            return f"a line without end {exchange.where}"
        case zlib.error():
            return f"gzip damaged {exchange.where}"
        case MemoryError():
            return f"not enough memory {exchange.where}"
        case ConnectionRefusedError():
            return "connection refused"
        case ConnectionError():
            return f"connection reset {exchange.where}"
        case OSError() if tunnel := _TUNNEL.match(str(error)):
            return f"the proxy refused with status {tunnel[1]}"
        case OSError() if type(error).__module__ == "builtins" and error.strerror:
            return f"{error.strerror} {exchange.where}"
    return ""


def _count(error: BaseException, exchange: Exchange) -> str:
    expected = getattr(error, "expected", None)
    if isinstance(error, urllib3.exceptions.IncompleteRead) and isinstance(expected, int):
        return f"{exchange.received} of {exchange.received + expected} bytes"
    return f"{exchange.received} bytes"
