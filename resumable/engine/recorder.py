"""What becomes of an answer, a durable part and a row; and of a window that is all there: closed, or taken again."""

from dataclasses import dataclass, field
from datetime import datetime

from resumable.api.client import Client
from resumable.clock import Stop
from resumable.datasets.contract import Answer, Contract
from resumable.engine.closing import STILL_CHANGING, Verdict, judge
from resumable.engine.feed import Feed
from resumable.engine.record_keys import RecordKeys
from resumable.engine.recovery import remove_stale
from resumable.errors import Fault, Incomplete, ManifestUnusable
from resumable.manifest.rows import JobRow, WindowRow
from resumable.manifest.store import Manifest
from resumable.models import EventKind, PageKey, PartFact, Snapshot, Window, iso, label
from resumable.storage.parts import Footer, Parts

TAKES_IN_ONE_RUN = 4
"""Snapshots of one window before its source is called unsettled."""

FAILURES_IN_A_ROW = 32
"""Pages given up on, with none that came between them, before the run ends: the network or the server is down."""


@dataclass(frozen=True, kw_only=True)
class Site:
    """What the workers of a run share."""

    job: JobRow
    contract: Contract
    client: Client
    manifest: Manifest
    parts: Parts
    feed: Feed
    stop: Stop
    spec: str
    """The job's spec, as each part's footer repeats it."""
    deep_limit: int | None
    """Records of one window that can be paged through."""
    fail_on_drift: bool = False


@dataclass(kw_only=True)
class Recorder:
    """Keeps what comes. One object serves all threads of a run."""

    site: Site
    keys: RecordKeys
    unsettled: list[Window] = field(default_factory=list)
    """Windows whose source kept changing, as found in this run."""
    waiting: list[Window] = field(default_factory=list)
    """Windows that the server has no data of yet, as found in this run."""
    _takes: dict[int, int] = field(default_factory=dict)
    _failed_in_a_row: int = 0

    def write(self, window: Window, snapshot: Snapshot, number: int, answer: Answer) -> PartFact:
        """Make an answer the durable part of its page; its row comes after."""
        site = self.site
        self._failed_in_a_row = 0
        if answer.drift and site.fail_on_drift:
            raise Incomplete(
                f"{label(window.interval)} page {number} does not fit the schema: {', '.join(answer.drift)}.",
                hint="The page was not recorded. Run again without --on-drift fail to keep such values in _unmapped.",
            )
        footer = Footer(
            job=site.job.uuid,
            job_name=site.job.name,
            spec=site.spec,
            columns=site.job.columns,
            query_digest=site.job.spec.digest,
            schema_digest=site.job.schema_digest,
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
            taken_at=iso(site.stop.clock.now()),
        )
        part = site.client.concurrency.on_cpu(lambda: site.parts.write(answer.table, footer))
        if answer.table is not None:
            self.keys.keep(window, number, answer.table.column(site.contract.schema.key))
        return part

    def give_up(self, window: Window, number: int, fault: Fault) -> None:
        """Quarantine a page. Raises Incomplete when so many failed in a row that no page could come."""
        self.site.manifest.quarantine(window, number, fault.reason)
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
        self.site.manifest.event(EventKind.WARNING, text)

    def close(self, window: Window) -> None:
        """Close a window whose pages have all ended, or take it again where the closing check does not agree."""
        site = self.site
        row = site.manifest.window(window.id)
        if row.done < snapshot_of(row).page_count:
            self.retake(row.window, None, "pages it had named are gone")
            return
        verdict = site.client.concurrency.on_cpu(lambda: self._judged(row))
        if not verdict.complete:
            self.retake(row.window, verdict.fingerprint, verdict.why)
            return
        if verdict.settled:
            site.manifest.event(EventKind.SETTLED, f"{label(window.interval)}: two takes agree, although {verdict.why}")
        age = site.stop.clock.now() - window.interval.end
        site.manifest.complete(
            row.window,
            verdict.fingerprint,
            duplicates=verdict.duplicates,
            settled=verdict.settled,
            young=age < STILL_CHANGING and not site.contract.timeless,
        )
        if row.window.take > 1:
            remove_stale(row.window, manifest=site.manifest, parts=site.parts)

    def retake(self, window: Window, fingerprint: bytes | None, why: str) -> None:
        """Take a window again as a new snapshot, unless it has been taken too often in this run."""
        takes = self._takes[window.id] = self._takes.get(window.id, 1) + 1
        if takes > TAKES_IN_ONE_RUN:
            self.unsettled.append(window)
            return
        row = self.site.manifest.retake(window, fingerprint, why)
        self.site.feed.reopen(row.window)

    def _judged(self, row: WindowRow) -> Verdict:
        site, window = self.site, row.window
        kept = self.keys.of(window)
        columns = []
        for page in site.manifest.pages(window):
            key = PageKey(window=window.interval, take=window.take, number=page.number)
            column = kept.get(page.number)
            columns.append(column if column is not None else site.parts.column(key, site.contract.schema.key))
        verdict = judge(row, columns, page_size=site.job.spec.page_size if site.contract.counts_pages else None)
        self.keys.close(window, columns if verdict.complete else None)
        return verdict


def snapshot_of(row: WindowRow) -> Snapshot:
    """Return the snapshot of a window that is open. Raises ManifestUnusable where there is none."""
    if row.window.snapshot is None:
        raise ManifestUnusable(f"the window {row.window.interval} is open and names no page count.")
    return row.window.snapshot
