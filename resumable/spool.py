"""Numbers that need not lie in memory, and are gone with the process: a file without a name, on the job's disk."""

import contextlib
import tempfile
import threading
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from resumable import durable


@dataclass(frozen=True, slots=True)
class Span:
    """Where some numbers lie: the place of the first, and how many."""

    begin: int
    count: int

    def part(self, first: int, last: int) -> "Span":
        """Return the numbers from the one to before the other, counted from the first of these."""
        return Span(self.begin + first, last - first)


class Spool:
    """Keeps arrays of unsigned 64-bit numbers, at 8 bytes each. Safe to use from all threads; a context: it has a file.

    The file is made with the first numbers. It has no name, so that a kill leaves nothing of it. Where the disk refuses
    it, StorageFailed is raised.
    """

    def __init__(self, folder: Path) -> None:
        """Use the disk that holds an existing folder."""
        self._folder = folder
        self._lock = threading.Lock()
        self._file: BinaryIO | None = None
        self._end = 0

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Give back the file's room."""
        if self._file is not None:
            with contextlib.suppress(OSError):  # what it could not take before it cannot take now, and nobody wants it
                self._file.close()

    def put(self, numbers: "array[int]") -> Span:
        """Keep some numbers; return where they are."""
        with self._lock, self._opened() as file:
            span = Span(self._end, len(numbers))
            file.seek(self._end * numbers.itemsize)
            file.write(numbers)
            self._end += len(numbers)
        return span

    def get(self, span: Span) -> "array[int]":
        """Return what was put."""
        found = array("Q")
        with self._lock, self._opened() as file:
            file.seek(span.begin * found.itemsize)
            found.fromfile(file, span.count)
        return found

    @contextlib.contextmanager
    def _opened(self) -> Iterator[BinaryIO]:
        try:
            if self._file is None:
                self._file = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115 - __exit__ closes it
            yield self._file
            self._file.flush()
        except (OSError, EOFError) as failure:
            refused = failure if isinstance(failure, OSError) else OSError(str(failure))
            raise durable.failed(self._folder / "a temporary file", refused) from failure
