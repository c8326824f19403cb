"""Makes jobs, and finds those that are made."""

import contextlib
import hashlib
import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

from resumable import status as status_of
from resumable.clock import Clock, Stop, SystemClock
from resumable.config import Settings, checked_job_name, from_environment
from resumable.datasets.contract import Contract
from resumable.datasets.limits import window_length
from resumable.datasets.resolve import resolve
from resumable.engine.forecast import Forecast, forecast
from resumable.engine.open_records import count_unknown
from resumable.engine.windows import cut
from resumable.errors import UsageError
from resumable.job.job import Job
from resumable.job.naming import default_name
from resumable.manifest.copies import copy
from resumable.manifest.store import Manifest
from resumable.models import Interval, JobSpec, Query
from resumable.storage.durable import make_folder, sync_folder
from resumable.storage.file_systems import nearest_folder
from resumable.storage.parts import Parts
from resumable.text import Watching, amount, reach, unwatched

OWNER_ALONE, GROUP_READS = 0o700, 0o750
"""Permissions of a job's folder, from which all that is made in it has its own: conversations are personal data."""


def make(
    spec: JobSpec,
    settings: Settings,
    *,
    name: str | None = None,
    look_back: timedelta | None = None,
    clock: Clock | None = None,
) -> Job:
    """Make a job, or find it where it has been made before; nothing is asked of the server.

    With `look_back`, windows that were taken before they were so old are opened to be taken again, because the source
    rewrites records for days, and so are those with records that have not ended, for as long as the settings'
    `open_for`; a later end of the range extends the job. Raises UsageError where the name belongs to
    a job with another query, with the difference.
    """
    spec, dataset = resolve(spec)
    clock = clock or SystemClock()
    job = Job(name=checked_job_name(name or default_name(spec)), settings=settings, clock=clock)
    _make_folder(job)
    known = status_of.read(job.home, events=0) or _create(job, spec, dataset)
    _compare(job, known.job.spec, spec, look_back)
    if look_back is not None:
        job.confirm_organisation()
        _top_up(job, spec, look_back, dataset)
    return job


def _compare(job: Job, old: JobSpec, new: JobSpec, look_back: timedelta | None) -> None:
    """Raise UsageError where a name belongs to a job with another query; with a look-back its range may move on.

    A later end extends the job, and a range inside the known one changes nothing of it: so a nightly command may name
    the last days alone. Nothing of the job is changed before.
    """
    same = old == new
    if look_back is not None and old.interval.start <= new.interval.start <= old.interval.end:
        same = replace(old, interval=new.interval) == new
    if not same:
        raise UsageError(
            f"the job {job.name} exists, with another query: {_difference(old, new)}.",
            hint="Give this one another name with --job, or resume the old one with:",
            command=f"resumable resume {job.name}",
        )


def _create(job: Job, spec: JobSpec, dataset: Contract) -> status_of.Status:
    """Write the manifest of a new job, unless another process has done so in the meantime."""
    path = job.home.manifest
    with job.home.hold(now=job.clock.now(), copy=copy) as keeper:
        made = Manifest.open(path, job.clock, keeper=keeper) or Manifest.create(
            path,
            job.clock,
            name=job.name,
            spec=spec,
            schema_digest=dataset.schema.digest,
            windows=_windows(spec.interval, spec, job.settings, dataset),
            keeper=keeper,
        )
        made.close()
        sync_folder(job.folder)
    return job.status(events=0)


def _windows(interval: Interval, spec: JobSpec, settings: Settings, dataset: Contract) -> Iterator[Interval]:
    return cut(interval, window_length(dataset, spec.window, settings.interval_max), spec.query.zone)


