"""What a simulator can be told: the data it invents, the limits it keeps and the habits it has."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from enum import StrEnum

from resumable.simulator.json_values import Json


class Style(StrEnum):
    """How rich a conversation is."""

    FULL = "full"  # about 5 KB, the whole field model in play
    SMALL = "small"  # about 0.7 KB, one participant with one session
    LIFELIKE = "lifelike"  # about 3 KB, what happens in a contact centre, with metrics that follow from it

    @classmethod
    def _missing_(cls, value: object) -> "Style":
        raise ValueError(f"style is one of {', '.join(cls)}, not {str(value)[:20]!a}")


class Oversize(StrEnum):
    """What happens to a page size above the cap."""

    REFUSE = "refuse"  # a 400
    CLAMP = "clamp"  # the cap is used, in silence


class PastEnd(StrEnum):
    """What the records key is on a page beyond the last."""

    ABSENT = "absent"
    NULL = "null"
    EMPTY = "empty"


class Documents(StrEnum):
    """What a page of users' details has so many of."""

    NONE = "none"  # users, each with all that it has in the interval
    BY_USER = "by-user"  # documents, a period each, user after user; grouped by user on each page
    BY_TIME = "by-time"  # the same in order of time, so that a user comes on many pages


class Framing(StrEnum):
    """How the end of a body is told."""

    LENGTH = "length"  # Content-Length
    CHUNKED = "chunked"  # Transfer-Encoding: chunked
    CLOSE = "close"  # the connection is closed after it


class RateWindow(StrEnum):
    """How requests are counted against the allowance."""

    FIXED = "fixed"  # from the first request on; starts again at 0 when it is over
    SLIDING = "sliding"  # the last so many seconds, always


class JobRefusal(StrEnum):
    """How one job too many is refused."""

    TOO_MANY = "too-many"  # a 429
    BAD_REQUEST = "bad-request"  # a 400


class Lifetime(StrEnum):
    """Stands for the setting `expires_in` when the answer is to tell the truth."""

    HONEST = "honest"
    ABSENT = "absent"  # the field is missing


Latency = float | tuple[float, float] | Callable[[], float]


@dataclass(frozen=True, kw_only=True)
class SimSettings:
    """Everything that can be set; all of it can also be switched while the simulator runs."""

    # whose data it is
    organisation: str = "Simulated Support"  # its name; its id is made of name and seed
    organisation_told: bool = True  # whether a client may ask who it is; else a 403
    # the data
    seed: int = 1
    records: int = 100  # conversations on every day that `records_on` does not name
    records_on: Mapping[str, int] = field(default_factory=dict)  # "2023-10-01" -> conversations that day
    style: Style = Style.FULL
    explicit_nulls: bool = True  # full records have some leaves that are null rather than absent
    queues: int = 12
    users: int = 40
    wrapup_codes: int = 15
    cache_bytes: int = 96_000_000  # of rendered records, oldest out first
    # data that moves; truth() tells where it comes to rest
    late_share: float = 0.0  # of the records of each day; they arrive only when ...
    late_after_requests: int | None = None  # ... so many requests for pages were made, or ...
    late_after_seconds: float | None = None  # ... so long after the start or the last reset
    late_steps: int = 1  # they come in so many parts, the last of them then
    vanish_share: float = 0.0  # of the records of each day, that are served at first and do not last
    unordered_moves: bool = True  # `order: unordered` comes differently each time
    ongoing_ended: bool = False  # conversations that have no end have one, twenty days after their start
    # tokens
    client_id: str = "simulator-client"
    client_secret: str = "simulator-secret"  # noqa: S105 -- the made-up secret of a made-up organisation
    more_clients: Mapping[str, str] = field(default_factory=dict)  # further ids, each with its secret
    token_lifetime: float = 86_400.0  # seconds, for real
    expires_in: Json = Lifetime.HONEST  # what the answer says instead; any JSON
    invalid_client_status: int = 400
    # the allowance
    rate_public: int | None = 300  # requests in a window for one token; None is no limit
    rate_article: int | None = 200  # the same for one client, on the article's contract
    rate_window: float = 60.0  # seconds
    rate_kind: RateWindow = RateWindow.FIXED
    rate_headers: bool = True
    rate_headers_article: bool = False
    other_traffic: float = 0.0  # requests a second that others make on the same allowance
    retry_after: bool = True  # a 429 says how long
    # contracts
    page_size_cap: int = 100
    oversize: Oversize = Oversize.REFUSE
    deep_limit: int = 100_000  # pageNumber * pageSize
    interval_days: float = 7.0
    heavy_hours: float | None = None  # details queries over longer intervals answer 504, always
    past_end: PastEnd = PastEnd.ABSENT
    list_page_size_cap: int = 500  # entity lists use a smaller page in silence
    documents: Documents = Documents.NONE  # what users' details are paged over, and `totalHits` counts
    # jobs
    job_polls: int = 2  # times a status is asked before it says FULFILLED
    job_seconds: float = 0.0  # and the time it takes at least
    job_fails: bool = False  # new jobs end FAILED
    job_late: float = 0.0  # seconds after it was made, and after it was fulfilled, in which it is a 404
    job_life: float = 86_400.0  # seconds until a job is EXPIRED
    job_limit: int | None = 50  # jobs at once
    job_places_taken: int = 0  # of these, by the jobs of others
    job_refusal: JobRefusal = JobRefusal.TOO_MANY
    job_page_size_cap: int = 1000  # without pageSize, a page is this long
    cursor_life: float | None = None  # seconds
    cursor_replay: bool = True  # an old cursor still answers
    job_lack_share: float = 0.0  # of what a job asks for, that it does not bring and does not tell of
    watermark: datetime | None = None  # jobs know nothing after it; None is no bound
    # the wire
    latency: Latency = 0.0  # seconds, a range of them, or whatever the function says
    gzip: bool = True  # to those who ask for it
    framing: Framing = Framing.LENGTH

    def switched(self, changes: Mapping[str, Json]) -> "SimSettings":
        """Return these settings with some changed, texts of JSON turned into what the fields hold.

        Raises ValueError for a name or a value that does not exist.
        """
        known = {f.name for f in fields(self)}
        unknown = sorted(set(changes) - known)
        if unknown:
            raise ValueError(f"no such setting: {', '.join(unknown)}")
        return replace(self, **{name: _coerced(name, value) for name, value in changes.items()})


_ENUMS: Mapping[str, type[StrEnum]] = {
    "style": Style,
    "oversize": Oversize,
    "past_end": PastEnd,
    "framing": Framing,
    "documents": Documents,
    "rate_kind": RateWindow,
    "job_refusal": JobRefusal,
}


def _coerced(name: str, value: Json) -> Json:
    if name in _ENUMS:
        return _ENUMS[name](value)
    if name == "watermark" and isinstance(value, str):
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None:
            raise ValueError("watermark needs an offset, such as a final Z")
        return moment
    if name == "latency" and isinstance(value, list):
        low, high = value
        return (float(low), float(high))
    if name == "expires_in" and value in tuple(Lifetime):
        return Lifetime(value)
    return value
