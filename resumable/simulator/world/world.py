"""The seeded world: which conversations exist, which of them a query selects, and their bytes.

Records of one day are numbered in the order of their starts, and no two start in the same millisecond, so a number is
a position and a page is a slice.
"""

import json
import random
import threading
from array import array
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from resumable.simulator.json_values import Json
from resumable.simulator.settings import SimSettings, Style
from resumable.simulator.world import demand
from resumable.simulator.world.conversations import CROWDED, ONGOING_MS, make_shapes
from resumable.simulator.world.filters import Filter
from resumable.simulator.world.names import digest, seeded, uuid_text
from resumable.simulator.world.organisation import SimOrganisation
from resumable.simulator.world.times import DAY_MS, day_of, touched_days

MOST_RECORDS_A_DAY = 5_000_000
Ref = tuple[int, int]  # (number of the day since 1970, position within the day)
_T = TypeVar("_T")


class Matching(StrEnum):
    """Which conversations belong to an interval."""

    DAY = "day"  # active in it, and started on a UTC day that it touches
    LIFETIME = "lifetime"  # active in it, whenever they started


class RecordOrder(StrEnum):
    """How a selection is sorted."""

    ASC = "asc"
    DESC = "desc"
    UNORDERED = "unordered"


@dataclass(frozen=True, kw_only=True)
class Selector:
    """What a query asks for, apart from the page. `digest` stands for the filter in the cache."""

    start_ms: int
    end_ms: int
    filter: Filter
    digest: Hashable
    matching: Matching = Matching.DAY
    order: RecordOrder = RecordOrder.ASC
    by_end: bool = False
    before_ms: int | None = None  # records that start later are not known yet


class Selection:
    """The records that a query selects, in its order."""

    def __init__(self, chunks: list[tuple[int, Sequence[int]]]) -> None:
        self._chunks = [(day, numbers) for day, numbers in chunks if numbers]
        self.count = sum(len(numbers) for _, numbers in self._chunks)

    def slice(self, start: int, size: int) -> list[Ref]:
        """Return the records from a position on, fewer at the end."""
        found: list[Ref] = []
        for day, numbers in self._chunks:
            if start >= len(numbers):
                start -= len(numbers)
                continue
            part = numbers[start : start + size - len(found)]
            found += [(day, number) for number in part]
            start = 0
            if len(found) >= size:
                break
        return found

    def __iter__(self) -> Iterator[Ref]:
        return ((day, number) for day, numbers in self._chunks for number in numbers)

    def reversed(self) -> "Selection":
        """Return the same records the other way round."""
        return Selection([(day, numbers[::-1]) for day, numbers in reversed(self._chunks)])

    @classmethod
    def of(cls, refs: list[Ref]) -> "Selection":
        """Return a selection of these records in this order."""
        return cls([(day, (number,)) for day, number in refs])


@dataclass(frozen=True, slots=True)
class WorldDay:
    """The records of one UTC day: for each its start within the day, its shape, and whether it comes or goes."""

    number: int
    starts_ms: "array[int]"
    shapes: bytes
    late: Mapping[int, int]  # record -> the stage from which on it is there
    vanishing: frozenset[int]

    def members(self, *, stage: int, last: int) -> Sequence[int]:
        """Return the records that exist at a stage of the data; at the last one it has come to rest."""
        gone = self.vanishing if stage >= last else {n for n, step in self.late.items() if step > stage}
        if not gone:
            return range(len(self.shapes))
        return array("I", (n for n in range(len(self.shapes)) if n not in gone))


class Cache(Generic[_T]):
    """A bounded, thread-safe memory of what was used last."""

    def __init__(self, limit: int, weigh: Callable[[_T], int] = lambda _: 1) -> None:
        self._limit, self._weigh, self._weight = limit, weigh, 0
        self._entries: OrderedDict[Hashable, _T] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], _T]) -> _T:
        """Return what is kept under the key, made now if it is not."""
        with self._lock:
            if key in self._entries:
                self._entries.move_to_end(key)
                return self._entries[key]
        made = make()
        with self._lock:
            if key not in self._entries:
                self._entries[key] = made
                self._weight += self._weigh(made)
            while self._weight > self._limit and len(self._entries) > 1:
                self._weight -= self._weigh(self._entries.popitem(last=False)[1])
        return made

    def values(self) -> list[_T]:
        """Return all that is kept."""
        with self._lock:
            return list(self._entries.values())


