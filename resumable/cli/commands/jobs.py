"""`resumable jobs`: which jobs there are."""

import typer

from resumable.cli import options as o
from resumable.cli.session import Session

EPILOG = """
\b
Examples:
  resumable jobs
  resumable jobs --state /data/genesys --json
"""


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command("jobs", epilog=EPILOG)(jobs)


def jobs(ctx: typer.Context, state: o.State = None, json: o.Json = False, debug: o.Debug = False) -> None:
    """List the jobs of the state folder, with how far each is."""
    session: Session = ctx.obj
    # Read straight from the manifests: the library's face would bring pyarrow and requests.
    from resumable import status as status_of
    from resumable.cli.parse import state_folder
    from resumable.cli.text.views import jobs_lines
    from resumable.errors import ResumableError
    from resumable.storage.job_files import StateFiles

    folder = state_folder(state, session.environment.get("RESUMABLE_STATE"))
    known, broken = [], []
    for home in StateFiles(folder=folder).jobs():
        try:
            found = status_of.read(home, events=0)
        except ResumableError as error:  # one bad manifest does not hide the others
            broken.append((home.name, error.message))
        else:
            known += [found] if found is not None else []
    if session.json:
        listed = [{"job": name, "state": "unusable", "problems": [why]} for name, why in broken]
        session.give_json({"state": str(folder), "jobs": [*(found.to_json() for found in known), *listed]})
    elif known or broken:
        for line in jobs_lines(known, broken):
            session.give(line)
    else:
        session.tell(f"There is no job in {folder} yet. Begin one; see: resumable backfill --help")
