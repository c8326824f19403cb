"""The asynchronous jobs of the second server: submitted, looked at, read along a cursor, deleted."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tests.apart.details import documents_asked, filtered, grouped, interval_of
from tests.apart.exchange import Answer, Place, Refused, Request, error
from tests.apart.lists import cursor_to, page_of
from tests.apart.manners import Manners
from tests.apart.truth import Range, Record, World, read, written

SUBJECTS = {"conversations": "conversations", "users": "userDetails"}
"""What jobs there are, and the key of their records."""
_QUERY_ONLY = ("paging", "aggregations")


@dataclass(kw_only=True)
class ServerJob:
    """One job on the server."""

    id: str
    subject: str
    asked: Range
    body: Record
    submitted: datetime
    polls_left: int
    deleted: bool = False
    failed: str = ""
    """Why it FAILED, if it did."""


@dataclass(kw_only=True)
class Jobs:
    """All jobs of one server."""

    world: World
    manners: Manners
    made: dict[str, ServerJob] = field(default_factory=dict)

    def submit(self, subject: str, request: Request, now: datetime) -> tuple[Answer, Place]:
        """Make a job, answered with 202."""
        asked = interval_of(request, most_seconds=31 * 86_400)
        if any(name in request.json for name in _QUERY_ONLY):
            raise Refused(error(400, "paging and aggregations are not for jobs"))
        slots = self.manners.job_slots
        if slots is not None and sum(not job.deleted for job in self.made.values()) >= slots:
            limit = {"key": "details.jobs.concurrent.access.max", "namespace": "analytics", "value": slots}
            wait = self.manners.slot_retry_after
            answer = error(429, "Too many concurrent jobs", headers={} if wait is None else {"Retry-After": wait})
            raise Refused(Answer(status=429, body={**answer.body, "limit": limit}, headers=answer.headers))
        number = len(self.made) + 1
        job = ServerJob(
            id=self.world.identity("job", subject, number),
            subject=subject,
            asked=asked,
            body=request.json,
            submitted=now,
            polls_left=self.manners.polls,
        )
        self.made[job.id] = job
        return Answer(status=202, body={"jobId": job.id}), Place(day=asked.day, job=job.id)

    def look(self, job_id: str, now: datetime) -> tuple[Answer, Place]:
        """Tell the state of a job."""
        job = self._known(job_id)
        state = "FAILED" if job.failed else "FULFILLED"
        if not job.failed and job.polls_left > 0:
            job.polls_left -= 1
            state = "PENDING" if job.polls_left == 0 else "QUEUED"
        answer: Record = {
            "state": state,
            "submissionDate": written(job.submitted),
            "expirationDate": written(job.submitted + timedelta(days=1)),
        }
        if job.failed:
            answer["errorMessage"] = job.failed
        if state in ("FULFILLED", "FAILED"):
            answer["completionDate"] = written(now)
        return Answer(body=answer), Place(day=job.asked.day, job=job.id)

    def results(self, job_id: str, request: Request, now: datetime) -> tuple[Answer, Place]:
        """Answer a page of a job's results. No cursor in it is the end."""
        job = self._known(job_id)
        if job.polls_left > 0 or job.failed:
            raise Refused(error(404, f"No results for job {job_id}"))
        size = self._size(request)
        try:
            cursor = request.query.get("cursor", "")
            index = page_of(cursor, salt=job.id[:8]) if cursor else 1
        except ValueError:
            raise Refused(error(400, "Invalid cursor")) from None
        key, found = SUBJECTS[job.subject], self._records(job)
        pages = max(1, -(-len(found) // size))
        chosen = found[(index - 1) * size : index * size]
        answer: Record = {key: chosen if key == "conversations" else grouped(chosen)}
        answer["dataAvailabilityDate"] = self._availability(now)
        if index < pages:
            answer["cursor"] = cursor_to(index + 1, salt=job.id[:8])
        return Answer(body=answer), Place(day=job.asked.day, page=index, pages=pages, job=job.id)

    def delete(self, job_id: str) -> tuple[Answer, Place]:
        """Forget a job."""
        job = self._known(job_id)
        job.deleted = True
        return Answer(status=204), Place(day=job.asked.day, job=job.id)

    def availability(self, now: datetime) -> tuple[Answer, Place]:
        """Tell up to when there is data."""
        return Answer(body={"dataAvailabilityDate": self._availability(now)}), Place()

    @property
    def open(self) -> list[ServerJob]:
        """The jobs that nobody has deleted."""
        return [job for job in self.made.values() if not job.deleted]

    def _known(self, job_id: str) -> ServerJob:
        job = self.made.get(job_id)
        if job is None or job.deleted:
            raise Refused(error(404, f"Job {job_id} not found"))
        return job

    def _size(self, request: Request) -> int:
        text = request.query.get("pageSize", "1000")
        if not text.isdigit() or int(text) < 1:
            raise Refused(error(400, "pageSize must be a number of at least 1", code="invalid.value"))
        return min(int(text), self.manners.job_page_most)

    def _records(self, job: ServerJob) -> list[Any]:
        until = self.manners.available_until
        if job.subject == "users":
            documents = documents_asked(self.world, job.asked, job.body)
            return [one for one in documents if until is None or one.start < until]
        by_lifetime = not job.body.get("startOfDayIntervalMatching")
        records = filtered(self.world.conversations_of(job.asked, by_lifetime=by_lifetime), job.body)
        return [one for one in records if until is None or read(one["conversationStart"]) < until]

    def _availability(self, now: datetime) -> str:
        # As recorded: without milliseconds.
        until = self.manners.available_until or now - timedelta(hours=6)
        return until.strftime("%Y-%m-%dT%H:%M:%SZ")
