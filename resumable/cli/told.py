"""Tells others than those who typed a command how it goes: a URL, a file of metrics, OpenTelemetry.

Whoever does not listen changes nothing of the command, least of all its exit code: it is said on stderr.
"""

import threading
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from resumable.cli.options import TellOptions
from resumable.cli.session import Session
from resumable.config import Settings
from resumable.errors import ExitCode, ResumableError
from resumable.models import iso
from resumable.monitor import metrics, telemetry
from resumable.monitor.notify import Happening, Notifier
from resumable.status import Status, read

JOIN_SECONDS: Final = 10.0


@dataclass(kw_only=True)
class Told:
    """What is told of one command."""

    session: Session
    command: str
    begun: datetime
    metrics_file: str | None = None
    notifier: Notifier | None = None
    telemetry: bool = False
    _starting: threading.Thread | None = field(default=None, init=False)

    def start(self) -> None:
        """Tell that the command has begun, beside it: nobody is waited for."""
        if self.notifier is not None:
            self._starting = threading.Thread(
                target=self._notify, args=(Happening.START, self._content(None)), name="notify", daemon=True
            )
            self._starting.start()

    def end(self, code: int) -> None:
        """Tell how the command ended."""
        status = self._status()
        if self.metrics_file is not None and status is not None:
            self._write_metrics(self.metrics_file, status, code)
        if self.notifier is not None:
            if self._starting is not None:
                self._starting.join(JOIN_SECONDS)
            what = Happening.FAIL if code else Happening.SUCCESS
            self._notify(what, {**self._content(status), "exit_code": code, **self._how(code)})
            self.notifier.close()
        if self.telemetry:
            self._span(status, code)

    def _content(self, status: Status | None) -> dict[str, Any]:
        home = self.session.home
        content: dict[str, Any] = {
            "at": iso(self.session.clock.now()),
            "command": self.command,
            "job": None if home is None else home.name,
            "text": f"resumable {self.command} has begun",
        }
        if status is not None:
            known = status.to_json()
            content |= {key: known[key] for key in ("dataset", "state", "windows", "pages", "records", "incomplete")}
        return content

    def _how(self, code: int) -> dict[str, Any]:
        failure = self.session.failure or {}
        job = "" if self.session.home is None else f" {self.session.home.name}"
        said = failure.get("message") or "complete"
        return {"text": f"resumable {self.command}{job}: {said} (exit {code})", "error": failure or None}

    def _notify(self, what: Happening, content: dict[str, Any]) -> None:
        if self.notifier is not None and (why := self.notifier.send(what, content)) is not None:
            self.session.tell(f"{self.notifier.host} was not told: {why}")

    def _write_metrics(self, to: str, status: Status, code: int) -> None:
        try:
            metrics.write(metrics.place(to, status.job.name), status, exit_code=code, now=self.session.clock.now())
        except ResumableError as error:
            self.session.tell(f"no metrics were written: {error.message}")

    def _span(self, status: Status | None, code: int) -> None:
        facts: dict[str, str | int] = {"resumable.exit_code": code}
        if status is not None:
            facts |= {"resumable.job": status.job.name, "resumable.dataset": status.job.spec.dataset}
            facts |= {"resumable.records": status.totals.records, "resumable.pages": status.totals.pages_done}
        error = ExitCode(code).meaning if code else None
        telemetry.span(
            f"resumable {self.command}",
            self.session.environment,
            begun=self.begun,
            ended=self.session.clock.now(),
            attributes=facts,
            error=error,
        )

    def _status(self) -> Status | None:
        if self.session.home is None:
            return None
        try:
            return read(self.session.home, events=0)
        except ResumableError:
            return None


def begin(session: Session, options: TellOptions, settings: Settings) -> None:
    """Begin to tell whom the options and the environment name. Raises UsageError for an address that is none."""
    url = options.notify or session.environment.get("RESUMABLE_NOTIFY")
    notifier = None
    if url:
        notifier = Notifier(url, clock=session.clock, proxy=settings.proxy, ca_bundle=settings.ca_bundle)
    if options.metrics_file is not None:
        metrics.place(options.metrics_file)
    session.told = Told(
        session=session,
        command=session.command,
        begun=session.clock.now(),
        metrics_file=options.metrics_file,
        notifier=notifier,
        telemetry=telemetry.wanted(session.environment),
    )
    session.told.start()
