"""`resumable verify`: is everything there, and is it what was recorded?"""

from typing import Any

from resumable.cli.as_begun import as_begun
from resumable.cli.command_options import VerifyOptions
from resumable.cli.job_choice import only_job
from resumable.cli.job_spec import job_of_file
from resumable.cli.run_command import asked_as, event_log, prepared, source_settings
from resumable.cli.session import Session
from resumable.cli.signals import interruptible
from resumable.cli.text.verify_progress import VerifyProgress
from resumable.config import checked_job_name
from resumable.errors import Incomplete, ManifestUnusable, ResumableError, VerificationFailed
from resumable.job.making import find
from resumable.text import amount, hanging, paragraph, size, unbroken
from resumable.verify.findings import Finding, Flaw, Report

LISTED = 1000
"""Findings that the JSON object holds; all are counted."""


def verify(session: Session, options: VerifyOptions) -> None:
    """Name every fault of a job, each as it is found."""
    event_log(session, options)
    settings = prepared(session, options)
    name = options.job or job_of_file(session, settings) or only_job(settings.files, "verify")
    begun = as_begun(session, options, settings.files.job(checked_job_name(name))) if options.online else options
    if begun is not options:
        settings = asked_as(source_settings(session, begun), begun, session.environment)
    found = find(name, settings, clock=session.clock)
    checking = VerifyProgress(session, found.name)
    listed: list[Finding] = []
    with interruptible(session.interrupts, "a verification changes nothing"), checking.going():
        for finding in found.verify(quick=options.quick, online=options.online, watch=checking.show):
            listed += [finding] if len(listed) < LISTED else []
            if not session.json:
                with checking.aside():
                    for text in hanging("", line(finding, session), width=session.stdout_width):
                        session.give(text)
    if checking.report is not None:
        _conclude(session, checking.report, listed)


def line(finding: Finding, session: Session) -> str:
    """Write a finding in one line."""
    mend = unbroken(session.typed(finding.mend)) if finding.typed else finding.mend
    return f"{finding.flaw.value}: {finding.text} Repair: {mend}".replace("\n", " ")


def _conclude(session: Session, report: Report, listed: list[Finding]) -> None:
    """Say how it ended. Raises what the exit code stands for, unless all is well."""
    content = {**report.to_json(), "findings": [finding.to_json() for finding in listed]}
    error = _error(report, listed)
    if error is not None:
        session.content = content
        session.details = [f"  {note}" for note in [*report.notes, *report.unanswered[:10]]]
        raise error
    for note in report.notes:
        session.tell(note)
    session.tell(_closing(report, width=session.width))
    if session.json:
        session.give_json(content)


def _error(report: Report, listed: list[Finding]) -> ResumableError | None:
    if report.found[Flaw.MANIFEST]:
        broken = next(finding for finding in listed if finding.flaw is Flaw.MANIFEST)
        if broken.typed:
            return ManifestUnusable(broken.text, hint="Repair it with:", command=broken.mend)
        return ManifestUnusable(broken.text, hint=broken.mend)
    if report.faults:
        kinds = ", ".join(f"{count:,} {flaw.value}" for flaw, count in report.found.most_common())
        mends = list(dict.fromkeys(finding.mend for finding in listed if finding.typed))
        others = "Other commands are named beside the faults that want them. " if len(mends) > 1 else ""
        return VerificationFailed(
            f"{amount(report.faults, 'fault')} in the job {report.job}: {kinds}.",
            hint=f"{others}Repair it with:" if mends else listed[0].mend,
            command=mends[0] if mends else None,
        )
    if report.unanswered:
        return Incomplete(
            f"the server did not answer for {amount(len(report.unanswered), 'window')}; the rest is as it should be.",
            hint="Run the same command again:",
            command=f"resumable verify {report.job} --online",
        )
    return None


def _closing(report: Report, *, width: int | None) -> str:
    what: list[Any] = [amount(report.windows, "window"), amount(report.pages, "page"), size(report.bytes)]
    how = "size and footer of every part" if report.quick else "every byte"
    counted = f", and {amount(report.counted, 'window')} counted by the server" if report.counted else ""
    sentence = f"verified: {', '.join(what)}; {how} checked{counted}; no faults."
    return paragraph([sentence], ending="exit 0", width=width)
