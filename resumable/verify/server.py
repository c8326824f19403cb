"""What the server counts now, against what was stored: one request a window."""

import math
import shlex
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from resumable.api.client import Asked, Client, Stopped
from resumable.api.session import open_session
from resumable.clock import Stop
from resumable.config import Settings
from resumable.datasets.beside import Counting
from resumable.datasets.contract import AnyContract, Contract, checked
from resumable.datasets.facts import Paging
from resumable.engine import belonging
from resumable.engine.belonging import NoJournal
from resumable.engine.counts import Comparison, compared, count_window
from resumable.errors import Fault, ProtocolFault
from resumable.manifest.rows import WindowRow
from resumable.models import JobSpec, Said, WindowState, label
from resumable.text import amount, length
from resumable.transport.http import Reply
from resumable.verify.findings import Finding, Flaw
from resumable.verify.subject import Subject

NAMED = 5
"""Windows that a note names."""

BATCH = 4
"""Windows for each thread that are asked about before what came is looked at."""


@dataclass(frozen=True, kw_only=True)
class Server:
    """How the server is asked."""

    settings: Settings
    stop: Stop


def pointless(contract: Contract) -> str | None:
    """Say why a count of the server would tell nothing; None where it tells something."""
    if contract.timeless:
        return f"{contract.name} is a list as it was on the day it was taken: the server cannot count that day any more"
    if not contract.paging.counts_pages and contract.counting is None:
        return f"{contract.name} names neither totals nor page counts: there is no count to ask the server for"
    return None


def check(subject: Subject, server: Server) -> Iterator[Finding]:
    """Yield the complete windows of which the server counts otherwise now; what it does not answer is in the report.

    Raises what ends a run: AuthenticationFailed, Incomplete where the server asks for a long wait.
    """
    contract = subject.contract
    if (why := pointless(contract)) is not None:
        subject.report.notes.append(f"{why}.")
        return
    if not contract.paging.counts_pages and not server.settings.count:
        subject.report.notes.append("its windows were not counted, as --no-count says.")
        return
    beside = None if contract.counting is None else _Beside(contract.counting)
    complete = (row for row in subject.manifest.windows() if row.window.state is WindowState.COMPLETE)
    query = subject.job.spec.query
    with open_session(contract, server.settings, stop=server.stop, journal=NoJournal(), query=query) as client:
        belonging.check(subject.job, client, contract, server.settings)
        threads = server.settings.workers
        while rows := [*islice(complete, threads * BATCH)]:
            for row, said in _Round(subject, contract, client, rows).go(threads):
                subject.report.counted += 1
                if beside is None or subject.taken_by(row).paging.counts_pages:
                    text = _otherwise(row, said)
                else:
                    text = beside.otherwise(row, said)
                if text is not None:
                    yield _finding(subject, row, text)
                subject.tell()
    if beside is not None:
        subject.report.notes.append(beside.note())


class _Round:
    """Asks about some windows, in several threads."""

    def __init__(self, subject: Subject, contract: AnyContract, client: Client, rows: list[WindowRow]) -> None:
        self._subject = subject
        self._contract = contract
        self._client = client
        self._rows = rows
        self._left = deque(enumerate(rows))
        self._said: dict[int, Said] = {}
        self._errors: list[BaseException] = []

    def go(self, threads: int) -> Iterator[tuple[WindowRow, Said]]:
        names = [f"count-{number}" for number in range(1, min(threads, len(self._rows)) + 1)]
        self._client.stop.clock.run_threads(self._ask_all, names)
        if self._errors:
            raise self._errors[0]
        yield from ((self._rows[place], said) for place, said in sorted(self._said.items(), key=lambda item: item[0]))

    def _ask_all(self) -> None:
        while self._left and not self._errors:
            try:
                place, row = self._left.popleft()
            except IndexError:  # another thread was quicker
                return
            try:
                self._said[place] = self._ask(row)
            except Fault as fault:
                self._subject.report.unanswered.append(f"{label(row.window.interval)}: {fault.reason}")
            except Stopped:
                return
            except BaseException as error:  # noqa: BLE001 - raised again in the thread that called
                self._errors.append(error)

    def _ask(self, row: WindowRow) -> Said:
        contract, spec = self._contract, self._subject.job.spec
        window, page_size = row.window.interval, row.window.asked_size or spec.page_size
        if contract.counting is not None:
            return Said(total=count_window(self._client, contract.counting, spec.query, window))
        if contract.paging is not Paging.NUMBERED:
            raise ProtocolFault("its answers name no count")
        request = contract.request(spec.query, window, 1, page_size)

        def read(reply: Reply) -> Said:
            return checked(contract.read(reply.body, page_size, self._client.redactor), 1).said

        return self._client.exchange(Asked(what=f"counting {label(window)}", request=request), read)


