"""What becomes of an answer, a durable part and a row; and of a window that is all there: closed, or taken again."""

from dataclasses import dataclass, field
from datetime import datetime

from resumable.datasets.contract import Answer
from resumable.engine.closing import STILL_CHANGING, Verdict, judge
from resumable.engine.context import RunContext
from resumable.engine.record_keys import RecordKeys
from resumable.engine.recovery import remove_stale
from resumable.errors import Fault, Incomplete, ManifestUnusable
from resumable.manifest.rows import WindowRow
from resumable.models import EventKind, PageKey, PartFact, Shortfall, Snapshot, Window, iso, label
from resumable.storage.parts import Footer
from resumable.text import spoken

TAKES_IN_ONE_RUN = 4
"""Snapshots of one window before its source is called unsettled."""

FAILURES_IN_A_ROW = 32
"""Pages given up on, with none that came between them, before the run ends: the network or the server is down."""


@dataclass(kw_only=True)
class Recorder:
    """Keeps what comes. One object serves all threads of a run."""

    context: RunContext
    keys: RecordKeys
    unsettled: list[Window] = field(default_factory=list)
    """Windows whose source kept changing, as found in this run."""
    failed: dict[int, str] = field(default_factory=dict)
    """Windows, by id, that the server itself gave up on in this run, each with why."""
    waiting: list[Window] = field(default_factory=list)
    """Windows that the server has no data of yet, as found in this run."""
    _takes: dict[int, int] = field(default_factory=dict)
    _failed_in_a_row: int = 0

    def write(self, window: Window, snapshot: Snapshot, number: int, answer: Answer) -> PartFact:
        """Make an answer the durable part of its page; its row comes after.

        Raises StorageFailed, and Incomplete for one that does not fit the schema where that is to end the run.
        """
        context = self.context
        self._failed_in_a_row = 0
        if answer.drift and context.fail_on_drift:
            raise Incomplete(
                f"{label(window.interval)} page {number} does not fit the schema: {', '.join(answer.drift)}.",
                hint="The page was not recorded. Run again without --on-drift fail to keep such values in _unmapped.",
            )
        whose = context.job.organisation
        footer = Footer(
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
            taken_at=iso(context.stop.clock.now()),
            origin=None if whose is None else whose.origin,
            organisation=None if whose is None else whose.id,
            client=None if whose is None else whose.client,
        )
        part = context.client.concurrency.on_cpu(lambda: context.parts.write(answer.table, footer))
        if answer.table is not None:
            self.keys.keep(window, number, answer.table.column(context.contract.schema.key))
        return part

    def give_up(self, window: Window, number: int, fault: Fault) -> None:
        """Quarantine a page. Raises Incomplete when so many failed in a row that no page could come."""
        self.context.manifest.quarantine(window, number, fault.reason, fault.failure)
        # A lost update between threads only delays the count; what matters is that a dead network ends the run.
        self._failed_in_a_row += 1
        if self._failed_in_a_row >= FAILURES_IN_A_ROW:
            raise Incomplete(
                f"{FAILURES_IN_A_ROW} pages in a row failed, the last with: {fault.reason}.",
                hint="What is recorded is safe. Run the same command when the server can be reached.",
                unreachable=True,
            )

    def wait_for_data(self, window: Window, available_to: datetime) -> None:
        """Leave a window for a later run: what it covers is not there yet, and would come back empty."""
        self.waiting.append(window)
        text = f"{label(window.interval)} waits: the server's data ends at {iso(available_to)}"
        self.context.manifest.event(EventKind.WARNING, text)

    def close(self, window: Window) -> None:
        """Close a window whose pages have all ended, or take it again where the closing check does not agree."""
        context = self.context
        row = context.manifest.window(window.id)
        if row.done < snapshot_of(row).page_count:
            self.retake(row.window, None, "pages it had named are gone")
            return
        verdict = context.client.concurrency.on_cpu(lambda: self._judged(row))
        if not verdict.complete:
            self.retake(row.window, verdict.fingerprint, verdict.why)
            return
        if verdict.settled:
            context.manifest.event(
                EventKind.SETTLED, f"{label(window.interval)}: two takes agree, although {verdict.why}"
            )
        age = context.stop.clock.now() - window.interval.end
        context.manifest.complete(
            row.window,
            verdict.fingerprint,
            duplicates=verdict.duplicates,
            settled=verdict.settled,
            young=age < STILL_CHANGING and not context.contract.timeless,
        )
        if row.window.take > 1:
            remove_stale(row.window, manifest=context.manifest, parts=context.parts)

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

    def _judged(self, row: WindowRow) -> Verdict:
        context, window = self.context, row.window
        kept = self.keys.of(window)
        columns = []
        for page in context.manifest.pages(window):
            key = PageKey(window=window.interval, take=window.take, number=page.number)
            column = kept.get(page.number)
            columns.append(column if column is not None else context.parts.column(key, context.contract.schema.key))
        verdict = judge(
            row, columns, page_size=context.job.spec.page_size if context.contract.paging.counts_pages else None
        )
        self.keys.close(window, columns if verdict.complete else None)
        return verdict


def snapshot_of(row: WindowRow) -> Snapshot:
    """Return the snapshot of a window that is open. Raises ManifestUnusable where there is none."""
    if row.window.snapshot is None:
        raise ManifestUnusable(f"the window {spoken(row.window.interval)} is open and names no page count.")
    return row.window.snapshot
