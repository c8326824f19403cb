"""`resumable status`: how a job stands."""

from resumable.cli.job_choice import only_job
from resumable.cli.options import StatusOptions
from resumable.cli.session import Session
from resumable.cli.text.views import status_lines
from resumable.config import checked_job_name
from resumable.errors import UsageError
from resumable.status import no_job, read


def status(session: Session, options: StatusOptions) -> None:
    """Tell how a job stands, read straight from its manifest."""
    folder = session.state(options.state)
    name = checked_job_name(options.job) if options.job is not None else only_job(folder, "status")
    if options.watch and session.json:
        raise UsageError("--watch is for people, and --json prints one object.", hint="Use one of them.")
    known = read(folder / name)
    if known is None:
        raise no_job(folder, name)
    if session.json:
        session.give_json(known.to_json())
    elif options.watch:
        from resumable.cli.watch_command import watch_job  # brings rich, which a status does without

        watch_job(session, folder / name)
    else:
        for line in status_lines(known, folder / name, width=session.stdout_width):
            session.give(line)
