"""`resumable report`: one file that tells of a job, for people."""

from resumable.cli.command_options import ReportOptions
from resumable.cli.job_choice import named_job, state_files
from resumable.cli.session import Session
from resumable.cli.signals import interruptible
from resumable.cli.text.steps import Step, Steps
from resumable.report import document
from resumable.text import size


def report(session: Session, options: ReportOptions) -> None:
    """Write the file, read straight from the manifest as a status is."""
    home = named_job(state_files(session, options), options.job, "report")
    steps = Steps(session, "report", lambda: Step(text="reading and drawing"))
    with interruptible(session.interrupts, "no report was written, and an older one is still there"), steps.going():
        written = document.write(home, options.to, now=session.clock.now(), replace=options.replace)
    if written is None:
        raise home.missing()
    session.tell(f"written: {written.path} ({size(written.size)})")
    if session.json:
        session.give_json({"job": home.name, "report": str(written.path), "bytes": written.size})
