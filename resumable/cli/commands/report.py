"""`resumable report`: one file that tells of a job, for people."""

from typing import Annotated

import typer

from resumable.cli import options as o
from resumable.cli.session import Session

EPILOG = """
\b
Examples:
  resumable report
  resumable report conversations-2025 --to conversations-2025.html
"""

Place = Annotated[
    str | None,
    typer.Option("--to", metavar="PATH", help="Where it goes; report.html in the job's folder.", show_default=False),
]
Replace = Annotated[
    bool,
    typer.Option("--replace", help="Replace a file at PATH that is not a report of this job.", show_default=False),
]


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command("report", epilog=EPILOG)(report)


def report(
    ctx: typer.Context,
    job: o.AnyJob = None,
    to: Place = None,
    replace: Replace = False,
    state: o.State = None,
    json: o.Json = False,
    debug: o.Debug = False,
) -> None:
    """Write what there is to know of a job into one file with charts, which opens in any browser, offline."""
    session: Session = ctx.obj
    # Imported here: it brings what draws the charts. Read straight from the manifest, as a status is.
    from resumable.cli.commands.status import only_job
    from resumable.cli.parse import state_folder
    from resumable.config import checked_job_name
    from resumable.report import document
    from resumable.storage.job_files import StateFiles
    from resumable.text import size

    folder = state_folder(state, session.environment.get("RESUMABLE_STATE"))
    name = checked_job_name(job) if job is not None else only_job(folder, "report")
    home = StateFiles(folder=folder).job(name)
    written = document.write(home, to, now=session.clock.now(), replace=replace)
    if written is None:
        raise home.missing()
    session.tell(f"written: {written.path} ({size(written.size)})")
    if session.json:
        session.give_json({"job": name, "report": str(written.path), "bytes": written.size})
