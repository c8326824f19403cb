"""One job of a fleet as a process of its own: a command of `resumable`, its words passed on, its answer read."""

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import IO, Any, Final

from resumable.api.profiles import applied
from resumable.errors import ExitCode, ResumableError

LOOK_SECONDS: Final = 0.5
"""So late a thread may notice that an engine cancels what it waits for."""

READ_BYTES: Final = 65_536

_STOPPED: Final = (ExitCode.INTERRUPTED, ExitCode.TERMINATED)


@dataclass(frozen=True, kw_only=True)
class JobRun:
    """What an engine is handed: it says who asks and for what, and holds no secret."""

    job: str
    client: str
    profile: Mapping[str, str]
    """Names of variables and files, which are looked up on the machine that does the work."""
    arguments: tuple[str, ...]
    """The command and its options."""


@dataclass(frozen=True, kw_only=True)
class JobEnd:
    """How a piece of work ended."""

    code: int
    """Its exit code; of one that was lost, that of an incomplete job."""
    answer: Mapping[str, Any] = field(default_factory=dict)
    """The JSON object that it printed; empty where it was lost before."""
    lost: bool = False
    """Whether its process, or the machine that it was on, is gone without anyone having told it to stop."""

    @classmethod
    def of_error(cls, error: ResumableError) -> "JobEnd":
        """Return the end of a piece of work that could not begin."""
        said = {"exit_code": int(error.exit_code), "message": error.message, "hint": error.hint}
        return cls(code=int(error.exit_code), answer={"error": said})

    @classmethod
    def lost_by(cls, what: str) -> "JobEnd":
        """Return the end of a piece of work whose process is gone."""
        return cls(code=int(ExitCode.INCOMPLETE), answer={"error": {"message": what, "hint": ""}}, lost=True)


class JobProcess:
    """Runs a piece of work; a stop from any thread, or a KeyboardInterrupt in this one, ends it in good order."""

    def __init__(self, work: JobRun, environment: Mapping[str, str], tell: Callable[[str], None]) -> None:
        """Nothing is started yet. `environment` is this machine's; `tell` gets each line of what the job says."""
        self._work = work
        self._given = environment
        self._tell = tell
        self._lock = threading.Lock()
        self._stopping = False
        self._process: subprocess.Popen[bytes] | None = None

    def run(self) -> JobEnd:
        """Start the command and return how it ended; nothing is raised."""
        try:
            environment = applied(self._work.client, self._work.profile, self._given)
        except ResumableError as error:
            return JobEnd.of_error(error)
        process = self._started(environment)
        if process is None or process.stdout is None or process.stderr is None:
            return JobEnd(code=int(ExitCode.TERMINATED))
        relay = threading.Thread(target=self._relay, args=(process.stderr,), name=f"says-{self._work.job}", daemon=True)
        relay.start()
        printed = self._printed(process.stdout)
        code = process.wait()
        relay.join(5)
        return self._ended(code, printed)

    def stop(self) -> None:
        """Tell the job to finish what is in flight and to end."""
        with self._lock:
            self._stopping = True
            if self._process is not None:
                self._process.send_signal(signal.SIGTERM)

    def _started(self, environment: Mapping[str, str]) -> subprocess.Popen[bytes] | None:
        command = [sys.executable, "-m", "resumable.fleet.child", str(os.getpid()), *self._work.arguments]
        with self._lock:
            if self._stopping:
                return None
            # A group of its own: Ctrl-C at a terminal reaches the fleet, which tells the jobs, once.
            self._process = subprocess.Popen(  # noqa: S603 - this very interpreter, no shell
                command,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                process_group=0,
            )
            return self._process

    def _printed(self, stdout: IO[bytes]) -> bytes:
        """Read all that is printed. By looks: an engine that cancels raises KeyboardInterrupt between two of them."""
        printed = bytearray()
        with stdout:
            while True:
                try:
                    if not select.select([stdout], [], [], LOOK_SECONDS)[0]:
                        continue
                    data = os.read(stdout.fileno(), READ_BYTES)
                except KeyboardInterrupt:
                    self.stop()
                    continue
                if not data:
                    return bytes(printed)
                printed += data

    def _relay(self, stderr: IO[bytes]) -> None:
        with stderr:
            for line in stderr:
                if text := line.decode(errors="replace").rstrip():
                    with contextlib.suppress(OSError, ValueError):  # nobody listens any more: the job goes on
                        self._tell(text)

    def _ended(self, code: int, printed: bytes) -> JobEnd:
        try:
            answer = json.loads(printed)
        except ValueError:
            answer = {}
        if not isinstance(answer, dict):
            answer = {}
        if code < 0 and not self._stopping:
            return JobEnd.lost_by(f"its process was killed by {signal.Signals(-code).name}.")
        if code < 0:
            return JobEnd(code=int(ExitCode.TERMINATED), answer=answer)
        if code in _STOPPED and not self._stopping:
            return JobEnd.lost_by("its process was told to stop, and not by the fleet.")
        return JobEnd(code=code, answer=answer)
