"""How many record keys differ, among any number of them, in memory for a few.

What does not fit goes to a file without a name, each of its runs sorted, so that all that lies in one slice of the
numbers can be brought together again. Every hash is asked for once, however many there are.
"""

import bisect
import contextlib
import tempfile
from array import array
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, Self

import pyarrow as pa
import pyarrow.compute as pc

from resumable import durable

AT_ONCE: Final = 200_000
"""Hashes held and sorted at once, at up to 32 bytes each; twice as many took 12 MB more at the end of a long run."""


class Distinct:
    """Counts the different ones among numbers of 64 bits, evenly spread as hashes are. A context: it has a file."""

    def __init__(self, folder: Path, *, total: int, at_once: int = AT_ONCE) -> None:
        """Expect about `total` numbers; what is not held goes into `folder`, at 8 bytes each, until the end."""
        slices = max(1, -(-total // at_once))
        self._bounds = [-(-(place << 64) // slices) for place in range(1, slices)]
        self._folder, self._at_once = folder, at_once
        self._held = array("Q")
        self._file: BinaryIO | None = None
        self._runs: list[array[int]] = []
        """Of each run in the file, where its slices begin and the last one ends, in numbers from the file's start."""

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Give back the file's room."""
        if self._file is not None:
            self._file.close()

    def add(self, numbers: "array[int]") -> None:
        """Take in some. Raises StorageFailed."""
        self._held.extend(numbers)
        if len(self._held) >= self._at_once and self._bounds:
            self._put_down()

    def count(self) -> int:
        """Return how many different ones were taken in. Raises StorageFailed."""
        if self._file is None:
            return _different(_sorted(self._held))
        self._put_down()
        file, slices = self._file, range(len(self._bounds) + 1)
        return sum(_different(_sorted(self._slice(file, place))) for place in slices)

    def _put_down(self) -> None:
        ranked = array("Q")
        ranked.frombytes(_sorted(self._held).buffers()[1])
        self._held = array("Q")
        with self._storage():
            if self._file is None:
                self._file = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115 - __exit__ closes it
            begin = self._file.seek(0, 2) // ranked.itemsize
            self._file.write(ranked)
        cuts = [bisect.bisect_left(ranked, bound) for bound in self._bounds]
        self._runs.append(array("Q", (begin + cut for cut in (0, *cuts, len(ranked)))))

    def _slice(self, file: BinaryIO, place: int) -> "array[int]":
        found = array("Q")
        with self._storage():
            for run in self._runs:
                file.seek(run[place] * found.itemsize)
                found.fromfile(file, run[place + 1] - run[place])
        return found

    @contextlib.contextmanager
    def _storage(self) -> Iterator[None]:
        try:
            yield
        except (OSError, EOFError) as failure:
            refused = failure if isinstance(failure, OSError) else OSError(str(failure))
            raise durable.failed(self._folder / "a temporary file", refused) from failure


def _sorted(numbers: "array[int]") -> pa.Array:
    # By places: 24 bytes each. Arrow's own count of what is distinct takes 113 MB from 200,000 on.
    column = pa.Array.from_buffers(pa.uint64(), len(numbers), [None, pa.py_buffer(numbers)])
    return column.take(pc.array_sort_indices(column))


def _different(ranked: pa.Array) -> int:
    return len(ranked) and 1 + (pc.sum(pc.not_equal(ranked[1:], ranked[:-1])).as_py() or 0)
