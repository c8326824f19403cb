"""`resumable demo`: see it killed twice, and every record there."""

import shlex
from pathlib import Path

from resumable.cli.command_options import FolderOptions
from resumable.cli.session import Session
from resumable.cli.signals import interruptible
from resumable.cli.text.look_line import look_line
from resumable.cli.text.steps import Step, Steps
from resumable.clock import Stop
from resumable.demo import Demo, Result
from resumable.errors import UsageError
from resumable.storage.job_files import PARTS, JobFiles
from resumable.text import size


def demo(session: Session, options: FolderOptions) -> None:
    """Kill a backfill twice, resume it, and compare every record with the truth."""
    folder = session.state(options.state)
    if not isinstance(folder, Path):
        raise UsageError("the demonstration works in a folder.", hint="Name one with --state, or leave it out.")
    started = session.clock.monotonic()
    unchanged = f"what it downloaded until then is in {folder}, and nothing else was changed"
    again = "Run it again: it begins a job of its own each time."
    with interruptible(session.interrupts, unchanged, hint=again):
        result = Demo(
            state=folder,
            environment=session.environment,
            stop=Stop(session.clock),
            tell=session.tell,
            comparing=Steps(session, "demo", lambda: Step(text="comparing every record with the truth")).going,
        ).run()
    if session.json:
        session.give_json(result.to_json())
        return
    for line in _lines(result, session.clock.monotonic() - started, named=options.state is not None):
        session.give(line)


def _lines(result: Result, seconds: float, *, named: bool) -> list[str]:
    # Only what was named on the command line is named in the lines to try: the rest is found by itself.
    state = f" --state {shlex.quote(str(result.folder.parent))}" if named else ""
    first, second = result.kills
    parts, pages = JobFiles.at(result.folder).store.place(PARTS), result.pages
    return [
        "",
        f"Killed with SIGKILL at {first.pages} and at {second.pages} of {pages} pages; {seconds:.0f} s in all.",
        f"  records    {result.equal:,} of {result.expected:,} equal the truth; none is missing, none came twice",
        f"  requests   {result.requests_served} for {pages} pages; for pages already finished: {result.asked_again}",
        f"  survived   {_survived(result)}",
        f"  tokens     {result.tokens}, of 3 s each",
        f"  parquet    {parts}  ({size(result.bytes)}, {pages} parts)",
        "",
        *_levels(result),
        "",
        "Try on it:",
        f"  {look_line(parts, 'originatingDirection')}",
        f"""  python -c "import pandas; print(pandas.read_parquet({str(parts)!r}).conversationStart.describe())\"""",
        f"  resumable status {result.job}{state}",
        f"  resumable export {result.job} --table interactions --to calls.parquet{state}",
    ]


def _levels(result: Result) -> list[str]:
    width = max((len(queue.name) for queue in result.queues), default=0)
    return ["Service level by queue: answered in time, of those answered or abandoned"] + [
        f"  {queue.name:<{width}}  {queue.service_level:4.0%}   {queue.offered:,} offered,"
        f" {queue.abandoned:,} abandoned, answered after {queue.answer_seconds:.0f} s"
        for queue in result.queues
    ]


def _survived(result: Result) -> str:
    struck = result.faults
    named = [
        ("429", result.rate_limited),
        ("504", struck.get("status", 0) - result.rate_limited),
        ("reset", struck.get("reset-inside", 0)),
        ("cut short", struck.get("cut", 0)),
        ("HTML", struck.get("html", 0)),
        ("no records", struck.get("records-missing", 0)),
    ]
    return ", ".join(f"{count} x {text}" for text, count in named if count > 0)
