"""Takes pages: fetch, validate, table, durable part, manifest row; several threads, one feed."""

import threading
from collections.abc import Callable
from dataclasses import dataclass

from resumable.client import Asked, Client, Stopped
from resumable.clock import Stop
from resumable.closing import judge
from resumable.datasets import Answer, Dataset, checked
from resumable.errors import Fault, Incomplete, ManifestUnusable, PageBeyondEnd
from resumable.manifest import JobRow, Manifest, WindowRow
from resumable.models import EventKind, PageKey, PartFact, Snapshot, Window, WindowState, iso, label
from resumable.parts import Footer, Parts
from resumable.planner import Ended, Feed, Work, gaps, halves
from resumable.reconcile import reconcile, remove_stale
from resumable.transport import Reply

TAKES_IN_ONE_RUN = 4
"""Snapshots of one window before its source is called unsettled."""

FAILURES_IN_A_ROW = 32
"""Pages given up on, with none that came between them, before the run ends: the network or the server is down."""


@dataclass(frozen=True, kw_only=True)
class Site:
    """What the workers of a run share."""

    job: JobRow
    dataset: Dataset
    client: Client
    manifest: Manifest
    parts: Parts
    feed: Feed
    stop: Stop
    deep_limit: int | None
    """Records of one window that can be paged through."""
    refused: Callable[[Fault], None]
    """Called with the fault of a first page; ends the run where no page could ever come (a query that is refused)."""


