"""`resumable demo`: see it killed twice, and every record there."""

import shlex
from pathlib import Path

from resumable.cli.command_options import DemoOptions
from resumable.cli.session import Session
from resumable.cli.signals import interruptible
from resumable.cli.text.look_line import look_line
from resumable.cli.text.steps import Step, Steps
from resumable.clock import Stop
from resumable.demo import Demo, Result
from resumable.errors import UsageError
from resumable.storage.job_files import PARTS, JobFiles
from resumable.text import size


def demo(session: Session, options: DemoOptions) -> None:
    """Kill a backfill twice, resume it, and compare every record with the truth."""
    folder = session.state(options.state)
    if not isinstance(folder, Path):
        raise UsageError("the demonstration works in a folder.", hint="Name one with --state, or leave it out.")
    if options.bucket and options.state is not None:
        raise UsageError("--bucket brings a bucket of its own.", hint="Leave out --state.")
    started = session.clock.monotonic()
    unchanged = f"what it downloaded until then is in {folder}, and nothing else was changed"
    if options.bucket:
        unchanged = "the bucket goes with it, and nothing else was changed"
    again = "Run it again: it begins a job of its own each time."
    with interruptible(session.interrupts, unchanged, hint=again):
        result = Demo(
            state=folder,
            environment=session.environment,
            stop=Stop(session.clock),
            tell=session.tell,
            bucket=options.bucket,
            comparing=Steps(session, "demo", lambda: Step(text="comparing every record with the truth")).going,
        ).run()
    if session.json:
        session.give_json(result.to_json())
        return
    for line in _lines(result, session.clock.monotonic() - started, named=options.state is not None):
        session.give(line)


def _lines(result: Result, seconds: float, *, named: bool) -> list[str]:
    first, second = result.kills
    lost = "Killed with SIGKILL" + ("" if result.folder is not None else ", and its machine's folder deleted,")
    again = result.asked_again
    return [
        "",
        f"{lost} at {first.pages} and at {second.pages} of {result.pages} pages; {seconds:.0f} s in all.",
        f"  records    {result.equal:,} of {result.expected:,} equal the truth; none is missing, none came twice",
        f"  requests   {result.requests_served} for {result.pages} pages; for pages already finished: {again}",
        f"  survived   {_survived(result)}",
        f"  tokens     {result.tokens}, of 3 s each",
        f"  parquet    {_parts(result)}  ({size(result.bytes)}, {result.pages} parts)",
        "",
        *_levels(result),
        "",
        *(_to_try(result, result.folder, named=named) if result.folder is not None else _of_your_own()),
    ]


def _parts(result: Result) -> str:
    return JobFiles.at(result.folder).store.place(PARTS) if result.folder is not None else f"{result.place}/{PARTS}"


def _to_try(result: Result, folder: Path, *, named: bool) -> list[str]:
    # Only what was named on the command line is named in the lines to try: the rest is found by itself.
    state, parts = f" --state {shlex.quote(str(folder.parent))}" if named else "", _parts(result)
    return [
        "Try on it:",
        f"  {look_line(parts, 'originatingDirection')}",
        f"""  python -c "import pandas; print(pandas.read_parquet({str(parts)!r}).conversationStart.describe())\"""",
        f"  resumable status {result.job}{state}",
        f"  resumable export {result.job} --table interactions --to calls.parquet{state}",
    ]


def _of_your_own() -> list[str]:
    return [
        "The bucket went with the demonstration. With one of your own, on any machine:",
        "  resumable backfill conversations --from 2025-01-01 --to yesterday --job since-january --state s3://BUCKET/PREFIX",
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
