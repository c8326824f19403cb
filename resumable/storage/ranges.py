"""Reads an object piece by piece, as if it were a file: no more of it than is wanted."""

import io
from collections.abc import Callable
from typing import Any


class Ranges(io.RawIOBase):
    """A file of so many bytes, of which `part` returns those from one place to before another."""

    def __init__(self, part: Callable[[int, int], bytes], size: int) -> None:
        """Nothing is read until then."""
        self._part, self._size, self._at = part, size, 0

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def tell(self) -> int:
        """Return where the next byte is read."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to another place."""
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        return self._at

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 - whatever holds bytes
        """Read as much as is wanted, in one request."""
        end = min(self._size, self._at + len(buffer))
        if self._at >= end:
            return 0
        data = self._part(self._at, end)
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)
