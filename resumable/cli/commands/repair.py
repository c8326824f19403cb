"""`resumable repair`: mend what `verify` names, and take again just that."""

from resumable.cli.command_options import RepairOptions
from resumable.cli.job_choice import only_job
from resumable.cli.job_spec import job_of_file
from resumable.cli.run_command import running
from resumable.cli.session import Session
from resumable.config import checked_job_name
from resumable.job.making import find


def repair(session: Session, options: RepairOptions) -> None:
    """Mend every fault of a job, and finish it."""
    with running(session, options) as run:
        name = options.job or job_of_file(session, run.settings) or only_job(run.settings.files, "repair")
        run = run.as_begun(run.settings.files.job(checked_job_name(name)))
        run.mend(find(name, run.settings, clock=session.clock, lost=True))
