"""`resumable status`: how a job stands."""

from resumable.cli.job_choice import named_job, state_files
from resumable.cli.options import StatusOptions
from resumable.cli.session import Session
from resumable.cli.text.views import status_lines
from resumable.errors import UsageError
from resumable.status import read


def status(session: Session, options: StatusOptions) -> None:
    """Tell how a job stands, read straight from its manifest."""
    home = named_job(state_files(session, options), options.job, "status")
    if options.watch and session.json:
        raise UsageError("--watch is for people, and --json prints one object.", hint="Use one of them.")
    known = read(home, look=not options.watch)
    if known is None:
        raise home.missing()
    if session.json:
        session.give_json(known.to_json())
    elif options.watch:
        from resumable.cli.watch_command import watch_job  # brings rich, which a status does without

        watch_job(session, home)
    else:
        for line in status_lines(known, home, width=session.stdout_width):
            session.give(line)
