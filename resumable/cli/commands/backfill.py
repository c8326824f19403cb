"""`resumable backfill`: begin a job, or carry it on."""

from dataclasses import replace

from resumable.api.session import check_settings
from resumable.cli import parse
from resumable.cli.job_spec import job_name, spec_of
from resumable.cli.options import BackfillOptions
from resumable.cli.run_command import Running, running
from resumable.cli.session import Session
from resumable.datasets.resolve import resolve
from resumable.job.job import Job
from resumable.job.making import make


def backfill(session: Session, options: BackfillOptions) -> None:
    """Download a range of a dataset, or what is left of it."""
    with running(session, options) as run:
        run.finish(_made(run, options))


def _made(run: Running, options: BackfillOptions) -> Job:
    back = None if options.look_back is None else parse.duration(options.look_back, "--look-back")
    spec = spec_of(options, run.session)
    resolved, contract = resolve(spec)
    name = job_name(resolved, options.job, run.session, run.settings)
    if not run.settings.files.job(name).made():
        # A job that cannot ask for anything is not begun: nothing is left behind. A complete one needs no credentials.
        check_settings(contract, run.settings)
    settings = replace(run.settings, open_for=parse.duration(options.open_for, "--open-for"))
    return make(spec, settings, name=name, look_back=back, clock=run.session.clock)
