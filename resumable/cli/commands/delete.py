"""`resumable delete`: a job goes, with all that is in its folder."""

from resumable.cli.command_options import DeleteOptions
from resumable.cli.job_choice import named_job, state_files
from resumable.cli.session import Session
from resumable.cli.signals import interruptible
from resumable.errors import ResumableError
from resumable.job import keeping
from resumable.status import read
from resumable.storage.job_files import JobFiles
from resumable.text import amount, size


def delete(session: Session, options: DeleteOptions) -> None:
    """Delete a job, or say what would go."""
    home = named_job(state_files(session, options), options.job, "delete")
    what, bytes_ = _described(home), keeping.size_of(home)
    if options.yes:
        jobs, rest = session.typed("resumable jobs"), session.typed("resumable prune --yes")
        unchanged = f"{home.name} is still there, whole, or else is gone but for a rest"
        with interruptible(session.interrupts, unchanged, hint=f"See: {jobs}. Remove a rest with: {rest}"):
            keeping.delete(home, now=session.clock.now())
        session.tell(f"deleted: {home.name}, {what}, {size(bytes_)}.")
    else:
        if home.state.bucket is None and not home.folder.is_dir():
            raise home.state.no_job(home.name)
        again = session.typed(f"resumable delete {home.name} --yes")
        session.tell(f"This would delete {home.name}, {what}, {size(bytes_)}. Delete it with: {again}")
    if session.json:
        session.give_json({"job": home.name, "bytes": bytes_, "deleted": options.yes})


def _described(home: JobFiles) -> str:
    try:
        known = read(home, events=0)
    except ResumableError:
        return "which cannot be read"
    if known is None:
        return "which has nothing yet"
    return f"{known.state.value}, {amount(known.totals.records, 'record')}"
