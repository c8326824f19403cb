"""Keeps secrets out of every text: `Secret` holds one without showing it, `Redactor` removes the ones it knows."""

import base64
import hmac
import html
import json
import re
import threading
from collections import deque
from collections.abc import Callable
from typing import Any, Final, NoReturn, Self
from urllib.parse import quote, quote_plus

MASK: Final = "***"

ANSWER_BYTES: Final = 1_000_000
"""Of an answer that is kept whole because it was no page."""

_UNKNOWN: Final = (
    # A token that nobody announced, by its scheme: `Bearer xyz`, `Basic xyz`, also URL-encoded.
    re.compile(r"(?i)\b(bearer|basic)(?:\s|%20|\+)+[\w.~+/=%-]+"),
    # ... and by its key, in forms and in JSON, also JSON inside a JSON string; a value cut short has no closing quote.
    re.compile(
        r"(?i)\b((?:access_token|refresh_token|id_token|client_secret|client_assertion|password)"
        r"""(?:\\*["'])?\s*[:=]\s*)"""
        r"""(?:(\\+")(?:[^"\\]|\\+[^"\\])*|(")(?:[^"\\]|\\.)*|(')(?:[^'\\]|\\.)*|[^\s"'&,;<>}\\]+)"""
    ),
)
_SHOWN: Final = (r"\1 ***", r"\1\2\3\4***")


class Secret:
    """One secret text that leaves only through `reveal()`: not by repr, format, pickle, json, vars or a traceback."""

    __slots__ = ("__value",)
    __hash__ = None  # type: ignore[assignment]  # a hash of the content would be a way to guess it

    def __init__(self, value: str) -> None:
        """`value` is kept as it is; an empty one is allowed and false."""
        object.__setattr__(self, "_Secret__value", value)

    def reveal(self) -> str:
        """Return the secret: only for what goes on the wire, and not into a variable of a frame that lives on."""
        value: str = object.__getattribute__(self, "_Secret__value")
        return value

    def __repr__(self) -> str:
        return f"Secret({MASK})"

    def __format__(self, spec: str) -> str:
        return repr(self)

    def __bool__(self) -> bool:
        return bool(self.reveal())

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self.reveal().encode(), other.reveal().encode())

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError("a Secret is frozen")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError("a Secret is frozen")

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a Secret cannot be pickled")

    def __getstate__(self) -> NoReturn:
        raise TypeError("a Secret has no state to show")


class KeyedHash:
    """Replaces texts by hashes that nobody makes, or tries out, without the key."""

    LEAST: Final = 16
    """Characters of a key: with a shorter one, telephone numbers are few enough to try."""
    DIGITS: Final = 32
    """Hex digits of a hash: 128 bits, so that no two of a job's values are alike by chance."""

    __slots__ = ("_key",)

    def __init__(self, key: Secret) -> None:
        """`key` has at least `LEAST` characters, or ValueError is raised."""
        if len(key.reveal()) < self.LEAST:
            raise ValueError("the key is too short")
        self._key = key

    def __call__(self, text: str) -> str:
        """Return the hash of a text: the same for the same key."""
        # Half a surrogate pair has no UTF-8; it keeps being told apart.
        return self._digest(text.encode(errors="surrogatepass"))[: self.DIGITS]

    @property
    def id(self) -> str:
        """What tells one key from another, and shows neither."""
        return self._digest(b"\0which key")[:16]

    def _digest(self, data: bytes) -> str:
        return hmac.new(self._key.reveal().encode(errors="surrogatepass"), data, "sha256").hexdigest()


_RUN = re.compile(r"(?<![0-9A-Za-z_-])[0-9A-Za-z_-]{12,}(?![0-9A-Za-z_-])")
"""Characters of a secret that no escaping changes: whole words, so long that innocent text has none of them."""


