"""How many record keys differ, among any number of them, in memory for a few.

What does not fit is put down sorted, so that all that lies in one slice of the numbers can be brought together again.
Every hash is asked for once, however many there are.
"""

import bisect
from array import array
from itertools import pairwise
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from resumable.storage.scratch import Scratch, Span

AT_ONCE: Final = 200_000
"""Hashes held and sorted at once, at up to 32 bytes each."""


class Distinct:
    """Counts the different ones among numbers of 64 bits that are evenly spread, as hashes are."""

    def __init__(self, scratch: Scratch, *, total: int, at_once: int = AT_ONCE) -> None:
        """Expect about `total` numbers; what is not held goes to the scratch file."""
        slices = max(1, -(-total // at_once))
        self._bounds = [-(-(place << 64) // slices) for place in range(1, slices)]
        self._scratch, self._at_once = scratch, at_once
        self._held = array("Q")
        self._slices: list[list[Span]] = [[] for _ in range(slices)]
        """Of each slice, where its numbers lie: sorted ones in each place."""

    def add(self, numbers: "array[int]") -> None:
        """Add some of the numbers. Raises StorageFailed."""
        self._held.extend(numbers)
        if len(self._held) >= self._at_once and self._bounds:
            self._put_down()

    def count(self) -> int:
        """Return how many different ones were taken in. Raises StorageFailed."""
        if not self._slices[0]:
            return _different(_sorted(self._held))
        self._put_down()
        return sum(_different(_sorted(self._brought_together(places))) for places in self._slices)

    def _put_down(self) -> None:
        ranked = array("Q")
        ranked.frombytes(_sorted(self._held).buffers()[1])
        self._held = array("Q")
        span = self._scratch.put(ranked)
        cuts = [0, *(bisect.bisect_left(ranked, bound) for bound in self._bounds), len(ranked)]
        for places, (begin, end) in zip(self._slices, pairwise(cuts), strict=True):
            places.append(span.part(begin, end))

    def _brought_together(self, places: list[Span]) -> "array[int]":
        found = array("Q")
        for place in places:
            found.extend(self._scratch.get(place))
        return found


def _sorted(numbers: "array[int]") -> pa.Array:
    # By places: 24 bytes each. Arrow's own count of what is distinct takes 113 MB from 200,000 on.
    column = pa.Array.from_buffers(pa.uint64(), len(numbers), [None, pa.py_buffer(numbers)])
    return column.take(pc.array_sort_indices(column))


def _different(ranked: pa.Array) -> int:
    return len(ranked) and 1 + (pc.sum(pc.not_equal(ranked[1:], ranked[:-1])).as_py() or 0)
