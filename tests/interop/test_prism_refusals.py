"""The simulator's refusals through Prism: every error has a documented status and body, and what is wrong is told."""

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import pytest

from resumable.models import Request
from resumable.simulator.faults.faults import FaultKind, Match, SimFault
from resumable.simulator.json_values import Json
from resumable.transport.http import Reply
from tests.interop.prism import Stand, read_document, undeclared_parameters

QUERY = "/api/v2/analytics/conversations/details/query"
JOBS = "/api/v2/analytics/conversations/details/jobs"
AUDITS = "/api/v2/audits/query"
DAY = "2023-10-01T00:00:00.000Z/2023-10-02T00:00:00.000Z"
NOBODYS = "d6b71d25-5e0e-4d8b-a8ae-2ba8b0bf5a5c"


@dataclass(kw_only=True)
class Caller:
    """Sends requests through Prism."""

    stand: Stand
    headers: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.transport = self.stand.carry(self.stand.url)

    def login(self) -> None:
        """Get a token, from then on sent along."""
        settings = self.stand.sim.settings
        form = {"grant_type": "client_credentials"}
        pair = f"{settings.client_id}:{settings.client_secret}".encode()
        headers = {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}
        reply = self.transport.send(Request(method="POST", path="/oauth/token"), headers, form=form)
        self.headers["Authorization"] = f"Bearer {json.loads(reply.body)['access_token']}"

    def post(self, path: str, body: Mapping[str, Json]) -> Reply:
        """Send JSON."""
        return self.transport.send(Request(method="POST", path=path, body=body), self.headers)

    def get(self, path: str, **params: str) -> Reply:
        """Ask for something."""
        return self.transport.send(Request(method="GET", path=path, params=params), self.headers)

    def job(self) -> str:
        """Make a job."""
        made: str = json.loads(self.post(JOBS, {"interval": DAY}).body)["jobId"]
        return f"{JOBS}/{made}"


@pytest.fixture
def caller(stand: Stand) -> Iterator[Caller]:
    """Return a caller that has a token."""
    calling = Caller(stand=stand)
    calling.login()
    yield calling
    calling.transport.close()


def page(**changes: Json) -> dict[str, Json]:
    """Return the query for a page."""
    return {"interval": DAY, "paging": {"pageSize": 20, "pageNumber": 1}, **changes}


def assert_refused(stand: Stand, reply: Reply, status: int) -> None:
    """Check that a request was refused, and that Prism has nothing against it or the refusal."""
    assert reply.status == status
    assert stand.violations == []


@pytest.mark.parametrize(
    "body",
    [
        page(interval="2023-10-01/2023-10-09"),
        page(interval="yesterday"),
        page(paging={"pageSize": 101, "pageNumber": 1}),
        page(paging={"pageSize": 100, "pageNumber": 1001}),
        page(segmentFilters=[]) | {"segmentFilters": [{"type": "and"}]},
    ],
    ids=["too long", "not an interval", "too many a page", "too deep", "an empty filter"],
)
def test_a_query_over_a_limit_is_refused_as_documented(body: dict[str, Json], caller: Caller, stand: Stand) -> None:
    """A query that fits the document and exceeds a limit is a 400 whose body fits it too."""
    assert_refused(stand, caller.post(QUERY, body), 400)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 415, 429, 500, 503, 504])
def test_every_error_of_a_failing_server_is_as_documented(status: int, caller: Caller, stand: Stand) -> None:
    """Each status that the document lists comes with a body that it describes."""
    stand.sim.inject(SimFault(kind=FaultKind.STATUS, status=status))
    assert_refused(stand, caller.post(QUERY, page()), status)


def test_a_429_at_the_rate_limit_is_as_documented(caller: Caller, stand: Stand) -> None:
    """Past the allowance the answer is a documented 429 with Retry-After, which is a whole number."""
    stand.sim.switch(rate_public=1)
    assert caller.post(QUERY, page()).status == 200
    reply = caller.post(QUERY, page())
    assert_refused(stand, reply, 429)
    assert 1 <= int(reply.headers["retry-after"]) <= 60


