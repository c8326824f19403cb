"""Jobs: their states, their cursors, their limits and what goes wrong with them."""

from datetime import UTC, datetime

import pytest

from resumable.simulator.api.jobs import RemoteJobState
from resumable.simulator.faults.faults import FaultKind, Match, SimFault
from resumable.simulator.json_values import Json
from resumable.simulator.messages import Kind
from resumable.simulator.settings import JobRefusal
from tests.simulator.caller import DAY, JOBS, Caller, Clock, Start


def results(caller: Caller, job: str, size: int = 7) -> list[Json]:
    """Follow the cursor to the end."""
    found: list[Json] = []
    cursor: dict[str, str] = {}
    for _ in range(500):
        page = caller.get(f"{JOBS}/{job}/results", pageSize=size, **cursor).json
        assert page["dataAvailabilityDate"]
        found += page["conversations"]
        if "cursor" not in page:
            return found
        cursor = {"cursor": page["cursor"]}
    raise AssertionError("no end")


@pytest.mark.parametrize("by_day", [True, False])
def test_the_results_of_a_job_are_the_truth(start: Start, by_day: bool) -> None:
    """All pages of a job are the truth, attributes included: of the day, or of all that was alive in it."""
    caller = start()
    query = {"startOfDayIntervalMatching": by_day}
    truth = caller.simulator.truth(DAY, dataset="conversation-jobs", query=query)
    assert results(caller, caller.finished_job(**query)) == list(truth)
    assert (len(truth) == 30) is by_day
    assert any(p["attributes"] for r in truth for p in r["participants"])


def test_a_job_goes_through_its_states(start: Start) -> None:
    """A job is queued, pending and then fulfilled, by the number of times it is asked about."""
    caller = start(job_polls=3)
    made = caller.post(JOBS, {"interval": DAY})
    assert made.status == 202
    path = f"{JOBS}/{made.json['jobId']}"
    assert caller.get(f"{path}/results").status == 400
    found = [caller.get(path).json for _ in range(4)]
    assert [status["state"] for status in found] == ["QUEUED", "PENDING", "FULFILLED", "FULFILLED"]
    assert {"submissionDate", "expirationDate", "completionDate"} <= set(found[-1])


def test_a_job_can_take_time(start: Start, clock: Clock) -> None:
    """A job that takes a minute is not ready before."""
    caller = start(clock=clock, job_seconds=60.0, job_polls=1)
    path = f"{JOBS}/{caller.post(JOBS, {'interval': DAY}).json['jobId']}"
    assert caller.get(path).json["state"] == "QUEUED"
    clock.now += 60
    assert caller.get(path).json["state"] == "FULFILLED"


@pytest.mark.parametrize(("refusal", "status"), [(JobRefusal.TOO_MANY, 429), (JobRefusal.BAD_REQUEST, 400)])
def test_one_job_too_many_is_refused_until_one_is_deleted(start: Start, refusal: JobRefusal, status: int) -> None:
    """Jobs beyond the limit are refused as the switch says; deleting one frees its slot."""
    caller = start(job_limit=2, job_refusal=refusal)
    first = caller.post(JOBS, {"interval": DAY}).json["jobId"]
    caller.post(JOBS, {"interval": DAY})
    assert caller.post(JOBS, {"interval": DAY}).status == status
    assert caller.call("DELETE", f"{JOBS}/{first}").status == 204
    assert caller.post(JOBS, {"interval": DAY}).status == 202
    assert caller.get(f"{JOBS}/{first}").status == 404


def test_a_cursor_lives_only_so_long(start: Start, clock: Clock) -> None:
    """A cursor that is used too late is a 400."""
    caller = start(clock=clock, cursor_life=30.0)
    path = f"{JOBS}/{caller.finished_job()}/results"
    cursor = caller.get(path, pageSize=10).json["cursor"]
    clock.now += 29
    assert caller.get(path, pageSize=10, cursor=cursor).status == 200
    clock.now += 2
    assert caller.get(path, pageSize=10, cursor=cursor).status == 400
    assert caller.get(path, pageSize=10, cursor="made-up").status == 400


@pytest.mark.parametrize(("replay", "status"), [(True, 200), (False, 400)])
def test_an_old_cursor_answers_or_not(start: Start, replay: bool, status: int) -> None:
    """Whether a used cursor answers again is a switch; if so, with the same page."""
    caller = start(cursor_replay=replay)
    path = f"{JOBS}/{caller.finished_job()}/results"
    cursor = caller.get(path, pageSize=10).json["cursor"]
    first = caller.get(path, pageSize=10, cursor=cursor)
    again = caller.get(path, pageSize=10, cursor=cursor)
    assert again.status == status
    assert not replay or again.json["conversations"] == first.json["conversations"]


def test_a_job_past_the_watermark_is_silently_partial(start: Start) -> None:
    """Records after the watermark are missing from jobs, and only the availability date tells."""
    noon = datetime(2023, 10, 1, 12, tzinfo=UTC)
    caller = start(watermark=noon)
    assert caller.get(f"{JOBS}/availability").json == {"dataAvailabilityDate": "2023-10-01T12:00:00.000Z"}
    found = results(caller, caller.finished_job(startOfDayIntervalMatching=True))
    assert 0 < len(found) < 30
    assert all(record["conversationStart"] < "2023-10-01T12" for record in found)
    assert (
        len(caller.simulator.truth(DAY, dataset="conversation-jobs", query={"startOfDayIntervalMatching": True})) == 30
    )


