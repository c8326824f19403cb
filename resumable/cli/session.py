"""What a command has around it: its streams, its environment, its clock, and the job it is about."""

import contextlib
import errno
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from resumable.errors import ResumableError, StorageFailed
from resumable.screen import safe

if TYPE_CHECKING:
    from resumable.cli.jobfile import JobFile
    from resumable.clock import Clock
    from resumable.status import Status


@dataclass(kw_only=True)
class Session:
    """One call of the command line."""

    stdout: TextIO
    stderr: TextIO
    environment: Mapping[str, str]
    clock: "Clock"
    json: bool = False
    debug: bool = False
    folder: Path | None = None
    """The job's, as soon as it is known, so that an error can say what is safe."""
    details: list[str] = field(default_factory=list)
    """Lines to be said right after the headline of an error."""
    content: dict[str, Any] = field(default_factory=dict)
    """What the JSON object of a failure holds beside the error."""
    hosts: dict[str, str] = field(default_factory=dict)
    """Which host is asked for what, so that an error about credentials can name it."""

    jobfile: "JobFile | None" = None
    """What --config named."""

    def choose(self, profile: str | None) -> None:
        """Go on with the environment as a profile of the job file has it. Raises UsageError."""
        if profile is not None:
            from resumable.cli.jobfile import JobFile

            file = self.jobfile or JobFile(name="", values={}, profiles={})
            self.environment = file.environment(profile, self.environment)

    @property
    def live(self) -> bool:
        """Whether stderr is a terminal that can redraw lines."""
        return self.stderr.isatty() and self.environment.get("TERM", "") not in ("", "dumb", "unknown")

    @property
    def colours(self) -> bool:
        """Whether colours are wanted, by the convention of NO_COLOR."""
        return self.live and not self.environment.get("NO_COLOR")

    @property
    def width(self) -> int | None:
        """Columns of the terminal that stderr is; None where it is none, and lines are not broken."""
        return shutil.get_terminal_size((80, 24)).columns if self.stderr.isatty() else None

    @property
    def stdout_width(self) -> int | None:
        """The same of stdout."""
        return shutil.get_terminal_size((80, 24)).columns if self.stdout.isatty() else None

    def tell(self, text: str) -> None:
        """Say something to people: on stderr, where nobody may be listening any more."""
        # A run does not end because its terminal has gone; what it says is in the manifest too.
        try:
            self.stderr.write(safe(text) + "\n")
            self.stderr.flush()
        except (OSError, ValueError):
            _give_up(self.stderr)

    def give(self, text: str) -> None:
        """Hand out data: on stdout. A reader that has left is no error; a full disk is."""
        try:
            self.stdout.write(safe(text) + "\n")
            self.stdout.flush()
        except OSError as failure:
            _give_up(self.stdout)
            if failure.errno not in (errno.EPIPE, errno.ECONNRESET):
                raise StorageFailed(f"the output could not be written: {failure.strerror}.") from failure

    def give_json(self, content: Mapping[str, Any]) -> None:
        """Hand out one JSON object."""
        self.give(json.dumps(content, indent=2))

    def status(self) -> "Status | None":
        """Read how the session's job stands; None where it has none, or it cannot be read."""
        if self.folder is None:
            return None
        from resumable import status

        try:
            return status.read(self.folder, events=20)
        except ResumableError:
            return None


def _give_up(stream: TextIO) -> None:
    # What is left in the buffer would fail once more when Python ends, with a message and a code of its own.
    with contextlib.suppress(OSError, ValueError), open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), stream.fileno())
