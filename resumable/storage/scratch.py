"""Numbers that need not lie in memory, and are gone with the process: a file without a name, on the job's disk."""

import contextlib
import tempfile
import threading
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from resumable.storage import durable


@dataclass(frozen=True, slots=True)
class Span:
    """Where some numbers lie: the place of the first, and how many."""

    begin: int
    count: int

    def part(self, first: int, last: int) -> "Span":
        """Return the numbers from the one to before the other, counted from the first of these."""
        return Span(self.begin + first, last - first)


class Scratch:
    """Keeps arrays of unsigned 64-bit numbers, at 8 bytes each. Safe to use from all threads; a context: it has a file.

    The file is made with the first numbers. It has no name, so that a kill leaves nothing of it. Where the disk refuses
    it, or gives back something else than was written, StorageFailed is raised.
    """

    def __init__(self, folder: Path) -> None:
        """Use the disk that holds an existing folder."""
        self._folder = folder
        self._lock = threading.Lock()
        self._file: FileIO | None = None
        self._end = 0

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Give back the file's room."""
        if self._file is not None:
            with contextlib.suppress(OSError):  # nobody wants what is in it any more
                self._file.close()

    def put(self, numbers: "array[int]") -> Span:
        """Keep some numbers; return where they are. They are read back, as parts are: a receipt is made of them."""
        with self._lock, self._opened() as file:
            span = Span(self._end, len(numbers))
            file.seek(span.begin * numbers.itemsize)
            left = memoryview(numbers).cast("B")
            while left:
                left = left[file.write(left) :]
            if _read(file, span) != numbers:
                raise OSError(_OTHER_BYTES)
            self._end += len(numbers)
        return span

    def get(self, span: Span) -> "array[int]":
        """Return what was put."""
        with self._lock, self._opened() as file:
            return _read(file, span)

    @contextlib.contextmanager
    def _opened(self) -> Iterator[FileIO]:
        try:
            if self._file is None:
                # Without a buffer: what was read back would be its bytes, not the file's.
                self._file = tempfile.TemporaryFile(dir=self._folder, buffering=0)  # noqa: SIM115 - __exit__ closes it
            yield self._file
        except OSError as failure:
            raise durable.failed(self._folder / "a temporary file", failure) from failure


_OTHER_BYTES: Final = "it has other bytes than were written"


def _read(file: FileIO, span: Span) -> "array[int]":
    found = array("Q")
    file.seek(span.begin * found.itemsize)
    text = file.read(span.count * found.itemsize)
    if len(text) != span.count * found.itemsize:
        raise OSError(_OTHER_BYTES)
    found.frombytes(text)
    return found
