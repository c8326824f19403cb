"""Asynchronous jobs: submitted, polled, read cursor by cursor, deleted."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from resumable.simulator.api.queries import bad_request
from resumable.simulator.json_values import Json
from resumable.simulator.messages import AnswerPaging, Refusal, SimAnswer, SimRequest, plain
from resumable.simulator.settings import JobRefusal, Oversize, SimSettings
from resumable.simulator.world.names import uuid_of
from resumable.simulator.world.times import stamp, to_ms

Fetch = Callable[[int, int], list[bytes]]


class RemoteJobState(StrEnum):
    """The states of a job, in the server's words."""

    QUEUED = "QUEUED"
    PENDING = "PENDING"
    FULFILLED = "FULFILLED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    EXPIRED = "EXPIRED"


@dataclass(kw_only=True)
class RemoteJob:
    """One job: what it found when it was made, and how far it has been asked about."""

    id: str
    family: str  # the path in front of its id: jobs of conversations and of users do not mix
    key: str
    interval: str
    count: int
    fetch: Fetch
    made_at: float
    submitted: datetime
    polls: int = 0
    fulfilled_at: float | None = None  # when that was first told
    ended: RemoteJobState | None = None
    cursors: dict[str, tuple[int, float]] = field(default_factory=dict)  # cursor -> (position, when it was given)
    used: set[str] = field(default_factory=set)


