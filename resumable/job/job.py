"""A job: run it, carry it on, look at it, read what it brought."""

import contextlib
import functools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resumable import status as status_of
from resumable.api.session import private_tables
from resumable.clock import Clock, Stop
from resumable.config import Settings
from resumable.datasets.contract import Contract
from resumable.datasets.resolve import of_job
from resumable.engine.belonging import confirm
from resumable.engine.context import LiveRun
from resumable.engine.run import Run, Watch
from resumable.errors import ManifestUnusable, ResumableError, UsageError
from resumable.manifest.copies import copy
from resumable.manifest.ownership import check_own
from resumable.manifest.reader import reader, required_reader
from resumable.manifest.store import Manifest
from resumable.models import JobState, PageKey
from resumable.repair.repair import Repaired, Say, mended
from resumable.schema.rebuild import rebuild
from resumable.storage.address import Address, address_of
from resumable.storage.folder import FolderStore
from resumable.storage.job_files import JobFiles, part_key
from resumable.storage.lock import Guard
from resumable.storage.parts import Parts
from resumable.text import Watching, unwatched
from resumable.verify.findings import Finding
from resumable.verify.server import Server
from resumable.verify.verification import LookOn, verify

if TYPE_CHECKING:
    import pyarrow.dataset as ds

    from resumable.export.export import Exported
    from resumable.export.request import Output
    from resumable.export.spread import Crew
    from resumable.export.warehouse import Loaded, LoadRequest
    from resumable.report.document import Written
    from resumable.schema.privacy import PrivacyRules


