"""Every error that the product raises on purpose, by what the caller should do about it.

    ResumableError                  exit code   what to do
     ├─ UsageError                      2       change the command, the settings or the query
     │   ├─ NoInterval                          give two times, the later one last; a ValueError, too
     │   └─ LibraryMissing                      install the library that it names
     ├─ Incomplete                      3       run the same command again, later if `not_before` says so
     ├─ AuthenticationFailed            4       mend the credentials or the permissions
     ├─ StorageFailed                   5       mend the disk, then run the same command
     ├─ VerificationFailed              6       repair the job
     ├─ JobLocked                       7       wait for the other process
     ├─ ManifestUnusable                8       repair the job, or use the version that wrote it
     ├─ SourceUnsettled                 9       come back when the source has stopped changing
     ├─ NoData                         10       look at the range, the filters and the divisions
     └─ Interrupted               130 / 143     run the same command again

    Fault                                       one exchange with the server failed; the client retries or gives up
     ├─ TransportFault                          no whole answer came
     │   ├─ GivenUp                             the run is to end, and the answer did not come in time for that
     │   └─ TrustFault                          the server could not prove who it is
     ├─ StatusFault                             the answer was an error status
     └─ ProtocolFault                           a whole answer came and is not what the contract says
         ├─ NoRecords                           it holds no record where there must be some
         └─ PageBeyondEnd                       the window has fewer pages by now

A `Fault` never leaves a run: the client turns it into a retry, the worker into a quarantined page. No message holds a
secret: faults carry the start of a body only after redaction.
"""

import shlex
import sys
from datetime import datetime
from enum import Enum, IntEnum, StrEnum


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
    EMPTY = 10, "complete, and without a record"
    INTERRUPTED = 130, "interrupted after a clean stop"
    TERMINATED = 143, "terminated after a clean stop"


class Failure(StrEnum):
    """The kinds of faults: what people and later runs need to know of why a page did not come."""

    NO_ANSWER = "no answer"
    """None that was whole: refused, reset, cut, too slow, or not decodable."""
    UNTRUSTED = "untrusted"
    """The server, or the proxy, could not prove who it is."""
    RATE_LIMITED = "rate limited"
    """The server is asked too often."""
    OVERLOADED = "overloaded"
    """The server, or what stands before it, is in trouble."""
    TIMED_OUT = "timed out"
    """The server did not manage the query in its own time: a lighter one may do."""
    TOO_BIG = "too big"
    """The answer has more bytes than are taken: a smaller page may do."""
    TOKEN_REFUSED = "token refused"  # noqa: S105 - the name of a failure, not a token
    """The server does not take the token."""
    FORBIDDEN = "forbidden"
    """The client lacks a permission."""
    NOT_THE_API = "not the API"
    """A 404, and not in the words of the API: the address leads to something else."""
    QUERY_REFUSED = "query refused"
    """The server refuses the request itself, so that no other page would fare better."""
    OTHER_STATUS = "other status"
    """The server answered with an error status that says nothing of these."""
    NOT_JSON = "not JSON"
    """What came is no JSON of any use."""
    NO_RECORDS = "no records"
    """An answer named pages and held no records."""
    NOT_AS_AGREED = "not as agreed"
    """A whole answer came, and it is not what the contract says, in some other way."""
    TOO_DEEP = "too deep"
    """A window holds more records than can be paged through, and cannot be halved any more."""
    JOB_FAILED = "job failed"
    """The server gave up on a job of its own."""
    NO_MORE_JOBS = "no more jobs"
    """There are as many jobs on the server as it lets be at once."""


class Wall(Enum):
    """A limit of the server that its refusal of a request names."""

    PAGE_SIZE = "page size"
    """Its number is of records."""
    INTERVAL = "interval"
    """Its number is of days."""
    JOBS = "jobs"
    """How many jobs may be on the server at once."""
    DEPTH = "depth"
    """How many records of one window can be paged through."""


class ResumableError(Exception):
    """A failure that says what happened, what is safe and what to type next."""

    exit_code: ExitCode = ExitCode.UNEXPECTED

    def __init__(self, message: str, *, hint: str = "", command: str | None = None, safe: int | None = None) -> None:
        """`message` is one or two sentences, `hint` the next step; `command`, to type for it, ends the hint.

        `safe` is how many pages are safe, where the message or the hint says that itself.
        """
        super().__init__(message)
        self.message = message
        self.advice = hint
        """The hint without the command."""
        self.hint = hint if command is None else f"{hint} {command}"
        self.command = command
        self.safe = safe


class UsageError(ResumableError):
    """The command, a setting or the query cannot be carried out as it stands; nothing was changed."""

    exit_code = ExitCode.USAGE


RANGE_HINT = "Give two times, the later one last, such as 2023-10-01 and 2023-10-15T12:00:00Z."


