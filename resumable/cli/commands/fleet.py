"""`resumable fleet`: many jobs of many clients, run, planned or looked at together."""

import shlex
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from resumable.cli import parse
from resumable.cli.command_options import FleetOptions
from resumable.cli.fleet_grammar import FleetGrammar
from resumable.cli.job_choice import state_files
from resumable.cli.session import Session
from resumable.cli.signals import drained
from resumable.cli.text.fleet_lines import outcome_lines, plan_lines, state_lines
from resumable.cli.text.fleet_progress import FleetProgress
from resumable.cli.text.steps import Counted, Steps
from resumable.clock import Stop
from resumable.errors import ExitCode, LibraryMissing, ResumableError, UsageError
from resumable.fleet.dispatch import Dispatch, Engine, Tries
from resumable.fleet.file import read
from resumable.fleet.fleet import Fleet, FleetJob, allowances
from resumable.fleet.local import LocalEngine
from resumable.fleet.outcome import JobOutcome, after_run, looked_at, worst
from resumable.fleet.planned import FleetPlan
from resumable.fleet.process import JobEnd, JobRun
from resumable.status import Status
from resumable.text import amount
from resumable.tomlfile import nearest

UNCHANGED = {
    "backfill": (
        "every page that is recorded is safe; jobs that still run end by themselves",
        "Run the same command to resume.",
    ),
    "plan": ("nothing was downloaded or changed", "Run the same command again."),
}
"""What is said where a second signal ends it at once, and what to type then, by the command of each job."""


def fleet(session: Session, options: FleetOptions) -> None:
    """Do with all jobs of a fleet what the action says."""
    actions: Mapping[str, Callable[[Session, FleetOptions, Fleet], None]] = {
        "run": _run,
        "plan": _plan,
        "status": _status,
    }
    action = actions.get(options.action)
    if action is None:
        raise UsageError(
            f"fleet takes run, plan or status, not {options.action[:20]!a}{nearest(options.action, actions)}.",
            hint="For example:",
            command=f"resumable fleet run {shlex.quote(options.fleet)}",
        )
    text = parse.text_of(f"@{options.fleet}", "the fleet")
    grammar = FleetGrammar(session=session, settings=session.settings(options.state))
    action(session, options, read(options.fleet, text, grammar))


def _run(session: Session, options: FleetOptions, known: Fleet) -> None:
    stop = Stop(session.clock)
    ends = _dispatched(session, options, known.jobs, "backfill", stop)
    ended_by = _ended_by(stop)
    outcomes = after_run(known.jobs, ends, ended_by=ended_by)
    content = {"fleet": known.source, "jobs": [outcome.to_json() for outcome in outcomes]}
    if not session.json:
        for line in outcome_lines(outcomes):
            session.give(line)
    code = ended_by if stop.requested else worst(outcome.exit_code or 0 for outcome in outcomes)
    complete = sum(outcome.exit_code == ExitCode.COMPLETE for outcome in outcomes)
    if code == ExitCode.COMPLETE:
        session.tell(f"complete: all {amount(len(outcomes), 'job')} of the fleet.   exit 0")
        if session.json:
            session.give_json(content)
        return
    session.content = content
    raise _FleetEnded(_said(outcomes, complete, interrupted=stop.requested), code=code)


class _FleetEnded(ResumableError):
    """Not every job of a fleet is complete; its exit code is the worst of theirs."""

    def __init__(self, message: str, *, code: int) -> None:
        """`code` is the worst of all."""
        super().__init__(message, hint="What is recorded is safe. Run the same command to resume.")
        self.exit_code = ExitCode(code) if code in list(ExitCode) else ExitCode.UNEXPECTED


def _said(outcomes: Sequence[JobOutcome], complete: int, *, interrupted: bool) -> str:
    all_of_them = f"{complete:,} of {amount(len(outcomes), 'job')} {'is' if complete == 1 else 'are'} complete"
    if interrupted:
        return f"the fleet was interrupted: {all_of_them}."
    others = [outcome for outcome in outcomes if outcome.exit_code != ExitCode.COMPLETE]
    named = ", ".join(f"{outcome.job.name} (exit {outcome.exit_code})" for outcome in others[:5])
    return f"{all_of_them}; not {named}{' and others' if len(others) > 5 else ''}."