def _otherwise(row: WindowRow, said: Said) -> str | None:
    snapshot = row.window.snapshot
    if snapshot is None:
        return None
    if said.total is not None:
        # A total is approximate: what it was when the window was settled is as good as the records themselves.
        if said.total in (row.window.records, snapshot.total):
            return None
        return f"the server counts {said.total:,} records now, and {row.window.records:,} are stored"
    if said.page_count in (None, snapshot.page_count):
        return None
    return f"the server counts {said.page_count:,} pages now, and {snapshot.page_count:,} are stored"


class _Beside:
    """What another contract counts, beside what is stored: more of it is a finding, the rest is told."""

    def __init__(self, counting: Counting) -> None:
        self._counting = counting
        self._windows = self._records = self._stored = 0
        self._differing: list[str] = []

    def otherwise(self, row: WindowRow, said: Said) -> str | None:
        """Say that more is counted than is stored, and than was counted when the window was downloaded."""
        records = said.total or 0
        self._windows, self._records, self._stored = (
            self._windows + 1,
            self._records + records,
            self._stored + row.distinct,
        )
        found = compared(self._counting, records, row.distinct)
        if found.how is Comparison.COUNTS_MORE and records != row.counted:
            return f"the server counts {records:,} {self._counting.what} now, and {row.distinct:,} records are stored"
        if found.how in (Comparison.COUNTS_MORE, Comparison.COUNTS_FEWER):
            self._differing.append(f"{label(row.window.interval)}: {records:,}, not {row.distinct:,}")
        return None

    def note(self) -> str:
        """Return both numbers of all windows, and of some that differ."""
        numbers = f"the server counts {self._records:,} {self._counting.what} in {amount(self._windows, 'window')}"
        some = self._differing[:NAMED]
        more = f" and {len(self._differing) - NAMED:,} more" if len(self._differing) > NAMED else ""
        but = f" They differ in {', '.join(some)}{more}." if some else ""
        return f"{numbers}; {self._stored:,} records are stored.{but}"


def _finding(subject: Subject, row: WindowRow, text: str) -> Finding:
    mend = _look_back(subject, row, subject.manifest.checks.whole_at(row.window))
    return subject.window(Flaw.SERVER, row.window, text, mend=mend)


def _look_back(subject: Subject, row: WindowRow, whole_at: datetime | None) -> str:
    """Return the command that takes the window again, with all that were taken as soon after their end."""
    spec, age = subject.job.spec, timedelta(0)
    if whole_at is not None:
        age = max(age, whole_at - row.window.interval.end)
    days = math.floor(age / timedelta(days=1)) + 1
    span = f"--from {spec.interval.start:%Y-%m-%dT%H:%M:%SZ} --to {spec.interval.end:%Y-%m-%dT%H:%M:%SZ}"
    again = f"resumable backfill {spec.dataset} {span} --job {subject.name} --look-back {days}d"
    return f"{again}{''.join(_flags(spec, usual=subject.contract.page_sizes.usual))}"


def _flags(spec: JobSpec, *, usual: int) -> Iterator[str]:
    """Yield what else was typed to begin a job: without it, its name would be refused to another query."""
    query = spec.query
    if spec.window != timedelta(days=1):
        yield f" --window {length(spec.window)}"
    if spec.page_size != usual:
        yield f" --page-size {spec.page_size}"
    lists = (
        *(("--queue", query.queues), ("--division", query.divisions), ("--media-type", query.media_types)),
        *(("--direction", query.directions), ("--group-by", query.group_by), ("--metric", query.metrics)),
    )
    for flag, values in lists:
        yield from (f" {flag} {shlex.quote(value)}" for value in values)
    if query.zone is not None:
        yield f" --tz {query.zone}"
    if query.filter is not None:
        yield f" --filter {shlex.quote(query.filter)}"
    if query.declaration is not None or query.privacy is not None:
        yield " (and the rest that it was begun with)"
