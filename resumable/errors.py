"""Every error that the product raises on purpose, by what the caller should do about it.

    ResumableError                  exit code   what to do
     ├─ UsageError                      2       change the command, the settings or the query
     ├─ Incomplete                      3       run the same command again, later if `not_before` says so
     ├─ AuthenticationFailed            4       mend the credentials or the permissions
     ├─ StorageFailed                   5       mend the disk, then run the same command
     ├─ VerificationFailed              6       repair the job
     ├─ JobLocked                       7       wait for the other process
     ├─ ManifestUnusable                8       repair the job, or use the version that wrote it
     ├─ SourceUnsettled                 9       come back when the source has stopped changing
     └─ Interrupted               130 / 143     run the same command again

    Fault                                       one exchange with the server failed; the client retries or gives up
     ├─ TransportFault                          no whole answer came
     │   └─ TrustFault                          the server could not prove who it is
     ├─ StatusFault                             the answer was an error status
     └─ ProtocolFault                           a whole answer came and is not what the contract says

A `Fault` never leaves a run: the client turns it into a retry, the worker into a quarantined page. No message holds a
secret: faults carry the start of a body only after redaction.
"""

from datetime import datetime
from enum import IntEnum


class ExitCode(IntEnum):
    """What a finished process tells its caller, each with its meaning; never renumbered. Help and README list these."""

    meaning: str

    def __new__(cls, code: int, meaning: str = "") -> "ExitCode":
        """Make a member of its number and its meaning."""
        made = int.__new__(cls, code)
        made._value_ = code
        made.meaning = meaning
        return made

    COMPLETE = 0, "complete"
    UNEXPECTED = 1, "unexpected"
    USAGE = 2, "usage"
    INCOMPLETE = 3, "incomplete; run it again"
    AUTHENTICATION = 4, "authentication"
    STORAGE = 5, "storage"
    VERIFICATION = 6, "verification failed"
    LOCKED = 7, "another process runs the job"
    MANIFEST = 8, "the manifest is unusable"
    UNSETTLED = 9, "the source would not settle"
    INTERRUPTED = 130, "interrupted after a clean stop"
    TERMINATED = 143, "terminated after a clean stop"


class ResumableError(Exception):
    """A failure that says what happened, what is safe and what to type next."""

    exit_code: ExitCode = ExitCode.UNEXPECTED

    def __init__(self, message: str, *, hint: str = "") -> None:
        """`message` is one or two sentences; `hint` is the next step, with the command where there is one."""
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(ResumableError):
    """The command, a setting or the query cannot be carried out as it stands; nothing was changed."""

    exit_code = ExitCode.USAGE


class Incomplete(ResumableError):
    """The run ended early or with gaps, and the same command carries on."""

    exit_code = ExitCode.INCOMPLETE

    def __init__(
        self, message: str, *, hint: str = "", not_before: datetime | None = None, unreachable: bool = False
    ) -> None:
        """`not_before` is when it first makes sense to come back (aware, UTC); `unreachable`: no server answered."""
        super().__init__(message, hint=hint)
        self.not_before = not_before
        self.unreachable = unreachable


class AuthenticationFailed(ResumableError):
    """The server refused the credentials, the token or the permission for good."""

    exit_code = ExitCode.AUTHENTICATION


class StorageFailed(ResumableError):
    """The disk refused a write, a rename or an fsync; nothing that was recorded is affected."""

    exit_code = ExitCode.STORAGE


class VerificationFailed(ResumableError):
    """Manifest and parts do not agree; every fault is named."""

    exit_code = ExitCode.VERIFICATION


class JobLocked(ResumableError):
    """Another process is changing this job."""

    exit_code = ExitCode.LOCKED


class ManifestUnusable(ResumableError):
    """The manifest is damaged, foreign or of a newer version, and was left untouched."""

    exit_code = ExitCode.MANIFEST


class ManifestDamaged(ManifestUnusable):
    """The manifest cannot be read, and can be made again from the parts."""


class SourceUnsettled(ResumableError):
    """The source kept changing under the paging for as many snapshots as were allowed."""

    exit_code = ExitCode.UNSETTLED


class Interrupted(ResumableError):
    """A signal ended the run after what was in flight had been finished."""

    exit_code = ExitCode.INTERRUPTED

    def __init__(self, message: str, *, hint: str = "", terminated: bool = False) -> None:
        """`terminated` tells SIGTERM (143) from SIGINT (130)."""
        super().__init__(message, hint=hint)
        if terminated:
            self.exit_code = ExitCode.TERMINATED


class Fault(Exception):
    """One exchange failed; `reason` is short enough to stand in a status line."""

    def __init__(self, reason: str) -> None:
        """`reason` holds no secret and no more than the start of a body."""
        super().__init__(reason)
        self.reason = reason


class TransportFault(Fault):
    """No whole answer came: refused, reset, cut, too slow, too big, or not decodable."""


class TrustFault(TransportFault):
    """The server, or the proxy, could not prove who it is; asking again will not help."""


class StatusFault(Fault):
    """The server answered with an error status."""

    def __init__(self, reason: str, *, status: int, retry_after_seconds: float | None = None) -> None:
        """`retry_after_seconds` is what the server asked for, None where it said nothing usable."""
        super().__init__(reason)
        self.status = status
        self.retry_after_seconds = retry_after_seconds


class ProtocolFault(Fault):
    """A whole answer came, and it is not what the contract says."""


class PageBeyondEnd(ProtocolFault):
    """The answer says that the window has fewer pages than the one asked for: the snapshot has moved."""

    def __init__(self, reason: str, *, page_count: int) -> None:
        """`page_count` is what the answer named."""
        super().__init__(reason)
        self.page_count = page_count