def _ended_by(stop: Stop) -> int:
    return int(ExitCode.INTERRUPTED if stop.reason == "SIGINT" else ExitCode.TERMINATED)


def _plan(session: Session, options: FleetOptions, known: Fleet) -> None:
    stop = Stop(session.clock)
    ends = _dispatched(session, options, known.jobs, "plan", stop)
    plan = FleetPlan.of(known.jobs, ends, allowances(_clients(known.jobs), session.environment))
    session.content = plan.to_json()
    if not session.json:
        for line in plan_lines(plan):
            session.give(line)
    if stop.requested:
        raise session.interrupts.interrupted(signal.SIGINT if stop.reason == "SIGINT" else signal.SIGTERM)
    code = worst(ended.code for ended in ends.values())
    if code != ExitCode.COMPLETE:
        bad = [job.name for job in known.jobs if job.name not in ends or ends[job.name].code != ExitCode.COMPLETE]
        raise _FleetEnded(f"{amount(len(bad), 'job')} could not be planned: {', '.join(bad[:5])}.", code=code)
    if session.json:
        session.give_json(session.content)


def _status(session: Session, options: FleetOptions, known: Fleet) -> None:
    files, done = state_files(session, options), Counted()
    found: list[tuple[JobOutcome, Status | None]] = []
    with Steps(session, "fleet", done.look).going():
        for job in known.jobs:
            found += looked_at([job], files)
            done(len(found), len(known.jobs), "jobs looked at")
    if session.json:
        session.give_json({"fleet": known.source, "jobs": [outcome.to_json() for outcome, _ in found]})
        return
    for line in state_lines(found):
        session.give(line)


def _clients(jobs: Sequence[FleetJob]) -> Iterator[Any]:
    return (job.client for job in jobs)


def _dispatched(
    session: Session, options: FleetOptions, jobs: Sequence[FleetJob], command: str, stop: Stop
) -> Mapping[str, JobEnd]:
    """Run a command for each job on the engine, and return how each ended that was begun."""
    first = parse.duration(options.retry_wait, "--retry-wait").total_seconds()
    tries = Tries(most=options.tries, first_wait_seconds=first)
    shared = allowances(_clients(jobs), session.environment)
    engine = _engine(session, options)
    dispatch = Dispatch(engine=engine, stop=stop, tell=session.tell, tries=tries)

    def tell(number: signal.Signals) -> None:
        again = "Ctrl-C again" if number is signal.SIGINT else f"{number.name} again"
        running = amount(len(dispatch.running), "running job")
        session.tell(f"stopping: {running} may finish what is in flight ({again} to drop it)")
        engine.stop()

    work = [(job, _work(job, command, options, session)) for job in jobs]
    files = state_files(session, options) if command == "backfill" else None
    steps = Steps(session, "fleet", FleetProgress(session, dispatch, jobs, files).look)
    interrupts = session.interrupts
    interrupts.unchanged, interrupts.hint = UNCHANGED[command]
    try:
        with (
            drained(stop, tell, redrawing=lambda: False, interrupts=interrupts),
            steps.going(),
        ):
            dispatch.run(work, shared, most=options.jobs or len(set(shared.values())))
    finally:
        engine.close()
    return dispatch.ends


def _work(job: FleetJob, command: str, options: FleetOptions, session: Session) -> JobRun:
    state = options.state if options.state is not None else session.environment.get("RESUMABLE_STATE")
    return JobRun(
        job=job.name,
        client=job.client.name,
        profile=dict(job.client.profile),
        arguments=(command, *job.arguments, "--json", *([] if not state else [f"--state={state}"])),
    )


def _engine(session: Session, options: FleetOptions) -> Engine:
    if options.engine == "local":
        if options.address is not None:
            raise UsageError("--address is of the engine ray.", hint="Add --engine ray, or leave it out.")
        return LocalEngine(session.environment, session.tell)
    if options.engine != "ray":
        raise UsageError(
            f"--engine is local or ray, not {options.engine[:20]!a}.", hint="local needs no other library."
        )
    try:
        from resumable.fleet.ray_engine import RayEngine
    except ModuleNotFoundError:
        raise LibraryMissing("--engine ray", "ray") from None
    return RayEngine(options.address)