@dataclass(frozen=True, kw_only=True)
class Job:
    """One job in a state folder, whether it has been started or not."""

    name: str
    settings: Settings
    clock: Clock

    @property
    def folder(self) -> Path:
        """Where its manifest is, and its parts too unless the settings name a store or a bucket: then it is scratch."""
        return self.home.folder

    @functools.cached_property
    def home(self) -> JobFiles:
        """Where each thing of it lies."""
        return self.settings.files.job(self.name)

    def status(self, *, events: int = 20) -> status_of.Status:
        """Tell how it stands. Raises UsageError where there is no such job."""
        found = status_of.read(self.home, events=events)
        if found is None:
            raise self.home.missing()
        return found

    def run(self, *, stop: Stop | None = None, watch: Watch | None = None) -> status_of.Status:
        """Do what is left of the job, and return how it stands once it is complete.

        Raises what kept it from that, always after everything in flight is safe: Incomplete (pages are quarantined, or
        the server asked for a long wait), SourceUnsettled, Interrupted, AuthenticationFailed, StorageFailed, JobLocked,
        ManifestUnusable. Running it again carries on. A complete job sends no request.
        """
        with self.home.hold(now=self.clock.now(), copy=copy) as keeper:
            manifest = Manifest.open(self.home.manifest, self.clock, keeper=keeper)
            if manifest is None:
                raise self.home.missing()
            with contextlib.closing(manifest):
                check_own(manifest.job(), self.home)
                self._go_on(manifest, stop or Stop(self.clock), watch, guard=keeper.check)
        return self.status()

    async def run_async(self, *, stop: Stop | None = None, watch: Watch | None = None) -> status_of.Status:
        """Do the same from an event loop, which goes on meanwhile: `await job.run_async()`.

        Cancelled, what is in flight is finished first, as after a signal. Raises what `run` raises.
        """
        import asyncio  # which takes as long to load as all that a status needs

        stop = stop or Stop(self.clock)
        running = asyncio.ensure_future(asyncio.to_thread(self.run, stop=stop, watch=watch))
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            stop.request("SIGTERM")
            with contextlib.suppress(ResumableError):
                await running
            raise

    def _go_on(self, manifest: Manifest, stop: Stop, watch: Watch | None, *, guard: Guard, anew: bool = False) -> None:
        """Do what is left, if anything is; `anew`: close a job that is complete once more."""
        totals, run = manifest.totals(), Run(manifest, self.home.guarded(guard), self.settings, stop)
        if totals.windows_done < totals.windows or manifest.useless_remotes():
            run.go(watch or _nobody_watches)
            return
        # Nothing is left to ask for, so that no run would notice another organisation's credentials.
        self.confirm_organisation(stop)
        if anew or manifest.job().state is not JobState.COMPLETE:
            run.conclude()
        else:
            run.check_complete()

    def confirm_organisation(self, stop: Stop | None = None) -> None:
        """Raise UsageError where the settings lead to another organisation than the job's; nothing is changed.

        Asks the server only where address or client are not those that the job knows. A manifest that cannot be read
        says nothing.
        """
        try:
            with reader(self.home) as manifest:
                job = None if manifest is None else manifest.job()
        except ManifestUnusable:
            job = None
        if job is not None:
            confirm(job, of_job(job.spec, job.columns), self.settings, stop or Stop(self.clock))

    def check_complete(self) -> None:
        """Raise ManifestUnusable or VerificationFailed where the job is called complete, and is not."""
        with required_reader(self.home) as manifest:
            status_of.check_complete(manifest, self.home, closed=True)

    def verify(
        self, *, quick: bool = False, online: bool = False, stop: Stop | None = None, watch: LookOn | None = None
    ) -> Iterator[Finding]:
        """Yield every fault of the job as it is found, as `verify.verify` does; nothing is changed.

        Keeps out who wants to change the job until the last is taken. Raises JobLocked.
        """
        server = Server(settings=self.settings, stop=stop or Stop(self.clock)) if online else None
        with self.home.hold_to_look(copy=copy):
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
        with self.home.hold(now=self.clock.now(), copy=copy) as keeper:
            self.confirm_organisation(stop)
            manifest, done = mended(
                _HeldJob(name=self.name, home=self.home.guarded(keeper.check)),
                clock=self.clock,
                interval_max=self.settings.interval_max,
                watch=look_on,
                say=say,
                keeper=keeper,
            )
            with contextlib.closing(manifest):
                self._go_on(manifest, stop or Stop(self.clock), watch, guard=keeper.check, anew=done.receipt)
        return self.status(), done

    def files(self) -> Iterator[Path]:
        """Yield the parts of every page done, in the order of windows and pages.

        Raises UsageError where they do not lie in a folder.
        """
        store = self.home.store
        if not isinstance(store, FolderStore):
            raise UsageError(
                f"the parts of {self.name} are in {store.place('')} and have no paths.",
                hint="Read them with Job.records(), or export them.",
            )
        for page in self._pages():
            yield store.path(part_key(page))

    def records(self) -> Iterator[dict[str, Any]]:
        """Yield every record as the server sent it, page by page, in the order of windows and pages.

        Absent and null members are the same; memory holds one page.
        """
        parts, schema = Parts(self.home), self.contract().schema
        for page in self._pages():
            yield from rebuild(parts.table(page), schema=schema)

    def dataset(self) -> "ds.Dataset":
        """Return the parts of every page done as one pyarrow dataset with the pinned schema."""
        import pyarrow.dataset as ds

        schema = self.contract().schema.arrow
        return ds.dataset([str(path) for path in self.files()], schema=schema, format="parquet")

    def export(
        self,
        to: "Path | Address | str | Output",
        *,
        format: str | None = None,  # noqa: A002 - the word that the command line has
        table: str | None = None,
        zone: str | None = None,
        privacy: "PrivacyRules | None" = None,
        names: bool = False,
        partial: bool = False,
        replace: bool = False,
        crew: "Crew | None" = None,
        watching: Watching = unwatched,
    ) -> "Exported":
        """Write the records in one piece, each once, to a path or a URL, or as bytes to a function, as `export` does.

        The format is that of the path's suffix unless it is named; `zone` is whose half hours the table `interactions`
        has, such as Europe/Berlin, `privacy` what is left out; a `crew` does the work elsewhere, `watching` is told how
        far it is. Keeps out who wants to change the job meanwhile. Raises Incomplete where the job is, unless
        `partial`; UsageError, VerificationFailed, StorageFailed, JobLocked.
        """
        from resumable.export.export import export
        from resumable.export.request import ExportRequest, format_of

        if isinstance(to, str):
            to = address_of(to, "an export") or Path(to)
        path, output = (to, None) if isinstance(to, Path | Address) else (None, to)
        form = format_of(str(path or "-"), format)
        request = ExportRequest(
            to=path, format=form, table=table, zone=zone, privacy=privacy, names=names, partial=partial, replace=replace
        )
        private = None if privacy is None else private_tables(privacy.to_json(), self.settings)
        with self.home.hold_to_look(copy=copy):
            return export(
                self.home,
                request,
                output=output,
                private=private,
                bucket=self.settings.store_at,
                crew=crew,
                watching=watching,
            )

    def report(self, to: "Path | str | None" = None, *, replace: bool = False) -> "Written":
        """Write one file with charts that opens in any browser, into the job's folder unless `to` says where.

        Raises UsageError where something else is there and not to be replaced; LibraryMissing, StorageFailed.
        """
        from resumable.report.document import write

        written = write(self.home, to, now=self.clock.now(), replace=replace)
        if written is None:
            raise self.home.missing()
        return written

    def load(self, request: "LoadRequest", *, watching: Watching = unwatched) -> "Loaded":
        """Bring the tables of a warehouse to what it holds, as `load` does. Raises what that raises, and JobLocked."""
        from resumable.export.warehouse import load

        with self.home.hold_to_look(copy=copy):
            return load(self.home, request, watching=watching)

    def contract(self) -> Contract:
        """Return the dataset that it is a job of."""
        job = self.status(events=0).job
        return of_job(job.spec, job.columns)

    def _pages(self) -> Iterator[PageKey]:
        with required_reader(self.home) as manifest:
            for row in manifest.windows():
                take = row.whole_take or row.window.take
                for page in manifest.pages(row.window, take=take):
                    yield PageKey(window=row.window.interval, take=take, number=page.number)


@dataclass(frozen=True, kw_only=True)
class _HeldJob:
    """A job as who holds it changes it: nothing of it once it is another's."""

    name: str
    home: JobFiles


@contextlib.contextmanager
def _nobody_watches(live: LiveRun) -> Iterator[None]:
    yield
