"""`resumable resume`: carry on a job by its name."""

from typing import TYPE_CHECKING

import typer

from resumable.cli import options as o
from resumable.cli.session import Session

if TYPE_CHECKING:
    from resumable.storage.job_files import StateFiles

EPILOG = """
\b
Examples:
  resumable resume
  resumable resume conversations-2025 --max-duration 8h
"""


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command("resume", epilog=EPILOG)(resume)


def resume(
    ctx: typer.Context,
    job: o.UnfinishedJob = None,
    workers: o.Workers = None,
    rate: o.Rate = None,
    max_duration: o.MaxDuration = None,
    max_requests: o.MaxRequests = None,
    on_drift: o.OnDrift = "keep",
    state: o.State = None,
    log_json: o.LogJson = False,
    json: o.Json = False,
    debug: o.Debug = False,
) -> None:
    """Carry on a job that is not complete, with the range and the query that it was begun with."""
    session: Session = ctx.obj
    # Imported here: they bring pyarrow and requests, which a help or a status does without.
    from resumable.cli import parse, run_command
    from resumable.cli.settings import settings_of
    from resumable.job.making import find

    with run_command.running(session) as run:
        settings = settings_of(
            session, state=state, workers=workers, rate=rate, max_requests=max_requests, on_drift=on_drift
        )
        run_command.remember_hosts(session, settings)
        most = None if max_duration is None else parse.duration(max_duration, "--max-duration")
        run.finish(find(job or _only_unfinished(settings.files, session), settings, clock=session.clock), most=most)


def _only_unfinished(state: "StateFiles", session: Session) -> str:
    """Return the name of the only job that is not complete; one that cannot be read is told of, and passed over."""
    from resumable import status
    from resumable.errors import ResumableError, UsageError
    from resumable.models import JobState

    known, broken = [], []
    for home in state.jobs():
        try:
            found = status.read(home, events=0)
        except ResumableError as error:
            broken.append(error)
            session.tell(f"{home.name} cannot be read: {error.message} {error.hint}")
        else:
            known += [] if found is None else [found]
    names = [found.job.name for found in known if found.state is not JobState.COMPLETE]
    if len(names) == 1:
        return names[0]
    if names:
        raise UsageError(
            f"{len(names)} jobs are unfinished: {', '.join(names[:20])}.", hint="Name one: resumable resume JOB"
        )
    if not known:
        raise broken[0] if broken else state.no_job()
    there = f"all {len(known)} jobs in {state.folder} are" if len(known) > 1 else f"the only job in {state.folder} is"
    readable = ", of those that can be read" if broken else ""
    raise UsageError(f"nothing to carry on: {there} complete{readable}.", hint="See: resumable jobs")
