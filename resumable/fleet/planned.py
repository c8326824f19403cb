"""What a whole fleet would take: the plans of its jobs, added up."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from resumable.errors import ExitCode
from resumable.fleet.fleet import FleetJob
from resumable.fleet.process import JobEnd


@dataclass(frozen=True, kw_only=True)
class JobPlan:
    """What one job would take, or what is left of it."""

    job: FleetJob
    exit_code: int
    requests: int | None
    """None where the source does not tell before the end."""
    seconds: float | None
    disk_bytes: int | None
    message: str = ""
    """Why it could not be planned; empty where it was."""

    def to_json(self) -> dict[str, Any]:
        """Return its part of the object that `fleet plan --json` prints."""
        return {
            "client": self.job.client.name,
            "job": self.job.name,
            "dataset": self.job.dataset,
            "exit_code": self.exit_code,
            "requests": self.requests,
            "seconds": self.seconds,
            "disk_bytes": self.disk_bytes,
            "message": self.message,
        }


@dataclass(frozen=True, kw_only=True)
class FleetPlan:
    """What all jobs would take together."""

    jobs: tuple[JobPlan, ...]
    seconds: float
    """Of the allowance that has the most to do; allowances are used side by side, jobs of one after each other."""

    @classmethod
    def of(cls, jobs: Sequence[FleetJob], ends: Mapping[str, JobEnd], allowances: Mapping[str, str]) -> "FleetPlan":
        """Add up what the plans of the jobs printed."""
        plans = [_plan_of(job, ends.get(job.name)) for job in jobs]
        each: defaultdict[str, float] = defaultdict(float)
        for plan in plans:
            each[allowances[plan.job.client.name]] += plan.seconds or 0.0
        return cls(jobs=tuple(plans), seconds=max(each.values(), default=0.0))

    @property
    def requests(self) -> int:
        """Requests of all jobs whose source tells."""
        return sum(plan.requests or 0 for plan in self.jobs)

    @property
    def disk_bytes(self) -> int:
        """Bytes of all jobs whose source tells."""
        return sum(plan.disk_bytes or 0 for plan in self.jobs)

    @property
    def unknown(self) -> int:
        """Jobs of which nobody knows what they take."""
        return sum(plan.requests is None for plan in self.jobs)

    def to_json(self) -> dict[str, Any]:
        """Return the object that `fleet plan --json` prints."""
        return {
            "jobs": [plan.to_json() for plan in self.jobs],
            "requests": self.requests,
            "seconds": self.seconds,
            "disk_bytes": self.disk_bytes,
            "unknown": self.unknown,
        }


def _plan_of(job: FleetJob, ended: JobEnd | None) -> JobPlan:
    answer: Mapping[str, Any] = {} if ended is None else ended.answer
    code = int(ExitCode.INTERRUPTED) if ended is None else ended.code
    left = answer.get("left")  # of a job under way
    said = left if isinstance(left, Mapping) else answer
    error = answer.get("error")
    return JobPlan(
        job=job,
        exit_code=code,
        requests=said.get("requests"),
        seconds=said.get("seconds"),
        disk_bytes=None if said is left else said.get("disk_bytes"),
        message=error.get("message", "") if isinstance(error, Mapping) else "",
    )
