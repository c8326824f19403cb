"""A described endpoint whose pages have numbers, and can be asked for in any order."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from resumable.datasets.contract import Answer
from resumable.datasets.described.declared import Declared
from resumable.datasets.facts import Paging
from resumable.models import MOST_ON_A_PAGE, MOST_PAGES, Interval, Query, Request, Said
from resumable.redaction import Redactor


@dataclass(frozen=True, kw_only=True)
class DeclaredPages(Declared):
    """A described endpoint whose pages have numbers."""

    paging: Literal[Paging.NUMBERED] = Paging.NUMBERED
    open_end: bool = False

    @property
    def inferred(self) -> "DeclaredPages | None":
        """This, as long as nobody has said the columns and no page has shown them."""
        return self if self.columns is None else None

    def first_page(self, query: Query, window: Interval, page_size: int) -> Request:
        """Build the request for the first page of a window. Raises UsageError for one it cannot ask for."""
        return self.request(query, window, 1, page_size)

    def request(self, query: Query, window: Interval, number: int, page_size: int) -> Request:
        """Build the request for page `number`. Raises UsageError for a window that it cannot ask for."""
        first = self.declaration.paging.first
        pages: dict[str, str | int] = {"page": number - 1 + first, "offset": (number - 1) * page_size}
        return self._request({**self._values(window, page_size), **pages})

    def read(self, body: bytes, page_size: int, redactor: Redactor) -> Answer:
        """Read the records and what the answer says of paging, each from where the description has it.

        Raises ProtocolFault.
        """
        where = self.declaration.answer
        asked = (where.page_count, where.total, where.page, where.page_size)
        return self._answer(body, redactor, asked, lambda envelope: self._said(envelope, page_size))

    def _said(self, envelope: Mapping[str, Any], page_size: int) -> Said:
        where = self.declaration.answer
        total = self._whole(envelope, where.total)
        page_count = self._whole(envelope, where.page_count, most=MOST_PAGES)
        page = self._whole(envelope, where.page, most=MOST_PAGES)
        size = self._whole(envelope, where.page_size, most=MOST_ON_A_PAGE)
        by_offset = "offset" in self.declaration.used
        used = size if size is not None and 0 < size < page_size and not by_offset else page_size
        if not where.page_count and total is not None:
            page_count = -(-total // used)
        elif total == 0 and page_count == 1:
            page_count = 0  # some count an empty answer as a page
        return Said(
            page_count=page_count,
            total=total,
            page_number=None if page is None else page - self.declaration.paging.first + 1,
            page_size=None if used == page_size else used,
            # Pages are then where we reckon them to be: a server that uses smaller ones would be read with gaps.
            page_rows=page_size if by_offset else None if where.page_count else used,
        )
