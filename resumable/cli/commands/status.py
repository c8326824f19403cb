"""`resumable status`: how a job stands."""

import threading

from resumable.cli.command_options import StatusOptions
from resumable.cli.job_choice import named_job, state_files
from resumable.cli.session import Session
from resumable.cli.signals import interruptible
from resumable.cli.text.steps import Step, Steps
from resumable.cli.text.views import status_lines
from resumable.errors import Incomplete, UsageError
from resumable.models import JobState
from resumable.status import read
from resumable.storage.job_files import JobFiles

WAIT_SECONDS = 0.5


def status(session: Session, options: StatusOptions) -> None:
    """Tell how a job stands, read straight from its manifest."""
    home = named_job(state_files(session, options), options.job, "status")
    if options.watch and options.wait:
        raise UsageError("--watch and --wait both wait.", hint="Use one of them.")
    if options.watch and session.json:
        raise UsageError("--watch is for people, and --json prints one object.", hint="Use one of them.")
    if options.wait:
        wait_for(session, home)
    known = read(home, look=not options.watch)
    if known is None:
        raise home.missing()
    if session.json and not (options.wait and known.state is not JobState.COMPLETE):
        session.give_json(known.to_json())
    elif options.watch:
        from resumable.cli.watch_command import watch_job  # brings rich, which a status does without

        watch_job(session, home)
    elif not session.json:
        for line in status_lines(known, home, width=session.stdout_width, typed=session.typed):
            session.give(line)
    if options.wait and known.state is not JobState.COMPLETE:
        session.home = home
        raise Incomplete(
            f"the job {known.job.name} is {known.state.value}.",
            hint="Resume it with:",
            command=f"resumable resume {known.job.name}",
            safe=known.totals.pages_done,
        )


def wait_for(session: Session, home: JobFiles) -> None:
    """Wait until nobody runs a job. Raises Interrupted."""
    condition = threading.Condition()
    steps = Steps(session, home.name, lambda: Step(text="waiting for the end of its run"))
    with interruptible(session.interrupts, "the job goes on"), steps.going(), condition:
        # A run holds the lock before it has said that it runs, and until it has said how it ended.
        while home.running():
            session.clock.wait(condition, WAIT_SECONDS)
