"""What a command has around it: its streams, its environment, its clock, and the job it is about."""

import contextlib
import errno
import functools
import json
import os
import shlex
import shutil
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Any, Protocol, TextIO

from resumable.cli.parse import state_of
from resumable.cli.signals import Interrupts
from resumable.clock import Clock
from resumable.config import to_look
from resumable.errors import ExitCode, StorageFailed, UsageError
from resumable.models import iso
from resumable.text import paragraph, safe

if TYPE_CHECKING:
    from pathlib import Path

    from resumable.cli.job_file import JobFile
    from resumable.cli.log_file import LogFile
    from resumable.config import Settings
    from resumable.storage.address import Address
    from resumable.storage.job_files import JobFiles

PLAIN_SECONDS = 30.0
"""Between two lines where nothing can be redrawn; RESUMABLE_PROGRESS_SECONDS changes it, for tests."""


class Priority(Enum):
    """How urgent a line is, as systemd's journal reads it at the line's start."""

    ERROR = 3
    WARNING = 4
    INFO = 6


class Drawing(Protocol):
    """A line that is drawn over itself."""

    def aside(self) -> contextlib.AbstractContextManager[None]:
        """Take it away until this is left."""


class Onlooker(Protocol):
    """Who is told how a command ended."""

    def end(self, code: int) -> None:
        """Tell it."""