def _top_up(job: Job, spec: JobSpec, look_back: timedelta, dataset: Contract) -> None:
    """Open the windows that a look-back reaches, and add those of a later end."""
    with job.home.hold(now=job.clock.now(), copy=copy) as keeper:
        manifest = Manifest.open(job.home.manifest, job.clock, keeper=keeper)
        if manifest is None:
            raise job.home.missing()
        with contextlib.closing(manifest):
            # Once more, now that nobody else can change it.
            old = manifest.job().spec
            _compare(job, old, spec, look_back)
            start, end = old.interval.end, spec.interval.end
            if end > start:
                windows = _windows(Interval(start=start, end=end), spec, job.settings, dataset)
                manifest.reach.extend(end, windows, now=job.clock.now())
            count_unknown(manifest, dataset, Parts(job.home))
            manifest.reach.look_back(look_back, now=job.clock.now(), open_for=job.settings.open_for)


def plan(
    spec: JobSpec,
    settings: Settings,
    *,
    exact: bool = False,
    clock: Clock | None = None,
    stop: Stop | None = None,
    watching: Watching = unwatched,
) -> Forecast:
    """Return what a backfill would take, as the command `plan` tells it; nothing is written.

    Raises UsageError, AuthenticationFailed, Incomplete, Interrupted.
    """
    return forecast(spec, settings, clock=clock or SystemClock(), stop=stop, exact=exact, watching=watching)


def find(name: str, settings: Settings, *, clock: Clock | None = None, lost: bool = False) -> Job:
    """Find a job by its name; with `lost`, one of which only parts are left, too. Raises UsageError for none."""
    job = Job(name=checked_job_name(name), settings=settings, clock=clock or SystemClock())
    if not job.home.made() and not (lost and job.home.lost()):
        raise job.home.missing()
    return job


def fetch_all(
    date_from: str,
    date_to: str,
    queue_id: str | None = None,
    page_size: int = 1000,
    *,
    settings: Settings | None = None,
) -> list[dict[str, Any]]:
    """Return every conversation of a range, and of one queue where it is named, by the contract with pageCount.

    What comes is kept in a checkpointed job: called again after a failure it carries on, called again after success it
    asks the server nothing. Times are ISO texts, UTC unless they name a zone. The list holds all records at once: for
    more than fits in memory use `make` and `Job.records`. Raises what `Job.run` raises.
    """
    query = Query(queues=(queue_id,)) if queue_id else Query()
    spec = JobSpec.of("conversations-pagecount", date_from, date_to, query=query, page_size=page_size)
    job = make(spec, settings or from_environment(os.environ))
    job.run()
    return list(job.records())


def _make_folder(job: Job) -> None:
    """Make the job's folder and what is missing above it, past links in what the user named; never through its own."""
    if job.home.state.bucket is not None:
        return
    folder = job.folder.absolute()
    there = nearest_folder(folder.parent)
    mode = GROUP_READS if job.settings.group_readable else OWNER_ALONE
    make_folder(there.resolve() / folder.relative_to(there), within=there.resolve(), mode=mode)


def _difference(old: JobSpec, new: JobSpec) -> str:
    said = []
    for what, before, after in (
        ("dataset", old.dataset, new.dataset),
        ("range", reach(old.interval, old.query.zone), reach(new.interval, new.query.zone)),
        ("query", _flags(old.query), _flags(new.query)),
        ("description of the dataset", _digest(old.query), _digest(new.query)),
        ("ids", _few(old.query.each), _few(new.query.each)),
        ("window", str(old.window), str(new.window)),
        ("page size", str(old.page_size), str(new.page_size)),
    ):
        if before != after:
            said.append(f"{what} was {before} and is now {after}")
    return "; ".join(said)


def _flags(query: Query) -> str:
    return replace(query, declaration=None, each=()).to_json()


def _few(ids: tuple[str, ...]) -> str:
    """Name ids in few digits: they may be a thousand."""
    return f"{amount(len(ids), 'id')} ({hashlib.sha256(repr(ids).encode()).hexdigest()[:6]})" if ids else "none"


def _digest(query: Query) -> str:
    """Name a description in few digits: whole, it would bury the rest of a message."""
    return hashlib.sha256((query.declaration or "").encode()).hexdigest()[:6]
