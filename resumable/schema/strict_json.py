"""JSON as RFC 8259 has it, and nothing else: what `json.loads` lets through is refused here."""

import json
import math
import re

SHOWN = 80
"""Characters of a body that an error may hold."""

MOST_NESTED = 1_000_000
MOST_VALUES = 4_000_000
"""Lists and objects, and commas, that one answer may hold.

1,000 rich conversations (5 MB) have 41,000 and 134,000: a body as large as is taken has no more. Small values take far
more memory read than written: 114 MiB of empty lists were measured to take 3.4 GB and 21 s.
"""

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*+"|[{}\[\],:]', re.DOTALL)
_STRING = r'"(?:[^"\\]|\\.)*+"'
_LONG_INTEGER = r"-?\d{4301,}+"


class NotJson(ValueError):
    """A body is not strict JSON, or JSON of no use.

    `reason` is short and quotes nothing; `position` is the byte where it shows (None where no one place is to blame);
    `start` is the body's first 80 characters, and nothing else of it: redact it before it is shown.
    """

    def __init__(self, reason: str, *, position: int | None = None, body: bytes = b"") -> None:
        """Keep no more of `body` than its start."""
        super().__init__(reason if position is None else f"{reason} at byte {position}")
        self.reason = reason
        self.position = position
        self.start = body[: SHOWN * 4].decode("utf-8", "replace")[:SHOWN]


class _Refused(Exception):
    """The decoder met something that only strictness minds; `literal` is None for a repeated key."""

    def __init__(self, reason: str, literal: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.literal = literal


def bounded(body: bytes) -> None:
    """Raise NotJson for a body that holds more values than any page has; it is counted, not read."""
    if len(body) > MOST_NESTED and (
        body.count(b"{") + body.count(b"[") > MOST_NESTED or body.count(b",") > MOST_VALUES
    ):
        raise NotJson("more values than any page has", body=body)


def strict_json(body: bytes) -> object:
    """Return the value of a whole JSON body, or raise NotJson saying why and where.

    Refused beside plain syntax errors: invalid UTF-8, a byte order mark, NaN and Infinity, a key twice in one object,
    anything after the value, nesting beyond the interpreter's stack, numbers beyond a double, integers of more than
    4300 digits, more values than any page has. Whole numbers become `int`, exactly; all others the nearest IEEE double.
    """
    bounded(body)
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        reason, position = "invalid UTF-8", error.start
    else:
        try:
            value: object = _DECODER.decode(text)
            return value
        except (_Refused, RecursionError, ValueError) as error:
            reason, at = _complaint(text, error)
        if at is None:
            raise NotJson(reason, body=body)
        position = len(text[:at].encode("utf-8"))
    # Raised out here so that no JSONDecodeError, which holds the whole body, hangs on as its context.
    raise NotJson(reason, position=position, body=body)


def _reason(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "nested too deep"
    if isinstance(error, json.JSONDecodeError):
        return error.msg.removesuffix(" at").removesuffix(" starting").lower()
    return error.reason if isinstance(error, _Refused) else "an integer of more than 4300 digits"


def _complaint(text: str, error: Exception) -> tuple[str, int | None]:
    """Say in a few words what is wrong with `text`, and at which character."""
    if text.startswith("\ufeff"):
        return "a byte order mark", 0
    reason = _reason(error)
    if isinstance(error, RecursionError):
        return reason, None
    if isinstance(error, json.JSONDecodeError):
        return reason, error.pos
    if not isinstance(error, _Refused):
        return reason, _outside_strings(text, _LONG_INTEGER)
    if error.literal is None:
        return reason, _repetition(text)
    return reason, _outside_strings(text, re.escape(error.literal))


def _outside_strings(text: str, pattern: str) -> int | None:
    for found in re.finditer(f"{_STRING}|({pattern})", text, re.DOTALL):
        if found[1] is not None:
            return found.start()
    return None


def _repetition(text: str) -> int | None:
    """Find the first key that its object already has; everything up to there is known to be well formed."""
    open_: list[set[str]] = []
    before = last = ""
    last_at = 0
    for found in _TOKEN.finditer(text):
        mark = found[0]
        if mark in "{[":
            open_.append(set())
        elif mark in "}]":
            open_.pop()
        elif mark == ":" and before in "{,":
            key = json.loads(last)
            if key in open_[-1]:
                return last_at
            open_[-1].add(key)
        if mark != ":":
            before, last, last_at = last, mark, found.start()
    return None


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise _Refused("a key twice in one object")
    return made


def _double(literal: str) -> float:
    value = float(literal)
    if math.isinf(value):
        raise _Refused("a number beyond the range of a double", literal)
    return value


def _constant(literal: str) -> float:
    raise _Refused("NaN or Infinity", literal)


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_float=_double, parse_constant=_constant)
