"""What a format must do: take rows day by day, and end."""

from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol

import pyarrow as pa


class RowSink(Protocol):
    """One export being written."""

    def add(self, day: int, rows: pa.Table) -> None:
        """Write rows of a day; days come one after the other."""

    def end(self) -> None:
        """Write what is left; then the export is whole."""


class WriteBehind:
    """Lets one table be written while the next is being read."""

    def __init__(self, sink: RowSink, pool: ThreadPoolExecutor) -> None:
        """`pool` has one thread, so that the order stays."""
        self._sink = sink
        self._pool = pool
        self._last: Future[None] | None = None

    def add(self, day: int, rows: pa.Table) -> None:
        """Have rows written, once those before are. Raises what writing those raised."""
        self._wait()
        self._last = self._pool.submit(self._sink.add, day, rows)

    def end(self) -> None:
        """Have all of it written."""
        self._wait()
        self._sink.end()

    def _wait(self) -> None:
        if self._last is not None:
            self._last.result()
            self._last = None
