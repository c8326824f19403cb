"""`resumable prune`: what no job needs any more goes."""

from datetime import timedelta

from resumable.cli import parse
from resumable.cli.command_options import PruneOptions
from resumable.cli.job_choice import state_files
from resumable.cli.session import Session
from resumable.cli.signals import interruptible
from resumable.errors import JobLocked
from resumable.job import keeping
from resumable.text import amount, size


def prune(session: Session, options: PruneOptions) -> None:
    """Remove leftovers, or say what would go; what another process is at work in stays."""
    state, now = state_files(session, options), session.clock.now()
    older = parse.duration(options.older_than, "--older-than", least=timedelta(0))
    found = list(keeping.leftovers(state, older=older, now=now))
    removed: list[keeping.Leftover] = []
    with interruptible(session.interrupts, "what is removed is gone, and the rest is as it was"):
        for leftover in found:
            if not session.json:
                session.give(f"{leftover.place}  {size(leftover.bytes)}  {leftover.why}")
            if options.yes:
                try:
                    keeping.remove(leftover, state, now=now)
                except JobLocked as error:
                    session.tell(f"left alone: {error.message}")
                else:
                    removed.append(leftover)
    _conclude(session, found, removed, done=options.yes)


def _conclude(session: Session, found: list[keeping.Leftover], removed: list[keeping.Leftover], *, done: bool) -> None:
    gone = removed if done else found
    total = size(sum(leftover.bytes for leftover in gone))
    if not found:
        session.tell("nothing to remove.")
    elif done:
        session.tell(f"removed: {amount(len(removed), 'leftover')}, {total}.")
    else:
        again = session.typed("resumable prune --yes")
        session.tell(f"This would remove {amount(len(found), 'leftover')}, {total}. Remove with: {again}")
    if session.json:
        listed = [{"job": f.job, "path": f.place, "bytes": f.bytes, "why": f.why} for f in found]
        session.give_json({"leftovers": listed, "removed": len(removed)})