class NoInterval(UsageError, ValueError):
    """Two times are no range of time."""


class LibraryMissing(UsageError):
    """What was asked for needs an optional library that is not installed where this program runs."""

    def __init__(self, what: str, library: str) -> None:
        """`what` begins the sentence; `library` is what the package index calls it."""
        super().__init__(
            f"{what} needs the library {library}, which is not installed.",
            # The library and not an extra of ours: that is right however this program itself was installed.
            hint=f"Install it with: {shlex.quote(sys.executable)} -m pip install {library}",
        )


class Incomplete(ResumableError):
    """The run ended early or with gaps, and the same command carries on."""

    exit_code = ExitCode.INCOMPLETE

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        command: str | None = None,
        safe: int | None = None,
        not_before: datetime | None = None,
        unreachable: bool = False,
    ) -> None:
        """`not_before` is when it first makes sense to come back (aware, UTC); `unreachable`: no server answered."""
        super().__init__(message, hint=hint, command=command, safe=safe)
        self.not_before = not_before
        self.unreachable = unreachable
        self.since: datetime | None = None
        """Since when the job has not been complete; None where no run of a job says this."""
        self.runs = 0
        """How many runs have begun since then."""


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


class NoData(ResumableError):
    """The job is complete and has no record, and that was to be told from success."""

    exit_code = ExitCode.EMPTY


class Interrupted(ResumableError):
    """A signal ended the run after what was in flight had been finished."""

    exit_code = ExitCode.INTERRUPTED

    def __init__(self, message: str, *, hint: str = "", safe: int | None = None, terminated: bool = False) -> None:
        """`terminated` tells SIGTERM (143) from SIGINT (130)."""
        super().__init__(message, hint=hint, safe=safe)
        if terminated:
            self.exit_code = ExitCode.TERMINATED


class Fault(Exception):
    """One exchange failed; `reason` is short enough to stand in a status line."""

    def __init__(self, reason: str, *, failure: Failure) -> None:
        """`reason` holds no secret and no more than the start of a body; `failure` is for those who decide."""
        super().__init__(reason)
        self.reason = reason
        self.failure = failure


class TransportFault(Fault):
    """No whole answer came: refused, reset, cut, too slow, too big, or not decodable."""

    def __init__(self, reason: str, *, failure: Failure = Failure.NO_ANSWER) -> None:
        """`reason` is short."""
        super().__init__(reason, failure=failure)


class GivenUp(TransportFault):
    """The run was told to end, and the answer did not come in the time that was left for it."""


class TrustFault(TransportFault):
    """The server, or the proxy, could not prove who it is; asking again will not help."""

    def __init__(self, reason: str) -> None:
        """`reason` is short."""
        super().__init__(reason, failure=Failure.UNTRUSTED)


class StatusFault(Fault):
    """The server answered with an error status."""

    def __init__(
        self,
        reason: str,
        *,
        status: int,
        failure: Failure = Failure.OTHER_STATUS,
        retry_after_seconds: float | None = None,
        wall: Wall | None = None,
        limit: int | None = None,
        correlation_id: str | None = None,
        context_id: str | None = None,
    ) -> None:
        """`failure` is what the table of statuses says of `status`; both ids are what the vendor's support asks for.

        `retry_after_seconds` is what the server asked for, None where it said nothing usable. `wall` is which of its
        limits the answer names, and `limit` where that stands, None where it does not say.
        """
        super().__init__(reason, failure=failure)
        self.status = status
        self.retry_after_seconds = retry_after_seconds
        self.wall = wall
        self.limit = limit
        self.correlation_id = correlation_id
        self.context_id = context_id


class ProtocolFault(Fault):
    """A whole answer came, and it is not what the contract says."""

    def __init__(self, reason: str, *, failure: Failure = Failure.NOT_AS_AGREED, answer: str | None = None) -> None:
        """`reason` holds no more than the start of the answer; `answer` is all of it, bounded, without secrets."""
        super().__init__(reason, failure=failure)
        self.answer = answer


class NoRecords(ProtocolFault):
    """An answer holds no record where there must be some."""

    def __init__(
        self, reason: str, *, page_count: int | None = None, total: int | None = None, page_size: int | None = None
    ) -> None:
        """`reason` says what it holds in their place, the rest what it says of paging, where it says it."""
        super().__init__(reason, failure=Failure.NO_RECORDS)
        self.page_count = page_count
        self.total = total
        self.page_size = page_size


class PageBeyondEnd(ProtocolFault):
    """The answer says that the window has fewer pages than the one asked for: the snapshot has moved."""

    def __init__(self, reason: str, *, page_count: int) -> None:
        """`page_count` is what the answer named."""
        super().__init__(reason)
        self.page_count = page_count
