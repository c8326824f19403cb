"""`resumable plan`: what a backfill would take, before anything is downloaded; of a job under way, what is left."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from resumable.cli import options as o
from resumable.cli.session import Session
from resumable.text import amount, facts, hanging, length, reach, safe, selection, size, span

if TYPE_CHECKING:
    from resumable.config import Settings
    from resumable.engine.forecast import Forecast
    from resumable.manifest.rows import Totals
    from resumable.models import JobSpec
    from resumable.status import Status

EPILOG = """
Asks for the first page of 24 windows, or of all with --exact; downloads and writes nothing. It needs the same
credentials as the backfill and says which permission is missing. Of a job that exists it says what is left, and asks
nothing.

\b
Examples:
  resumable plan conversations --from 2025-01-01 --to 2026-01-01
  resumable plan conversation-jobs --from 2025-01-01 --to 2026-01-01 --exact --json
  resumable plan conversations --from 2025-01-01 --to 2026-01-01 --queue 7d3c... --write year.toml
  resumable backfill --config year.toml
"""

ROUGHLY = 0.005
"""A share under which an estimate is not called one."""


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command("plan", epilog=EPILOG)(plan)


def plan(
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
    rate: o.Rate = None,
    exact: Annotated[
        bool, typer.Option("--exact", help="Ask every window, not only a sample.", show_default=False)
    ] = False,
    write: Annotated[
        str | None,
        typer.Option("--write", metavar="FILE", help="Write it all to a job file for `backfill --config`."),
    ] = None,
    config: o.Config = None,
    profile: o.Profile = None,
    state: o.State = None,
    json: o.Json = False,
    debug: o.Debug = False,
) -> None:
    """Tell what a backfill would take: requests, time, disk. Nothing is downloaded."""
    session: Session = ctx.obj
    # Imported here: they bring pyarrow and requests, which a help or a status does without.
    from resumable.cli import run_command
    from resumable.cli.job_spec import TypedQuery, spec_of
    from resumable.cli.jobfile import JobFile
    from resumable.cli.settings import settings_of
    from resumable.engine.forecast import forecast

    session.choose(profile)
    settings = settings_of(session, state=state, workers=None, rate=rate, max_requests=None, on_drift="keep")
    run_command.remember_hosts(session, settings)
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
    known = _known(spec, job, settings, session)
    if known is not None:
        _tell_rest(known, settings, session)
    else:
        with run_command.running(session) as run:
            found = forecast(spec, settings, clock=session.clock, stop=run.stop, exact=exact)
        _tell(found, settings, session)
    if write is not None:
        JobFile.of_call(ctx).write(Path(write))
        session.tell(f"  written   {write}; run it with: resumable backfill --config {write}")


def _known(spec: "JobSpec", name: str | None, settings: "Settings", session: Session) -> "Status | None":
    """Return how the job stands that these words would carry on; None where they would begin one."""
    from resumable import status
    from resumable.config import checked_job_name
    from resumable.datasets.resolve import resolve
    from resumable.job.naming import default_name

    home = settings.files.job(checked_job_name(name) if name else default_name(resolve(spec)[0]))
    known = status.read(home, events=0)
    if known is not None:
        session.folder = home.folder
    return known


def _tell(found: "Forecast", settings: "Settings", session: Session) -> None:
    if session.json:
        session.give_json(found.to_json())
        return
    for line in forecast_lines(found, width=session.stdout_width):
        session.give(line)


def _tell_rest(known: "Status", settings: "Settings", session: Session) -> None:
    from resumable.datasets.resolve import of_job

    documented = of_job(known.job.spec, known.job.columns).documented_rate
    per_minute = min(settings.rate_per_minute or documented, documented) * settings.rate_share
    totals, left = known.totals, requests_left(known.totals)
    seconds = None if left is None else left / per_minute * 60
    if session.json:
        session.give_json({**known.to_json(), "left": {"requests": left, "seconds": seconds}})
        return
    windows = totals.windows - totals.windows_done
    if not windows:
        say = [("windows", f"all {totals.windows:,} are complete: nothing is left")]
    else:
        say = [("windows", f"{windows:,} of {totals.windows:,} are left"), ("pages", f"{totals.pages_done:,} are done")]
        if left is None or seconds is None:
            say.append(("left", "unknown until a window is begun"))
        else:
            say.append(("left", f"about {amount(left, 'request')}, {span(seconds)} at {per_minute:g} a minute"))
    for line in [f"{known.job.name}  {known.state.value}", *facts(say, width=session.stdout_width)]:
        session.give(safe(line))


def requests_left(totals: "Totals") -> int | None:
    """Return about how many requests a job still takes, by what its windows had so far; None where none is begun."""
    if totals.windows_done == totals.windows:
        return 0
    if not totals.windows_begun:
        return None
    each = max(1.0, totals.pages_known / totals.windows_begun)
    return totals.pages_known - totals.pages_done + round(each * (totals.windows - totals.windows_begun))


def forecast_lines(found: "Forecast", *, width: int | None) -> list[str]:
    """Tell what is to be expected."""
    spec = found.spec
    chosen = "".join(f", {one}" for one in selection(spec.query))
    head = (
        f"{spec.dataset}, {reach(spec.interval)} ({amount(found.windows, 'window')} of {length(spec.window)}){chosen}"
    )
    lines = [*hanging("", head, width=width), *facts(list(_known_facts(found)), width=width)]
    for warning in found.warnings:
        lines += facts([("note", warning)], width=width)
    return [safe(line) for line in lines]


def _known_facts(found: "Forecast") -> list[tuple[str, str]]:
    if found.hits is None or found.pages is None or found.requests is None or found.seconds is None:
        return [
            ("hits", f"{found.spec.dataset} does not tell how much there is before its last page"),
            ("disk", f"{size(found.free_bytes)} free"),
        ]
    sampled = found.asked < found.windows
    about = f"+/- {found.plus_minus * 100:.0f} %" if found.plus_minus >= ROUGHLY else "all much alike"
    how = f"page 1 of {found.asked} windows asked, {about}" if sampled else "page 1 of every window asked"
    disk = "nothing" if found.disk_bytes is None else size(found.disk_bytes)
    known = [
        ("hits", f"{found.hits:,}  ({how})"),
        ("pages", f"{found.pages:,} of {found.spec.page_size}"),
        ("requests", f"{found.requests:,}"),
        ("time", f"{span(found.seconds)} at {found.per_minute:g} requests a minute"),
        ("disk", f"{disk} of {size(found.free_bytes)} free"),
    ]
    if found.disk_bytes is not None and found.disk_bytes > found.free_bytes:
        known.append(("note", "the disk is too small for it: choose another with --state"))
    if found.cheaper is not None:
        name, requests = found.cheaper
        known.append(("cheaper", f"{name} would need {requests:,} requests, {span(requests / found.per_minute * 60)}"))
    return known
