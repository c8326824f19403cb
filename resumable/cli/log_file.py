"""`--log-file`: every event of a run in a file, a line each, which begins anew before it grows large."""

import json
import logging
from collections.abc import Mapping
from datetime import datetime
from logging.handlers import RotatingFileHandler
from typing import Any, Final

from resumable.errors import UsageError
from resumable.models import iso
from resumable.storage import durable
from resumable.storage.targets import place_of
from resumable.text import safe

BYTES: Final = 10_000_000
OLDER: Final = 5
"""Files before the one that is written now: FILE.1 is the newest of them."""


class _Lines(RotatingFileHandler):
    """Gives up in silence where the disk is full: the run says that itself."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the name that the library calls
        """Lose the line."""


class LogFile:
    """One file that lines are added to; several threads may write."""

    def __init__(self, to: str, *, as_json: bool) -> None:
        """Raises UsageError where no line can be added."""
        path = place_of(to, "a log file")
        if durable.kind_of(path) not in (None, durable.FILE):
            raise UsageError(f"{path} is not a file that lines can be added to.", hint="Name another with --log-file.")
        try:
            self._lines = _Lines(path, maxBytes=BYTES, backupCount=OLDER, encoding="utf-8")
        except OSError as failure:
            raise UsageError(
                f"{path} cannot be written: {failure.strerror}.", hint="Name another with --log-file."
            ) from None
        self._as_json = as_json

    def write(self, event: str, *, at: datetime, level: str, job: str | None, facts: Mapping[str, Any]) -> None:
        """Add one line: `at`, `level`, `event`, `job`, and what belongs to the event."""
        if self._as_json:
            line = json.dumps({"at": iso(at), "level": level, "event": event, "job": job, **facts})
        else:
            said = facts["text"] if "text" in facts else json.dumps(facts)
            line = safe(f"{iso(at)} {level:<7} {job or '-'} {event}: {said}".replace("\n", " "))
        self._lines.handle(logging.makeLogRecord({"msg": line, "args": ()}))

    def close(self) -> None:
        """Close the file."""
        self._lines.close()
