"""Record keys of pages that a run has just taken, kept so that closing them costs no look at their parts.

To read one column of a part costs 1.5 ms, nearly all for its footer: twice a page, for the closing check and for the
receipt, it was a fifth of all work. What is not kept any more, or was taken by an earlier run, is read from the parts.
Keys lie in memory until their window is closed; then their hashes do on the disk.
"""

import hashlib
import threading
from array import array
from collections.abc import Iterable, Mapping

import pyarrow as pa

from resumable.models import Window
from resumable.storage.scratch import Scratch, Span

KEYS_KEPT = 200_000
"""Of windows that are not closed yet, over all; about 40 bytes each."""


class RecordKeys:
    """The keys of one run. Safe to use from all its threads; what does not fit is forgotten, oldest window first."""

    def __init__(self, scratch: Scratch, *, keys: int = KEYS_KEPT) -> None:
        """So many keys are kept at the most; hashes go to the scratch file."""
        self.scratch, self._most_keys = scratch, keys
        self._lock = threading.Lock()
        self._open: dict[tuple[int, int], dict[int, pa.ChunkedArray]] = {}
        self._keys = 0
        self._closed: dict[tuple[int, int], Span] = {}

    def keep(self, window: Window, number: int, keys: pa.ChunkedArray) -> None:
        """Keep the keys of a page of a window's take."""
        with self._lock:
            pages = self._open.setdefault((window.id, window.take), {})
            self._keys += len(keys) - len(pages.get(number, ()))
            pages[number] = keys
            while self._keys > self._most_keys:
                self._forget(next(iter(self._open)))

    def of(self, window: Window) -> Mapping[int, pa.ChunkedArray]:
        """Return the keys kept of a window's take, by page."""
        with self._lock:
            return dict(self._open.get((window.id, window.take), {}))

    def close(self, window: Window, columns: Iterable[pa.ChunkedArray] | None) -> None:
        """Forget the keys of a take; keep the hashes of those that it was closed with, if it was."""
        span = self.scratch.put(hashes(columns)) if columns is not None else None
        with self._lock:
            self._forget((window.id, window.take))
            if span is not None:
                self._closed[window.id, window.take] = span

    def has(self, window: Window) -> bool:
        """Tell whether a window was closed in this run, so that its hashes are here."""
        with self._lock:
            return (window.id, window.take) in self._closed

    def hashes_of(self, window: Window) -> "array[int] | None":
        """Return the hashes of a take that was closed in this run; None where they are not kept."""
        with self._lock:
            span = self._closed.get((window.id, window.take))
        return self.scratch.get(span) if span else None

    def _forget(self, take: tuple[int, int]) -> None:
        self._keys -= sum(len(column) for column in self._open.pop(take, {}).values())


def hashes(columns: Iterable[pa.ChunkedArray]) -> "array[int]":
    """Return 64 bits for each key: enough to count how many differ among some hundred million.

    A record that has no key has none here: such records are not one record that came many times.
    """
    return array(
        "Q",
        (
            int.from_bytes(hashlib.blake2b(str(key).encode(), digest_size=8).digest())
            for column in columns
            for key in column.to_pylist()
            if key is not None
        ),
    )
