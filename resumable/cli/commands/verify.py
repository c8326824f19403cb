"""`resumable verify`: is everything there, and is it what was recorded?"""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from resumable.cli import options as o
from resumable.cli.session import Session

if TYPE_CHECKING:
    from resumable.errors import ResumableError
    from resumable.verify.findings import Finding, Report

LISTED = 1000
"""Findings that the JSON object holds; all are counted."""

EPILOG = """
\b
Examples:
  resumable verify
  resumable verify conversations-2025 --quick
  resumable verify conversations-2025 --online --rate 60
  resumable verify conversations-2025 --json | jq .flaws
"""

Quick = Annotated[
    bool,
    typer.Option("--quick", help="Leave the content of the parts unread: look at size and footer.", show_default=False),
]
Online = Annotated[
    bool,
    typer.Option("--online", help="Ask the server, too, how much it counts: a request a window.", show_default=False),
]


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command("verify", epilog=EPILOG)(verify)


def verify(
    ctx: typer.Context,
    job: o.AnyJob = None,
    quick: Quick = False,
    online: Online = False,
    workers: o.Workers = None,
    rate: o.Rate = None,
    max_requests: o.MaxRequests = None,
    state: o.State = None,
    json: o.Json = False,
    debug: o.Debug = False,
) -> None:
    """Check parts, manifest and receipt against each other; name every fault and what mends it. Changes nothing."""
    session: Session = ctx.obj
    # Imported here: they bring pyarrow and requests, which a help or a status does without.
    from resumable.cli import run_command
    from resumable.cli.commands.status import only_job
    from resumable.cli.settings import settings_of
    from resumable.cli.signals import raised
    from resumable.cli.text.verify_progress import VerifyProgress
    from resumable.errors import Interrupted
    from resumable.job.making import find

    settings = settings_of(session, state=state, workers=workers, rate=rate, max_requests=max_requests, on_drift="keep")
    run_command.remember_hosts(session, settings)
    found = find(job or only_job(settings.state, "verify"), settings, clock=session.clock)
    checking = VerifyProgress(session)
    listed: list[Finding] = []
    try:
        with raised(lambda number: Interrupted(f"interrupted by {number.name}.", terminated=True)):
            for finding in found.verify(quick=quick, online=online, watch=checking.show):
                listed += [finding] if len(listed) < LISTED else []
                if not session.json:
                    checking.clear()
                    session.give(line(finding))
    finally:
        checking.clear()
    if checking.report is not None:
        _conclude(session, checking.report, listed)


def line(finding: "Finding") -> str:
    """Write a finding in one line."""
    from resumable.text import plainly

    return f"{finding.flaw.value}: {plainly(finding.text)} Mend: {finding.mend}".replace("\n", " ")


def _conclude(session: Session, report: "Report", listed: "list[Finding]") -> None:
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


def _error(report: "Report", listed: "list[Finding]") -> "ResumableError | None":
    from resumable.errors import Incomplete, ManifestUnusable, VerificationFailed
    from resumable.text import amount
    from resumable.verify.findings import Flaw

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


def _to_mend(finding: "Finding") -> str:
    return f"Mend it with: {finding.mend}" if finding.mend.startswith("resumable ") else finding.mend


def _closing(report: "Report", *, width: int | None) -> str:
    from resumable.text import amount, paragraph, size

    what: list[Any] = [amount(report.windows, "window"), amount(report.pages, "page"), size(report.bytes)]
    how = "size and footer of every part" if report.quick else "every byte"
    counted = f", and {amount(report.counted, 'window')} counted by the server" if report.counted else ""
    sentence = f"verified: {', '.join(what)}; {how} checked{counted}; no faults."
    return paragraph([sentence], ending="exit 0", width=width)