class Jobs:
    """All the jobs there are."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._lock = threading.RLock()
        self._jobs: dict[str, RemoteJob] = {}
        self._made = 0

    def create(
        self,
        family: str,
        key: str,
        interval: str,
        count: int,
        fetch: Fetch,
        settings: SimSettings,
        now: float,
        today: datetime,
    ) -> SimAnswer:
        """Make a job of a selection; raises Refusal when there are too many."""
        with self._lock:
            counted = [job for job in self._jobs.values() if job.family not in UNCOUNTED]
            busy = sum(1 for job in counted if self._state(job, settings, now) in _BUSY)
            if (
                family not in UNCOUNTED
                and settings.job_limit is not None
                and busy + settings.job_places_taken >= settings.job_limit
            ):
                raise _too_many(settings)
            self._made += 1
            job = RemoteJob(
                id=uuid_of("job", self._seed, self._made),
                family=family,
                key=key,
                interval=interval,
                count=count,
                fetch=fetch,
                made_at=now,
                submitted=today,
            )
            if settings.job_fails:
                job.ended = RemoteJobState.FAILED
            self._jobs[job.id] = job
        answer = plain(202, {"jobId": job.id})
        answer.job = job.id
        return answer

    def status(self, family: str, job_id: str, settings: SimSettings, now: float) -> SimAnswer:
        """Tell the state of a job, which moves on by being asked."""
        with self._lock:
            job = self._find(family, job_id)
            _refuse_late(job, job.made_at, settings, now)
            job.polls += 1
            state = self._state(job, settings, now)
            if state is RemoteJobState.FULFILLED and job.fulfilled_at is None:
                job.fulfilled_at = now
        content: dict[str, Json] = {"state": state, "submissionDate": _stamp(job.submitted)}
        content["expirationDate"] = _stamp(job.submitted + timedelta(seconds=settings.job_life))
        if state is RemoteJobState.FULFILLED:
            content["completionDate"] = _stamp(job.submitted + timedelta(seconds=now - job.made_at))
        if state is RemoteJobState.FAILED:
            content["errorMessage"] = "The query could not be executed."
        return plain(200, content)

    def results(
        self,
        family: str,
        job_id: str,
        request: SimRequest,
        settings: SimSettings,
        now: float,
        most: int | None = None,
    ) -> SimAnswer:
        """Return the page of results that a cursor stands for; the answer has no cursor on the last page."""
        with self._lock:
            job = self._find(family, job_id)
            state = self._state(job, settings, now)
            if state is RemoteJobState.EXPIRED:
                raise Refusal(404, "not.found", f"The job {job_id} has expired.")
            if state is not RemoteJobState.FULFILLED:
                raise bad_request(f"The job {job_id} has no results: its state is {state}.")
            _refuse_late(job, job.fulfilled_at or now, settings, now)
            size = _page_size(request, most or settings.job_page_size_cap, settings.oversize)
            cursor = request.first("cursor")
            start = self._position(job, cursor, settings, now)
            following = self._cursor(job, start + size, now) if start + size < job.count else None
        fields: dict[str, Json] = {"cursor": following} if following else {}
        paging = AnswerPaging(fetch=job.fetch, start=start, size=size)
        return SimAnswer(key=job.key, records=job.fetch(start, size), fields=fields, paging=paging)

    def delete(self, family: str, job_id: str) -> SimAnswer:
        """Cancel a job, which frees its slot."""
        with self._lock:
            self._find(family, job_id)
            del self._jobs[job_id]
        return plain(204, None)

    def end(self, job_id: str, state: RemoteJobState) -> None:
        """Make a job end in a state, for a fault."""
        with self._lock:
            if job_id in self._jobs:
                self._jobs[job_id].ended = state

    def first_cursor(self, job_id: str) -> str | None:
        """Return the first cursor that a job ever gave, for a fault."""
        with self._lock:
            return next(iter(self._jobs[job_id].cursors), None)

    def interval(self, job_id: str) -> str | None:
        """Return the interval that a job was made for."""
        with self._lock:
            job = self._jobs.get(job_id)
        return job.interval if job else None

    def alive(self) -> list[str]:
        """Return the ids of the jobs that nobody has deleted."""
        with self._lock:
            return list(self._jobs)

    def _find(self, family: str, job_id: str) -> RemoteJob:
        job = self._jobs.get(job_id)
        if job is None or job.family != family:
            raise Refusal(404, "not.found", f"No job {job_id}.")
        return job

    @staticmethod
    def _state(job: RemoteJob, settings: SimSettings, now: float) -> RemoteJobState:
        if job.ended is not None:
            return job.ended
        if now - job.made_at > settings.job_life:
            return RemoteJobState.EXPIRED
        if job.polls >= settings.job_polls and now - job.made_at >= settings.job_seconds:
            return RemoteJobState.FULFILLED
        return RemoteJobState.PENDING if job.polls > 1 else RemoteJobState.QUEUED

    def _cursor(self, job: RemoteJob, position: int, now: float) -> str:
        cursor = uuid_of("cursor", self._seed, job.id, position).replace("-", "")
        job.cursors[cursor] = (position, now)
        return cursor

    @staticmethod
    def _position(job: RemoteJob, cursor: str | None, settings: SimSettings, now: float) -> int:
        if cursor is None or cursor == "":
            return 0
        if cursor not in job.cursors:
            raise bad_request("The cursor is not valid.")
        position, given_at = job.cursors[cursor]
        if settings.cursor_life is not None and now - given_at > settings.cursor_life:
            raise bad_request("The cursor has expired.")
        if cursor in job.used and not settings.cursor_replay:
            raise bad_request("The cursor was used before.")
        job.used.add(cursor)
        return position


UNCOUNTED = ("audits", "usage")
"""Families whose jobs nobody can delete: they take no place."""

_BUSY = (RemoteJobState.QUEUED, RemoteJobState.PENDING, RemoteJobState.FULFILLED)


def _refuse_late(job: RemoteJob, since: float, settings: SimSettings, now: float) -> None:
    if now - since < settings.job_late:
        raise Refusal(404, "not.found", f"No job {job.id}.")


def _page_size(request: SimRequest, most: int, oversize: Oversize) -> int:
    text = request.first("pageSize")
    if text is None:
        return most
    if text.isascii() and text.isdigit() and int(text) > most and oversize is Oversize.CLAMP:
        return most
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= most:
        raise bad_request(f"pageSize must be between 1 and {most}")
    return int(text)


def _too_many(settings: SimSettings) -> Refusal:
    message = f"Too many asynchronous jobs: at most {settings.job_limit} at once."
    if settings.job_refusal is JobRefusal.BAD_REQUEST:
        return bad_request(message)
    return Refusal(429, "too.many.requests", message, (("Retry-After", "1"),))


def _stamp(moment: datetime) -> str:
    return stamp(to_ms(moment.astimezone(UTC)))
