"""A whole verification: manifest, windows, pages, files, receipt and server, one after the other, as it is found."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

from resumable.datasets.contract import AnyContract
from resumable.datasets.resolve import of_job
from resumable.errors import ManifestUnusable, UsageError
from resumable.manifest.reader import ManifestReader, required_reader
from resumable.models import JobState
from resumable.storage.job_files import window_key
from resumable.storage.parts import Parts
from resumable.storage.reading import at_once
from resumable.text import spoken
from resumable.verify import receipts, server, strays
from resumable.verify.findings import Finding, Flaw, Report
from resumable.verify.server import Server
from resumable.verify.subject import JobLike, Subject
from resumable.verify.windows import WindowCheck, waiting_note

LookOn = Callable[[Report], None]
"""Is told whenever the report has changed; the report is the same object each time, and whole when all is over."""


def verify(
    job: JobLike, *, quick: bool = False, online: Server | None = None, watch: LookOn | None = None
) -> Iterator[Finding]:
    """Yield every fault of a job as it is found, for whoever holds its lock; nothing is changed.

    `quick` leaves the content of parts unread: it looks at their existence, size and footer. `online` asks the server
    for its count of each complete window too. A manifest that is lost or damaged is one finding, and the last. Raises
    StorageFailed where the disk refuses more than single parts, UsageError where there is no such job, and with
    `online` what a run raises.
    """
    report = Report(job=job.name, quick=quick, online=online is not None)

    def tell() -> None:
        if watch is not None:
            watch(report)

    tell()
    for finding in _findings(job, report, online, tell):
        report.found[finding.flaw] += 1
        tell()
        yield finding
    tell()


def _findings(job: JobLike, report: Report, online: Server | None, tell: Callable[[], None]) -> Iterator[Finding]:
    try:
        with required_reader(job.home) as manifest:
            if flaws := manifest.checks.damage():
                raise ManifestUnusable(
                    f"the manifest {job.home.manifest} is damaged: {'; '.join(flaws[:3])}.",
                    hint="Make it again from the parts with:",
                    command=f"resumable repair {job.name}",
                )
            yield from _all(_subject(job, manifest, report, tell), online)
    except ManifestUnusable as error:
        where = str(job.home.manifest)
        mend, typed = error.command or error.hint, error.command is not None
        yield Finding(flaw=Flaw.MANIFEST, place=where, text=error.message, mend=mend, typed=typed)


def _subject(job: JobLike, manifest: ManifestReader, report: Report, tell: Callable[[], None]) -> Subject:
    row, totals = manifest.job(), manifest.totals()
    report.windows_all = totals.windows
    report.pages_all, report.bytes_all = manifest.checks.extent()
    report.complete = totals.windows_done == totals.windows and row.state is JobState.COMPLETE
    contract = _contract(manifest)
    if contract.schema.digest != row.schema_digest:
        report.notes.append("the job was begun with another version of the schema than this program has.")
    tell()
    return Subject(
        name=job.name,
        home=job.home,
        manifest=manifest,
        parts=Parts(job.home),
        job=row,
        contract=contract,
        report=report,
        tell=tell,
    )


def _all(subject: Subject, online: Server | None) -> Iterator[Finding]:
    yield from _range(subject)
    broken = strays.parts_folder(subject)
    if broken is not None:
        yield broken
    else:
        yield from _windows(subject)
    if subject.report.complete:
        yield from receipts.check(subject)
    if online is not None:
        yield from server.check(subject, online)


def _range(subject: Subject) -> Iterator[Finding]:
    for hole in subject.manifest.checks.holes():
        text = f"no window covers {spoken(hole)}, which is in the range of the job."
        yield Finding(flaw=Flaw.COVERAGE, window=hole, text=text, mend=subject.repair)
    totals, report = subject.manifest.totals(), subject.report
    if subject.job.state is JobState.COMPLETE and not report.complete:
        left = totals.windows - totals.windows_done
        text = f"the job is called complete, and {left:,} of {totals.windows:,} windows are not."
        yield Finding(flaw=Flaw.COVERAGE, text=text, mend=subject.resume)


def _windows(subject: Subject) -> Iterator[Finding]:
    known = set()
    with ThreadPoolExecutor(at_once(subject.store), thread_name_prefix="verify") as pool:
        check = WindowCheck(subject, pool)
        for row in subject.manifest.windows():
            known.add(window_key(row.window.interval))
            yield from check.check(row)
            yield from strays.strays(subject, row)
    yield from strays.strangers(subject, known)
    subject.report.notes += waiting_note(subject, check)


def _contract(manifest: ManifestReader) -> AnyContract:
    job = manifest.job()
    try:
        return of_job(job.spec, job.columns)
    except UsageError as error:
        raise ManifestUnusable(f"the job's row makes no sense: {error.message}", hint=error.hint) from None
