"""Counts the records of a window that have not ended: they change until they have, however old the window is."""

import threading
from collections.abc import Iterable, Mapping

import pyarrow as pa
import pyarrow.compute as pc

from resumable.datasets.contract import Contract
from resumable.manifest.rows import NONE_OPEN, OpenRecords, WindowRow, moment
from resumable.manifest.store import Manifest
from resumable.models import PageKey, Window
from resumable.storage.parts import Parts


class OpenCounts:
    """What pages of this run held, so that counting a window costs no look at their parts. Serves all threads."""

    def __init__(self, contract: Contract, parts: Parts) -> None:
        """Pages that are not kept are read from the parts: two columns, 1.5 ms."""
        self._contract = contract
        self._parts = parts
        self._lock = threading.Lock()
        self._kept: dict[int, tuple[int, dict[int, OpenRecords]]] = {}

    def keep(self, window: Window, number: int, table: pa.Table) -> None:
        """Keep how many records of a page have not ended; what is kept of an older take is forgotten."""
        if self._contract.end_key is None:
            return
        found = open_of(table, self._contract)
        with self._lock:
            take, pages = self._kept.get(window.id, (0, {}))
            self._kept[window.id] = (window.take, {**(pages if take == window.take else {}), number: found})

    def settle(self, window: Window, numbers: Iterable[int]) -> OpenRecords:
        """Count a window's take by the numbers of its pages, and forget what is kept of it.

        Raises VerificationFailed where a part is gone or damaged, StorageFailed.
        """
        if self._contract.end_key is None:
            return NONE_OPEN
        with self._lock:
            take, pages = self._kept.pop(window.id, (0, {}))
        kept: Mapping[int, OpenRecords] = pages if take == window.take else {}
        return _sum(kept[number] if number in kept else self._read(window, number) for number in numbers)

    def _read(self, window: Window, number: int) -> OpenRecords:
        key = PageKey(window=window.interval, take=window.take, number=number)
        return open_of(self._parts.some_columns(key, _columns(self._contract)), self._contract)


def open_of(table: pa.Table, contract: Contract) -> OpenRecords:
    """Count the records of a table without an end; `contract.end_key` names the column that they lack."""
    lacking = pc.is_null(table.column(contract.end_key))
    count = int(pc.sum(lacking).as_py() or 0)
    start = contract.schema.start
    # The value, not `as_py`: that brings in pandas wherever it is installed, 40 MB and 0.4 s for one moment.
    earliest = pc.min(table.column(start).filter(lacking)).value if count and start else None
    return OpenRecords(count=count, since=None if earliest is None else moment(earliest))


def count_unknown(manifest: Manifest, contract: Contract, parts: Parts) -> None:
    """Count the open records of complete windows that an older version closed, which counted none."""
    counts = OpenCounts(contract, parts)
    for row in _never_counted(manifest):
        found = counts.settle(row.window, (page.number for page in manifest.pages(row.window)))
        manifest.learned.open_records(row.window, found)


def _never_counted(manifest: Manifest) -> list[WindowRow]:
    return [row for row in manifest.windows() if row.open is None and row.whole_take == row.window.take]


def _columns(contract: Contract) -> list[str]:
    return [name for name in (contract.end_key, contract.schema.start) if name is not None]


def _sum(found: Iterable[OpenRecords]) -> OpenRecords:
    count, since = 0, None
    for each in found:
        count += each.count
        since = min(filter(None, (since, each.since)), default=None)
    return OpenRecords(count=count, since=since)
