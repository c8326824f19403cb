"""Where requests may go: one origin, through one proxy or none, on paths that cannot leave it."""

import ipaddress
import re
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit

from resumable.errors import UsageError
from resumable.redaction import Secret

_HINT: Final = "Give scheme, host and port only, such as https://api.mypurecloud.com."
_UNFIT: Final = re.compile(r"[\x00-\x20\x7f-\x9f\\]")
_HOST: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")


@dataclass(frozen=True, kw_only=True)
class Origin:
    """A scheme, a host and a port: all that decides who gets the credentials."""

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        usual = self.port == {"https": 443, "http": 80}[self.scheme]
        return f"{self.scheme}://{host}" if usual else f"{self.scheme}://{host}:{self.port}"


@dataclass(frozen=True, kw_only=True)
class Proxy:
    """An HTTP proxy that tunnels; `credentials` is `user:password` where there are any."""

    url: str
    credentials: Secret | None = field(default=None)


def origin_of(text: str) -> Origin:
    """Read an origin, or raise UsageError: https anywhere, http on this machine only, and nothing beside it."""
    parts = _split(text, "the address of the server")
    origin = _origin(parts, "the address of the server")
    if parts.username is not None or parts.password is not None:
        raise UsageError("the address of the server must not hold credentials.", hint=_HINT)
    if parts.path not in ("", "/") or parts.query or parts.fragment or text[-1:] in "?#":
        raise UsageError(f"the address of the server must end after host and port: {origin}", hint=_HINT)
    if origin.scheme == "http" and not is_loopback(origin.host):
        raise UsageError(
            f"plain http would show the credentials to the network: {origin}",
            hint=f"Use https://{parts.netloc}; http is for this machine only.",
        )
    return origin


def proxy_of(text: str) -> Proxy:
    """Read the URL of a proxy, or raise UsageError; its credentials are set apart at once."""
    parts = _split(text, "the address of the proxy")
    proxy = _origin(parts, "the address of the proxy")
    if parts.username is None:
        return Proxy(url=str(proxy))
    return Proxy(url=str(proxy), credentials=Secret(f"{unquote(parts.username)}:{unquote(parts.password or '')}"))


def checked_path(path: str) -> str:
    """Return `path`, or raise UsageError if joining it to an origin could lead anywhere but below that origin."""
    route = path.partition("?")[0]
    if not path.startswith("/") or path.startswith("//") or _UNFIT.search(path) or "#" in path:
        raise UsageError(f"not a path on the server: {path!r}", hint="A path looks like /api/v2/users.")
    if any(part in (".", "..") for part in unquote(route).split("/")):
        raise UsageError(f"a path must not climb: {path!r}", hint="Leave out . and .. from the path.")
    return path


def is_loopback(host: str) -> bool:
    """Tell whether a host name or address is this machine for certain."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _split(text: str, what: str) -> SplitResult:
    # urlsplit drops newlines and tabs in silence, so look before.
    if _UNFIT.search(text):
        raise UsageError(f"there are characters in {what} that no address has.", hint=_HINT)
    try:
        return urlsplit(text)
    except ValueError:
        raise UsageError(f"cannot read {what}.", hint=_HINT) from None


def _origin(parts: SplitResult, what: str) -> Origin:
    """Check scheme, host and port; no message repeats the text, which may hold a password."""
    try:
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise UsageError(f"the port in {what} is not a number up to 65535.", hint=_HINT) from None
    if parts.scheme not in ("https", "http"):
        raise UsageError(f"https:// is missing before {what}.", hint=_HINT)
    if not _HOST.fullmatch(host) and not _is_address(host):
        raise UsageError(f"there is no usable host name in {what}.", hint=_HINT)
    return Origin(scheme=parts.scheme, host=host, port=port or {"https": 443, "http": 80}[parts.scheme])


def _is_address(host: str) -> bool:
    try:
        return "%" not in str(ipaddress.ip_address(host))
    except ValueError:
        return False
