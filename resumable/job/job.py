"""The library's face: make a job, run it, carry it on, look at it, read what it brought."""

import contextlib
import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resumable import status as status_of
from resumable.clock import Clock, Stop, SystemClock
from resumable.config import Settings, checked_job_name, from_environment
from resumable.datasets.contract import Contract
from resumable.datasets.resolve import of_job, resolve
from resumable.engine.feed import cut
from resumable.engine.run import LiveRun, Run, Watch
from resumable.errors import ResumableError, UsageError
from resumable.job.naming import default_name
from resumable.manifest.reader import ManifestReader
from resumable.manifest.store import Manifest
from resumable.models import Interval, JobSpec, JobState, PageKey, Query
from resumable.repair.repair import Repaired, Say, mended
from resumable.schema.rebuild import rebuild
from resumable.storage.durable import exists, is_folder, make_folder, sync_folder
from resumable.storage.lock import hold, hold_to_look
from resumable.storage.parts import Parts
from resumable.verify.findings import Finding
from resumable.verify.server import Server
from resumable.verify.verification import LookOn, verify

if TYPE_CHECKING:
    import pyarrow.dataset as ds

    from resumable.export.export import Exported
    from resumable.export.request import Output


@dataclass(frozen=True, kw_only=True)
class Job:
    """One job in a state folder, whether it has been started or not."""

    name: str
    settings: Settings
    clock: Clock

    @property
    def folder(self) -> Path:
        """Where its manifest and its parts are."""
        return self.settings.state / self.name

    def status(self, *, events: int = 20) -> status_of.Status:
        """Tell how it stands. Raises UsageError where there is no such job."""
        found = status_of.read(self.folder, events=events)
        if found is None:
            raise _no_such_job(self)
        return found

    def run(self, *, stop: Stop | None = None, watch: Watch | None = None) -> status_of.Status:
        """Do what is left of the job, and return how it stands once it is complete.

        Raises what kept it from that, always after everything in flight is safe: Incomplete (pages are quarantined, or
        the server asked for a long wait), SourceUnsettled, Interrupted, AuthenticationFailed, StorageFailed, JobLocked,
        ManifestUnusable. Running it again carries on. A complete job sends no request.
        """
        with hold(self.folder / status_of.LOCK, job=self.name, now=self.clock.now()):
            manifest = Manifest.open(self.folder / status_of.MANIFEST, self.clock)
            if manifest is None:
                raise _no_such_job(self)
            with contextlib.closing(manifest):
                self._go_on(manifest, stop or Stop(self.clock), watch)
        return self.status()

    def _go_on(self, manifest: Manifest, stop: Stop, watch: Watch | None, *, anew: bool = False) -> None:
        """Do what is left, if anything is; `anew`: close a job that is complete once more."""
        totals, run = manifest.totals(), Run(manifest, Parts(self.folder), self.settings, stop)
        if totals.windows_done < totals.windows or manifest.useless_remotes():
            run.go(watch or _nobody_watches)
        elif anew or manifest.job().state is not JobState.COMPLETE:
            run.conclude()
        else:
            run.check_sound()

    def check_sound(self) -> None:
        """Raise ManifestUnusable where what says that the job is complete does not agree with itself."""
        manifest = ManifestReader.open_to_read(self.folder / status_of.MANIFEST)
        if manifest is None:
            raise _no_such_job(self)
        with contextlib.closing(manifest):
            status_of.check_sound(manifest)

    def verify(
        self, *, quick: bool = False, online: bool = False, stop: Stop | None = None, watch: LookOn | None = None
    ) -> Iterator[Finding]:
        """Yield every fault of the job as it is found, as `verify.verify` does; nothing is changed.

        Holds the job's lock until the last is taken. Raises JobLocked.
        """
        server = Server(settings=self.settings, stop=stop or Stop(self.clock)) if online else None
        with hold_to_look(self.folder / status_of.LOCK, job=self.name, now=self.clock.now()):
            yield from verify(self, quick=quick, online=server, watch=watch)

    def repair(
        self,
        *,
        stop: Stop | None = None,
        watch: Watch | None = None,
        look_on: LookOn | None = None,
        say: Say = lambda _: None,
    ) -> tuple[status_of.Status, Repaired]:
        """Mend every fault that `verify` would name, then do what is left of the job, asking for no more than that.

        A manifest that is lost or damaged is made again from the parts; what is damaged is put aside, not thrown away.
        `say` is told, in a sentence each, what is done. Raises what `run` raises; then it can be called again, as after
        a kill.
        """
        with hold(self.folder / status_of.LOCK, job=self.name, now=self.clock.now()):
            manifest, done = mended(
                self, clock=self.clock, interval_max=self.settings.interval_max, watch=look_on, say=say
            )
            with contextlib.closing(manifest):
                self._go_on(manifest, stop or Stop(self.clock), watch, anew=done.receipt)
        return self.status(), done

    def files(self) -> Iterator[Path]:
        """Yield the parts of every page done, in the order of windows and pages."""
        for key in self._keys():
            yield Parts(self.folder).path(key)

    def records(self) -> Iterator[dict[str, Any]]:
        """Yield every record as the server sent it, page by page, in the order of windows and pages.

        Absent and null members are the same; memory holds one page.
        """
        parts, schema = Parts(self.folder), self._contract().schema
        for key in self._keys():
            yield from rebuild(parts.table(key), schema=schema)

    def dataset(self) -> "ds.Dataset":
        """Return the parts of every page done as one pyarrow dataset with the pinned schema."""
        import pyarrow.dataset as ds

        schema = self._contract().schema.arrow
        return ds.dataset([str(path) for path in self.files()], schema=schema, format="parquet")

    def export(
        self,
        to: "Path | str | Output",
        *,
        format: str | None = None,  # noqa: A002 - the word that the command line has
        table: str | None = None,
        names: bool = False,
        partial: bool = False,
        replace: bool = False,
    ) -> "Exported":
        """Write the records in one piece, each once, to a path, or as bytes to a function, as `export` does.

        The format is that of the path's suffix unless it is named. Holds the job's lock. Raises Incomplete where the
        job is, unless `partial`; UsageError, VerificationFailed, StorageFailed, JobLocked.
        """
        from resumable.export.export import export
        from resumable.export.request import Request, format_of

        path, output = (Path(to), None) if isinstance(to, str | Path) else (None, to)
        chosen = format_of(str(path or "-"), format)
        request = Request(to=path, format=chosen, table=table, names=names, partial=partial, replace=replace)
        with hold_to_look(self.folder / status_of.LOCK, job=self.name, now=self.clock.now()):
            return export(self.folder, request, output=output)

    def _contract(self) -> Contract:
        job = self.status(events=0).job
        return of_job(job.spec, job.columns)

    def _keys(self) -> Iterator[PageKey]:
        manifest = ManifestReader.open_to_read(self.folder / status_of.MANIFEST)
        if manifest is None:
            raise _no_such_job(self)
        with contextlib.closing(manifest):
            for row in manifest.windows():
                take = row.whole_take or row.window.take
                for page in manifest.pages(row.window, take=take):
                    yield PageKey(window=row.window.interval, take=take, number=page.number)


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
    rewrites records for days, and a later end of the range extends the job. Raises UsageError where the name belongs to
    a job with another query, with the difference.
    """
    spec, dataset = resolve(spec)
    spec = _within_contract(spec, dataset)
    clock = clock or SystemClock()
    job = Job(name=checked_job_name(name or default_name(spec)), settings=settings, clock=clock)
    make_folder(job.folder.absolute(), within=_existing(job.folder))
    known = status_of.read(job.folder, events=0) or _create(job, spec, dataset)
    if look_back is not None:
        _top_up(job, known.job.spec, spec, look_back, dataset)
        known = job.status(events=0)
    if known.job.spec != spec:
        raise UsageError(
            f"the job {job.name} exists, with another query: {_difference(known.job.spec, spec)}.",
            hint=f"Give this one another name with --job, or carry on the old one with: resumable resume {job.name}",
        )
    return job


def _create(job: Job, spec: JobSpec, dataset: Contract) -> status_of.Status:
    """Write the manifest of a new job, unless another process has done so in the meantime."""
    path = job.folder / status_of.MANIFEST
    with hold(job.folder / status_of.LOCK, job=job.name, now=job.clock.now()):
        made = Manifest.open(path, job.clock) or Manifest.create(
            path,
            job.clock,
            name=job.name,
            spec=spec,
            schema_digest=dataset.schema.digest,
            windows=_windows(spec.interval, spec, job.settings, dataset),
        )
        made.close()
        sync_folder(job.folder)
    return job.status(events=0)


def _windows(interval: Interval, spec: JobSpec, settings: Settings, dataset: Contract) -> Iterator[Interval]:
    return cut(interval, min(spec.window, settings.interval_max or dataset.interval_max or spec.window))


def _top_up(job: Job, old: JobSpec, new: JobSpec, look_back: timedelta, dataset: Contract) -> None:
    """Open the windows that a look-back reaches, and add those of a later end."""
    start, end = old.interval.end, new.interval.end
    with hold(job.folder / status_of.LOCK, job=job.name, now=job.clock.now()):
        manifest = Manifest.open(job.folder / status_of.MANIFEST, job.clock)
        if manifest is None:
            raise _no_such_job(job)
        with contextlib.closing(manifest):
            if end > start and replace(old, interval=new.interval) == new and old.interval.start == new.interval.start:
                manifest.extend(end, _windows(Interval(start=start, end=end), new, job.settings, dataset))
            manifest.look_back(look_back)


def _within_contract(spec: JobSpec, dataset: Contract) -> JobSpec:
    most = dataset.page_size_max
    if spec.page_size > most and dataset.page_size_clamped:
        return replace(spec, page_size=most)
    if not 1 <= spec.page_size <= most:
        raise UsageError(
            f"a page of {spec.dataset} holds 1 to {most} records, not {spec.page_size}.",
            hint=f"Use --page-size {most}, or leave it out.",
        )
    return spec


def find(name: str, settings: Settings, *, clock: Clock | None = None, lost: bool = False) -> Job:
    """Find a job by its name; with `lost`, one of which only parts are left, too. Raises UsageError for none."""
    job = Job(name=checked_job_name(name), settings=settings, clock=clock or SystemClock())
    if not exists(job.folder / status_of.MANIFEST) and not (lost and status_of.lost(job.folder)):
        raise _no_such_job(job)
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


def _existing(folder: Path) -> Path:
    return next(parent for parent in folder.absolute().parents if is_folder(parent))


def _no_such_job(job: Job) -> ResumableError:
    return status_of.lost(job.folder) or status_of.no_job(job.settings.state, job.name)


def _difference(old: JobSpec, new: JobSpec) -> str:
    said = []
    for what, before, after in (
        ("dataset", old.dataset, new.dataset),
        ("range", str(old.interval), str(new.interval)),
        ("query", _flags(old.query), _flags(new.query)),
        ("description of the dataset", _digest(old.query), _digest(new.query)),
        ("window", str(old.window), str(new.window)),
        ("page size", str(old.page_size), str(new.page_size)),
    ):
        if before != after:
            said.append(f"{what} was {before} and is now {after}")
    return "; ".join(said)


def _flags(query: Query) -> str:
    return replace(query, declaration=None).to_json()


def _digest(query: Query) -> str:
    """Name a description in few digits: whole, it would bury the rest of a message."""
    return hashlib.sha256((query.declaration or "").encode()).hexdigest()[:6]


@contextlib.contextmanager
def _nobody_watches(live: LiveRun) -> Iterator[None]:
    yield
