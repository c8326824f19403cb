"""`resumable status --watch`: looks at a job about once a second, from a process that only reads."""

import contextlib
import os
import threading
from collections.abc import Callable

from rich.console import Console, ConsoleDimensions
from rich.live import Live
from rich.text import Text

from resumable.cli.session import Session, only_ascii
from resumable.cli.signals import raised
from resumable.cli.text.watch_screen import Screen, drawn
from resumable.errors import JobLocked, UsageError
from resumable.models import Counter, JobState
from resumable.monitor.watch import View, Watch
from resumable.storage.job_files import JobFiles
from resumable.text import amount, safe, span

EVERY_SECONDS = 1.0

SHARE_OF_TIME = 0.1
"""A look at a job of very many windows takes longer: it is not looked at so often that more of the time goes there."""


def watch_job(session: Session, home: JobFiles) -> None:
    """Show a job until it is complete; on a terminal redrawn, elsewhere a line now and then. Raises Interrupted."""
    looks = _Looks(session, home)
    session.interrupts.unchanged = "no longer watched; whoever runs the job goes on"
    session.interrupts.hint = f"Watch it with: {session.typed(f'resumable status {home.name} --watch')}"
    try:
        with raised(session.interrupts.interrupted):
            if session.stdout_live:
                _redrawn(session, looks)
            else:
                _lines(session, looks, session.plain_seconds)
    except KeyboardInterrupt:
        raise session.interrupts.interrupted() from None


class _Looks:
    """Looks at a job, each after a wait."""

    def __init__(self, session: Session, home: JobFiles) -> None:
        self._clock = session.clock
        self._watch = Watch(home, session.clock)
        self._name = home.name
        self._condition = threading.Condition()
        self._before: View | None = None

    def each(self, show: Callable[[View], None], every_seconds: float) -> View:
        """Show what is seen, again and again; return what was seen when the job was complete."""
        while True:
            begun = self._clock.monotonic()
            view = self._look()
            took = self._clock.monotonic() - begun
            show(view)
            if view.status.state is JobState.COMPLETE:
                return view
            with self._condition:
                self._clock.wait(self._condition, max(every_seconds, took / SHARE_OF_TIME))

    def _look(self) -> View:
        try:
            view = self._watch.look()
        except JobLocked:
            # Where there is no write-ahead log, a run may hold the file for a moment: what was seen last still holds.
            if self._before is None:
                raise
            view = self._before
        if view is None:
            raise UsageError(
                f"there is no job {self._name} any more.", hint="See what there is:", command="resumable jobs"
            )
        self._before = view
        return view


def _redrawn(session: Session, looks: _Looks) -> None:
    colours = not session.environment.get("NO_COLOR")
    console = Console(file=session.stdout, no_color=not colours, highlight=False, soft_wrap=True)

    def show(view: View) -> None:
        size = _size(session)
        screen = Screen(width=size.columns, height=size.lines, plain=only_ascii(session.stdout), typed=session.typed)
        console.size = ConsoleDimensions(size.columns, size.lines)
        live.update(Text("\n").join(drawn(view, screen)), refresh=True)

    with Live(console=console, screen=True, auto_refresh=False, redirect_stdout=False, redirect_stderr=False) as live:
        last = looks.each(show, EVERY_SECONDS)
    session.give(_line(last))


def _size(session: Session) -> os.terminal_size:
    """Return what the terminal is now: it may have been made larger or smaller since the last look."""
    with contextlib.suppress(OSError, ValueError):
        size = os.get_terminal_size(session.stdout.fileno())
        if size.columns and size.lines:
            return size
    return os.terminal_size((80, 24))


def _lines(session: Session, looks: _Looks, every_seconds: float) -> None:
    looks.each(lambda view: session.give(f"{session.clock.now():%Y-%m-%dT%H:%M:%SZ} {_line(view)}"), every_seconds)


def _line(view: View) -> str:
    """Tell all of it in one line."""
    status, totals, known = view.status, view.status.totals, view.expected
    of = "?" if known.pages is None else f"{'' if known.sure else '~'}{known.pages:,}"
    rate = "" if view.per_minute is None else f"{view.per_minute:,.0f} / {view.allowed:,.0f} a minute"
    facts = [
        status.state.value,
        f"{totals.pages_done:,} / {of} pages, {totals.windows_done:,} / {totals.windows:,} windows",
        amount(totals.records, "record"),
        rate,
        f"429s {status.counters[Counter.RATE_LIMITED]}, retries {status.counters[Counter.RETRIES]}",
        f"quarantined {totals.pages_quarantined:,}" if totals.pages_quarantined else "",
        f"left {span(view.left_seconds)}" if view.left_seconds is not None else "",
        f"at {view.at}" if view.at and view.running else "",
    ]
    return safe(f"{status.job.name}  {', '.join(fact for fact in facts if fact)}")
