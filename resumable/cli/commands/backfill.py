"""`resumable backfill`: begin a job, or carry it on."""

from datetime import timedelta
from typing import TYPE_CHECKING

import typer

from resumable.cli import options as o
from resumable.cli.session import Session
from resumable.datasets.catalogue import CATALOGUE

if TYPE_CHECKING:
    from resumable.config import Settings
    from resumable.job.job import Job
    from resumable.models import JobSpec

_DATASETS = "\n".join(f"  {name:<24}{listed.line}" for name, listed in CATALOGUE.items())

EPILOG = f"""
\b
Datasets:
{_DATASETS}
  ./endpoint.toml         another paged endpoint, as that file describes it

\b
Examples:
  resumable backfill conversations --from 2025-01-01 --to 2026-01-01
  resumable backfill conversations --from 2025-01-01 --to 2025-02-01 --queue 7d3c... --media-type voice
  resumable backfill conversation-jobs --from 2025-01-01 --to 2026-01-01 --max-duration 8h
  resumable backfill conversations --from 2025-01-01 --to 2025-03-01 --job recent --look-back 4d
  resumable backfill --config year.toml --profile prod
  resumable backfill users
"""


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command("backfill", epilog=EPILOG)(backfill)


def backfill(
    ctx: typer.Context,
    dataset: o.Dataset = None,
    start: o.From = None,
    end: o.To = None,
    queue: o.Queue = None,
    division: o.Division = None,
    media_type: o.MediaType = None,
    direction: o.Direction = None,
    filters: o.Filter = None,
    group_by: o.GroupBy = None,
    metric: o.Metric = None,
    job: o.JobName = None,
    window: o.WindowLength = "1d",
    page_size: o.PageSize = None,
    workers: o.Workers = None,
    rate: o.Rate = None,
    max_duration: o.MaxDuration = None,
    max_requests: o.MaxRequests = None,
    look_back: o.LookBack = None,
    on_drift: o.OnDrift = "keep",
    config: o.Config = None,
    profile: o.Profile = None,
    state: o.State = None,
    log_json: o.LogJson = False,
    json: o.Json = False,
    debug: o.Debug = False,
) -> None:
    """Download a range of a dataset. The same command carries on where it was stopped or killed."""
    session: Session = ctx.obj
    # Imported here: they bring pyarrow and requests, which a help or a status does without.
    from resumable.cli import parse, run_command
    from resumable.cli.job_spec import TypedQuery, spec_of
    from resumable.cli.settings import settings_of
    from resumable.config import checked_job_name

    with run_command.running(session) as run:
        session.choose(profile)
        settings = settings_of(
            session, state=state, workers=workers, rate=rate, max_requests=max_requests, on_drift=on_drift
        )
        run_command.remember_hosts(session, settings)
        most = None if max_duration is None else parse.duration(max_duration, "--max-duration")
        back = None if look_back is None else parse.duration(look_back, "--look-back")
        lists = {"queues": queue, "divisions": division, "media_types": media_type, "directions": direction}
        asked = TypedQuery(
            dataset=dataset,
            start=start,
            end=end,
            lists={**lists, "group_by": group_by, "metrics": metric},
            filters=filters,
            window=window,
            page_size=page_size,
        )
        spec = spec_of(asked, session)
        named = None if job is None else checked_job_name(job)
        run.finish(_made(spec, settings, named, back, session), most=most)


def _made(spec: "JobSpec", settings: "Settings", name: str | None, back: timedelta | None, session: Session) -> "Job":
    from resumable.api.session import check_settings
    from resumable.datasets.resolve import resolve
    from resumable.job.making import make
    from resumable.job.naming import default_name
    from resumable.storage.durable import exists

    resolved, contract = resolve(spec)
    if not exists(settings.files.job(name or default_name(resolved)).manifest):
        # A job that cannot ask for anything is not begun: nothing is left behind. A complete one needs no credentials.
        check_settings(contract, settings)
    return make(spec, settings, name=name, look_back=back, clock=session.clock)
