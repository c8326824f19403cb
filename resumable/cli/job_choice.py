"""Finds the job that a command means where none is named: the only one there is, or the only unfinished one."""

from pathlib import Path

from resumable import status
from resumable.errors import UsageError
from resumable.models import JobState


def only_job(state: Path, command: str) -> str:
    """Return the name of the only job in a state folder. Raises UsageError, with a hint of `command`, for others."""
    names = [folder.name for folder in status.jobs(state)]
    if len(names) == 1:
        return names[0]
    if not names:
        raise status.no_job(state)
    raise UsageError(
        f"there are {len(names)} jobs in {state}: {', '.join(names[:20])}.", hint=f"Name one: resumable {command} JOB"
    )


def only_unfinished(state: Path) -> str:
    """Return the name of the only job that is not complete. Raises UsageError where there is none, or more than one."""
    known = [found for folder in status.jobs(state) if (found := status.read(folder, events=0)) is not None]
    names = [found.job.name for found in known if found.state is not JobState.COMPLETE]
    if len(names) == 1:
        return names[0]
    if names:
        raise UsageError(
            f"{len(names)} jobs are unfinished: {', '.join(names[:20])}.", hint="Name one: resumable resume JOB"
        )
    if not known:
        raise status.no_job(state)
    there = f"all {len(known)} jobs in {state} are" if len(known) > 1 else f"the only job in {state} is"
    raise UsageError(f"nothing to carry on: {there} complete.", hint="See: resumable jobs")
