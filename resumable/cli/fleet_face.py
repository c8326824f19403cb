"""Fleets for programs: what `resumable fleet run` and `fleet status` do, as calls."""

import io
import os
from collections.abc import Callable, Mapping
from pathlib import Path

from resumable.cli import parse
from resumable.cli.fleet_grammar import FleetGrammar
from resumable.cli.session import Session
from resumable.clock import Stop, SystemClock
from resumable.config import Settings
from resumable.errors import ExitCode
from resumable.fleet.dispatch import Dispatch, Tries
from resumable.fleet.file import read
from resumable.fleet.fleet import Fleet, allowances
from resumable.fleet.local import LocalEngine
from resumable.fleet.outcome import JobOutcome, after_run, looked_at
from resumable.fleet.process import JobRun


def run_fleet(
    fleet: Path | str,
    *,
    state: Path | str | None = None,
    environment: Mapping[str, str] | None = None,
    jobs: int | None = None,
    tries: int = Tries.most,
    stop: Stop | None = None,
    tell: Callable[[str], None] = lambda _line: None,
) -> list[JobOutcome]:
    """Run every job of a fleet file on this machine, as processes, and return how each ended.

    One job at a time of each client, and `jobs` in all where that is named; run again, it resumes. `state` and
    `environment` default to what the command line takes. Raises UsageError; how a job fails is its outcome.
    """
    known, session, settings = _read(fleet, state, environment)
    stop = stop or Stop(session.clock)
    engine = LocalEngine(session.environment, tell)
    dispatch = Dispatch(engine=engine, stop=stop, tell=tell, tries=Tries(most=tries))
    shared = allowances((job.client for job in known.jobs), session.environment)
    work = [
        (
            job,
            JobRun(
                job=job.name,
                client=job.client.name,
                profile=dict(job.client.profile),
                arguments=("backfill", *job.arguments, "--json", f"--state={settings.state}"),
            ),
        )
        for job in known.jobs
    ]
    try:
        dispatch.run(work, shared, most=jobs or len(set(shared.values())))
    except BaseException:
        engine.stop()
        raise
    finally:
        engine.close()
    return after_run(known.jobs, dispatch.ends, ended_by=int(ExitCode.TERMINATED))


def fleet_status(
    fleet: Path | str, *, state: Path | str | None = None, environment: Mapping[str, str] | None = None
) -> list[JobOutcome]:
    """Return how each job of a fleet file stands, by its manifest; nobody is disturbed. Raises UsageError."""
    known, _, settings = _read(fleet, state, environment)
    return [outcome for outcome, _ in looked_at(known.jobs, settings.files)]


def _read(
    fleet: Path | str, state: Path | str | None, environment: Mapping[str, str] | None
) -> tuple[Fleet, Session, Settings]:
    session = Session(
        stdout=io.StringIO(),
        stderr=io.StringIO(),
        environment=os.environ if environment is None else environment,
        clock=SystemClock(),
    )
    settings = session.settings(None if state is None else str(state))
    text = parse.text_of(f"@{fleet}", "the fleet")
    return read(str(fleet), text, FleetGrammar(session=session, settings=settings)), session, settings
