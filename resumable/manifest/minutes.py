"""How a job went, minute by minute: one small row each, written with what is written anyway, and never too many."""

import itertools
import threading
from collections import Counter as Tally
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from resumable.clock import Clock
from resumable.manifest import tables
from resumable.manifest.connection import Connection
from resumable.manifest.histogram import BUCKETS, Latencies, bucket_of
from resumable.manifest.rows import moment, sensible, to_ms
from resumable.models import Counter

MINUTE_MS = 60_000

WRITE_SECONDS = 5.0
"""So much of what is only counted in memory is lost by a kill."""

_COUNTED = tuple(counter.value for counter in Counter)
_SUMMED = ("pages", *_COUNTED)
_COLUMNS = ", ".join(("at_ms", "length", *_SUMMED, "allowed", "latency"))
_WRITE = (
    f"INSERT INTO minute ({_COLUMNS}) VALUES ({', '.join('?' * (len(_SUMMED) + 4))})"  # noqa: S608 - constants
    " ON CONFLICT DO UPDATE SET allowed = excluded.allowed, latency = excluded.latency, "
    + ", ".join(f"{name} = {name} + excluded.{name}" for name in _SUMMED)
)


USED_BY_OTHERS = "used_by_others"
"""The counter that is no sum: requests in the server's newest minute that were not this process's."""

_OTHERS = "INSERT INTO counter VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value"


@dataclass(frozen=True, kw_only=True)
class MinuteRow:
    """What happened in a minute of the job's life, or in several that were folded into one row."""

    at: datetime
    length: int
    """In minutes."""
    pages: int
    counts: dict[Counter, int]
    allowed: float
    """Requests a minute that could be sent; 0 where nothing had told yet."""
    latencies: Latencies


@dataclass(kw_only=True)
class _PendingMinute:
    """What of a minute is not written yet."""

    counts: Tally[str] = field(default_factory=Tally)
    latencies: list[int] = field(default_factory=lambda: [0] * BUCKETS)
    allowed: float = 0.0


class Minutes:
    """Counts in memory, and adds to the rows of the minutes now and then. Safe to use from all threads of a process."""

    def __init__(self, db: Connection, clock: Clock) -> None:
        """Nothing is read before something is to be written."""
        self._db = db
        self._clock = clock
        self._lock = threading.Lock()
        self._pending: dict[int, _PendingMinute] = {}
        self._length: int | None = None
        self._written = clock.monotonic()
        self._others: int | None = None

    def answered(self, seconds: float, *, allowed: float, others: int | None = None) -> None:
        """Take in an answer, so many seconds after it was asked for; nothing is written yet."""
        bucket = bucket_of(seconds)
        with self._lock:
            now = self._now()
            now.latencies[bucket] += 1
            now.allowed = allowed
            self._others = others

    def add(self, what: str) -> None:
        """Count something, inside `atomic`: with that transaction all is written where some time has passed."""
        with self._lock:
            self._now().counts[what] += 1
            another = len(self._pending) > 1
        if another or self._clock.monotonic() - self._written >= WRITE_SECONDS:
            self.write()

    def write(self) -> None:
        """Add what was counted to its rows, inside `atomic`."""
        with self._lock:
            pending, self._pending = self._pending, {}
        self._written = self._clock.monotonic()
        for minute, counted in sorted(pending.items()):
            self._write(minute, counted)
        if self._others is not None:
            self._db.execute(_OTHERS, (USED_BY_OTHERS, self._others))

    def _now(self) -> "_PendingMinute":
        return self._pending.setdefault(to_ms(self._clock.now()) // MINUTE_MS * MINUTE_MS, _PendingMinute())

    def _write(self, minute: int, counted: "_PendingMinute") -> None:
        if self._length is None:
            self._length = int(self._db.value("SELECT max(length) FROM minute") or 1)
        at = minute // (self._length * MINUTE_MS) * self._length * MINUTE_MS
        latencies = Latencies(counts=tuple(counted.latencies))
        before = self._db.rows("SELECT latency, allowed FROM minute WHERE at_ms = ?", (at,))
        for packed, _ in before:
            with sensible("a minute", self._db.path):
                latencies += Latencies.unpacked(packed)
        allowed = counted.allowed or (before[0][1] if before else 0.0)
        named = (counted.counts[name] for name in _SUMMED)
        self._db.execute(_WRITE, (at, self._length, *named, allowed, latencies.packed()))
        if not before:
            self._fold()

    def _fold(self) -> None:
        """Make rows of twice the length where there are too many."""
        if int(self._db.value("SELECT count(*) FROM minute")) <= tables.MINUTES_KEPT:
            return
        self._length = 2 * int(self._db.value("SELECT max(length) FROM minute"))
        with sensible("a minute", self._db.path):
            rows = read(self._db)
        groups = _grouped(rows, self._length * MINUTE_MS)
        folded = [_folded(group, at, self._length) for at, group in groups]
        self._db.execute("DELETE FROM minute")
        self._db.insert_many(_WRITE, iter(folded))


def read(db: Connection) -> list[MinuteRow]:
    """Return all rows, by time. Raises ValueError or TypeError for what makes no sense."""
    return [_row(row) for row in db.rows(f"SELECT {_COLUMNS} FROM minute ORDER BY at_ms")]  # noqa: S608 - constants


def _row(row: tuple[Any, ...]) -> MinuteRow:
    at, length, pages, *counts, allowed, latency = row
    return MinuteRow(
        at=moment(at),
        length=length,
        pages=pages,
        counts=dict(zip(Counter, counts, strict=True)),
        allowed=allowed,
        latencies=Latencies.unpacked(latency),
    )


def _grouped(rows: list[MinuteRow], span: int) -> Iterable[tuple[int, list[MinuteRow]]]:
    for at, group in itertools.groupby(rows, lambda row: to_ms(row.at) // span * span):
        yield at, list(group)


def _folded(rows: list[MinuteRow], at: int, length: int) -> tuple[Any, ...]:
    latencies = sum((row.latencies for row in rows), Latencies())
    counts = (sum(row.counts[counter] for row in rows) for counter in Counter)
    allowed = max(row.allowed for row in rows)
    return (at, length, sum(row.pages for row in rows), *counts, allowed, latencies.packed())