def test_a_limit_bounds_the_results(start: Start) -> None:
    """A job with a limit has no more records than that."""
    caller = start()
    assert len(results(caller, caller.finished_job(limit=12))) == 12


@pytest.mark.parametrize(
    "body", [{}, {"interval": DAY, "paging": {}}, {"interval": DAY, "limit": 0}, {"interval": "x"}], ids=str
)
def test_a_job_that_makes_no_sense_is_refused(start: Start, body: Json) -> None:
    """A job's query is checked: no paging, an interval, a sensible limit."""
    assert start().post(JOBS, body).status == 400


def test_a_page_of_results_is_bounded(start: Start) -> None:
    """A page size above the cap of results is a 400."""
    caller = start(job_page_size_cap=10)
    path = f"{JOBS}/{caller.finished_job()}/results"
    assert caller.get(path, pageSize=11).status == 400
    assert len(caller.get(path).json["conversations"]) == 10


def test_a_lost_answer_leaves_a_job_behind(start: Start) -> None:
    """When the answer to a POST is lost the job exists; when the request is lost it does not."""
    caller = start(SimFault(kind=FaultKind.LOST_ANSWER, on=Match(kinds=(Kind.JOB_CREATE,))))
    with pytest.raises(ConnectionError):
        caller.post(JOBS, {"interval": DAY})
    assert len(caller.simulator.jobs_alive) == 1
    caller.simulator.inject(SimFault(kind=FaultKind.RESET_BEFORE, on=Match(kinds=(Kind.JOB_CREATE,))))
    with pytest.raises(ConnectionError):
        caller.post(JOBS, {"interval": DAY})
    assert len(caller.simulator.jobs_alive) == 1


@pytest.mark.parametrize("state", [RemoteJobState.FAILED, RemoteJobState.CANCELLED, RemoteJobState.EXPIRED])
def test_a_job_can_end_badly(start: Start, state: RemoteJobState) -> None:
    """A fault ends the job that is asked about in another state."""
    caller = start(SimFault(kind=FaultKind.JOB_FAILED, value=state.value, on=Match(kinds=(Kind.JOB_STATUS,))))
    path = f"{JOBS}/{caller.post(JOBS, {'interval': DAY}).json['jobId']}"
    assert caller.get(path).json["state"] == state
    assert caller.get(f"{path}/results").status in (400, 404)


def test_jobs_can_fail_and_expire_by_themselves(start: Start, clock: Clock) -> None:
    """New jobs fail while the switch is on, and every job expires at the end of its life."""
    caller = start(clock=clock, job_fails=True, job_life=100.0)
    job = caller.post(JOBS, {"interval": DAY}).json["jobId"]
    assert caller.get(f"{JOBS}/{job}").json["errorMessage"]
    caller.simulator.switch(job_fails=False)
    job = caller.finished_job()
    clock.now += 101
    assert caller.get(f"{JOBS}/{job}").json["state"] == "EXPIRED"
    assert caller.get(f"{JOBS}/{job}/results").status == 404


def test_a_cursor_can_be_repeated_and_taken_away(start: Start) -> None:
    """By faults, the answer names the cursor that was asked with, or a good cursor is refused."""
    caller = start()
    path = f"{JOBS}/{caller.finished_job()}/results"
    cursor = caller.get(path, pageSize=5).json["cursor"]
    caller.simulator.inject(
        SimFault(kind=FaultKind.REPEATED_CURSOR), SimFault(kind=FaultKind.CURSOR_GONE, on=Match(nth=(2,)))
    )
    assert caller.get(path, pageSize=5, cursor=cursor).json["cursor"] == cursor
    assert caller.get(path, pageSize=5, cursor=cursor).status == 400


def test_the_log_and_the_faults_know_a_job_s_interval(start: Start) -> None:
    """Every request about a job is logged with its id and interval, and can be disturbed by its window."""
    caller = start(SimFault(kind=FaultKind.STATUS, on=Match(kinds=(Kind.JOB_RESULTS,), window="2023-10-01T")))
    job = caller.finished_job()
    assert caller.get(f"{JOBS}/{job}/results").status == 503
    entries = caller.simulator.log.entries()[1:]
    assert [(entry.job, entry.interval) for entry in entries] == [(job, DAY)] * 4


def test_jobs_of_users_are_apart(start: Start) -> None:
    """Users' details have jobs of their own, and one family does not know the other's."""
    caller = start()
    users = "/api/v2/analytics/users/details/jobs"
    job = caller.post(users, {"interval": DAY}).json["jobId"]
    assert caller.get(f"{JOBS}/{job}").status == 404
    caller.get(f"{users}/{job}")
    assert caller.get(f"{users}/{job}").json["state"] == "FULFILLED"
    found = caller.get(f"{users}/{job}/results").json["userDetails"]
    assert found == list(caller.simulator.truth(DAY, dataset="user-details"))


def test_audits_are_queried_like_jobs(start: Start) -> None:
    """An audit query is created, polled and read by cursor, and ends with the truth."""
    caller = start()
    base = "/api/v2/audits/query"
    query = caller.post(base, {"interval": DAY, "serviceName": "Architect"}).json
    states = [caller.get(f"{base}/{query['id']}").json["state"] for _ in range(2)]
    assert states == ["Queued", "Succeeded"]
    first = caller.get(f"{base}/{query['id']}/results", pageSize=25).json
    second = caller.get(f"{base}/{query['id']}/results", pageSize=25, cursor=first["cursor"]).json
    assert first["entities"] + second["entities"] == list(caller.simulator.truth(DAY, dataset="audits"))
    assert "cursor" not in second
