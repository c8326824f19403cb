"""`resumable reconcile`: do the server's aggregates agree with the details that were downloaded?"""

import re

from resumable.cli.analyst_options import ReconcileOptions
from resumable.cli.job_choice import only_job
from resumable.cli.run_command import source_settings
from resumable.cli.session import Session
from resumable.cli.signals import interruptible
from resumable.cli.text.steps import Counted, Steps
from resumable.clock import Stop
from resumable.errors import UsageError, VerificationFailed
from resumable.job.making import find
from resumable.text import amount, paragraph
from resumable.verify.reconciliation import ReconciledDay
from resumable.verify.reconciliation import reconcile as compare


def reconcile(session: Session, options: ReconcileOptions) -> None:
    """Compare each day, and say where they differ."""
    settings, tolerance = source_settings(session, options), _share(options.tolerance)
    found = find(options.job or only_job(settings.files, "reconcile"), settings, clock=session.clock)
    session.home = found.home
    counted = Counted()
    with (
        interruptible(session.interrupts, "to reconcile changes nothing"),
        Steps(session, found.name, counted.look).going(),
    ):
        days = compare(found.home, settings, stop=Stop(session.clock), watching=counted)
    differing = [day for day in days if day.judged and not day.agrees(tolerance)]
    content = {"job": found.name, "days": [day.to_json() for day in days], "differing": len(differing)}
    if not session.json:
        for line in _lines(days, tolerance):
            session.give(line)
    if differing:
        session.content = content
        names = ", ".join(dict.fromkeys(str(day.day) for day in differing))
        raise VerificationFailed(
            f"the aggregates differ from the details of {found.name} on {names}.",
            hint="Details change for days: download the range again under another --job, or give a --tolerance.",
        )
    if session.json:
        session.give_json(content)
    judged = len({day.day for day in days if day.judged})
    agreed = f"{amount(judged, 'day')} {'agrees' if judged == 1 else 'agree'}"
    session.tell(paragraph([f"reconciled: {agreed} with the aggregates."], ending="exit 0", width=session.width))


def _lines(days: list[ReconciledDay], tolerance: float) -> list[str]:
    lines = [f"{'day':<10}  {'metric':<9}  {'aggregates':>10}  {'details':>10}  difference"]
    for day in days:
        more = day.aggregates - day.details
        said = "-" if not more else f"{more:+,}"
        if more and not day.judged:
            said += "  (the first day also has what began before it)"
        elif more and day.agrees(tolerance):
            said += "  (tolerated)"
        lines.append(f"{day.day}  {day.metric:<9}  {day.aggregates:>10,}  {day.details:>10,}  {said}")
    return lines


def _share(text: str) -> float:
    if not re.fullmatch(r"\d{1,2}(\.\d{1,3})?%", text):
        raise UsageError(f"--tolerance {text[:20]!a} is not a share.", hint="Such as --tolerance 0.5%.")
    return float(text.removesuffix("%")) / 100
