"""The facts that travel between modules: what is asked for, what the server said, what is done."""

import enum
import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from resumable.errors import RANGE_HINT, NoInterval, UsageError

At = datetime | str
DAY: Final = timedelta(days=1)
USUAL_SIZE: Final = 0
"""Stands for the page size that a dataset usually has, until a spec is resolved."""
MOST_COUNTED: Final = 10**12
"""Records that a server may name: no organisation has so many, and sums over all windows stay far below 2^63."""
MOST_PAGES: Final = 10**9
"""What a page count may be: the name of a part holds ten digits."""
MOST_ON_A_PAGE: Final = 10**7
"""Records a page that a server may say that it uses: a body that is read holds fewer values than that."""


class JobState(enum.StrEnum):
    """Where a job stands."""

    PLANNED = "planned"
    """Windows are cut and nothing has been asked for yet."""
    RUNNING = "running"
    """A process is changing it now."""
    INTERRUPTED = "interrupted"
    """Its last run ended before it had tried everything: a signal, a kill, a limit, a full disk."""
    INCOMPLETE = "incomplete"
    """Its last run tried everything and some pages are missing."""
    COMPLETE = "complete"
    """Every window is complete."""


class WindowState(enum.StrEnum):
    """Where a window stands."""

    PLANNED = "planned"
    """Nothing is known about it."""
    OPEN = "open"
    """Its first page has come and named a pageCount; pages are missing or unchecked."""
    COMPLETE = "complete"
    """Every page of one snapshot is done and the closing check agreed."""


class WindowContract(enum.StrEnum):
    """By which of its two contracts a window of a dataset is taken: a job on the server, or numbered pages."""

    JOBS = "jobs"
    QUERY = "query"


class Shortfall(enum.StrEnum):
    """Why a window that was looked at is not complete, although no page of it failed."""

    CUT_OFF = "cut off"
    """The source said that its data ends before the window does: it waits until the source has it whole."""
    FEWER = "fewer"
    """Another contract counts more records in it than came."""
    FAILED = "failed"
    """The server's own job for it failed."""
    UNSETTLED = "unsettled"
    """It changed each time it was downloaded."""


class EventKind(enum.StrEnum):
    """What the manifest keeps a line about."""

    RUN_STARTED = "run started"
    RUN_ENDED = "run ended"
    SNAPSHOT = "snapshot"
    SNAPSHOT_MOVED = "snapshot moved"
    RETAKE = "retake"
    SPLIT = "split"
    PAGE_SIZE = "page size"
    SCHEMA = "schema"
    REMOTE = "remote job"
    SETTLED = "settled"
    RETRY = "retry"
    RATE_LIMITED = "rate limited"
    TOKEN = "token"  # noqa: S105 - the name of an event, not a token
    QUARANTINED = "quarantined"
    ADOPTED = "adopted"
    REMOVED = "removed"
    SIGNAL = "signal"
    DRIFT = "drift"
    CLOSING = "closing"
    ORGANISATION = "organisation"
    OUTAGE = "outage"
    COUNTED = "counted"
    CUT_OFF = "cut off"
    WARNING = "warning"


class Counter(enum.StrEnum):
    """What is counted over a job's whole life, all runs together."""

    REQUESTS = "requests"
    """API requests sent, page requests and their retries alike; token requests are counted apart."""
    RETRIES = "retries"
    """Requests sent again because the one before failed."""
    RATE_LIMITED = "rate_limited"
    """Answers with status 429."""
    TOKEN_REFRESHES = "token_refreshes"  # noqa: S105 - the name of a counter, not a token
    """Token requests that were answered with a token."""


