"""Finds the job that a command means where none is named: the only one there is, or the only unfinished one."""

from collections.abc import Callable

from resumable.cli.command_options import StateOptions
from resumable.cli.session import Session
from resumable.config import checked_job_name
from resumable.errors import ResumableError, UsageError
from resumable.models import JobState
from resumable.status import Status, read
from resumable.storage.job_files import JobFiles, StateFiles


def state_files(session: Session, options: StateOptions) -> StateFiles:
    """Return where jobs lie, as was typed, or that the environment says. Raises UsageError."""
    return session.settings(options.state).files


def named_job(state: StateFiles, name: str | None, command: str) -> JobFiles:
    """Return the job of a name, whether there is one or not; of no name, the only one. Raises UsageError."""
    return state.job(checked_job_name(name) if name is not None else only_job(state, command))


def only_job(state: StateFiles, command: str) -> str:
    """Return the name of the only job in a state folder. Raises UsageError, with a hint of `command`, for others."""
    names = [home.name for home in state.jobs()]
    if len(names) == 1:
        return names[0]
    if not names:
        raise state.no_job()
    raise UsageError(
        f"there are {len(names)} jobs in {state.place}: {', '.join(names[:20])}.",
        hint="Name one, such as:",
        command=f"resumable {command} {names[0]}",
    )


def only_unfinished(state: StateFiles, tell: Callable[[str], None]) -> str:
    """Return the name of the only job that is not complete. Raises UsageError where there is none, or more than one.

    A job that cannot be read is told of, and passed over.
    """
    known: list[Status] = []
    broken: list[ResumableError] = []
    for home in state.jobs():
        try:
            found = read(home, events=0)
        except ResumableError as error:
            broken.append(error)
            tell(f"{home.name} cannot be read: {error.message} {error.hint}")
        else:
            known += [] if found is None else [found]
    names = [found.job.name for found in known if found.state is not JobState.COMPLETE]
    if len(names) == 1:
        return names[0]
    if names:
        raise UsageError(
            f"{len(names)} jobs are unfinished: {', '.join(names[:20])}.",
            hint="Name one, such as:",
            command=f"resumable resume {names[0]}",
        )
    if not known:
        raise broken[0] if broken else state.no_job()
    there = f"all {len(known)} jobs in {state.place} are" if len(known) > 1 else f"the only job in {state.place} is"
    readable = ", of those that can be read" if broken else ""
    raise UsageError(f"nothing to resume: {there} complete{readable}.", hint="See:", command="resumable jobs")
