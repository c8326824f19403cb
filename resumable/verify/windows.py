"""The rows of a window: do they cover it, does each have its part, and are the records those that were counted?"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pyarrow as pa

from resumable.engine.closing import judge
from resumable.engine.windows import gaps
from resumable.manifest.rows import PageRow, WindowRow
from resumable.models import PageKey, WindowState, label
from resumable.storage.job_files import window_key
from resumable.storage.reading import ahead, at_once
from resumable.verify import pages
from resumable.verify.findings import Finding, Flaw
from resumable.verify.pages import Checked
from resumable.verify.subject import Subject

GAPS_NAMED = 1000
"""Missing rows of one window that are named one by one."""


@dataclass(kw_only=True)
class _Sums:
    """What the rows of one take add up to."""

    done: int = 0
    records: int = 0
    bytes: int = 0
    last: int = 0
    numbers: set[int] = field(default_factory=set)
    sound: bool = True
    """Whether every part so far is what its row says."""
    keys: list[pa.ChunkedArray] = field(default_factory=list)

    def add(self, page: PageRow) -> None:
        self.done += 1
        self.records += page.part.rows
        self.bytes += page.part.size
        self.last = page.number
        self.numbers.add(page.number)


class WindowCheck:
    """Checks one window after the other, the parts of each in several threads."""

    def __init__(self, subject: Subject, pool: ThreadPoolExecutor) -> None:
        """`pool` looks at the parts."""
        self._subject = subject
        self._pool = pool
        self.missing = 0
        """Pages known and not done, of windows that are not complete."""
        self.stale = 0
        """Windows with older takes that a run has not removed yet."""

    def check(self, row: WindowRow) -> Iterator[Finding]:
        """Yield what is wrong with a window, its pages first."""
        window, manifest = row.window, self._subject.manifest
        sums = _Sums()
        yield from self._parts(row, window.take, sums)
        yield from self._coverage(row, sums)
        if window.state is WindowState.COMPLETE and not self._subject.report.quick and sums.sound:
            yield from self._recount(row, sums)
        if row.whole_take is not None and row.whole_take < window.take:
            # The window is being taken again; what readers see until that is done is the take before.
            before = _Sums()
            yield from self._parts(row, row.whole_take, before)
            yield from self._gaps(row, row.whole_take, before, before.last)
        self.missing += (window.snapshot.page_count if window.snapshot else 0) - sums.done
        takes = manifest.checks.takes(window)
        self.stale += window.state is WindowState.COMPLETE and bool(takes - {window.take})
        self._subject.report.windows += 1
        self._subject.tell()

    def _parts(self, row: WindowRow, take: int, sums: _Sums) -> Iterator[Finding]:
        """Look at the part of every row of a take, several at once, in order."""
        subject = self._subject
        folder = subject.store.kind(window_key(row.window.interval))

        def look(page: PageRow) -> tuple[PageRow, Checked]:
            key = PageKey(window=row.window.interval, take=take, number=page.number)
            return page, pages.check(subject, row, key, page, folder=folder)

        rows = subject.manifest.checks.pages(row.window, take)
        for page, checked in ahead(self._pool, look, rows, most=4 * at_once(subject.store)):
            yield from self._landed(page, checked, sums)

    def _landed(self, page: PageRow, checked: Checked, sums: _Sums) -> Iterator[Finding]:
        report = self._subject.report
        sums.add(page)
        report.pages += 1
        report.bytes += page.part.size
        if checked.finding is not None:
            sums.sound = False
            yield checked.finding
        elif checked.keys is not None:
            sums.keys.append(checked.keys)
        self._subject.tell()

    def _coverage(self, row: WindowRow, sums: _Sums) -> Iterator[Finding]:
        window, subject = row.window, self._subject
        page_count = window.snapshot.page_count if window.snapshot else 0
        if window.state is WindowState.COMPLETE:
            yield from self._gaps(row, window.take, sums, page_count)
        if sums.last > page_count:
            text = f"page {sums.last} is recorded, and it has {page_count} pages"
            yield subject.window(Flaw.COVERAGE, window, text)
        recorded = (row.done, window.records, subject.manifest.checks.recorded_bytes(window))
        found = (sums.done, sums.records, sums.bytes)
        if recorded != found:
            sums.sound = False
            names = ("pages", "records", "bytes")
            said = (f"{b:,} {n}, not {a:,}" for n, a, b in zip(names, recorded, found, strict=True) if a != b)
            yield subject.window(Flaw.COVERAGE, window, f"its pages add up to {', '.join(said)}")

    def _gaps(self, row: WindowRow, take: int, sums: _Sums, page_count: int) -> Iterator[Finding]:
        """Yield the pages of 1..page_count that have no row, though the window was complete."""
        for named, number in enumerate(gaps(sorted(sums.numbers), page_count)):
            sums.sound = False
            if named == GAPS_NAMED:
                text = f"{page_count - len(sums.numbers) - named:,} more pages are not recorded done"
                yield self._subject.window(Flaw.COVERAGE, row.window, text)
                return
            key = PageKey(window=row.window.interval, take=take, number=number)
            yield self._subject.page(Flaw.COVERAGE, key, "the window is complete, and this page is not recorded done")

    def _recount(self, row: WindowRow, sums: _Sums) -> Iterator[Finding]:
        """Close the window once more, in mind, and compare."""
        subject, window = self._subject, row.window
        size = subject.job.spec.page_size if subject.taken_by(row).paging.counts_pages else None
        verdict = judge(row, sums.keys, subject.contract.schema, page_size=size)
        if verdict.duplicates != row.duplicates:
            text = f"{verdict.duplicates} records came twice, and {row.duplicates} are recorded"
            yield subject.window(Flaw.DUPLICATE, window, text)
        elif verdict.fingerprint != window.fingerprint:
            yield subject.window(Flaw.DUPLICATE, window, "its records are not those that its closing check saw")
        elif not verdict.complete or (verdict.settled and not row.settled):
            yield subject.window(Flaw.COVERAGE, window, f"it is called complete, although {verdict.why}")


def waiting_note(subject: Subject, check: WindowCheck) -> Iterator[str]:
    """Say what is missing without being a fault, because the job is not complete."""
    totals = subject.manifest.totals()
    left = totals.windows - totals.windows_done
    if left:
        again = f", {totals.pages_quarantined:,} of them quarantined" if totals.pages_quarantined else ""
        first = next(iter(subject.manifest.unfinished(limit=1)))
        yield (
            f"the job is not complete: {left:,} of {totals.windows:,} windows are not, the first is"
            f" {label(first.window.interval)}; {check.missing:,} known pages are missing{again}."
            f" That is not a fault; resume with: {subject.resume}"
        )
    elif not subject.report.complete:
        yield f"every window is complete, and the job was not closed; do that with: {subject.resume}"
    if check.stale:
        yield f"{check.stale:,} windows have parts of older takes, which the next run removes."