def test_a_revoked_token_is_refused_as_documented(caller: Caller, stand: Stand) -> None:
    """A token that is not valid any more is a documented 401."""
    stand.sim.revoke_tokens()
    assert_refused(stand, caller.get("/api/v2/users"), 401)


def test_jobs_that_are_not_there_or_not_ready_are_refused_as_documented(caller: Caller, stand: Stand) -> None:
    """Results before their time, a wrong cursor and a job that nobody made are documented errors."""
    job = caller.job()
    assert_refused(stand, caller.get(f"{job}/results"), 400)
    stand.sim.switch(job_polls=0)
    assert_refused(stand, caller.get(f"{job}/results", cursor="nonsense"), 400)
    assert_refused(stand, caller.get(f"{JOBS}/{NOBODYS}"), 404)


def test_one_job_too_many_is_refused_as_documented(caller: Caller, stand: Stand) -> None:
    """A job over the limit is a documented 429."""
    stand.sim.switch(job_limit=0)
    assert_refused(stand, caller.post(JOBS, {"interval": DAY}), 429)


def test_the_end_of_a_failed_job_is_as_documented(caller: Caller, stand: Stand) -> None:
    """A job that failed tells so in a documented answer."""
    job = caller.job()
    stand.sim.inject(SimFault(kind=FaultKind.JOB_FAILED, on=Match(path=JOBS)))
    assert json.loads(caller.get(job).body)["state"] == "FAILED"
    assert stand.violations == []


def test_what_no_dataset_asks_for_is_as_documented_too(caller: Caller, stand: Stand) -> None:
    """Single conversations, a page past the end, aggregations and audits are answered as the document says."""
    key = stand.sim.truth(DAY).ids[0]
    assert caller.get(f"/api/v2/analytics/conversations/{key}/details").status == 200
    assert caller.get("/api/v2/analytics/conversations/details", id=key).status == 200
    assert caller.post(QUERY, page(paging={"pageSize": 100, "pageNumber": 9})).status == 200
    terms = {"type": "termFrequency", "dimension": "queueId", "size": 3}
    assert caller.post(QUERY, page(aggregations=[terms])).status == 200
    made = json.loads(caller.post(AUDITS, {"interval": DAY, "serviceName": "Architect"}).body)["id"]
    assert caller.get(f"{AUDITS}/{made}").status == 200
    stand.sim.switch(job_polls=0)
    assert caller.get(f"{AUDITS}/{made}/results", pageSize="15").status == 200
    assert stand.violations == []


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (page(order="sideways"), "request.body.order: "),
        (page(paging={"pageSize": "20", "pageNumber": 1}), "request.body.paging.pageSize: "),
        (page(segmentFilters=[{"type": "nor"}]), "request.body.segmentFilters.0.type: "),
        (page(brandNew=1), "found 'brandNew'"),
        ({"paging": {"pageSize": 20, "pageNumber": 1}}, "interval"),
    ],
)
def test_a_request_that_is_not_as_documented_is_reported(
    body: dict[str, Json], named: str, caller: Caller, stand: Stand
) -> None:
    """A wrong word, type or member in a request is a violation that names it, and the simulator refuses it too."""
    assert caller.post(QUERY, body).status == 400
    assert any(line.startswith("request.body") and named in line for line in stand.violations)


def test_what_the_document_does_not_list_is_reported(caller: Caller, stand: Stand) -> None:
    """An unknown path, a request without a token and a status that nobody documents are violations."""
    stand.sim.inject(SimFault(kind=FaultKind.STATUS, status=418))
    caller.get("/api/v2/users")
    caller.get("/api/v2/nothing")
    caller.headers.clear()
    caller.get("/api/v2/users")
    status, path, token = stand.violations
    assert status.startswith("response")
    assert path == "request: Selected route not found"
    assert token == "request: Invalid security scheme used"


def test_a_query_parameter_that_nobody_documents_is_found(caller: Caller, stand: Stand) -> None:
    """Prism lets an unknown query parameter pass, and the comparison with the document names it."""
    caller.get("/api/v2/users", pageSize="5", shoeSize="44")
    assert stand.violations == []
    assert undeclared_parameters(read_document(), stand.sim.log) == {("/api/v2/users", "shoeSize")}