@dataclass(kw_only=True)
class Session:
    """One call of the command line."""

    stdout: TextIO
    stderr: TextIO
    environment: Mapping[str, str]
    clock: Clock
    json: bool = False
    log_json: bool = False
    """Whether everything on stderr is one JSON object a line."""
    debug: bool = False
    quiet: bool = False
    """Whether only what failed is said."""
    verbose: bool = False
    """Whether every event of a run is said."""
    command: str = ""
    """The one that runs."""
    home: "JobFiles | None" = None
    """Of the job, as soon as it is known, so that an error can say what is safe."""
    details: list[str] = field(default_factory=list)
    """Lines to be said right after the headline of an error."""
    content: dict[str, Any] = field(default_factory=dict)
    """What the JSON object of a failure holds beside the error."""
    hosts: dict[str, str] = field(default_factory=dict)
    """Which host is asked for what, so that an error about credentials can name it."""

    failure: dict[str, Any] | None = None
    """What the JSON object of a failure says of it, once there is one."""
    interrupts: Interrupts = field(default_factory=Interrupts)
    """What Ctrl-C means now."""
    drawing: "Drawing | None" = None
    """What is drawn over itself at the moment, and goes away while something is said."""
    told: "Onlooker | None" = None
    """Who else is told how it goes."""
    file: "LogFile | None" = None
    """Where --log-file has it go."""
    job_file: "JobFile | None" = None
    """What --config named."""
    profile: str | None = None
    """The profile that was chosen, where the job file has several, so that a job's name tells of whom it is."""
    _state: str | None = None
    """The state folder where one was typed."""
    _writing: threading.Lock = field(default_factory=threading.Lock)

    def state(self, given: str | None) -> "Path | Address":
        """Return where the state is: what was typed, else what the environment says. Raises UsageError."""
        self._state = given
        return state_of(given, self.environment.get("RESUMABLE_STATE"))

    def settings(self, given: str | None) -> "Settings":
        """Return settings by which the jobs of that state are looked at. Raises UsageError."""
        return replace(to_look(self.environment, self.state(given)), tell=self.tell)

    def typed(self, command: str) -> str:
        """Return a command as it works from where this one was typed: with the state folder that was typed."""
        return command if self._state is None else f"{command} --state {shlex.quote(self._state)}"

    @property
    def live(self) -> bool:
        """Whether stderr is a terminal that can redraw lines."""
        return self.stderr.isatty() and self._redraws and not self.log_json and not self.quiet

    @property
    def stdout_live(self) -> bool:
        """The same of stdout."""
        return self.stdout.isatty() and self._redraws

    @property
    def colours(self) -> bool:
        """Whether colours are wanted, by the convention of NO_COLOR."""
        return self.live and not self.environment.get("NO_COLOR")

    @property
    def width(self) -> int | None:
        """Columns of the terminal that stderr is; None where it is none, and lines are not broken."""
        return shutil.get_terminal_size((80, 24)).columns if self.stderr.isatty() and not self.log_json else None

    @property
    def stdout_width(self) -> int | None:
        """The same of stdout."""
        return shutil.get_terminal_size((80, 24)).columns if self.stdout.isatty() else None

    @property
    def plain_seconds(self) -> float:
        """How long to wait between two lines of progress where nothing can be redrawn. Raises UsageError."""
        text = self.environment.get("RESUMABLE_PROGRESS_SECONDS", "")
        try:
            return max(0.05, float(text) if text else PLAIN_SECONDS)
        except ValueError:
            raise UsageError(
                f"RESUMABLE_PROGRESS_SECONDS is {text[:20]!a}, which is not a number.",
                hint="Set it to seconds, or unset it.",
            ) from None

    @property
    def _redraws(self) -> bool:
        return self.environment.get("TERM", "") not in ("", "dumb", "unknown")

    def tell(self, text: str) -> None:
        """Say something to people: on stderr, where nobody may be listening any more. Not where that is to be quiet."""
        if self.log_json:
            self.log("message", text=text.strip())
            return
        self.keep("message", text=text.strip())
        self.show(text)

    def show(self, text: str) -> None:
        """Say what belongs in no log, such as how far it is; not where that is to be quiet."""
        if not self.quiet:
            self._write(safe(text))

    def write(self, text: str) -> None:
        """Say what is to be heard in any case: what failed."""
        self._write(safe(text), Priority.ERROR)

    def log(self, event: str, *, at: datetime | None = None, level: str = "info", **facts: Any) -> None:  # noqa: ANN401 - JSON
        """Write one JSON object on a line of stderr: `at`, `level`, `event`, `job`, and what belongs to the event."""
        job = None if self.home is None else self.home.name
        line = {"at": iso(at or self.clock.now()), "level": level, "event": event, "job": job, **facts}
        self._write(json.dumps(line), Priority[level.upper()])
        self.keep(event, at=at, level=level, **facts)

    def keep(self, event: str, *, at: datetime | None = None, level: str = "info", **facts: Any) -> None:  # noqa: ANN401 - JSON
        """Write it to the log file, where there is one."""
        if self.file is not None:
            job = None if self.home is None else self.home.name
            self.file.write(event, at=at or self.clock.now(), level=level, job=job, facts=facts)

    def last_words(self, code: int) -> None:
        """Say what is safe before the process ends at once: straight to the streams, for a lock may never come free."""
        what, hint = f"ended at once: {self.interrupts.unchanged}.", self.interrupts.hint
        error = {"code": ExitCode(code).name.lower(), "exit_code": code, "message": what, "hint": hint}
        said = paragraph([what, hint], ending=f"exit {code}", width=self.width)
        if self.log_json:
            job = None if self.home is None else self.home.name
            head = {"at": iso(self.clock.now()), "level": "error", "event": "error", "job": job}
            said = json.dumps({**head, **error, "details": []})
        elif self.stderr.isatty():
            said = f"\r\n{said}" if not self._redraws else f"\r\x1b[K{said}"
        if self.json:
            with contextlib.suppress(OSError, ValueError):
                os.write(self.stdout.fileno(), (json.dumps({"error": error}, indent=2) + "\n").encode())
        with contextlib.suppress(OSError, ValueError):
            os.write(self.stderr.fileno(), (said + "\n").encode(self.stderr.encoding or "utf-8", "backslashreplace"))

    @functools.cached_property
    def _journal(self) -> bool:
        """Whether stderr is systemd's journal, which says by this variable which file that is."""
        with contextlib.suppress(OSError, ValueError):
            found = os.fstat(self.stderr.fileno())
            return self.environment.get("JOURNAL_STREAM") == f"{found.st_dev}:{found.st_ino}"
        return False

    def _write(self, line: str, priority: Priority = Priority.INFO) -> None:
        if self._journal:  # takes each line as an entry of its own
            line = "\n".join(f"<{priority.value}>{each}" for each in line.split("\n"))
        # A run does not end because its terminal has gone; what it says is in the manifest too.
        with contextlib.nullcontext() if self.drawing is None else self.drawing.aside(), self._writing:
            try:
                self.stderr.write(line + "\n")
                self.stderr.flush()
            except (OSError, ValueError):
                _give_up(self.stderr)

    def give(self, text: str) -> None:
        """Hand out data: on stdout. A reader that has left is no error; a full disk is."""
        try:
            self.stdout.write(safe(text) + "\n")
            self.stdout.flush()
        except OSError as failure:
            refused = self.refused(failure)
            if failure.errno not in (errno.EPIPE, errno.ECONNRESET):
                raise refused from failure

    def refused(self, failure: OSError) -> StorageFailed:
        """Write nothing more to stdout, and return what to say of it."""
        _give_up(self.stdout)
        return StorageFailed(
            f"the output could not be written: {failure.strerror}.",
            hint="See to where it goes, then run the same command.",
        )

    def give_json(self, content: Mapping[str, Any]) -> None:
        """Hand out one JSON object."""
        self.give(json.dumps(content, indent=2))


def only_ascii(stream: TextIO) -> bool:
    """Tell whether a terminal has no letters but those of ASCII."""
    return not (stream.encoding or "").lower().startswith("utf")


def _give_up(stream: TextIO) -> None:
    # What is left in the buffer would fail once more when Python ends, with a message and a code of its own.
    with contextlib.suppress(OSError, ValueError), open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), stream.fileno())
