"""`HttpTransport`: one request to the one origin, one whole answer or one fault."""

import json
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol, TypeAlias
from urllib.parse import urlencode, urlsplit

import requests
import urllib3

from resumable.clock import Clock, Stop
from resumable.errors import Fault, StatusFault, TransportFault, UsageError
from resumable.models import Request
from resumable.redaction import Redactor, Secret
from resumable.transport.address import Origin, checked_path, origin_of, proxy_of
from resumable.transport.body import Body
from resumable.transport.exchange import Exchange, Limits, Phase, entered
from resumable.transport.reasons import TRANSLATED, fault_of
from resumable.transport.wire import Adapter, tls_context
from resumable.version import __version__

_ERROR_BODY_BYTES: Final = 64 * 1024
_JSON: Final = "application/json"
_FORM: Final = "application/x-www-form-urlencoded"
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")


@dataclass(frozen=True, kw_only=True, repr=False)
class Reply:
    """One whole answer, whatever its status; nothing of its content shows in its repr, because it may be a token.

    `headers` has lower-case names, and control characters as `?`; values of a name that came more than once are joined
    by ", " and apart in `repeated`. `framed` is False where only the closed connection marked the end of the body:
    then a cut cannot be seen here, and whoever parses it must. An error status (400 and above) is never hidden by the
    fate of its body: at most 64 KiB are kept, and if it was cut or damaged what came is returned with `framed` False.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float
    framed: bool = True
    repeated: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def header_values(self, name: str) -> tuple[str, ...]:
        """Return every value of a header in the order they came; none gives an empty tuple."""
        name = name.lower()
        return self.repeated.get(name) or ((self.headers[name],) if name in self.headers else ())

    def __repr__(self) -> str:
        return f"Reply({self.status}, {len(self.body)} bytes, {self.seconds:.3f} s)"


Params: TypeAlias = "Mapping[str, str | tuple[str, ...]]"


class Transport(Protocol):
    """Whoever carries requests to one origin: the network here, a script in tests."""

    def send(
        self, request: Request, headers: Mapping[str, str | Secret], *, form: Mapping[str, str | Secret] | None = None
    ) -> Reply:
        """Send a request once and return the whole answer, or raise TransportFault, or StatusFault for a redirect.

        `form` is sent as a form body, in place of the JSON of `request.body`. Secrets belong in `Secret`: it keeps
        them out of every traceback of the callers.
        """

    def close(self) -> None:
        """End what is in flight with a fault, and refuse what comes after."""


class HttpTransport:
    """Carries requests to one https origin (http on loopback); shared by all threads of a run.

    It follows no redirect, keeps no cookie, retries nothing and reads nothing of the environment; verification cannot
    be switched off. A connection that the server closed while it was idle may show as one TransportFault.
    """

    def __init__(
        self,
        origin: str,
        *,
        limits: Limits,
        clock: Clock,
        redactor: Redactor,
        proxy: str | None = None,
        ca_bundle: str | None = None,
        pool_size: int = 10,
        stop: Stop | None = None,
    ) -> None:
        """`proxy` is an http(s) URL, used for https origins only: loopback is reached directly. Raises UsageError.

        Once `stop` is raised, what is in flight is given up in time.
        """
        self.origin = origin_of(origin)
        self._limits = limits
        self._clock = clock
        self._stop = stop
        self._redactor = redactor
        self._adapter = _adapter(self.origin, proxy, ca_bundle, redactor, pool_size)
        self._headers: dict[str, str | Secret] = {
            "User-Agent": f"resumable/{__version__}",
            "Accept": _JSON,
            "Accept-Encoding": "gzip",
        }
        self._lock = threading.Lock()
        self._flying: set[Exchange] = set()
        self._closed = False

    def send(
        self, request: Request, headers: Mapping[str, str | Secret], *, form: Mapping[str, str | Secret] | None = None
    ) -> Reply:
        """Send a request once and return the whole answer, or raise TransportFault, or StatusFault for a redirect."""
        path, body = checked_path(request.path), _content(request, form)
        kind = {} if body is None else {"Content-Type": _JSON if form is None else _FORM}
        sealed = {name: _sealed(value) for name, value in {**self._headers, **kind, **headers}.items()}
        headers, form = {}, None  # from here on no frame holds a plain secret
        outcome = self._attempt(request.method, path, request.params, sealed, body)
        if isinstance(outcome, Fault):
            # Raised here and not where it happened: those frames, which show the token, are gone by now.
            raise outcome
        return outcome

    def close(self) -> None:
        """End what is in flight with a fault, and refuse what comes after."""
        with self._lock:
            self._closed = True
            for exchange in self._flying:
                exchange.abort()
        self._adapter.close()

    def _attempt(
        self, method: str, path: str, params: Params, headers: Mapping[str, Secret], body: Secret | None
    ) -> Reply | Fault:
        """Return the answer or the fault; a fault comes without its traceback."""
        exchange = Exchange(self._limits, self._clock, self._stop)
        with self._lock:
            if self._closed:
                return TransportFault("the transport is closed")
            self._flying.add(exchange)
        try:
            with entered(exchange):
                plain = {name: value.reveal() for name, value in headers.items()}
                data = None if body is None else body.reveal().encode()
                url = f"{self.origin}{path}"
                return self._carry(exchange, requests.Request(method, url, plain, params=params, data=data).prepare())
        except Fault as fault:
            fault.__context__ = fault.__cause__ = None
            return fault.with_traceback(None)
        except TRANSLATED as error:
            return fault_of(error, exchange)
        finally:
            with self._lock:
                self._flying.discard(exchange)

    def _carry(self, exchange: Exchange, prepared: requests.PreparedRequest) -> Reply:
        """Send, and read the answer to its end."""
        with self._adapter.send(prepared, stream=True) as response:
            raw = response.raw
            if 300 <= raw.status < 400:
                raise self._redirected(raw)
            exchange.phase = Phase.BODY
            failing = raw.status >= 400
            body = Body(raw, exchange, cap=_ERROR_BODY_BYTES if failing else self._limits.body_bytes)
            try:
                framed = body.read()
            except (TransportFault, *TRANSLATED):
                if not failing:
                    raise
                framed = False
        if exchange.aborted:  # which looks like the end of a close-delimited body
            raise TransportFault("the connection was closed from here in the body")
        exchange.release(whole=framed)
        headers, repeated = _headers_of(raw.headers)
        return Reply(
            status=raw.status,
            headers=headers,
            body=body.taken,
            seconds=exchange.seconds,
            framed=framed,
            repeated=repeated,
        )

    def _redirected(self, raw: urllib3.BaseHTTPResponse) -> StatusFault:
        """Name the status and where it points, by host only: the rest of a Location may hold anything."""
        try:
            # Scrubbed whole and first: of a secret that its host begins with, the host alone would not be recognised.
            host = urlsplit(self._redactor.scrub(raw.headers.get("location", ""))).hostname
        except ValueError:
            host = None
        target = self._redactor.body_start(host.encode(), 80) if host else "the same host"
        return StatusFault(f"redirected to {target} with status {raw.status}, not followed", status=raw.status)


def _adapter(origin: Origin, proxy: str | None, ca_bundle: str | None, redactor: Redactor, size: int) -> Adapter:
    """Make the adapter; a proxy is for https only, where it sees no more than the host name."""
    tunnel = proxy_of(proxy) if proxy else None
    if tunnel is not None and tunnel.credentials is not None:
        user, _, password = tunnel.credentials.reveal().partition(":")
        redactor.keep(Secret(password), client_id=user)
    if origin.scheme == "http":
        return Adapter(origin, context=None, proxy=None, size=size)
    try:
        context = tls_context(ca_bundle)
    except OSError as error:
        raise UsageError(
            f"cannot read certificates from {ca_bundle}: {error.strerror or 'no PEM file'}.",
            hint="Give a PEM file with the certificates to trust, or a folder made by `openssl rehash`.",
        ) from None
    return Adapter(origin, context=context, proxy=tunnel, size=size)


def _content(request: Request, form: Mapping[str, str | Secret] | None) -> Secret | None:
    """Return the body to send, sealed; JSON has no NaN."""
    if form is not None:
        return Secret(urlencode({name: _sealed(value).reveal() for name, value in form.items()}))
    if request.body is None:
        return None
    return Secret(json.dumps(request.body, allow_nan=False, separators=(",", ":")))


def _sealed(value: str | Secret) -> Secret:
    return value if isinstance(value, Secret) else Secret(value)


def _headers_of(raw: urllib3.HTTPHeaderDict) -> tuple[dict[str, str], dict[str, tuple[str, ...]]]:
    """Return headers as `Reply` has them, from urllib3's."""
    repeated: dict[str, tuple[str, ...]] = {}
    joined: dict[str, str] = {}
    for name in raw:
        values = tuple(_CONTROL.sub("?", value) for value in raw.getlist(name))
        joined[name.lower()] = ", ".join(values)
        if len(values) > 1:
            repeated[name.lower()] = values
    return joined, repeated
