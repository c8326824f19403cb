"""Downloads again only the records of a window that had not ended, by their ids, where that is cheaper than all of it.

What comes is a new take like any other: each page of the take before, with those records in place of the old ones.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from resumable.api.client import Asked
from resumable.datasets.beside import ById
from resumable.datasets.contract import Answer
from resumable.engine.recorder import Recorder
from resumable.errors import Fault
from resumable.manifest.rows import PageRow, WindowRow
from resumable.models import EventKind, PageKey, Said, Snapshot, label


@dataclass(frozen=True, kw_only=True)
class _Before:
    """The take before, as far as it is needed."""

    pages: Sequence[PageRow]
    snapshot: Snapshot
    """As the new take has it."""
    open_ids: Sequence[str]
    """Of its records that had not ended, in order."""


class Refresh:
    """Refreshes windows that a look-back reaches for their open records alone. One object serves all threads."""

    def __init__(self, recorder: Recorder) -> None:
        """Contracts that cannot be asked by id are not refreshed."""
        self._recorder = recorder
        self._context = recorder.context
        self._by_id = recorder.context.contract.by_id

    def done(self, row: WindowRow) -> WindowRow | None:
        """Refresh a window and return it, its pages all recorded; None where all of it is to be downloaded again."""
        context, by_id = self._context, self._by_id
        if not row.refresh or by_id is None or row.settled or row.whole_take is None:
            return None
        before = self._before(row)
        if before is None or -(-len(before.open_ids) // by_id.at_once) >= len(before.pages):
            return None
        try:
            fresh = self._fetch(row, by_id, before.open_ids)
        except Fault as fault:
            text = f"{label(row.window.interval)}: its open records were not to be had by id ({fault.reason})"
            context.manifest.event(EventKind.WARNING, f"{text}; all of it is downloaded again")
            return None
        if any(name not in fresh for name in before.open_ids):
            return None  # what became of the others, only the query can tell
        have = {page.number for page in context.manifest.pages(row.window)}
        for page in before.pages:
            if page.number not in have:
                row = self._write(row, before, page, fresh)
        return row

    def _before(self, row: WindowRow) -> _Before | None:
        context, take = self._context, row.whole_take or 0
        pages = context.manifest.pages(row.window, take=take)
        found: list[str] = []
        for page in pages:
            table = context.parts.some_columns(self._key(row, take, page.number), [self._key_name, self._end_name])
            lacking = table.filter(pc.is_null(table.column(self._end_name)))
            found += [str(name) for name in lacking.column(self._key_name).to_pylist()]
        footer = context.parts.footer(self._key(row, take, 1)) if pages else None
        if footer is None:
            return None
        snapshot = Snapshot(
            number=row.window.take,
            page_count=len(pages),
            total=footer.snapshot_total,
            page_size=footer.snapshot_page_size,
        )
        return _Before(pages=pages, snapshot=snapshot, open_ids=tuple(dict.fromkeys(found)))

    def _fetch(self, row: WindowRow, by_id: ById, names: Sequence[str]) -> Mapping[str, pa.Table]:
        """Return the records of some ids, as tables of one row. Raises Fault."""
        context, fresh = self._context, dict[str, pa.Table]()
        for start in range(0, len(names), by_id.at_once):
            some = names[start : start + by_id.at_once]
            asked = Asked(
                what=f"{label(row.window.interval)}: {len(some)} records by id",
                request=by_id.request(some),
                optional=True,
            )
            table = context.client.exchange(asked, lambda reply: by_id.read(reply.body, context.client.redactor))
            if table is None:
                continue
            for place, name in enumerate(table.column(self._key_name).to_pylist()):
                fresh[str(name)] = table.slice(place, 1)
        return fresh

    def _write(self, row: WindowRow, before: _Before, page: PageRow, fresh: Mapping[str, pa.Table]) -> WindowRow:
        context, snapshot = self._context, before.snapshot
        old = context.parts.table(self._key(row, row.whole_take or 0, page.number))
        said = Said(page_count=snapshot.page_count, total=snapshot.total, page_size=snapshot.page_size)
        answer = Answer(table=self._replaced(old, fresh), said=said)
        part = self._recorder.write(row.window, snapshot, page.number, answer).part
        if page.number == 1:
            return context.manifest.first_page_done(row.window, snapshot, part)
        return context.manifest.page_done(row.window, page.number, part, moved=False)

    def _replaced(self, old: pa.Table, fresh: Mapping[str, pa.Table]) -> pa.Table:
        """Return a page with the fresh records in the places of those that had not ended."""
        pieces, start = [], 0
        ended = old.column(self._end_name).is_valid().to_pylist()
        for place, name in enumerate(old.column(self._key_name).to_pylist()):
            if not ended[place]:
                pieces += [old.slice(start, place - start), fresh[str(name)]]
                start = place + 1
        return pa.concat_tables([*pieces, old.slice(start)]).combine_chunks()

    @property
    def _key_name(self) -> str:
        return self._context.contract.schema.key

    @property
    def _end_name(self) -> str:
        return self._context.contract.end_key or self._key_name

    @staticmethod
    def _key(row: WindowRow, take: int, number: int) -> PageKey:
        return PageKey(window=row.window.interval, take=take, number=number)