class Redactor:
    """Knows the secrets of a run and takes them out of any text, in every form they usually travel in.

    One for the whole run, shared by all threads. It remembers what it is told to `keep` for good and the last
    `tokens` secrets it was told to `learn`, so that an eight-hour run with a token a minute stays small.
    """

    __slots__ = ("_kept", "_lock", "_needles", "_runs", "_tokens", "private")

    def __init__(self, *, tokens: int = 100) -> None:
        """`tokens` is how many passing secrets are remembered."""
        self._lock = threading.Lock()
        self._kept: set[str] = set()
        self._tokens: deque[frozenset[str]] = deque(maxlen=tokens)
        self._needles: tuple[str, ...] = ()
        self._runs: tuple[str, ...] = ()
        self.private: Callable[[Any, Any], Any] | None = None
        """Makes a table of records private, by its schema; with it, no answer with records is quoted or kept."""

    def keep(self, secret: Secret, *, client_id: str = "") -> None:
        """Remember a secret for good; with `client_id`, also the Basic pair of the two."""
        pair = _forms(f"{client_id}:{secret.reveal()}") if client_id and secret else frozenset()
        with self._lock:
            self._kept |= _forms(secret.reveal()) | pair
            self._rebuild()

    def learn(self, token: Secret) -> None:
        """Remember a secret that will be replaced by others, such as an access token."""
        forms = _forms(token.reveal())
        with self._lock:
            if forms not in self._tokens:
                self._tokens.append(forms)
                self._rebuild()

    def scrub(self, text: str) -> str:
        """Return `text` with every known secret, and everything that looks like a credential, as `***`."""
        text = _mask(text, self._needles)
        for pattern, shown in zip(_UNKNOWN, _SHOWN, strict=True):
            text = pattern.sub(shown, text)
        return text

    def body_start(self, body: bytes, limit: int = 200) -> str:
        """Return at most `limit` characters of a body: scrubbed, one line, printable, safe for a terminal."""
        longest = max(map(len, self._needles), default=0)
        window = 16 * limit + 2 * longest
        text = self.scrub(body[:window].decode("utf-8", "replace"))
        cut = len(body) > window
        if cut and longest:
            text = text[:-longest]  # the window may have ended inside a secret, which nothing would recognise then
        line = " ".join("".join(c if c.isprintable() else " " if c.isspace() else "?" for c in text).split())
        return line if len(line) <= limit and not cut else line[: max(limit - 3, 0)] + "..."

    def answer_start(self, body: bytes, limit: int) -> str | None:
        """Return the start of an answer that has, or should have, records; None where those are private."""
        return self.body_start(body, limit) if self.private is None else None

    def whole(self, body: bytes) -> str | None:
        """Return a body with every secret as `***`, as far as `ANSWER_BYTES` go: what is kept of it to be looked at.

        None where records are private: an answer that is no page may hold them anywhere.
        """
        if self.private is not None:
            return None
        longest = max(map(len, self._needles), default=0)
        text = self.scrub(body[: ANSWER_BYTES + longest].decode("utf-8", "replace"))
        if any(run in text for run in self._runs):
            return self.body_start(body)  # a secret in a form that nobody foresaw: its start has to do
        return text if len(body) <= ANSWER_BYTES else text[: max(len(text) - longest, 0)]

    def _rebuild(self) -> None:
        """Replace the needles in one assignment, so that `scrub` needs no lock."""
        self._needles = tuple(self._kept.union(*self._tokens))
        self._runs = tuple({run for needle in self._needles for run in _RUN.findall(needle)})

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a Redactor cannot be pickled: it holds secrets")


def _forms(secret: str) -> frozenset[str]:
    """Return what a secret looks like plain, escaped for URL, JSON, Python and HTML, in hex, and inside any base64."""
    if not secret:
        return frozenset()
    as_given = {secret, repr(secret)[1:-1]}
    # Bytes of the environment that are no UTF-8 are half characters in a text, and can be sent by nobody.
    secret = secret.encode(errors="replace").decode()
    escaped = {quote(secret), quote(secret, safe=""), quote_plus(secret)}
    escaped |= {re.sub("%[0-9A-F]{2}", lambda m: m[0].lower(), form) for form in escaped}
    once = {json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1], repr(secret)[1:-1]}
    # A server that echoes what it was sent puts JSON, or a representation, into a text of its own JSON.
    escaped |= once | {json.dumps(form)[1:-1] for form in once}
    escaped |= {secret, html.escape(secret), quote(base64.b64encode(secret.encode()).decode(), safe="")}
    return frozenset(as_given | escaped | _hex_forms(secret.encode()) | _base64_forms(secret.encode()))


def _hex_forms(secret: bytes) -> set[str]:
    """Return the hex of a secret, alone and with a percent sign before each byte."""
    forms = {secret.hex(), "%" + secret.hex("%")}
    return forms | {form.upper() for form in forms}


def _base64_forms(secret: bytes) -> set[str]:
    """Return the base64 of a secret, whole, and what stays the same of it at each place in a longer text."""
    forms = {base64.b64encode(secret).decode(), base64.urlsafe_b64encode(secret).decode()}
    forms |= {form.rstrip("=") for form in forms}
    for offset in range(3):
        # Six bits a character: the characters that share bits with a neighbour differ from text to text.
        first, last = -(-8 * offset // 6), 8 * (offset + len(secret)) // 6
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            core = encode(b"\0" * offset + secret).decode()[first:last]
            if len(core) >= 6:  # shorter ones are found in innocent text
                forms.add(core)
    return forms


def _mask(text: str, needles: tuple[str, ...]) -> str:
    """Replace every stretch of `text` that is covered by needles, overlapping ones as one."""
    spans = []
    for needle in needles:
        at = text.find(needle)
        while at >= 0:
            spans.append((at, at + len(needle)))
            at = text.find(needle, at + 1)
    pieces, end = [], 0
    for start, stop in sorted(spans):
        if start >= end:
            pieces += [text[end:start], MASK]
        end = max(end, stop)
    return "".join([*pieces, text[end:]])
