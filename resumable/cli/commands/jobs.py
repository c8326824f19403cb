"""`resumable jobs`: which jobs there are."""

from resumable import status
from resumable.cli.command_options import FolderOptions
from resumable.cli.job_choice import state_files
from resumable.cli.session import Session
from resumable.cli.text.views import jobs_lines
from resumable.errors import ResumableError


def jobs(session: Session, options: FolderOptions) -> None:
    """List the jobs of the state folder, read straight from their manifests."""
    files = state_files(session, options)
    known, broken = [], []
    for home in files.jobs():
        try:
            found = status.read(home, events=0)
        except ResumableError as error:  # one bad manifest does not hide the others
            broken.append((home.name, error.message))
        else:
            known += [found] if found is not None else []
    if session.json:
        listed = [{"job": name, "state": "unusable", "problems": [why]} for name, why in broken]
        session.give_json({"state": str(files.place), "jobs": [*(found.to_json() for found in known), *listed]})
    elif known or broken:
        for line in jobs_lines(known, broken):
            session.give(line)
    else:
        session.tell(f"There is no job in {files.place} yet. Begin one; see: resumable backfill --help")
