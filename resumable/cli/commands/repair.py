"""`resumable repair`: mend what `verify` names, and take again just that."""

import typer

from resumable.cli import options as o
from resumable.cli.session import Session

EPILOG = """
What is damaged is put aside, into the job's folder aside/, never thrown away. A manifest that is lost or damaged is
made again from the parts. Killed at any moment, it can be run again.

\b
Examples:
  resumable repair
  resumable repair conversations-2025
  resumable repair conversations-2025 --json | jq .repair
"""


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command("repair", epilog=EPILOG)(repair)


def repair(
    ctx: typer.Context,
    job: o.AnyJob = None,
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
    """Mend every fault that verify names, ask the server for just the pages that are missing, and finish the job."""
    session: Session = ctx.obj
    # Imported here: they bring pyarrow and requests, which a help or a status does without.
    from resumable.cli import parse, run_command
    from resumable.cli.commands.status import only_job
    from resumable.cli.settings import settings_of
    from resumable.job.making import find

    with run_command.running(session) as run:
        settings = settings_of(
            session, state=state, workers=workers, rate=rate, max_requests=max_requests, on_drift=on_drift
        )
        run_command.remember_hosts(session, settings)
        most = None if max_duration is None else parse.duration(max_duration, "--max-duration")
        found = find(job or only_job(settings.state, "repair"), settings, clock=session.clock, lost=True)
        run.mend(found, most=most)
