"""The token endpoint: hands out tokens that really expire and can be revoked."""

import base64
import binascii
import secrets
import threading
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote_plus

from resumable.simulator.messages import Refusal, SimAnswer, SimRequest, plain
from resumable.simulator.settings import Lifetime, SimSettings


@dataclass(frozen=True, kw_only=True)
class IssuedToken:
    """A token as the log may know it: its number, its client and its end on the monotonic clock."""

    id: str
    client_id: str
    expires_at: float


class IssuedTokens:
    """All the tokens that were given out."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._valid: dict[str, IssuedToken] = {}
        self._known: dict[str, IssuedToken] = {}  # revoked and expired ones too, so that the log can name them

    def issue(self, request: SimRequest, settings: SimSettings, now: float) -> tuple[SimAnswer, str | None]:
        """Answer a request for a token; returns the answer and the new token's id."""
        form = parse_qs(request.body.decode("latin-1"), keep_blank_values=True)
        if form.get("grant_type") != ["client_credentials"]:
            return _refused("unsupported_grant_type", "grant_type must be client_credentials", 400), None
        pair = _basic(request.headers.get("authorization", "")) or _form(form)
        known = {**settings.more_clients, settings.client_id: settings.client_secret}
        if pair[1] != known.get(pair[0]):
            return _refused("invalid_client", "client not found", settings.invalid_client_status), None
        text = f"simulated-token-{secrets.token_urlsafe(64)}"  # a mark by which it is found where it should not be
        with self._lock:
            token = IssuedToken(
                id=f"t{len(self._known) + 1}", client_id=pair[0], expires_at=now + settings.token_lifetime
            )
            self._valid[text] = self._known[text] = token
        content: dict[str, object] = {"access_token": text, "token_type": "bearer"}
        if settings.expires_in is not Lifetime.ABSENT:
            honest = settings.expires_in is Lifetime.HONEST
            content["expires_in"] = int(settings.token_lifetime) if honest else settings.expires_in
        return plain(200, content), token.id

    def check(self, request: SimRequest, now: float) -> IssuedToken:
        """Return the valid token that a request carries; raises Refusal (401) without one."""
        scheme, _, text = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not text:
            raise Refusal(401, "authentication.required", "No authentication bearer token specified.")
        with self._lock:
            token = self._valid.get(text.strip())
        if token is None or token.expires_at <= now:
            raise Refusal(401, "bad.credentials", "Invalid login credentials.")
        return token

    def name(self, request: SimRequest) -> str | None:
        """Return the id of the token that a request carries, valid or not."""
        text = request.headers.get("authorization", "").partition(" ")[2].strip()
        with self._lock:
            token = self._known.get(text)
        return token.id if token else None

    def revoke(self) -> int:
        """Make every token given out so far invalid; returns how many were valid."""
        with self._lock:
            count = len(self._valid)
            self._valid.clear()
        return count


def _basic(header: str) -> tuple[str, str] | None:
    scheme, _, text = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, _, secret = base64.b64decode(text, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return ("", "")
    # clients differ in whether they URL-encode first (RFC 6749) or not; neither changes a plain id
    return (unquote_plus(name), unquote_plus(secret)) if "%" in name + secret else (name, secret)


def _form(form: dict[str, list[str]]) -> tuple[str, str]:
    return (form.get("client_id", [""])[0], form.get("client_secret", [""])[0])


def _refused(error: str, description: str, status: int) -> SimAnswer:
    return plain(status, {"error": error, "description": description, "error_description": description})
