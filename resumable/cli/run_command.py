"""Runs a job in front of people: progress, signals, a time limit, and the closing words."""

import contextlib
import functools
import signal
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from types import MappingProxyType

from resumable.cli import allocator, parse, told
from resumable.cli.as_begun import as_begun
from resumable.cli.job_file import JobFile
from resumable.cli.jsonlog import EventLog
from resumable.cli.log_file import LogFile
from resumable.cli.options import RunOptions, SourceOptions
from resumable.cli.privacy_options import key_of
from resumable.cli.session import Session
from resumable.cli.signals import drained
from resumable.cli.text import views
from resumable.cli.text.steps import Step, Steps
from resumable.cli.text.verify_progress import VerifyProgress
from resumable.clock import Stop
from resumable.config import Settings, from_environment, host_of
from resumable.engine.context import LiveRun
from resumable.engine.run import Watch
from resumable.errors import Incomplete, Interrupted, NoData, UsageError
from resumable.job.job import Job
from resumable.models import EventKind, JobState
from resumable.monitor.progress import NEWS, REDRAW_SECONDS, Both, Plain, Progress, ProgressView
from resumable.status import MANY_PAGES
from resumable.storage.address import Address
from resumable.storage.job_files import JobFiles
from resumable.text import amount
from resumable.verify.findings import Report

GRACE_IN_A_BUCKET = 12.0
"""Seconds for what is in flight: what is done is published after it, and a machine that goes gives 30 in all."""

RECORDED = "every page that is recorded is safe; what was in flight is dropped"

EMPTY = "Look at the range, the filters, and the divisions that the client sees."

NOTHING: Mapping[str, str] = MappingProxyType({})

JSON_SECONDS = 1.0
"""So late may an event be written as JSON."""


def source_settings(session: Session, options: SourceOptions) -> Settings:
    """Return whom to ask and where jobs lie: the environment, its profile, the options over it. Raises UsageError."""
    if options.profile is not None:
        file = session.job_file or JobFile(values={}, profiles={})
        session.environment = file.environment(options.profile, session.environment)
        session.profile = options.profile if len(file.profiles) > 1 else None
    settings = from_environment(session.environment)
    if settings.endpoints is not None:
        session.hosts = {
            "api": host_of(settings.endpoints.api),
            "login": host_of(settings.endpoints.login),
            "proxy": host_of(settings.proxy) if settings.proxy else "",
        }
    return replace(settings, state=session.state(options.state))


def prepared(session: Session, options: RunOptions) -> Settings:
    """Return the settings of a run: those of its source, and how it asks. Raises UsageError."""
    settings = source_settings(session, options)
    told.begin(session, options, settings)
    return asked_as(settings, options, session.environment)


def asked_as(settings: Settings, options: RunOptions, environment: Mapping[str, str] = NOTHING) -> Settings:
    """Return settings with how the server is asked; `environment` may hold the key of hashes. Raises UsageError."""
    if options.on_drift not in (None, "keep", "fail"):
        raise UsageError(
            f"--on-drift is keep or fail, not {options.on_drift[:20]!a}.", hint="Leave it out to keep such values."
        )
    per_minute, share = parse.rate(options.rate)
    patience = settings.patience if options.patience is None else parse.duration(options.patience, "--patience")
    return replace(
        settings,
        hash_key=settings.hash_key if options.hash_key is None else key_of(options, environment),
        workers=options.workers or settings.workers,
        workers_most=None if options.workers else settings.workers_most,
        rate_per_minute=per_minute,
        rate_share=share,
        patience=patience,
        max_requests=options.max_requests,
        count=not options.no_count,
        same_organisation=options.same_organisation,
        fail_on_drift=options.on_drift == "fail",
    )


@dataclass(frozen=True, kw_only=True)
class Running:
    """A command that runs a job, from its first moment on."""

    session: Session
    options: RunOptions
    settings: Settings
    most: timedelta | None
    """How long it may run; None: as long as it takes."""
    stop: Stop
    progress: Progress
    log: EventLog | None = None
    """Where --log-json, or --log-file, has it go."""

    def as_begun(self, home: JobFiles) -> "Running":
        """Return the same as the job was begun, but for what is typed now. Raises UsageError."""
        options = as_begun(self.session, self.options, home)
        if options is self.options:
            return self
        settings = source_settings(self.session, options)
        settings = replace(settings, tell=self.settings.tell)
        return replace(self, options=options, settings=asked_as(settings, options, self.session.environment))

    def finish(self, job: Job) -> None:
        """Do what is left of a job and say how it ended. Raises what kept it from being complete."""
        session = self.session
        session.home = job.home
        before = job.status(events=0)
        if before.state is JobState.COMPLETE:
            job.confirm_organisation(self.stop)
            job.check_complete()
            status = before
        else:
            pages = before.totals.pages_done
            if before.totals.windows_done == before.totals.windows and pages >= MANY_PAGES:
                session.tell(f"all is there; closing: looking at {pages:,} pages to write the receipt")
            try:
                with limited(self.stop, self.most), self._logged(job), self._steps(job).going() as steps:
                    status = job.run(stop=self.stop, watch=self._watching(steps))
            except Incomplete:
                session.details = views.shortfall(job.status(events=0), typed=session.typed)
                raise
        said = views.ending(status, job.home, nothing_to_do=status is before, width=session.width, typed=session.typed)
        if self.options.fail_if_empty and not status.totals.records:
            session.details = said[1:]
            windows = amount(status.totals.windows, "window")
            raise NoData(f"no data found: {windows} complete, and no record in any.", hint=EMPTY)
        for line in said:
            session.tell(line)
        if session.json:
            session.give_json(status.to_json())

    def mend(self, job: Job) -> None:
        """Repair a job and say what was done, and how it ended. Raises what kept it from being complete."""
        session, checking = self.session, VerifyProgress(self.session, job.name)
        session.home = job.home

        def say(text: str) -> None:
            with checking.aside():
                session.tell(f"  {text}")

        def look_on(report: Report) -> None:
            if self.stop.requested:
                raise Interrupted(
                    "interrupted: what is repaired is repaired, and the rest is as it was.",
                    hint="Run the same command to repair it.",
                    terminated=self.stop.reason == "SIGTERM",
                )
            checking.show(report)

        with limited(self.stop, self.most), self._logged(job), checking.going():
            status, done = job.repair(stop=self.stop, watch=self._watching(checking), look_on=look_on, say=say)
        mended = [amount(done.faults, "fault")] if done.faults else []
        mended += ["the manifest"] if done.restored is not None else []
        session.tell(f"repaired: {' and '.join(mended)}." if mended else "nothing to repair: no faults.")
        for line in views.ending(status, job.home, nothing_to_do=False, width=session.width, typed=session.typed):
            session.tell(line)
        if session.json:
            session.give_json({**status.to_json(), "repair": done.to_json()})

    def _steps(self, job: Job) -> Steps:
        """Return what is shown before the run is, and after it, while the receipt is made."""
        return Steps(self.session, job.name, lambda: Step(text="stopping" if self.stop.requested else "getting ready"))

    def _watching(self, steps: Steps) -> Watch:
        """Return the watcher of a run, with nothing else drawn while it watches."""

        @contextlib.contextmanager
        def watch(live: LiveRun) -> Iterator[None]:
            with steps.paused(), self.progress.watch(live):
                yield

        return watch

    def _logged(self, job: Job) -> contextlib.AbstractContextManager[None]:
        return contextlib.nullcontext() if self.log is None else self.log.follow(job.home)


