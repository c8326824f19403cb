"""`resumable backfill`: begin a job, or carry it on."""

import contextlib
from dataclasses import replace

from resumable.api.session import check_settings
from resumable.cli import parse
from resumable.cli.as_begun import begun_of
from resumable.cli.job_spec import job_name, spec_of
from resumable.cli.options import BackfillOptions
from resumable.cli.run_command import Running, running
from resumable.cli.session import Session
from resumable.datasets.resolve import resolve
from resumable.errors import JobLocked, ResumableError, UsageError
from resumable.job.begun import remember
from resumable.job.job import Job
from resumable.job.making import make


def backfill(session: Session, options: BackfillOptions) -> None:
    """Download a range of a dataset, or what is left of it."""
    with running(session, options) as run:
        run, job = _made(run, options)
        try:
            run.finish(job)
        except (UsageError, JobLocked):
            raise  # what is refused changes nothing
        except ResumableError:
            with contextlib.suppress(ResumableError):  # the run says itself what is wrong
                remember(job, begun_of(run.options))
            raise
        remember(job, begun_of(run.options))


def _made(run: Running, options: BackfillOptions) -> tuple[Running, Job]:
    back = None if options.look_back is None else parse.duration(options.look_back, "--look-back")
    spec = spec_of(options, run.session, run.settings, stop=run.stop)
    resolved, contract = resolve(spec)
    name = job_name(resolved, options.job, run.session, run.settings)
    run = run.as_begun(run.settings.files.job(name))
    new = not run.settings.files.job(name).made()
    if new:
        # A job that cannot ask for anything is not begun: nothing is left behind. A complete one needs no credentials.
        check_settings(contract, run.settings)
    settings = replace(run.settings, open_for=parse.duration(options.open_for, "--open-for"))
    job = make(spec, settings, name=name, look_back=back, clock=run.session.clock)
    if new:
        remember(job, begun_of(run.options))
    return run, job
