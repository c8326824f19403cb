"""`resumable plan`: what a backfill would take, before anything is downloaded; of a job under way, what is left."""

import shlex
from dataclasses import replace
from pathlib import Path

from resumable.cli import job_file
from resumable.cli.command_options import PlanOptions
from resumable.cli.job_spec import job_name, spec_of
from resumable.cli.options import file_keys
from resumable.cli.parse import duration
from resumable.cli.run_command import Running, running
from resumable.cli.session import Session
from resumable.cli.text.forecast_lines import forecast_lines, rest_lines
from resumable.cli.text.steps import Counted, Steps
from resumable.config import Settings
from resumable.datasets.resolve import of_job, resolve
from resumable.engine.forecast import forecast
from resumable.job.rest import Rest, rest_of
from resumable.models import JobSpec
from resumable.status import Status, read


def plan(session: Session, options: PlanOptions) -> None:
    """Tell what the backfill with the same words would take, or what is left of it."""
    unchanged = "nothing was downloaded or changed"
    with running(session, options, unchanged=unchanged, hint="Run the same command again.") as run:
        spec = spec_of(options, session, run.settings, stop=run.stop)
        known = _known(spec, options, run)
        if known is not None:
            run = run.as_begun(run.settings.files.job(known.job.name))
            _tell_rest(known, _rest(spec, known, options, run), run.settings, session)
        else:
            _tell_all(spec, run, exact=options.exact)
        if options.write is not None:
            job_file.write(Path(options.write), options, file_keys())
            session.tell(
                f"  written   {options.write}; run it with: resumable backfill --config {shlex.quote(options.write)}"
            )


def _known(spec: JobSpec, options: PlanOptions, run: Running) -> Status | None:
    """Return how the job stands that these words would carry on; None where they would begin one."""
    home = run.settings.files.job(job_name(resolve(spec)[0], options.job, run.session, run.settings))
    known = read(home, events=0)
    if known is not None:
        run.session.home = home
    return known


def _tell_all(spec: JobSpec, run: Running, *, exact: bool) -> None:
    session = run.session
    # The limit is one of the backfill: what a plan asks is no part of it.
    settings = replace(run.settings, max_requests=None)
    counted = Counted()
    with Steps(session, "plan", counted.look).going():
        found = forecast(spec, settings, clock=session.clock, stop=run.stop, exact=exact, watching=counted)
    if session.json:
        session.give_json(found.to_json())
        return
    for line in forecast_lines(found, width=session.stdout_width):
        session.give(line)


def _rest(spec: JobSpec, known: Status, options: PlanOptions, run: Running) -> Rest:
    return rest_of(
        run.settings.files.job(known.job.name),
        known,
        spec,
        look_back=None if options.look_back is None else duration(options.look_back, "--look-back"),
        open_for=duration(options.open_for, "--open-for"),
        interval_max=run.settings.interval_max,
        now=run.session.clock.now(),
    )


def _tell_rest(known: Status, rest: Rest, settings: Settings, session: Session) -> None:
    documented = of_job(known.job.spec, known.job.columns).documented_rate
    per_minute = min(settings.rate_per_minute or documented, documented) * settings.rate_share
    left = rest.requests
    if session.json:
        parts = {"look_back": rest.look_back, "cut_off": rest.cut_off, "later": rest.later}
        counts = {name: {"windows": part.windows, "requests": part.pages} for name, part in parts.items()}
        seconds = None if left is None else left / per_minute * 60
        session.give_json({**known.to_json(), "left": {"requests": left, "seconds": seconds, **counts}})
        return
    for line in rest_lines(known, rest, per_minute=per_minute, width=session.stdout_width):
        session.give(line)
