"""What becomes of an answer, a durable part and a row; and of a window that is all there: closed, or taken again."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime

import pyarrow as pa

from resumable.datasets.contract import Answer
from resumable.engine.closing import STILL_CHANGING, Verdict, judge
from resumable.engine.context import RunContext
from resumable.engine.counts import Comparison, WindowCounts
from resumable.engine.kept_page import KeptPage, kept_by_another
from resumable.engine.open_records import OpenCounts
from resumable.engine.record_keys import RecordKeys
from resumable.engine.recovery import remove_stale
from resumable.errors import Fault, Incomplete, ManifestUnusable, ProtocolFault, UsageError
from resumable.manifest.rows import WindowRow
from resumable.models import EventKind, PageKey, Shortfall, Snapshot, Window, iso, label
from resumable.schema.identity import identities
from resumable.storage.job_files import answer_key, kept_answers
from resumable.storage.parts import Footer, PartThere
from resumable.text import spoken

TAKES_IN_ONE_RUN = 4
"""Snapshots of one window before its source is called unsettled."""

ANSWERS_KEPT = 100
"""Answers that were no page, of up to a megabyte each."""

FEW_OF = 10_000
"""One record in so many is what a total may be off, or one altogether, for two takes of one run to settle it."""

FAILURES_IN_A_ROW = 32
"""Pages given up on, with none that came between them, before each that follows is tried once and no more.

