"""Takes pages whose numbers are known: fetch, validate, table, durable part, row."""

from collections.abc import Callable

from resumable.api.client import Asked
from resumable.datasets.contract import Answer, PagedContract, checked
from resumable.engine.empty_windows import Belief, EmptyWindows
from resumable.engine.feed import Ended, Work
from resumable.engine.heavy_windows import HeavyWindows, Remedy, last_missing
from resumable.engine.last_pages import LastPages
from resumable.engine.recorder import Recorder, snapshot_of
from resumable.engine.recovery import recover
from resumable.engine.refresh import Refresh
from resumable.engine.short_pages import ShortPages
from resumable.engine.windows import gaps
from resumable.errors import Fault, ManifestUnusable, PageBeyondEnd
from resumable.manifest.rows import WindowRow
from resumable.models import EventKind, Snapshot, Window, WindowState, label
from resumable.text import spoken
from resumable.transport.http import Reply


class PageWorker:
    """Opens windows by their first page, and takes the others in any order."""

    def __init__(self, contract: PagedContract, recorder: Recorder, refused: Callable[[Fault], None]) -> None:
        """`refused` is told why a first page failed; it ends the run where no page could ever come."""
        self._contract = contract
        self._recorder = recorder
        self._context = recorder.context
        self._refused = refused
        self._heavy = HeavyWindows(recorder)
        self._too_heavy: dict[int, tuple[int, Remedy, Fault]] = {}
        """By window: which page of it, found to be too heavy, while others are in flight."""
        self._empty = EmptyWindows(recorder.context.manifest)
        self._refresh = Refresh(recorder)
        self._last_pages = LastPages(contract, recorder, self._heavy)
        self._short = ShortPages(contract.schema)

    def do(self, work: Work) -> None:
        """Do one piece of work. Raises what ends a run; a page that fails is quarantined instead."""
        if work.number is None:
            self._open(work.window)
        else:
            self._page(work.window, work.number)

    def begin(self) -> None:
        """Do nothing: pages by number need no preparation."""

    def _open(self, window: Window) -> None:
        context = self._context
        row = recover(window, manifest=context.manifest, parts=context.parts, job=context.job)
        row = self._refresh.done(row) or row
        if row.window.state is WindowState.PLANNED:
            first = self._first_page(row.window)
            if first is None:
                return
            row = first
        snapshot = snapshot_of(row)
        done = [page.number for page in context.manifest.pages(row.window)]
        page_size = snapshot.page_size or self._heavy.page_size(row.window)
        if self._heavy.too_deep(page_size, last=last_missing(row, set(done))):
            self._heavy.before_the_wall(row.window, snapshot, page_size)
            return
        empty = self._last_pages.empty_of(row.window)
        missing = (number for number in gaps(done, snapshot.page_count) if number not in empty)
        if context.feed.opened(row, missing):
            self._last_pages.end(row.window)

    def _first_page(self, window: Window) -> WindowRow | None:
        try:
            answer = self._first_answer(window)
        except Fault as fault:
            if (row := self._last_pages.open_without_first(window, fault)) is not None:
                return row
            remedy = self._heavy.remedy(window, fault)
            if remedy is not None:
                self._heavy.lighten(window, 1, remedy, fault)
                return None
            self._refused(fault)
            self._recorder.give_up(window, 1, fault)
            return None
        if answer is None:
            return None
        said = answer.said
        snapshot = Snapshot(
            number=window.take,
            page_count=said.page_count or 0,
            total=said.total,
            page_size=said.page_size or window.asked_size,
        )
        page_size = snapshot.page_size or self._heavy.page_size(window)
        if self._heavy.too_deep(page_size, last=snapshot.page_count):
            self._heavy.before_the_wall(window, snapshot, page_size)
            return None
        if not answer.rows:
            return self._context.manifest.first_page_done(window, snapshot, None, drift=answer.drift)
        written = self._recorder.write(window, snapshot, 1, answer)
        return self._context.manifest.first_page_done(
            window, written.snapshot, written.part, drift=written.answer.drift
        )

    def _first_answer(self, window: Window) -> Answer | None:
        """Fetch a first page; an empty one is asked for again where it is doubtful.

        None where it was put off, because that is not known yet. Raises a Fault.
        """
        # Of a run that may send one request only, the second one would be the first of the next run, for ever.
        with self._context.client.pacer.together():
            answer = self._empty.kept(window) or self._fetch(window, 1)
            if answer.rows:
                return self._doubted(window, 1, answer)
            belief = self._empty.judge(window, answer, may_wait=True)
            if belief is Belief.LATER:
                self._context.feed.postpone(window)
                return None
            return self._fetch(window, 1, counted=False) if belief is Belief.DOUBTED else answer

    def _page(self, window: Window, number: int) -> None:
        how = Ended.FAILED
        try:
            how = self._take(window, number)
        finally:
            last = self._context.feed.ended(window, how)
        if not last:
            return
        if (found := self._too_heavy.pop(window.id, None)) is not None:
            self._heavy.lighten(window, *found)
        else:
            self._last_pages.end(window)

    def _take(self, window: Window, number: int) -> Ended:
        context = self._context
        try:
            with context.client.pacer.together():
                answer = self._doubted(window, number, self._fetch(window, number))
        except PageBeyondEnd as fault:
            context.manifest.event(EventKind.SNAPSHOT_MOVED, f"{label(window.interval)} page {number}: {fault.reason}")
            return Ended.BEYOND
        except Fault as fault:
            remedy = self._heavy.remedy(window, fault)
            if remedy is None:
                self._recorder.give_up(window, number, fault)
                return Ended.EMPTY if self._last_pages.is_empty(window, number, fault) else Ended.FAILED
            self._too_heavy[window.id] = (number, remedy, fault)
            return Ended.BEYOND
        snapshot = window.snapshot
        if snapshot is None:
            raise ManifestUnusable(
                f"page {number} of {spoken(window.interval)} was planned from no snapshot.",
                hint="Check the job with: resumable verify",
            )
        if _moved(answer, snapshot):
            text = f"{_counts(answer.said.page_count, answer.said.total)}; the snapshot had"
            text = f"{text} {_counts(snapshot.page_count, snapshot.total)}"
            context.manifest.event(EventKind.SNAPSHOT_MOVED, f"{label(window.interval)} page {number} names {text}")
        written = self._recorder.write(window, snapshot, number, answer)
        moved = _moved(written.answer, snapshot)
        context.manifest.page_done(window, number, written.part, moved=moved, drift=written.answer.drift)
        return Ended.DONE

    def _doubted(self, window: Window, number: int, answer: Answer) -> Answer:
        """Return a page as it is believed, fetched a second time where it lacks records, it seems. Raises a Fault."""
        page_size = self._heavy.page_size(window)
        if not (why := self._short.doubt(answer, number, page_size)):
            return answer
        manifest, what = self._context.manifest, f"{label(window.interval)} page {number}"
        manifest.event(EventKind.RETRY, f"{what}: {why}: asked a second time")
        settled = self._short.settle(answer, self._fetch(window, number, counted=False), number, page_size)
        if self._short.of_any_size:
            manifest.event(EventKind.WARNING, f"{what}: pages are of any size here: no short one is doubted any more")
        return settled

    def _fetch(self, window: Window, number: int, *, counted: bool = True) -> Answer:
        context = self._context
        page_size = self._heavy.page_size(window)
        asked = Asked(
            what=f"{label(window.interval)} page {number}",
            request=self._contract.request(context.job.spec.query, window.interval, number, page_size),
            counted=counted,
            once=self._recorder.nothing_comes,
            records=page_size,
        )

        def read(reply: Reply) -> Answer:
            with self._recorder.keeping(window, number):
                return checked(self._contract.read(reply.body, page_size, context.client.redactor), number)

        return context.client.exchange(asked, read)


def _moved(answer: Answer, snapshot: Snapshot) -> bool:
    return (answer.said.page_count, answer.said.total) != (snapshot.page_count, snapshot.total)


def _counts(page_count: int | None, total: int | None) -> str:
    return f"{page_count} pages" + ("" if total is None else f", {total} records")
