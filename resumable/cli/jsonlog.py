"""`--log-json` and `--log-file`: what happens in a run, one event a line, for machines.

Every line has `at` (UTC), `level` (info, warning or error), `event`, and `job` (null until it is known). The events:

    an event of the job's history   its name (run_started, snapshot, retry, rate_limited, quarantined, ...) and `text`
    progress                        every 30 seconds, and at the end: the figures of the run
    message                         `text`: what would have been said to people
    error                           `code`, `exit_code`, `message`, `hint`, `details`
    ended                           `exit_code`; always the last line
"""

import contextlib
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Protocol

from resumable.cli.session import Session
from resumable.errors import ResumableError
from resumable.manifest.reader import reader
from resumable.models import EventKind, iso
from resumable.monitor.progress import Figures, Headline
from resumable.storage.job_files import JobFiles


class Write(Protocol):
    """Adds one event somewhere."""

    def __call__(self, event: str, *, at: datetime | None = None, level: str = "info", **facts: Any) -> None: ...  # noqa: ANN401 - JSON


WARNINGS = frozenset(
    {
        EventKind.QUARANTINED,
        EventKind.WARNING,
        EventKind.SNAPSHOT_MOVED,
        EventKind.RETAKE,
        EventKind.DRIFT,
        EventKind.OUTAGE,
    }
)


class EventLog:
    """Where the events and the progress of a run go: in place of a display, or beside it into a file."""

    def __init__(self, session: Session, write: Write) -> None:
        """`write` adds one event. Nothing is written before a job is followed."""
        self._session = session
        self._write = write
        self._home: JobFiles | None = None
        self._last = 0
        self._next = 0.0
        self._figures: Figures | None = None
        """What was seen and not written."""

    @contextlib.contextmanager
    def follow(self, home: JobFiles) -> Iterator[None]:
        """Write down every event that the job's history gets from here on until this is left."""
        self._home = home
        self._last = _newest(home)
        try:
            yield
        finally:
            with contextlib.suppress(ResumableError):  # the end of the run says what is wrong with the manifest
                self._write_events()
            self._home = None

    def begin(self, headline: Headline) -> None:
        """Say which job it is."""
        self._write("message", text=str(headline))

    def show(self, figures: Figures) -> None:
        """Write the events that are new, and now and then the figures."""
        self._write_events()
        self._figures = figures
        if self._session.clock.monotonic() >= self._next:
            self._write_figures()

    def say(self, text: str) -> None:
        """Write something that is said to people."""
        self._write("message", text=text)

    def end(self) -> None:
        """Write the last figures."""
        self._write_figures()

    def _write_figures(self) -> None:
        self._next = self._session.clock.monotonic() + self._session.plain_seconds
        if self._figures is not None:
            self._write("progress", **progress(self._figures))
            self._figures = None

    def _write_events(self) -> None:
        if self._home is None:
            return
        with reader(self._home) as manifest:
            if manifest is None:
                return
            if manifest.last_event() < self._last:
                self._last = 0  # a repair has made the manifest anew
            while found := manifest.events_after(self._last):
                for number, event in found:
                    level = "warning" if event.kind in WARNINGS else "info"
                    self._write(event.kind.name.lower(), at=event.at, level=level, text=event.text)
                    self._last = number


def _newest(home: JobFiles) -> int:
    with contextlib.suppress(ResumableError), reader(home) as manifest:
        if manifest is not None:
            return manifest.last_event()
    return 0


def progress(figures: Figures) -> dict[str, Any]:
    """Return what a line of progress holds; null is what is not known yet."""
    totals = figures.totals
    return {
        "windows": {"total": totals.windows, "done": totals.windows_done},
        "pages": {"expected": figures.expected, "done": totals.pages_done, "quarantined": totals.pages_quarantined},
        "records": totals.records,
        "bytes": totals.bytes,
        "pages_per_minute": None if figures.per_minute is None else round(figures.per_minute, 1),
        "requests_allowed_per_minute": round(figures.allowed, 1),
        "workers": figures.workers,
        "retries": figures.retries,
        "rate_limited": figures.rate_limited,
        "token_seconds": None if figures.token_seconds is None else round(figures.token_seconds),
        "left_seconds": None if figures.left_seconds is None else round(figures.left_seconds),
        "window": figures.at or None,
        "outage_since": None if figures.outage_since is None else iso(figures.outage_since),
    }
