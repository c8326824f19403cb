"""`resumable report`: one file that tells of a job, for people."""

from resumable.cli.job_choice import named_job, state_files
from resumable.cli.options import ReportOptions
from resumable.cli.session import Session
from resumable.report import document
from resumable.text import size


def report(session: Session, options: ReportOptions) -> None:
    """Write the file, read straight from the manifest as a status is."""
    home = named_job(state_files(session, options), options.job, "report")
    saved = document.write(home, options.to, now=session.clock.now())
    if saved is None:
        raise home.missing()
    path = document.place(home, options.to)
    session.tell(f"written: {path} ({size(saved.size)})")
    if session.json:
        session.give_json({"job": home.name, "report": str(path), "bytes": saved.size})