def _stopping(session: Session, progress: Progress, number: signal.Signals) -> None:
    """Say what a first signal lets finish, and what a second one drops."""
    live = progress.live
    again = "Ctrl-C again" if number is signal.SIGINT else f"{number.name} again"
    if live is None:
        session.tell(f"stopping: what is in flight is being finished ({again} to drop it)")
        return
    with contextlib.suppress(Exception):  # the manifest may be what is failing; the stop matters more
        live.manifest.event(EventKind.SIGNAL, f"{number.name}: ends after what is in flight")
    flying = live.feed.in_flight
    what = "a page in flight is" if flying == 1 else f"up to {flying} pages in flight are"
    if flying:
        progress.say(f"stopping: {what} being finished ({again} to drop {'it' if flying == 1 else 'them'})")
    else:
        progress.say(f"stopping: the job is being closed ({again} to leave that to the next run)")


@contextlib.contextmanager
def running(
    session: Session, options: RunOptions, *, unchanged: str = RECORDED, hint: str = "Run the same command to resume."
) -> Iterator[Running]:
    """Read the settings, watch for signals, and show progress where that can be done. Raises UsageError.

    `unchanged` is said where a second signal ends it at once, and `hint` what to type then.
    """
    allocator.settle()
    log = event_log(session, options)
    progress, redraws = _progress(session, log)
    stop = Stop(session.clock)
    tell = functools.partial(_stopping, session, progress)

    def redrawing() -> bool:
        return redraws and progress.live is not None

    session.interrupts.unchanged, session.interrupts.hint = unchanged, hint
    with drained(stop, tell, redrawing=redrawing, interrupts=session.interrupts):

        def say(text: str) -> None:
            if progress.live is None:  # else it is among the events that are shown
                session.tell(text)

        settings = replace(prepared(session, options), tell=say)
        if isinstance(settings.state, Address):
            stop.grace_seconds = GRACE_IN_A_BUCKET
        most = None if options.max_duration is None else parse.duration(options.max_duration, "--max-duration")
        yield Running(
            session=session, options=options, settings=settings, most=most, stop=stop, progress=progress, log=log
        )


@contextlib.contextmanager
def limited(stop: Stop, most: timedelta | None) -> Iterator[None]:
    """Raise the stop flag after so long."""
    if most is None:
        yield
        return
    seconds = most.total_seconds()

    def attend() -> None:
        if not stop.wait(seconds):
            stop.request("limit")

    thread = threading.Thread(target=attend, name="limit", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.request("over")  # the run has ended and looks at it no more; this only ends the thread
        thread.join(5)


def event_log(session: Session, options: RunOptions) -> EventLog | None:
    """Return where the events of a run go, besides to people; None where nobody wants them. Raises UsageError."""
    if options.log_file is not None:
        session.file = LogFile(options.log_file, as_json=session.log_json)
    if session.log_json:
        return EventLog(session, session.log)
    return None if session.file is None else EventLog(session, session.keep)


def _progress(session: Session, log: EventLog | None) -> tuple[Progress, bool]:
    news = frozenset(EventKind) if session.verbose else NEWS
    if log is not None and session.log_json:
        return Progress(log, session.clock, every_seconds=min(JSON_SECONDS, session.plain_seconds)), False
    if session.live:
        from resumable.cli.text.display import Display  # brings rich, which a log does without

        view, every = _beside(Display(session.stderr, colours=session.colours), log), REDRAW_SECONDS
        return Progress(view, session.clock, every_seconds=every, news=news), True
    plain = _beside(Plain(session.show, session.clock), log)
    return Progress(plain, session.clock, every_seconds=session.plain_seconds, news=news), False


def _beside(view: ProgressView, log: EventLog | None) -> ProgressView:
    return view if log is None else Both(view, log)
