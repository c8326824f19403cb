"""Faults: what goes wrong, on which requests, and how often. One mechanism for all of them."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum

from resumable.simulator.json_values import Json
from resumable.simulator.messages import Kind
from resumable.simulator.settings import Framing
from resumable.simulator.world.names import seeded


class FaultKind(StrEnum):
    """What goes wrong. In brackets: the fields of Fault that it reads."""

    # the answer is another
    STATUS = "status"  # an error [status, headers, body, content_type]
    HTML = "html"  # a page of HTML [status]
    REDIRECT = "redirect"  # to another address [status, location]
    REVOKE = "revoke"  # every token so far is revoked, and so this request gets its 401
    CURSOR_GONE = "cursor-gone"  # results: a 400, the cursor is not valid any more
    JOB_FAILED = "job-failed"  # the job that is asked about ends as [value: FAILED, CANCELLED, EXPIRED]
    # the answer comes late
    SLOW = "slow"  # before the answer [seconds]
    STALL = "stall"  # after so many bytes of the body, None: before the status line [seconds, at]
    DRIP = "drip"  # a few bytes at a time [part: "headers" or "body", seconds (pause), size (bytes), at]
    # the body is another
    BODY = "body"  # these bytes instead [body]
    EMPTY = "empty"  # nothing
    BAD_UTF8 = "bad-utf8"  # bytes that are no UTF-8 inside a string
    BOM = "bom"  # a byte order mark in front
    NAN = "nan"  # NaN as a value
    DUPLICATE_KEYS = "duplicate-keys"  # the records key a second time, empty
    WRONG_TYPES = "wrong-types"  # an object where the list belongs, text for the total
    BIG = "big"  # padded with blanks to [size]
    NESTED = "nested"  # lists in lists, so deep [size]
    ENDLESS = "endless"  # a body without an end; stops when the client leaves or at [size]
    GZIP_BOMB = "gzip-bomb"  # a little gzip that grows to [size]
    HEADER = "header"  # more headers [headers]
    # the records or what is said about them are others
    RECORDS_MISSING = "records-missing"  # no records key
    RECORDS_NULL = "records-null"
    RECORDS_EMPTY = "records-empty"
    WRONG_PAGE = "wrong-page"  # another page, which says so where the contract echoes a number [by]
    OTHER_PAGE = "other-page"  # another page's records under the number asked for [by]
    REPEAT = "repeat"  # so many records of the page before come first, the last ones fall off [by]
    DUPLICATE = "duplicate"  # the last so many records of the page before come as well [by]
    SHIFT = "shift"  # the page begins so many records later [by]
    DROP = "drop"  # the last so many records are left out [by]
    CHANGED = "changed"  # the records differ in content each time
    FIELD = "field"  # a leaf has this value, new or not [path, value, by: in so many records; 0 is all]
    ANSWER_FIELD = "answer-field"  # the same beside the records, such as nextUri or access_token [path, value]
    TOTAL = "total"  # total, totalHits or pageCount is [value]; ABSENT leaves it out
    TOTAL_BY = "total-by"  # the same is off [by]
    TOTAL_FLAP = "total-flap"  # the same is off by up to so many, differently each time [by]
    CURSOR_CIRCLE = "cursor-circle"  # the answer names the first cursor that its job ever gave
    REPEATED_CURSOR = "repeated-cursor"  # the answer names the cursor that was asked with
    # the wire breaks
    RESET_BEFORE = "reset-before"  # connection reset, nothing was done
    LOST_ANSWER = "lost-answer"  # connection reset, but all was done (a job exists)
    RESET_AFTER_HEADERS = "reset-after-headers"
    RESET_INSIDE = "reset-inside"  # after so many bytes of the body [at; negative from the end, default half]
    CUT = "cut"  # closed in good order after so many bytes [at, framing: length, chunked, close, gzip]

    @classmethod
    def _missing_(cls, value: object) -> "FaultKind":
        raise ValueError(f"there is no kind of fault {str(value)[:30]!a}; there are {', '.join(cls)}")


WIRE_FAULTS = frozenset(
    {
        FaultKind.STALL,
        FaultKind.DRIP,
        FaultKind.ENDLESS,
        FaultKind.GZIP_BOMB,
        FaultKind.RESET_BEFORE,
        FaultKind.LOST_ANSWER,
        FaultKind.RESET_AFTER_HEADERS,
        FaultKind.RESET_INSIDE,
        FaultKind.CUT,
    }
)
"""What goes wrong on the wire, after the answer is decided."""


DEFAULT_SIZES: Mapping[FaultKind, int] = {
    FaultKind.DRIP: 16,
    FaultKind.BIG: 50_000_000,
    FaultKind.NESTED: 100_000,
    FaultKind.ENDLESS: 2_000_000_000,
    FaultKind.GZIP_BOMB: 300_000_000,
}
ABSENT = "__absent__"  # the value of a TOTAL fault that leaves the field out


@dataclass(frozen=True, kw_only=True)
class Match:
    """Which requests a fault is for; all that is given must hold."""

    kinds: tuple[Kind, ...] = ()  # none is all but the token endpoint
    path: str | None = None  # a part of the path
    pages: tuple[int, ...] = ()
    window: str | None = None  # a part of the interval, such as 2023-10-01T
    nth: tuple[int, ...] = ()  # of the requests that match so far, counted from 1
    every: int | None = None  # of the same, each so manieth
    probability: float = 1.0  # by the seed of the settings, the same in each run with the same requests

    def covers(self, facts: "RequestFacts") -> bool:
        """Tell whether a request is of the kind meant, before anything is counted."""
        if facts.kind not in self.kinds if self.kinds else facts.kind is Kind.TOKEN:
            return False
        return (
            (self.path is None or self.path in facts.path)
            and (not self.pages or facts.page in self.pages)
            and (self.window is None or self.window in (facts.interval or ""))
        )


@dataclass(frozen=True, kw_only=True)
class RequestFacts:
    """What a fault may look at."""

    kind: Kind
    path: str
    page: int | None
    interval: str | None


@dataclass(frozen=True, kw_only=True)
class SimFault:
    """Something that goes wrong, on requests that match, so many times (None is for ever)."""

    kind: FaultKind
    on: Match = field(default_factory=Match)
    times: int | None = 1
    status: int = 503
    headers: tuple[tuple[str, str], ...] = ()
    body: str | bytes | None = None
    content_type: str | None = None
    location: str = ""
    seconds: float = 1.0
    at: int | None = None
    size: int | None = None  # what is meant without it is said in DEFAULT_SIZES
    part: str = "body"
    framing: Framing | str = Framing.LENGTH
    by: int = 1
    path: str = ""
    value: Json = None

    @property
    def extent(self) -> int:
        """The size that is meant."""
        return DEFAULT_SIZES.get(self.kind, 0) if self.size is None else self.size

    @classmethod
    def from_json(cls, given: Mapping[str, Json]) -> "SimFault":
        """Read a fault from JSON; raises ValueError for what is none."""
        content = dict(given)
        unknown = set(content) - {f.name for f in fields(cls)}
        if unknown or "kind" not in content:
            raise ValueError(f"not a fault: {', '.join(sorted(unknown)) or 'kind is missing'}")
        content["kind"] = FaultKind(content["kind"])
        on = dict(content.pop("on", {}))
        try:
            on |= {"kinds": tuple(Kind(k) for k in on.get("kinds", ()))}
            on |= {name: tuple(on[name]) for name in ("pages", "nth") if name in on}
            content["headers"] = tuple((str(k), str(v)) for k, v in content.get("headers", ()))
            return cls(on=Match(**on), **content)
        except TypeError as problem:
            raise ValueError(f"not a fault: {problem}") from problem


@dataclass
class _Active:
    fault: SimFault
    number: int
    seen: int = 0
    fired: int = 0


class FaultBook:
    """The faults that are active, each with its own count."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._lock = threading.Lock()
        self._active: list[_Active] = []
        self._added = 0

    def add(self, *faults: SimFault) -> None:
        """Make faults active."""
        with self._lock:
            for fault in faults:
                self._added += 1
                self._active.append(_Active(fault, self._added))

    def clear(self) -> None:
        """Make nothing go wrong any more."""
        with self._lock:
            self._active.clear()

    def fired(self) -> dict[str, int]:
        """Return how often the faults that are active have struck, by kind."""
        with self._lock:
            found: dict[str, int] = {}
            for active in self._active:
                found[active.fault.kind] = found.get(active.fault.kind, 0) + active.fired
            return found

    def pick(self, facts: RequestFacts) -> list[SimFault]:
        """Return the faults that strike this request, and count them."""
        with self._lock:
            return [active.fault for active in self._active if self._strikes(active, facts)]

    def _strikes(self, active: _Active, facts: RequestFacts) -> bool:
        fault, on = active.fault, active.fault.on
        if (fault.times is not None and active.fired >= fault.times) or not on.covers(facts):
            return False
        active.seen += 1
        if on.nth and active.seen not in on.nth:
            return False
        if on.every and active.seen % on.every:
            return False
        if on.probability < 1.0:
            dice = seeded("fault", self._seed, active.number, facts.kind, facts.interval, facts.page, active.seen)
            if dice.random() >= on.probability:
                return False
        active.fired += 1
        return True
