"""`resumable resume`: carry on a job by its name."""

from resumable.cli.command_options import ResumeOptions
from resumable.cli.job_choice import only_unfinished
from resumable.cli.job_spec import job_of_file
from resumable.cli.run_command import running
from resumable.cli.session import Session
from resumable.config import checked_job_name
from resumable.job.making import find


def resume(session: Session, options: ResumeOptions) -> None:
    """Do what is left of a job, with the range and the query that it was begun with."""
    with running(session, options) as run:
        name = options.job or job_of_file(session, run.settings) or only_unfinished(run.settings.files, session.tell)
        run = run.as_begun(run.settings.files.job(checked_job_name(name)))
        run.finish(find(name, run.settings, clock=session.clock))