class Worker:
    """Does the work of a feed. One object serves all threads."""

    def __init__(self, site: Site) -> None:
        """`site` belongs to one run."""
        self._site = site
        self._takes: dict[int, int] = {}
        self._failed_in_a_row = 0
        self.unsettled: list[Window] = []
        """Windows whose source kept changing, as found in this run."""

    def do(self, work: Work) -> None:
        """Do one piece of work. Raises what ends a run; a page that fails is quarantined instead."""
        if work.number is None:
            self._open(work.window)
        else:
            self._page(work.window, work.number)

    def _open(self, window: Window) -> None:
        site = self._site
        row = reconcile(window, manifest=site.manifest, parts=site.parts, job=site.job)
        if row.window.state is WindowState.PLANNED:
            first = self._first_page(row.window)
            if first is None:
                return
            row = first
        snapshot = _snapshot(row)
        missing = gaps((page.number for page in site.manifest.pages(row.window)), snapshot.page_count)
        if site.feed.opened(row, missing):
            self._close(row.window)

    def _first_page(self, window: Window) -> WindowRow | None:
        try:
            answer = self._fetch(window, 1)
        except Fault as fault:
            self._site.refused(fault)
            self._give_up(window, 1, fault)
            return None
        said = answer.said
        if self._site.deep_limit is not None and (said.total or 0) > self._site.deep_limit:
            self._split(window, said.total or 0, self._site.deep_limit)
            return None
        snapshot = Snapshot(number=window.take, page_count=said.page_count or 0, total=said.total)
        part = self._write(window, snapshot, 1, answer) if answer.rows else None
        return self._site.manifest.first_page_done(window, snapshot, part)

    def _split(self, window: Window, total: int, limit: int) -> None:
        slices = halves(window.interval)
        why = f"it holds {total:,} records, and only {limit:,} can be paged through"
        if len(slices) == 1:
            self._site.manifest.quarantine(window, 1, f"{why}, even of an hour: narrow the query by a filter")
            return
        rows = self._site.manifest.split(window, slices, why)
        self._site.feed.reopen(*(row.window for row in rows))

    def _page(self, window: Window, number: int) -> None:
        how = Ended.FAILED
        try:
            how = self._take(window, number)
        finally:
            last = self._site.feed.ended(window, how)
        if last:
            self._close(window)

    def _take(self, window: Window, number: int) -> Ended:
        site = self._site
        try:
            answer = self._fetch(window, number)
        except PageBeyondEnd as fault:
            site.manifest.event(EventKind.SNAPSHOT_MOVED, f"{label(window.interval)} page {number}: {fault.reason}")
            return Ended.BEYOND
        except Fault as fault:
            self._give_up(window, number, fault)
            return Ended.FAILED
        snapshot = window.snapshot
        if snapshot is None:
            raise ManifestUnusable(f"page {number} of {window.interval} was planned from no snapshot.")
        moved = (answer.said.page_count, answer.said.total) != (snapshot.page_count, snapshot.total)
        if moved:
            text = f"{_counts(answer.said.page_count, answer.said.total)}; the snapshot had"
            text = f"{text} {_counts(snapshot.page_count, snapshot.total)}"
            site.manifest.event(EventKind.SNAPSHOT_MOVED, f"{label(window.interval)} page {number} names {text}")
        part = self._write(window, snapshot, number, answer)
        site.manifest.page_done(window, number, part, moved=moved)
        return Ended.DONE

    def _fetch(self, window: Window, number: int) -> Answer:
        site = self._site
        spec = site.job.spec
        asked = Asked(
            what=f"{label(window.interval)} page {number}",
            request=site.dataset.request(spec.query, window.interval, number, spec.page_size),
        )

        def read(reply: Reply) -> Answer:
            return checked(site.dataset.read(reply.body, spec.page_size, site.client.redactor), number)

        answer = site.client.exchange(asked, read)
        self._failed_in_a_row = 0
        return answer

    def _give_up(self, window: Window, number: int, fault: Fault) -> None:
        self._site.manifest.quarantine(window, number, fault.reason)
        # A lost update between threads only delays the count; what matters is that a dead network ends the run.
        self._failed_in_a_row += 1
        if self._failed_in_a_row >= FAILURES_IN_A_ROW:
            raise Incomplete(
                f"{FAILURES_IN_A_ROW} pages in a row failed, the last with: {fault.reason}.",
                hint="What is recorded is safe. Run the same command when the server can be reached.",
            )

    def _write(self, window: Window, snapshot: Snapshot, number: int, answer: Answer) -> PartFact:
        site = self._site
        footer = Footer(
            job=site.job.uuid,
            dataset=site.dataset.name,
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
            taken_at=iso(site.stop.clock.now()),
        )
        return site.parts.write(answer.table, footer)

    def _close(self, window: Window) -> None:
        site = self._site
        row = site.manifest.window(window.id)
        snapshot = _snapshot(row)
        if row.done < snapshot.page_count:
            self._retake(row.window, None, "pages it had named are gone")
            return
        keys = (site.parts.column(key, site.dataset.schema.key) for key in self._keys(row.window))
        verdict = judge(row, keys, page_size=site.job.spec.page_size)
        if not verdict.complete:
            self._retake(row.window, verdict.fingerprint, verdict.why)
            return
        if verdict.settled:
            site.manifest.event(EventKind.SETTLED, f"{label(window.interval)}: two takes agree, although {verdict.why}")
        site.manifest.complete(row.window)
        remove_stale(row.window, manifest=site.manifest, parts=site.parts)

    def _keys(self, window: Window) -> list[PageKey]:
        pages = self._site.manifest.pages(window)
        return [PageKey(window=window.interval, take=window.take, number=page.number) for page in pages]

    def _retake(self, window: Window, fingerprint: bytes | None, why: str) -> None:
        takes = self._takes[window.id] = self._takes.get(window.id, 1) + 1
        if takes > TAKES_IN_ONE_RUN:
            self.unsettled.append(window)
            return
        row = self._site.manifest.retake(window, fingerprint, why)
        self._site.feed.reopen(row.window)


def work_through(feed: Feed, worker: Worker, *, threads: int, stop: Stop) -> None:
    """Do all the work of a feed with so many threads, and return when all have ended.

    The first error that ends a run raises the stop flag; the others finish what they have in flight; it is raised here.
    """
    errors: list[BaseException] = []

    def loop() -> None:
        while (work := feed.take()) is not None:
            try:
                worker.do(work)
            except Stopped:
                continue
            except BaseException as error:  # noqa: BLE001 - raised again below, in the thread that called
                errors.append(error)
                stop.request("error")
            finally:
                feed.release()

    crew = [threading.Thread(target=loop, name=f"worker-{number}", daemon=True) for number in range(1, threads + 1)]
    for thread in crew:
        thread.start()
    for thread in crew:
        thread.join()
    if errors:
        raise errors[0]


def _counts(page_count: int | None, total: int | None) -> str:
    return f"{page_count} pages" + ("" if total is None else f", {total} records")


def _snapshot(row: WindowRow) -> Snapshot:
    if row.window.snapshot is None:
        raise ManifestUnusable(f"the window {row.window.interval} is open and names no page count.")
    return row.window.snapshot