class World:
    """All conversations of a seed."""

    def __init__(self, settings: SimSettings) -> None:
        self.settings = settings
        self.organisation = SimOrganisation.of(settings)
        self.shapes = make_shapes(
            settings.style, self.organisation, nulls=settings.explicit_nulls, ended=settings.ongoing_ended
        )
        self._lifetimes = [shape.lifetime_ms for shape in self.shapes]
        self.reach_ms = max(ONGOING_MS, *self._lifetimes)  # no conversation is active for longer after its start
        self._days: Cache[WorldDay] = Cache(64)
        self._selections: Cache[Selection] = Cache(64)
        self._records: Cache[bytes] = Cache(settings.cache_bytes, len)
        self._records_on = {day_of(day): count for day, count in settings.records_on.items()}

    @property
    def last_stage(self) -> int:
        """The stage at which the data has come to rest; it begins at stage 0."""
        return max(1, self.settings.late_steps)

    def day(self, number: int) -> WorldDay:
        """Return the records of a day."""
        return self._days.get(number, lambda: self._make_day(number))

    def _make_day(self, number: int) -> WorldDay:
        lifelike = self.settings.style is Style.LIFELIKE
        usual = demand.how_many(self.settings.records, number) if lifelike else self.settings.records
        count = min(self._records_on.get(number, usual), MOST_RECORDS_A_DAY)
        rng = seeded("day", self.settings.seed, number)
        starts = demand.starts(count, rng) if lifelike else _evenly(count, rng)
        shapes = rng.randbytes(count)
        if lifelike:
            crowded = (rng.random() < demand.pressure(start) for start in starts)
            shapes = bytes(shape % CROWDED + CROWDED * full for shape, full in zip(shapes, crowded, strict=True))
        late = {n: 1 + n % self.last_stage for n in self._some("late", number, count, self.settings.late_share)}
        vanishing = self._some("vanishing", number, count, self.settings.vanish_share) - late.keys()
        return WorldDay(number, starts, shapes, late, vanishing)

    def _some(self, what: str, number: int, count: int, share: float) -> frozenset[int]:
        if share <= 0:
            return frozenset()
        rng = seeded(what, self.settings.seed, number)
        return frozenset(n for n in range(count) if rng.random() < share)

    def identity(self, ref: Ref) -> int:
        """Return the number from which all identifiers of a record derive."""
        return digest("conversation", self.settings.seed, *ref)

    def record_id(self, ref: Ref) -> str:
        """Return the conversationId of a record."""
        return uuid_text(self.identity(ref))

    def start_ms(self, ref: Ref) -> int:
        """Return when a record's conversation started."""
        return ref[0] * DAY_MS + self.day(ref[0]).starts_ms[ref[1]]

    def find(self, conversation_id: str) -> Ref | None:
        """Return where a conversation is, if its day was looked at lately."""
        for day in self._days.values():
            for number in range(len(day.shapes)):
                if self.record_id((day.number, number)) == conversation_id:
                    return (day.number, number)
        return None

    def render(self, ref: Ref, *, attributes: bool) -> bytes:
        """Return a record's JSON."""
        return self._records.get((ref, attributes), lambda: self._fill(ref, attributes))

    def _fill(self, ref: Ref, attributes: bool) -> bytes:
        day = self.day(ref[0])
        shape = self.shapes[day.shapes[ref[1]]]
        template = shape.with_attributes if attributes else shape.without_attributes
        return template.fill(ref[0] * DAY_MS + day.starts_ms[ref[1]], self.identity(ref))

    def select(self, selector: Selector, *, stage: int) -> Selection:
        """Return the records that a query selects."""
        key = (
            selector.start_ms,
            selector.end_ms,
            selector.digest,
            selector.matching,
            selector.order,
            selector.by_end,
            selector.before_ms,
            stage,
        )
        return self._selections.get(key, lambda: self._select(selector, stage))

    def _select(self, selector: Selector, stage: int) -> Selection:
        days = touched_days(selector.start_ms, selector.end_ms)
        if selector.matching is Matching.LIFETIME:
            days = range(days.start - -(-self.reach_ms // DAY_MS), days.stop)
        chunks = [(number, self._select_day(self.day(number), selector, stage)) for number in days]
        selection = Selection(chunks)
        if selector.by_end:
            selection = Selection.of(sorted(selection, key=self._end_key))
        return selection.reversed() if selector.order is RecordOrder.DESC else selection

    def _end_key(self, ref: Ref) -> tuple[int, str]:
        day = self.day(ref[0])
        return (self.start_ms(ref) + self._lifetimes[day.shapes[ref[1]]], self.record_id(ref))

    def _select_day(self, day: WorldDay, selector: Selector, stage: int) -> Sequence[int]:
        numbers = day.members(stage=stage, last=self.last_stage)
        base = day.number * DAY_MS
        low, high = selector.start_ms - base, selector.end_ms - base
        if selector.before_ms is not None:
            high = min(high, selector.before_ms - base)
        if low > 0 or high < DAY_MS:
            numbers = self._active(day, numbers, low, high)
        if not selector.filter.tests:
            return numbers
        if selector.filter.by_shape:
            admitted = [selector.filter.admits(shape.content) for shape in self.shapes]
            return array("I", (n for n in numbers if admitted[day.shapes[n]]))
        return array("I", (n for n in numbers if selector.filter.admits(self._parsed((day.number, n)))))

    def _active(self, day: WorldDay, numbers: Sequence[int], low: int, high: int) -> Sequence[int]:
        starts, shapes, lifetimes = day.starts_ms, day.shapes, self._lifetimes
        return array("I", (n for n in numbers if starts[n] < high and starts[n] + lifetimes[shapes[n]] >= low))

    def _parsed(self, ref: Ref) -> Json:
        return json.loads(self._fill(ref, attributes=True))


def _evenly(count: int, rng: random.Random) -> "array[int]":
    slot = DAY_MS / count if count else 0.0
    room = int(slot)
    return array("I", (int(n * slot) + int(rng.random() * room) for n in range(count)))
