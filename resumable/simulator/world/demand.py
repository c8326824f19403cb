"""When people call: the shapes of weeks and days, for conversations that an analyst believes."""

import random
from array import array

from resumable.simulator.world.times import DAY_MS

HOUR_MS = 3_600_000
_HOURS = (3, 2, 2, 2, 3, 8, 25, 60, 105, 125, 130, 115, 95, 100, 115, 110, 95, 75, 50, 35, 22, 14, 8, 5)
"""Conversations that begin in each hour, UTC, in proportion: two peaks, and lunch between them."""

_WEEK = (1.2, 1.08, 1.0, 0.98, 0.92, 0.42, 0.24)
"""Of an ordinary day, from Monday on."""

_EPOCH_WEEKDAY = 3  # 1970-01-01 was a Thursday


def how_many(records: int, day: int) -> int:
    """Return how many conversations begin on a day, where an ordinary one has so many."""
    return round(records * _WEEK[(day + _EPOCH_WEEKDAY) % 7])


def starts(count: int, rng: random.Random) -> "array[int]":
    """Return when conversations begin within a day, in order, no two in the same millisecond."""
    total = sum(_HOURS)
    bounds = [0.0]
    for weight in _HOURS:
        bounds.append(bounds[-1] + weight / total)
    found = array("I")
    hour, last = 0, -1
    for number in range(count):
        share = (number + rng.random()) / count
        while hour < 23 and share >= bounds[hour + 1]:
            hour += 1
        within = (share - bounds[hour]) / (bounds[hour + 1] - bounds[hour])
        last = max(last + 1, int((hour + within) * HOUR_MS))
        found.append(min(last, DAY_MS - 1))
    return found


def pressure(start_ms: int) -> float:
    """Return how likely a queue is crowded at a moment of the day, 0 to 1."""
    return 0.1 + 0.6 * _HOURS[start_ms // HOUR_MS % 24] / max(_HOURS)
