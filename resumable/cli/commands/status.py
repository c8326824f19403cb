"""`resumable status`: how a job stands."""

from pathlib import Path
from typing import Annotated

import typer

from resumable.cli import options as o
from resumable.cli.session import Session

EPILOG = """
\b
Examples:
  resumable status
  resumable status conversations-2025
  resumable status conversations-2025 --watch
  resumable status conversations-2025 --json | jq .pages
"""

Watched = Annotated[
    bool,
    typer.Option(
        "--watch",
        help="Look on until the job is complete: drawn anew each second on a terminal, a line now and then elsewhere.",
        show_default=False,
    ),
]


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command("status", epilog=EPILOG)(status)


def status(
    ctx: typer.Context,
    job: o.AnyJob = None,
    watch: Watched = False,
    state: o.State = None,
    json: o.Json = False,
    debug: o.Debug = False,
) -> None:
    """Tell how a job stands: what is done, what is missing and why. Disturbs nobody who works on it."""
    session: Session = ctx.obj
    # Read straight from the manifest: the library's face would bring pyarrow and requests.
    from resumable import status as status_of
    from resumable.cli.parse import state_folder
    from resumable.config import checked_job_name
    from resumable.errors import UsageError
    from resumable.storage.job_files import StateFiles

    folder = state_folder(state, session.environment.get("RESUMABLE_STATE"))
    name = checked_job_name(job) if job is not None else only_job(folder, "status")
    if watch and json:
        raise UsageError("--watch is for people, and --json prints one object.", hint="Use one of them.")
    home = StateFiles(folder=folder).job(name)
    known = status_of.read(home)
    if known is None:
        raise home.missing()
    if session.json:
        session.give_json(known.to_json())
        return
    if watch:
        from resumable.cli.watching import watch_job

        watch_job(session, home)
        return
    from resumable.cli.text.views import status_lines

    for line in status_lines(known, home, width=session.stdout_width):
        session.give(line)


def only_job(state: Path, command: str) -> str:
    """Return the name of the only job in a state folder. Raises UsageError, with a hint of `command`, for others."""
    from resumable.errors import UsageError
    from resumable.storage.job_files import StateFiles

    files = StateFiles(folder=state)
    names = [home.name for home in files.jobs()]
    if len(names) == 1:
        return names[0]
    if not names:
        raise files.no_job()
    raise UsageError(
        f"there are {len(names)} jobs in {state}: {', '.join(names[:20])}.", hint=f"Name one: resumable {command} JOB"
    )
