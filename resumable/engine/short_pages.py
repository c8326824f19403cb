"""Doubts a page before the last that is not full, where no total tells whether a record is missing: one more request.

Where answers name how many records there are, the closing check sees that some did not come. A page count alone does
not tell: 29 records fill three pages of ten as 30 do. Nor is a total of users' documents compared with what came. A
page that comes twice with the same records is believed. A source whose pages are of any size is found out after a few.
"""

import pyarrow as pa
import pyarrow.compute as pc

from resumable.datasets.contract import Answer
from resumable.errors import ProtocolFault
from resumable.schema.identity import identities, lists
from resumable.schema.schema import Schema

OF_ANY_SIZE = 5
"""Pages in a row that came twice as they are, not full, before a run takes no page of its source for a short one."""


class ShortPages:
    """What is known of how many records a full page of a source has. One object serves all threads of a run."""

    def __init__(self, schema: Schema) -> None:
        """Nothing has come yet."""
        self._schema = schema
        self._fullest: dict[int, int] = {}
        """By the page size: what the fullest of the pages had that were believed, as a server may cap it in silence."""
        self._in_a_row = 0

    def doubt(self, answer: Answer, number: int, page_size: int) -> str:
        """Return why a page is asked for a second time, in words; empty where it is believed at once."""
        said, table = answer.said, answer.table
        # Bundles have totals too, which nobody compares with what came.
        told = said.total is not None and not self._schema.bundles
        if table is None or told or said.page_count is None or number >= said.page_count:
            return ""
        size = min(said.page_size or page_size, page_size)
        held, full = _held(table, self._schema, size), self._fullest.get(size, size)
        if held < full:
            return "" if self.of_any_size else f"{held} records where {full} have room, and it is not the last"
        self._fullest[size] = min(held, size)
        self._in_a_row = 0
        return ""

    def settle(self, answer: Answer, again: Answer, number: int, page_size: int) -> Answer:
        """Return what a page that was doubted is. Raises ProtocolFault where two answers differ and none is full."""
        if not self.doubt(again, number, page_size):
            return again
        first, second = self._records(answer), self._records(again)
        if first != second:
            raise ProtocolFault(f"page {number} has {len(first)} records, and {len(second)} when it is asked for again")
        size = min(again.said.page_size or page_size, page_size)
        if size not in self._fullest and again.table is not None:
            self._fullest[size] = _held(again.table, self._schema, size)
        self._in_a_row += 1
        return again

    @property
    def of_any_size(self) -> bool:
        """Tell whether pages of this source are of any size, so that a short one tells nothing."""
        return self._in_a_row >= OF_ANY_SIZE

    def _records(self, answer: Answer) -> list[str]:
        found = [] if answer.table is None else identities(answer.table, self._schema).to_pylist()
        return sorted(map(str, found))


def _held(table: pa.Table, schema: Schema, size: int) -> int:
    """Return how much a page holds of what its size counts: its records, or the documents in them.

    Nobody says which of the two pages of bundles count; where a page has more documents than its size, it is records.
    """
    if not schema.bundles:
        return int(table.num_rows)
    listed: int = sum(pc.sum(pc.list_value_length(table.column(name))).as_py() or 0 for name in lists(schema))
    return int(table.num_rows if listed > size else max(table.num_rows, listed))
