"""`resumable verify`: is everything there, and is it what was recorded?"""

from typing import Any

from resumable.cli.job_choice import only_job
from resumable.cli.job_spec import job_of_file
from resumable.cli.options import VerifyOptions
from resumable.cli.run_command import prepared
from resumable.cli.session import Session
from resumable.cli.signals import raised
from resumable.cli.text.verify_progress import VerifyProgress
from resumable.errors import Incomplete, Interrupted, ManifestUnusable, ResumableError, VerificationFailed
from resumable.job.making import find
from resumable.text import amount, paragraph, size
from resumable.verify.findings import Finding, Flaw, Report

LISTED = 1000
"""Findings that the JSON object holds; all are counted."""


def verify(session: Session, options: VerifyOptions) -> None:
    """Name every fault of a job, each as it is found."""
    settings = prepared(session, options)
    name = options.job or job_of_file(session, settings) or only_job(settings.files, "verify")
    found = find(name, settings, clock=session.clock)
    checking = VerifyProgress(session)
    listed: list[Finding] = []
    try:
        with raised(lambda number: Interrupted(f"interrupted by {number.name}.", terminated=True)):
            for finding in found.verify(quick=options.quick, online=options.online, watch=checking.show):
                listed += [finding] if len(listed) < LISTED else []
                if not session.json:
                    checking.clear()
                    session.give(line(finding))
    finally:
        checking.clear()
    if checking.report is not None:
        _conclude(session, checking.report, listed)


def line(finding: Finding) -> str:
    """Write a finding in one line."""
    return f"{finding.flaw.value}: {finding.text} Mend: {finding.mend}".replace("\n", " ")


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
        return ManifestUnusable(broken.text, hint=_to_mend(broken))
    if report.faults:
        kinds = ", ".join(f"{count:,} {flaw.value}" for flaw, count in report.found.most_common())
        mends = list(dict.fromkeys(finding.mend for finding in listed))
        others = " Other commands are named beside the faults that want them." if len(mends) > 1 else ""
        return VerificationFailed(
            f"{amount(report.faults, 'fault')} in the job {report.job}: {kinds}.",
            hint=f"Mend it with: {mends[0]}{'.' if others else ''}{others}",
        )
    if report.unanswered:
        return Incomplete(
            f"the server did not answer for {amount(len(report.unanswered), 'window')}; the rest is as it should be.",
            hint=f"Run the same command again: resumable verify {report.job} --online",
        )
    return None


def _to_mend(finding: Finding) -> str:
    return f"Mend it with: {finding.mend}" if finding.typed else finding.mend


def _closing(report: Report, *, width: int | None) -> str:
    what: list[Any] = [amount(report.windows, "window"), amount(report.pages, "page"), size(report.bytes)]
    how = "size and footer of every part" if report.quick else "every byte"
    counted = f", and {amount(report.counted, 'window')} counted by the server" if report.counted else ""
    sentence = f"verified: {', '.join(what)}; {how} checked{counted}; no faults."
    return paragraph([sentence], ending="exit 0", width=width)
