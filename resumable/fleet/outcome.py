"""How the jobs of a fleet stand: after a run of the fleet, or read from their manifests."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from resumable import status as status_of
from resumable.errors import ExitCode, ResumableError
from resumable.fleet.fleet import FleetJob
from resumable.fleet.process import JobEnd
from resumable.models import JobState, iso
from resumable.status import Status
from resumable.storage.job_files import StateFiles

BEST_TO_WORST: Final = (
    ExitCode.COMPLETE,
    ExitCode.EMPTY,
    ExitCode.INTERRUPTED,
    ExitCode.TERMINATED,
    ExitCode.INCOMPLETE,
    ExitCode.LOCKED,
    ExitCode.UNSETTLED,
    ExitCode.STORAGE,
    ExitCode.AUTHENTICATION,
    ExitCode.USAGE,
    ExitCode.VERIFICATION,
    ExitCode.MANIFEST,
    ExitCode.UNEXPECTED,
)
"""What the next run may finish by itself comes before what needs a person."""

REFUSED: Final = "refused"
"""The state of a job whose credentials the server refused."""

FAILED: Final = "failed"
"""The state of a job that ended without saying how it stands."""

NOT_BEGUN: Final = "not begun"

UNUSABLE: Final = "unusable"


def worst(codes: Iterable[int]) -> int:
    """Return the worst of some exit codes; one that is not known is worse than all."""
    order = [int(code) for code in BEST_TO_WORST]
    return max(codes, key=lambda code: order.index(code) if code in order else len(order), default=0)


@dataclass(frozen=True, kw_only=True)
class JobOutcome:
    """How one job of a fleet stands."""

    job: FleetJob
    state: str
    """A state of jobs, or one of `refused`, `failed`, `not begun`, `unusable`."""
    exit_code: int | None
    """Of its last run in this run of the fleet; None where it was only looked at."""
    pages: int = 0
    pages_known: int = 0
    records: int = 0
    message: str = ""
    """What kept it from being complete; empty where nothing did."""
    updated_at: datetime | None = None

    def to_json(self) -> dict[str, Any]:
        """Return its part of the object that `fleet --json` prints."""
        return {
            "client": self.job.client.name,
            "job": self.job.name,
            "dataset": self.job.dataset,
            "state": self.state,
            "exit_code": self.exit_code,
            "pages": self.pages,
            "pages_known": self.pages_known,
            "records": self.records,
            "message": self.message,
            "updated_at": None if self.updated_at is None else iso(self.updated_at),
        }


def after_run(jobs: Sequence[FleetJob], ends: Mapping[str, JobEnd], *, ended_by: int) -> list[JobOutcome]:
    """Return how each job stands after a run of the fleet; one that was not begun has the code `ended_by`."""
    return [_after_run(job, ends.get(job.name), ended_by) for job in jobs]


def _after_run(job: FleetJob, ended: JobEnd | None, ended_by: int) -> JobOutcome:
    if ended is None:
        return JobOutcome(job=job, state=NOT_BEGUN, exit_code=ended_by, message="the fleet ended before its turn.")
    error = _table(ended.answer, "error")
    status = ended.answer if "state" in ended.answer else _table(ended.answer, "status")
    state = status.get("state", FAILED)
    if ended.code == ExitCode.AUTHENTICATION:
        state = REFUSED
    pages = _table(status, "pages")
    updated = status.get("updated_at")
    return JobOutcome(
        job=job,
        state=state,
        exit_code=ended.code,
        pages=pages.get("done", 0),
        pages_known=pages.get("expected") or pages.get("known", 0),
        records=status.get("records", 0),
        message=error.get("message", "" if ended.code == ExitCode.COMPLETE else "it did not say why."),
        updated_at=datetime.fromisoformat(updated) if isinstance(updated, str) else None,
    )


def looked_at(jobs: Sequence[FleetJob], files: StateFiles) -> list[tuple[JobOutcome, Status | None]]:
    """Return how each job stands by its manifest, which disturbs nobody, with the status where there is one."""
    return [_looked_at(job, files) for job in jobs]


def _looked_at(job: FleetJob, files: StateFiles) -> tuple[JobOutcome, Status | None]:
    try:
        status = status_of.read(files.job(job.name), events=0)
    except ResumableError as error:  # one bad manifest does not hide the others
        return JobOutcome(job=job, state=UNUSABLE, exit_code=None, message=error.message), None
    if status is None:
        return JobOutcome(job=job, state=NOT_BEGUN, exit_code=None), None
    last = status.last_failure
    failed = "" if status.state in (JobState.COMPLETE, JobState.RUNNING) or last is None else last.reason
    outcome = JobOutcome(
        job=job,
        state=status.state.value,
        exit_code=None,
        pages=status.totals.pages_done,
        pages_known=status.totals.pages_known,
        records=status.totals.records,
        message=failed,
        updated_at=status.job.updated_at,
    )
    return outcome, status


def _table(answer: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = answer.get(key)
    return found if isinstance(found, Mapping) else {}
