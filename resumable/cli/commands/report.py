"""`resumable report`: one file that tells of a job, for people."""

from resumable.cli.job_choice import only_job
from resumable.cli.options import ReportOptions
from resumable.cli.session import Session
from resumable.config import checked_job_name
from resumable.report import document
from resumable.status import no_job
from resumable.text import size


def report(session: Session, options: ReportOptions) -> None:
    """Write the file, read straight from the manifest as a status is."""
    folder = session.state(options.state)
    name = checked_job_name(options.job) if options.job is not None else only_job(folder, "report")
    saved = document.write(folder / name, options.to, now=session.clock.now())
    if saved is None:
        raise no_job(folder, name)
    path = document.place(folder / name, options.to)
    session.tell(f"written: {path} ({size(saved.size)})")
    if session.json:
        session.give_json({"job": name, "report": str(path), "bytes": saved.size})
