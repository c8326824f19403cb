"""`resumable backfill`: begin a job, or carry it on."""

from datetime import timedelta
from typing import TYPE_CHECKING

import typer

from resumable.catalogue import CATALOGUE
from resumable.cli import options as o
from resumable.cli.session import Session

if TYPE_CHECKING:
    from resumable.backfill import Job
    from resumable.config import Settings
    from resumable.datasets import Contract
    from resumable.models import Interval, JobSpec

_DATASETS = "\n".join(f"  {name:<24}{line}" for name, line in CATALOGUE.items())

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
  resumable backfill users
"""


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command("backfill", epilog=EPILOG)(backfill)


def backfill(
    ctx: typer.Context,
    dataset: o.Dataset,
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
    state: o.State = None,
    json: o.Json = False,
    debug: o.Debug = False,
) -> None:
    """Download a range of a dataset. The same command carries on where it was stopped or killed."""
    session: Session = ctx.obj
    # Imported here: they bring pyarrow and requests, which a help or a status does without.
    from resumable.cli import running, values
    from resumable.cli.query import query_of
    from resumable.cli.settings import settings_of
    from resumable.config import checked_job_name
    from resumable.datasets import get
    from resumable.models import JobSpec

    with running.running(session) as run:
        contract = get(dataset)
        settings = settings_of(
            session, state=state, workers=workers, rate=rate, max_requests=max_requests, on_drift=on_drift
        )
        running.remember_hosts(session, settings)
        most = None if max_duration is None else values.duration(max_duration, "--max-duration")
        back = None if look_back is None else values.duration(look_back, "--look-back")
        interval = _range(contract, start, end, session)
        lists = {"queues": queue, "divisions": division, "media_types": media_type, "directions": direction}
        spec = JobSpec(
            dataset=dataset,
            interval=interval,
            query=query_of(contract, {**lists, "group_by": group_by, "metrics": metric}, values.filter_text(filters)),
            window=values.window(window, interval) if not contract.timeless else timedelta(days=1),
            page_size=_page_size(contract, page_size, session),
        )
        named = None if job is None else checked_job_name(job)
        run.finish(_made(spec, settings, named, back, session), most=most)


def _made(spec: "JobSpec", settings: "Settings", name: str | None, back: timedelta | None, session: Session) -> "Job":
    from resumable.backfill import make
    from resumable.datasets import resolve
    from resumable.durable import exists
    from resumable.means import check_settings
    from resumable.naming import default_name
    from resumable.status import MANIFEST

    resolved, contract = resolve(spec)
    if not exists(settings.state / (name or default_name(resolved)) / MANIFEST):
        # A job that cannot ask for anything is not begun: nothing is left behind. A complete one needs no credentials.
        check_settings(contract, settings)
    return make(spec, settings, name=name, look_back=back, clock=session.clock)


def _range(contract: "Contract", start: str | None, end: str | None, session: Session) -> "Interval":
    from resumable.cli.values import date_range
    from resumable.errors import UsageError
    from resumable.models import Interval

    now = session.clock.now()
    if contract.timeless:
        if start is not None or end is not None:
            raise UsageError(
                f"{contract.name} is a list as it is today, and has no range.",
                hint=f"Leave out --from and --to: resumable backfill {contract.name}",
            )
        today = now.replace(hour=0, minute=0, second=0, microsecond=0)
        return Interval(start=today, end=today + timedelta(days=1))
    if start is None or end is None:
        raise UsageError(
            f"{contract.name} needs a range: {'--from' if start is None else '--to'} is missing.",
            hint=f"For example: resumable backfill {contract.name} --from 2025-01-01 --to 2025-02-01",
        )
    return date_range(start, end, now=now)


def _page_size(contract: "Contract", given: int | None, session: Session) -> int:
    from resumable.errors import UsageError

    most = contract.page_size_max
    if given is not None and given > most and contract.page_size_clamped:
        session.tell(f"a page of {contract.name} holds {most} records at most: asking for {most}, not {given}")
        return most
    if given is None:
        return contract.page_size_default
    if 1 <= given <= contract.page_size_max:
        return given
    raise UsageError(
        f"a page of {contract.name} holds 1 to {contract.page_size_max} records, not {given}.",
        hint=f"Use --page-size {contract.page_size_max}, or leave it out. Nothing was asked for.",
    )
