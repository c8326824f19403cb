"""The request log: what was asked and answered, without any token or secret."""

import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace

from resumable.simulator.json_values import Json
from resumable.simulator.messages import Kind


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One request. Times are monotonic seconds."""

    sequence: int
    at: float
    kind: Kind
    method: str
    path: str
    query: Mapping[str, list[str]] = field(default_factory=dict)
    interval: str | None = None  # as sent; "from/to" for the article's contract
    page: int | None = None
    page_size: int | None = None
    cursor: str | None = None
    job: str | None = None
    body: Json = None  # the JSON body of an analytics request; never that of a token request
    token: str | None = None  # the id of the token that it carried: t1, t2, ...
    issued: str | None = None  # the id of the token that it was given
    status: int = 0  # 0 if the connection was reset before anything was done
    latency: float = 0.0  # the delay that was planned
    faults: tuple[str, ...] = ()
    rate_count: int | None = None
    sent_bytes: int = 0
    delivered: bool | None = None  # None while it is being answered, False if the client left or a fault cut it
    done_at: float | None = None


class Log:
    """A thread-safe list of requests in the order of their arrival."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: list[Entry] = []
        self._sequence = 0

    def next_sequence(self) -> int:
        """Return the number of a request that has just arrived."""
        with self._lock:
            self._sequence += 1
            return self._sequence

    def add(self, entry: Entry) -> None:
        """Keep a request whose answer is decided."""
        with self._lock:
            self._entries.append(entry)

    def finish(self, sequence: int, *, sent_bytes: int, delivered: bool, done_at: float) -> None:
        """Keep how the answer went out."""
        with self._lock:
            for index in range(len(self._entries) - 1, -1, -1):
                entry = self._entries[index]
                if entry.sequence == sequence:
                    self._entries[index] = replace(entry, sent_bytes=sent_bytes, delivered=delivered, done_at=done_at)
                    return

    def entries(self, *kinds: Kind) -> list[Entry]:
        """Return all requests so far, or those of some kinds, in the order of their arrival."""
        with self._lock:
            chosen = [e for e in self._entries if not kinds or e.kind in kinds]
        return sorted(chosen, key=lambda e: e.sequence)

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries())

    def __len__(self) -> int:
        with self._lock:
            return len(self._entries)

    def counts(self) -> Counter[str]:
        """Return how many requests there were of each kind."""
        return Counter(entry.kind.value for entry in self.entries())

    def statuses(self, *kinds: Kind) -> Counter[int]:
        """Return how many answers there were of each status."""
        return Counter(entry.status for entry in self.entries(*kinds))

    def count(self, *kinds: Kind, status: int | None = None) -> int:
        """Return how many requests of some kinds there were, of one answered status if given."""
        return sum(1 for entry in self.entries(*kinds) if status in (None, entry.status))

    def pages(self) -> Counter[tuple[str | None, int | None]]:
        """Return how often each (interval, page) went out whole and sound: more than 1 was asked for again."""
        sound = (e for e in self.entries() if e.status == 200 and e.delivered and not e.faults)
        return Counter((e.interval, e.page) for e in sound if e.page is not None)

    def peak(self) -> int:
        """Return the most requests that were being answered at one moment."""
        edges = [(e.at, 1) for e in self.entries()] + [(e.done_at, -1) for e in self.entries() if e.done_at is not None]
        best = now = 0
        for _, step in sorted(edges):
            now += step
            best = max(best, now)
        return best

    def clear(self) -> None:
        """Forget all requests; numbers go on."""
        with self._lock:
            self._entries.clear()

    def as_json(self) -> list[dict[str, Json]]:
        """Return all requests as JSON objects."""
        return [asdict(entry) for entry in self.entries()]
