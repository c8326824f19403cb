"""`resumable export`: the records of a job in one piece, for those who use them."""

import contextlib
import importlib.util
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resumable.cli.command_options import ExportOptions
from resumable.cli.job_choice import only_job
from resumable.cli.privacy_options import key_of, rules_of
from resumable.cli.session import Session
from resumable.cli.signals import interruptible
from resumable.cli.text.steps import Counted, Steps
from resumable.errors import LibraryMissing, UsageError
from resumable.export.export import Exported
from resumable.export.request import Output
from resumable.job.making import find
from resumable.text import amount, paragraph

if TYPE_CHECKING:
    from resumable.export.spread import Crew


def export(session: Session, options: ExportOptions) -> None:
    """Write the records of a job to a path, or to stdout."""
    if options.to == "-" and session.json:
        raise UsageError("--to - and --json both want stdout.", hint="Leave one of them out.")
    settings = replace(session.settings(options.state), hash_key=key_of(options, session.environment))
    found = find(options.job or only_job(settings.files, "export"), settings, clock=session.clock)
    session.home = found.home
    counted = Counted()
    steps = Steps(session, Path(options.to).name if options.to != "-" else "export", counted.look)
    privacy = rules_of(options, lambda: found.contract().schema, needed=(), key_id=lambda: settings.required_hash().id)
    with interruptible(session.interrupts, f"what was at {options.to} before is still there, whole"), _left_alone():
        with _crew(options) as crew, steps.going():
            done = found.export(
                _stdout(session) if options.to == "-" else options.to,
                format=options.format,
                table=options.table,
                zone=options.tz,
                privacy=privacy,
                names=options.names,
                partial=options.partial,
                replace=options.replace,
                crew=crew,
                watching=counted,
            )
        _conclude(session, done)


@contextlib.contextmanager
def _crew(options: ExportOptions) -> "Iterator[Crew | None]":
    """Start what does the work, where that is not this process."""
    if options.engine not in ("local", "ray"):
        raise UsageError(f"--engine is local or ray, not {options.engine[:20]!a}.", hint="Leave it out, or name one.")
    if options.engine == "local":
        if options.address is not None:
            raise UsageError("--address is for --engine ray.", hint="Leave it out, or name the engine.")
        yield None
        return
    if importlib.util.find_spec("ray") is None:
        raise LibraryMissing("--engine ray", "ray")
    from resumable.fleet.ray_export import crew

    with crew(options.address) as found:
        yield found


def _stdout(session: Session) -> Output:
    binary = getattr(session.stdout, "buffer", None)
    if binary is None:
        return lambda data: session.stdout.write(data.decode())

    def write(data: bytes) -> None:
        try:
            binary.write(data)
            binary.flush()
        except BrokenPipeError:
            raise
        except OSError as failure:
            raise session.refused(failure) from failure

    return write


@contextlib.contextmanager
def _left_alone() -> Iterator[None]:
    """Let a reader of stdout leave whenever it wants to: `head` has seen enough."""
    try:
        yield
    except BrokenPipeError:
        sys.stderr.flush()


def _conclude(session: Session, done: Exported) -> None:
    for line in done.missing:
        session.tell(f"not in it: {line}")
    for line in done.unreadable:
        session.tell(f"no names from {line}")
    if session.json:
        session.give_json(_content(done))
    where = "stdout" if done.to is None else str(done.to)
    counted = f"{done.rows:,} {done.table}"
    if done.rows != done.records:
        counted += f" of {done.records:,} records"
    days = f"; {amount(done.days_written, 'day')} written, {done.days_kept:,} unchanged" if done.days_kept else ""
    nothing = " (nothing had changed; nothing was written)" if done.days_kept and not done.days_written else days
    sentences = [f"exported: {counted} to {where}{nothing}."]
    if done.duplicates:
        sentences.append(f"{amount(done.duplicates, 'record')} came more than once: the newest is in it.")
    if done.names_from:
        sentences.append(f"Names are from {', '.join(done.names_from)}.")
    session.tell(paragraph(sentences, ending="exit 0", width=session.width))


def _content(done: Exported) -> dict[str, Any]:
    return {
        "job": done.job,
        "to": str(done.to),
        "format": done.format.value,
        "table": done.table,
        "rows": done.rows,
        "records": done.records,
        "duplicates": done.duplicates,
        "days": {"written": done.days_written, "unchanged": done.days_kept},
        "missing": list(done.missing),
        "names_from": list(done.names_from),
        "unreadable": list(done.unreadable),
        "worker_bytes": done.worker_bytes,
    }
