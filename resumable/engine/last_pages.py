"""Where the pages of a window end, for totals are approximate: one named too many is empty, one too few is followed.

A page that is named and has no records after all retries is past the end of the window, where all pages before it are
there: the take is closed without it, to be compared with another one. A last page that is full may have one behind it,
which is asked for until one is not full, or is past the end: where totals are approximate always, else only where the
answers do not tell, since they contradict each other or there is a single one that names a page count and nothing else.
"""

from resumable.api.client import Asked
from resumable.datasets.contract import Answer, PagedContract
from resumable.engine.heavy_windows import HeavyWindows
from resumable.engine.recorder import Recorder, snapshot_of
from resumable.errors import Failure, Fault, NoRecords, ProtocolFault
from resumable.manifest.rows import WindowRow
from resumable.models import EventKind, Snapshot, Window, label
from resumable.schema.identity import all_documents, identities
from resumable.transport.http import Reply

EMPTY_MOST = 10
"""Pages that a window may have been named too many: each costs all retries."""


PAST_THE_END = frozenset({Failure.QUERY_REFUSED, Failure.NOT_THE_API})
"""How a page behind the last one may be refused: a 400, and a 404 in whatever words."""


class LastPages:
    """Knows which pages were empty in this run. One object serves all threads."""

    def __init__(self, contract: PagedContract, recorder: Recorder, heavy: HeavyWindows) -> None:
        """Nothing was empty yet."""
        self._contract = contract
        self._recorder = recorder
        self._heavy = heavy
        self._context = recorder.context
        self._empty: dict[tuple[int, int], set[int]] = {}

    def is_empty(self, window: Window, number: int, fault: Fault) -> bool:
        """Tell whether a page failed for having no records beside a total, and keep that in mind."""
        if not isinstance(fault, NoRecords) or fault.total is None:
            return False
        self._empty.setdefault((window.id, window.take), set()).add(number)
        return True

    def empty_of(self, window: Window) -> set[int]:
        """Return the pages of a take that were empty."""
        return self._empty.get((window.id, window.take), set())

    def open_without_first(self, window: Window, fault: Fault) -> WindowRow | None:
        """Open a window whose first page is named and empty; None where it failed for another reason."""
        if not isinstance(fault, NoRecords) or (fault.page_count or 0) > EMPTY_MOST:
            return None
        if not self.is_empty(window, 1, fault):
            return None
        self._recorder.give_up(window, 1, fault)
        snapshot = Snapshot(
            number=window.take,
            page_count=fault.page_count or 0,
            total=fault.total,
            page_size=fault.page_size or window.asked_size,
        )
        return self._context.manifest.first_page_done(window, snapshot, None)

    def end(self, window: Window) -> None:
        """Close a window of which no page is in flight and none failed in another way than by being empty."""
        row = self._context.manifest.window(window.id)
        if row.done < snapshot_of(row).page_count:
            self._without_empty(row)
        elif self._followed(row):
            self._recorder.close(window)

    def _without_empty(self, row: WindowRow) -> None:
        """Close a window without its last pages where these are empty, and let it be where others are missing."""
        pages = {page.number for page in self._context.manifest.pages(row.window)}
        missing = set(range(1, snapshot_of(row).page_count + 1)) - pages
        empty = self.empty_of(row.window)
        if not missing <= empty:
            self._recorder.close(row.window)  # which takes it again: fewer pages were named since
        elif min(missing) > len(pages):
            self._recorder.close(row.window, empty_end=True)

    def _followed(self, row: WindowRow) -> bool:
        """Take what is behind a last page that is full; False where that failed, so that the window stays open."""
        while self._may_go_on(row):
            number = snapshot_of(row).page_count + 1
            try:
                answer = self._fetch(row.window, number)
            except Fault as fault:
                return self._is_end(row.window, number, fault)
            if not answer.rows or self._repeats(row.window, answer):
                return True
            text = f"{label(row.window.interval)} page {number}: {answer.rows} records past the last one named"
            self._context.manifest.event(EventKind.SNAPSHOT_MOVED, text)
            written = self._recorder.write(row.window, self._planned(row), number, answer)
            row = self._context.manifest.page_beyond_done(row.window, number, written.part, drift=written.answer.drift)
        return True

    def _is_end(self, window: Window, number: int, fault: Fault) -> bool:
        """Tell whether a page that failed behind the last one named is taken for the end.

        All that was named is there. Where totals are approximate there may be more all the same, and the window stays
        open, until the page has failed in two runs: what nobody has named keeps no window open for ever.
        """
        manifest = self._context.manifest
        if fault.failure in PAST_THE_END or not self._contract.open_end:
            return True  # a server that refuses pages past the end says so in that way
        if manifest.is_quarantined(window, number):
            text = f"{label(window.interval)} page {number}, behind the last one, failed again: {fault.reason}"
            manifest.event(EventKind.WARNING, text)
            return True
        self._recorder.give_up(window, number, fault)
        return False

    def _repeats(self, window: Window, answer: Answer) -> bool:
        """Tell whether a page behind the last one is that one again: of some servers there is no page past the end."""
        schema = self._context.contract.schema
        last, table = self._recorder.identities(window)[-1], answer.table
        return table is not None and identities(table, schema).to_pylist() == last.to_pylist()

    def _may_go_on(self, row: WindowRow) -> bool:
        snapshot, last = snapshot_of(row), row.done
        if last == 0 or not (self._contract.open_end or _untold(row)):
            return False
        size = snapshot.page_size or self._heavy.page_size(row.window)
        if self._heavy.too_deep(size, last=last + 1):
            return False
        if self._context.contract.schema.bundles:
            return self._bundles_go_on(row, size)
        return self._context.manifest.page_rows(row.window, last) >= size

    def _bundles_go_on(self, row: WindowRow, size: int) -> bool:
        """Tell whether more bundles may come: their total is not that of their documents, and the last page is full.

        Nobody says what pages and totals of bundles count. Where it is their documents, as it seems, all is told.
        """
        schema, pages = self._context.contract.schema, self._recorder.identities(row.window)
        counts = [len(all_documents(page, schema)) for page in pages]
        full = max(counts[-1], len(pages[-1])) >= size
        return full and sum(counts) > (snapshot_of(row).total or 0)

    def _planned(self, row: WindowRow) -> Snapshot:
        """Return what a window was planned from, before pages came that were not named."""
        snapshot = snapshot_of(row)
        size = snapshot.page_size or self._heavy.page_size(row.window)
        named = snapshot.page_count if snapshot.total is None else -(-snapshot.total // size)
        return Snapshot(
            number=snapshot.number,
            page_count=min(snapshot.page_count, named),
            total=snapshot.total,
            page_size=snapshot.page_size,
        )

    def _fetch(self, window: Window, number: int) -> Answer:
        context, page_size = self._context, self._heavy.page_size(window)
        asked = Asked(
            what=f"{label(window.interval)} page {number}, behind the last one",
            request=self._contract.request(context.job.spec.query, window.interval, number, page_size),
            records=page_size,
        )

        def read(reply: Reply) -> Answer:
            answer = self._contract.read(reply.body, page_size, context.client.redactor)
            echoed = answer.said.page_number
            if answer.rows and echoed is not None and echoed != number:
                raise ProtocolFault(f"asked for page {number}, and the answer says it is page {echoed}")
            return answer

        return context.client.exchange(asked, read)


def _untold(row: WindowRow) -> bool:
    """Tell whether the answers leave open if a full last page is the last, by a contract whose counts are exact."""
    snapshot = snapshot_of(row)
    if snapshot.total is not None:
        return row.window.records < snapshot.total
    return row.moved or snapshot.page_count == 1