The run goes on: what fails may be all of a few windows. But where nothing comes at all, 2,000 windows with all their
tries and waits would take hours; so they take seven minutes at the usual rate.
"""


@dataclass(kw_only=True)
class Recorder:
    """Keeps what comes. One object serves all threads of a run."""

    context: RunContext
    keys: RecordKeys
    unsettled: list[Window] = field(default_factory=list)
    """Windows whose source kept changing, as found in this run."""
    failed: dict[int, str] = field(default_factory=dict)
    """Windows, by id, that the server itself gave up on in this run, each with why."""
    waiting: dict[int, datetime] = field(default_factory=dict)
    """Windows, by id, that the source does not have whole yet, as found in this run, each with where its data ends."""
    uncertain: dict[int, str] = field(default_factory=dict)
    """Windows, by id, of which fewer records came than were named: they are compared again in a later run."""
    _takes: dict[int, int] = field(default_factory=dict)
    _failed_in_a_row: list[str] = field(default_factory=list)
    """Why each page failed since the last one that came; shared by the recorders of two contracts."""
    _kept_answers: set[str] = field(default_factory=set)
    _short_before: set[int] = field(default_factory=set)
    """Windows, by id, of which an earlier run brought fewer records than another contract counts."""
    _recounted: set[int] = field(default_factory=set)
    """Those, by id, that this run has downloaded a second time for that."""
    _open: OpenCounts = field(init=False)
    _counts: WindowCounts = field(init=False)

    def __post_init__(self) -> None:
        """Begin with nothing kept."""
        self._open = OpenCounts(self.context.contract, self.context.parts)
        self._counts = WindowCounts(self.context, wanted=self.context.count)

    def write(self, window: Window, snapshot: Snapshot, number: int, answer: Answer) -> KeptPage:
        """Make an answer the durable part of its page; its row comes after.

        In a bucket another process may have been first: then its part is the page, and what it says is the answer.

        Raises StorageFailed, and Incomplete for one that does not fit the schema where that is to end the run.
        """
        context = self.context
        self._failed_in_a_row.clear()
        if answer.drift and context.fail_on_drift:
            raise Incomplete(
                f"{label(window.interval)} page {number} does not fit the schema: {', '.join(answer.drift)}.",
                hint="The page was not recorded. Run again without --on-drift fail to keep such values in _unmapped.",
            )
        self._check_key(answer)
        footer = self._footer(window, snapshot, number, answer)
        part = context.client.concurrency.on_cpu(lambda: context.parts.write(answer.table, footer))
        if isinstance(part, PartThere):
            written = kept_by_another(part)
            context.manifest.event(EventKind.ADOPTED, f"{footer.key}: another process of the job had put its part")
        else:
            written = KeptPage(part=part, answer=answer, snapshot=snapshot)
        if written.answer.table is not None:
            self.keys.keep(window, number, identities(written.answer.table, context.contract.schema))
            self._open.keep(window, number, written.answer.table)
        return written

    def _footer(self, window: Window, snapshot: Snapshot, number: int, answer: Answer) -> Footer:
        """Return what the part of a page says of itself."""
        context = self.context
        whose, available_to = context.job.organisation, answer.said.available_to
        cut_at = available_to if available_to is not None and available_to < window.interval.end else None
        return Footer(
            job=context.job.uuid,
            job_name=context.job.name,
            spec=context.spec,
            columns=context.job.columns,
            query_digest=context.job.spec.digest,
            schema_digest=context.job.schema_digest,
            window=window.interval,
            take=window.take,
            number=number,
            rows=answer.rows,
            page_count=answer.said.page_count or 0,
            total=answer.said.total,
            snapshot_page_count=snapshot.page_count,
            snapshot_total=snapshot.total,
            snapshot_page_size=snapshot.page_size,
            cursor=answer.said.cursor,
            cut_at=None if cut_at is None else iso(cut_at),
            taken_at=iso(context.stop.clock.now()),
            origin=None if whose is None else whose.origin,
            organisation=None if whose is None else whose.id,
            client=None if whose is None else whose.client,
            contract=context.window_contract,
        )

    @contextlib.contextmanager
    def keeping(self, window: Window, number: int) -> Iterator[None]:
        """Keep the whole of an answer that turns out to be no page, and name it in the fault that is raised."""
        try:
            yield
        except ProtocolFault as fault:
            if fault.answer is None or not self._keep(answer_key(window.interval, number), fault.answer):
                raise
            place = self.context.parts.store.place(answer_key(window.interval, number))
            raise ProtocolFault(f"{fault.reason}; all of it is in {place}", failure=fault.failure) from None

    def _keep(self, key: str, answer: str) -> bool:
        """Keep an answer durably, once in a run; False where so many are kept that no more are."""
        store = self.context.parts.store
        if key not in self._kept_answers:
            if store.kind(key) is None and kept_answers(store) >= ANSWERS_KEPT:
                return False
            store.save(key, answer.encode(errors="replace"))
            self._kept_answers.add(key)
            self.context.manifest.event(EventKind.WARNING, f"an answer that is no page is kept in {store.place(key)}")
        return True

    def _check_key(self, answer: Answer) -> None:
        """Refuse a described endpoint of which the first records that come do not have the key that the file names.

        Later pages may lack it, and are counted as what they are: no answer of a server may stop a job for good.
        """
        context, key = self.context, self.context.contract.schema.key
        if context.job.spec.query.declaration is None or answer.table is None:
            return
        if answer.table.column(key).null_count == answer.rows > 0 and not context.manifest.any_page():
            raise UsageError(
                f"none of the first {answer.rows} records of {context.contract.name} has the key {key!a}.",
                hint="Name a member that every record has, in the file under [record]: key. Nothing was recorded.",
            )

    def give_up(self, window: Window, number: int, fault: Fault) -> None:
        """Quarantine a page; the run goes on to the others."""
        self.context.manifest.quarantine(window, number, fault.reason, fault.failure)
        self._failed_in_a_row.append(fault.reason)
        if len(self._failed_in_a_row) == FAILURES_IN_A_ROW:
            text = f"{FAILURES_IN_A_ROW} pages in a row failed, the last with: {fault.reason}"
            self.context.manifest.event(EventKind.WARNING, f"{text}; each is tried once until one comes")

    @property
    def nothing_comes(self) -> bool:
        """Tell whether so many pages have failed in a row that one try is enough for each that follows."""
        return len(self._failed_in_a_row) >= FAILURES_IN_A_ROW

    def wait_for_data(self, window: Window, available_to: datetime) -> None:
        """Leave a window for a later run: what it covers is not there yet, and would come back empty."""
        self.waiting[window.id] = available_to
        self.context.manifest.learned.short(window, Shortfall.CUT_OFF, cut_at=available_to)
        text = f"{label(window.interval)} waits: the source's data ends at {iso(available_to)}"
        self.context.manifest.event(EventKind.CUT_OFF, text)

    def cut_off(self, window: Window, available_to: datetime) -> None:
        """Record that the source does not have a window whole, before any page of it that says so is."""
        if self.context.manifest.window(window.id).shortfall is Shortfall.CUT_OFF:
            return
        self.context.manifest.learned.short(window, Shortfall.CUT_OFF, cut_at=available_to)
        text = f"{label(window.interval)} is cut off: the source's data ends at {iso(available_to)}"
        self.context.manifest.event(EventKind.CUT_OFF, text)

    def close(self, window: Window, *, empty_end: bool = False) -> None:
        """Close a window whose pages have all ended, or take it again where the closing check does not agree.

        `empty_end`: the pages that are missing are its last ones, and were answered without records throughout.
        """
        context = self.context
        row = context.manifest.window(window.id)
        if row.shortfall is Shortfall.CUT_OFF:
            # What came can be looked at, and is downloaded again once the source has the window whole.
            self.waiting[window.id] = row.cut_at or window.interval.start
            return
        if row.done < snapshot_of(row).page_count and not empty_end:
            self.retake(row.window, None, "pages it had named are gone")
            return
        verdict = context.client.concurrency.on_cpu(lambda: self._judged(row))
        if empty_end and not few_missing(row) and (window.id in self._takes or not verdict.complete):
            self._compare_later(row, verdict)
            return
        if not verdict.complete:
            self.retake(row.window, verdict.fingerprint, verdict.why)
            return
        if verdict.settled:
            context.manifest.event(
                EventKind.SETTLED, f"{label(window.interval)}: two takes agree, although {verdict.why}"
            )
        if (agreed := self._agreed(row, verdict)) is not None:
            self._complete(row, agreed, pages=row.done if empty_end else None)

    def compare_again(self, row: WindowRow) -> Window | None:
        """Look again at a window of which fewer records came than another contract counted, in an earlier run.

        Return it as a new take, for its fingerprint to be compared; None where it is complete by what is counted now.
        """
        context = self.context
        verdict = context.client.concurrency.on_cpu(lambda: self._judged(row))
        found = self._counts.compare(row.window, row.window.records - verdict.duplicates)
        if found.how in (Comparison.ALIKE, Comparison.COUNTS_FEWER):
            self._complete(row, verdict)
            return None
        self._short_before.add(row.window.id)
        return context.manifest.retake(row.window, verdict.fingerprint, found.text or "fewer records came").window

    def _agreed(self, row: WindowRow, verdict: Verdict) -> Verdict | None:
        """Return the verdict on a window whose pages agree, once another contract has counted it too.

        None where that counts more than came: the window is downloaded a second time, and then left for a later run.
        Where that run brings the same records, the source holds no more: that settles it. Two takes of one run would
        agree too while the source is behind.
        """
        window = row.window
        found = self._counts.compare(window, window.records - verdict.duplicates)
        if found.how is not Comparison.COUNTS_MORE:
            return verdict
        earlier, again = window.id in self._short_before, window.id in self._recounted
        if earlier and verdict.fingerprint == window.fingerprint:
            text = f"{label(window.interval)}: two downloads brought the same, although {found.text}"
            self.context.manifest.event(EventKind.SETTLED, text)
            return replace(verdict, settled=True)
        if not earlier and not again:
            self._recounted.add(window.id)
            self.retake(window, verdict.fingerprint, found.text)
            return None
        self.context.manifest.learned.short(window, Shortfall.FEWER)
        self.uncertain[window.id] = found.text
        return None

    def _complete(self, row: WindowRow, verdict: Verdict, *, pages: int | None = None) -> None:
        context, window = self.context, row.window
        age = context.stop.clock.now() - window.interval.end
        numbers = [page.number for page in context.manifest.pages(window)]
        context.manifest.complete(
            window,
            verdict.fingerprint,
            duplicates=verdict.duplicates,
            settled=verdict.settled,
            young=age < STILL_CHANGING and not context.contract.timeless,
            pages=pages,
            open_records=self._open.settle(window, numbers),
        )
        if window.take > 1:
            remove_stale(window, manifest=context.manifest, parts=context.parts)

    def _compare_later(self, row: WindowRow, verdict: Verdict) -> None:
        """Leave a window to be compared with a take of a later run: what is missing is more than an approximate total.

        A source that is in trouble now would bring the same again, and two such takes would agree.
        """
        again = self.context.manifest.retake(row.window, verdict.fingerprint, verdict.why)
        self.context.manifest.learned.short(again.window, Shortfall.FEWER)
        self.uncertain[row.window.id] = verdict.why

    def fail(self, window: Window, why: str) -> None:
        """Leave a window for a later run, because the server cannot bring it: not what it holds is the matter."""
        row = self.context.manifest.retake(window, None, why)
        self.context.manifest.learned.short(row.window, Shortfall.FAILED)
        self.context.manifest.event(EventKind.WARNING, f"{label(window.interval)}: {why}")
        self.failed[window.id] = why

    def retake(self, window: Window, fingerprint: bytes | None, why: str, *, failed: bool = False) -> None:
        """Take a window again as a new snapshot, unless it has been taken too often in this run.

        `failed`: not because its data changed, but because the server failed.
        """
        takes = self._takes[window.id] = self._takes.get(window.id, 1) + 1
        if takes > TAKES_IN_ONE_RUN:
            if failed:
                self.fail(window, why)
            else:
                self.unsettled.append(window)
            return
        row = self.context.manifest.retake(window, fingerprint, why)
        self.context.feed.reopen(row.window)

    def identities(self, window: Window) -> list[pa.ChunkedArray]:
        """Return what names each record of the pages done of a window's take."""
        context, kept, columns = self.context, self.keys.of(window), []
        for page in context.manifest.pages(window):
            key = PageKey(window=window.interval, take=window.take, number=page.number)
            column = kept.get(page.number)
            columns.append(column if column is not None else context.parts.identities(key, context.contract.schema))
        return columns

    def _judged(self, row: WindowRow) -> Verdict:
        context, window, schema = self.context, row.window, self.context.contract.schema
        columns = self.identities(window)
        page_size = context.job.spec.page_size if context.contract.paging.counts_pages else None
        verdict = judge(row, columns, schema, page_size=page_size)
        self.keys.close(window, columns if verdict.complete else None)
        return verdict


def few_missing(row: WindowRow) -> bool:
    """Tell whether a window lacks so little of the total that was named that it may well be approximate."""
    total = snapshot_of(row).total or 0
    return total - row.window.records <= max(1, total // FEW_OF)


def snapshot_of(row: WindowRow) -> Snapshot:
    """Return the snapshot of a window that is open. Raises ManifestUnusable where there is none."""
    if row.window.snapshot is None:
        raise ManifestUnusable(
            f"the window {spoken(row.window.interval)} is open and names no page count.",
            hint="Check the job with: resumable verify",
        )
    return row.window.snapshot