@dataclass(frozen=True, kw_only=True, order=True)
class Interval:
    """A half-open range of time `[start, end)`, aware and in UTC, with whole milliseconds."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        """Refuse naive times and empty ranges: both would silently mean something else to the server."""
        if self.start.tzinfo is None or self.end.tzinfo is None:
            raise NoInterval("an interval needs aware times", hint=RANGE_HINT)
        if self.start >= self.end:
            raise NoInterval("an interval must end after it starts", hint=RANGE_HINT)

    @property
    def length(self) -> timedelta:
        """How long it is."""
        return self.end - self.start

    def __str__(self) -> str:
        return f"{iso(self.start)}/{iso(self.end)}"


@dataclass(frozen=True, kw_only=True)
class Query:
    """What a job asks its dataset for, apart from the range; the same query gives the same digest."""

    queues: tuple[str, ...] = ()
    divisions: tuple[str, ...] = ()
    media_types: tuple[str, ...] = ()
    directions: tuple[str, ...] = ()
    filter: str | None = None
    """Free JSON text, canonical (sorted keys, no spaces)."""
    group_by: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()
    declaration: str | None = None
    """The description of a dataset that comes from a file, canonical: a job needs the file no more."""
    privacy: str | None = None
    """What is left out of its records or hashed: a `PrivacyRules`, canonical."""
    zone: str | None = None  # whose midnights its windows begin at, as `Europe/Berlin`; None: those of UTC
    each: tuple[str, ...] = ()  # ids that there is a request for each of

    def to_json(self) -> str:
        """Return the canonical text: only what is set, keys sorted."""
        return json.dumps({k: v for k, v in asdict(self).items() if v}, sort_keys=True, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> "Query":
        """Read back what `to_json` wrote."""
        known: dict[str, Any] = json.loads(text)
        return cls(**known | {name: tuple(each) for name, each in known.items() if isinstance(each, list)})


@dataclass(frozen=True, kw_only=True)
class JobSpec:
    """What makes a job the job it is; two runs with equal specs are the same job."""

    dataset: str
    interval: Interval
    query: Query
    window: timedelta
    page_size: int

    @classmethod
    def of(
        cls,
        dataset: str,
        start: At,
        end: At,
        *,
        query: Query | None = None,
        window: timedelta = DAY,
        page_size: int = USUAL_SIZE,
    ) -> "JobSpec":
        """Make a spec from times or their ISO texts; a text without a zone is UTC. Raises UsageError.

        Without a page size it is the usual one of the dataset.
        """
        try:
            interval = Interval(start=_time(start), end=_time(end))
        except ValueError as problem:
            why = problem if isinstance(problem, NoInterval) else "these are not times"
            raise UsageError(f"{start} .. {end} is not a range: {why}.", hint=RANGE_HINT) from None
        return cls(dataset=dataset, interval=interval, query=query or Query(), window=window, page_size=page_size)

    def to_json(self) -> str:
        """Return the canonical text, from which `from_json` makes the same spec."""
        facts = {
            "dataset": self.dataset,
            "from": iso(self.interval.start),
            "to": iso(self.interval.end),
            "query": json.loads(self.query.to_json()),
            "window_ms": self.window // timedelta(milliseconds=1),
            "page_size": self.page_size,
        }
        return json.dumps(facts, sort_keys=True, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> "JobSpec":
        """Read back what `to_json` wrote. Raises ValueError, KeyError or TypeError for anything else."""
        facts = json.loads(text)
        return cls(
            dataset=facts["dataset"],
            interval=Interval(start=moment_of(facts["from"]), end=moment_of(facts["to"])),
            query=Query.from_json(json.dumps(facts["query"])),
            window=timedelta(milliseconds=facts["window_ms"]),
            page_size=facts["page_size"],
        )

    @property
    def digest(self) -> str:
        """Identify dataset, query and page size (not the range, which may grow) in 64 hex digits."""
        text = json.dumps([self.dataset, self.query.to_json(), self.page_size])
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """What a window was planned from: `number` counts the takes from 1, `total` is records where the server tells."""

    number: int
    page_count: int
    total: int | None
    page_size: int | None = None
    """Records a page, where the server says that it uses another size than was asked for."""


@dataclass(frozen=True, kw_only=True)
class Window:
    """One half-open slice of the job, as the manifest knows it."""

    id: int
    interval: Interval
    state: WindowState
    take: int
    """The number of the snapshot being taken, from 1."""
    snapshot: Snapshot | None
    """None until the first page of this take has come."""
    fingerprint: bytes | None
    """Of the record keys of the take before, to see two snapshots agree; None on the first take."""
    records: int = 0
    """Rows in the pages done of this take."""
    asked_size: int | None = None
    """The page size that it is asked with, where the job's was too large for it."""


@dataclass(frozen=True, kw_only=True)
class PageKey:
    """Names one page of one take of a window; `number` counts from 1."""

    window: Interval
    take: int
    number: int

    def __str__(self) -> str:
        return f"{label(self.window)} page {self.number}"


@dataclass(frozen=True, kw_only=True)
class Said:
    """What an answer said about paging; None where it said nothing."""

    page_count: int | None = None
    total: int | None = None
    page_number: int | None = None
    page_size: int | None = None
    page_rows: int | None = None
    """Records that every page but the last must have, where a shorter one would mean that some were passed over."""
    cursor: str | None = None
    """Stands for the next page, where the contract counts none."""
    available_to: datetime | None = None
    """The server's data is not whole past this time."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """One request to the API host, without its Authorization: path begins with a slash, `body` becomes JSON."""

    method: str
    path: str
    params: "Mapping[str, str | tuple[str, ...]]" = field(default_factory=dict)  # a tuple: so many times that name
    body: Mapping[str, Any] | None = None


@dataclass(frozen=True, kw_only=True)
class PartFact:
    """What is recorded of a durable part: its rows, its size in bytes and its SHA-256 (32 bytes)."""

    rows: int
    size: int
    sha256: bytes


@dataclass(frozen=True, kw_only=True)
class Organisation:
    """Whose data a job holds, as far as it is known."""

    origin: str
    """The API's scheme, host and port, such as `https://api.mypurecloud.de`."""
    id: str | None = None
    """The server's own id of the organisation; None where the client may not ask, or the API has none."""
    name: str | None = None
    client: str | None = None
    """A digest of the client id, in 16 hex digits: it tells clients apart, and shows none."""


@dataclass(frozen=True, kw_only=True)
class Event:
    """One line of a job's history."""

    at: datetime
    kind: EventKind
    text: str


def iso(moment: datetime) -> str:
    """Write a moment as Genesys does: `2023-10-01T00:00:00.000Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def moment_of(text: str) -> datetime:
    """Read what `iso` wrote. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} names no zone")
    return moment.astimezone(UTC)


def _time(given: At) -> datetime:
    moment = datetime.fromisoformat(given) if isinstance(given, str) else given
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None and isinstance(given, str) else moment


def label(window: Interval) -> str:
    """Name a window for a person: its day when it is a whole day, else its start and end."""
    if window.length == DAY and window.start.time() == datetime.min.time():
        return window.start.strftime("%Y-%m-%d")
    return f"{window.start:%Y-%m-%dT%H:%M}..{window.end:%Y-%m-%dT%H:%M}"
