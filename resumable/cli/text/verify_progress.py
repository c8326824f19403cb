"""Shows a verification while it goes: one line drawn over itself on a terminal, a plain line now and then elsewhere."""

import contextlib

from resumable.cli.session import Session, only_ascii
from resumable.monitor.progress import REDRAW_SECONDS
from resumable.text import amount, bar, safe, size
from resumable.verify.findings import Report

BAR = 24
_CLEAR = "\r\x1b[K"


class VerifyProgress:
    """The onlooker of a verification; `show` is handed to it."""

    def __init__(self, session: Session) -> None:
        """Nothing is drawn until there is something to show."""
        self._session = session
        self._every = REDRAW_SECONDS if session.live else session.plain_seconds
        self._next = session.clock.monotonic() + self._every
        self._drawn = False
        self.report: Report | None = None
        """The report, as soon as there is one."""

    def show(self, report: Report) -> None:
        """Show the report, unless it was shown just now."""
        self.report = report
        now = self._session.clock.monotonic()
        if now < self._next or not report.windows_all:
            return
        self._next = now + self._every
        if self._session.live:
            full, rest = bar(_share(report), BAR, plain=only_ascii(self._session.stderr))
            self._draw(f"{full}{rest}  {self._said(report)}")
        else:
            self._session.tell(f"{self._session.clock.now():%Y-%m-%dT%H:%M:%SZ} {report.job}  {self._said(report)}")

    def clear(self) -> None:
        """Take the drawn line away, so that something else can be written in its place."""
        if self._drawn:
            self._write(_CLEAR)
            self._drawn = False

    def _draw(self, line: str) -> None:
        # A line that wraps could not be drawn over.
        self._write(_CLEAR + safe(line)[: (self._session.width or 80) - 1])
        self._drawn = True

    def _write(self, text: str) -> None:
        with contextlib.suppress(OSError, ValueError):  # the terminal may have gone; the verification has not
            self._session.stderr.write(text)
            self._session.stderr.flush()

    def _said(self, report: Report) -> str:
        facts = [
            f"{int(_share(report) * 100)} %",
            f"{report.pages:,} / {report.pages_all:,} pages, {report.windows:,} / {report.windows_all:,} windows",
            size(report.bytes),
            f"{report.counted:,} windows counted by the server" if report.counted else "",
            amount(report.faults, "fault"),
        ]
        return ", ".join(fact for fact in facts if fact)


def _share(report: Report) -> float:
    if report.pages_all:
        return min(1.0, report.pages / report.pages_all)
    return min(1.0, report.windows / report.windows_all) if report.windows_all else 0.0
