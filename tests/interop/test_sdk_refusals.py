"""What the simulator refuses reaches the official SDK as the exceptions that its users know."""

import json
from types import ModuleType

import pytest
import urllib3

from resumable.simulator.faults.faults import FaultKind, SimFault
from resumable.simulator.json_values import Json
from resumable.simulator.messages import Kind
from resumable.simulator.settings import SimSettings
from resumable.simulator.simulator import Simulator
from tests.interop.sdk import Connect, conversation_query, read_as, wire


class Clock:
    """A monotonic clock that goes on only when somebody waits."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def retry_with(client: Json, retries: urllib3.Retry) -> None:
    """Give a client that has sent nothing yet another policy; the SDK has no call for it."""
    pools = client.get_http_client().rest_client.pool_manager
    pools.connection_pool_kw["retries"] = retries
    pools.clear()


def policy_that_waits_on(clock: Clock, waits: list[float]) -> urllib3.Retry:
    """Return the SDK's own policy, of which only the waiting is another."""

    class Told(urllib3.Retry):
        def sleep_for_retry(self, response: urllib3.BaseHTTPResponse) -> bool:
            seconds = self.get_retry_after(response)
            assert seconds is not None
            waits.append(seconds)
            clock.now += seconds
            return True

    return Told(allowed_methods={"GET", "POST"})


def refused(sdk: ModuleType, client: Json, query: Json) -> Json:
    """Return the exception that a query ends with."""
    with pytest.raises(sdk.rest.ApiException) as caught:
        sdk.AnalyticsApi(client).post_analytics_conversations_details_query(query)
    return caught.value


def assert_documented(client: Json, error: Json, status: int, code: str) -> Json:
    """Check that an error's body is an ErrorBody of the SDK, with nothing that the model does not know."""
    body = read_as(client, "ErrorBody", error.body)
    assert wire(body) == json.loads(error.body)
    assert (error.status, body.status, body.code) == (status, status, code)
    assert body.message
    assert body.context_id == error.headers["inin-correlation-id"]
    return body


def test_retry_after_is_waited_for_just_as_long_as_it_says(sdk: ModuleType, connect: Connect) -> None:
    """At the rate limit the SDK waits what Retry-After says, once, and its request is answered."""
    clock, waits = Clock(), list[float]()
    with Simulator(SimSettings(records=3, rate_public=2), monotonic=clock) as sim:
        client = connect(sim)
        retry_with(client, policy_that_waits_on(clock, waits))
        api = sdk.AnalyticsApi(client)
        for _ in range(3):
            clock.now += 5
            assert api.post_analytics_conversations_details_query(conversation_query(sdk)).total_hits == 3
        assert waits == [50]
        assert [entry.status for entry in sim.log.entries(Kind.CONVERSATIONS)] == [200, 200, 429, 200]


def test_without_retries_a_429_is_raised_with_what_is_documented(sdk: ModuleType, connect: Connect) -> None:
    """Past the rate limit the exception has status 429, the documented body, Retry-After and the rate headers."""
    with Simulator(SimSettings(records=3, rate_public=1), monotonic=Clock()) as sim:
        client = connect(sim)
        retry_with(client, urllib3.Retry(0))
        sdk.AnalyticsApi(client).post_analytics_conversations_details_query(conversation_query(sdk))
        error = refused(sdk, client, conversation_query(sdk))
        body = assert_documented(client, error, 429, "too.many.requests.retry.after")
        assert body.message == "Rate limit exceeded the maximum. Retry the request in [60] seconds"
        assert error.headers["Retry-After"] == "60"
        rates = [error.headers[f"inin-ratelimit-{name}"] for name in ("count", "allowed", "reset")]
        assert rates == ["1", "1", "60"]


def test_an_expired_token_is_a_401_that_is_raised(sdk: ModuleType, connect: Connect) -> None:
    """Once its client-credentials token has expired the SDK raises the 401, and asks for no other token."""
    clock = Clock()
    with Simulator(SimSettings(records=3, token_lifetime=300), monotonic=clock) as sim:
        client = connect(sim)
        clock.now += 301
        assert_documented(client, refused(sdk, client, conversation_query(sdk)), 401, "bad.credentials")
        assert [(entry.kind, entry.status) for entry in sim.log] == [
            (Kind.TOKEN, 200),
            (Kind.CONVERSATIONS, 401),
        ]


def test_a_wrong_secret_is_refused(sdk: ModuleType, connect: Connect) -> None:
    """With a wrong secret there is no token, and the exception says that the client is unknown."""
    with Simulator() as sim:
        client = connect(sim)
        with pytest.raises(sdk.rest.ApiException, match="invalid_client") as caught:
            client.get_client_credentials_token(sim.settings.client_id, "wrong")
        assert caught.value.status == 400


@pytest.mark.parametrize(
    ("page", "size", "interval", "reason"),
    [
        (1, 100, "2023-10-01/2023-10-09", "does not exceed 7 days"),
        (1, 101, "2023-10-01/2023-10-02", "pageSize must not exceed 100"),
        (1001, 100, "2023-10-01/2023-10-02", "Pagination may not exceed 100000 results"),
        (0, 100, "2023-10-01/2023-10-02", "pageNumber must be at least 1"),
        (1, 100, "yesterday", "not a valid interval"),
    ],
)
def test_a_query_over_a_limit_is_a_400_with_a_reason(
    page: int, size: int, interval: str, reason: str, sdk: ModuleType, connect: Connect
) -> None:
    """What exceeds a limit of the contract is refused with the documented body, which says why."""
    with Simulator(SimSettings(records=3)) as sim:
        client = connect(sim)
        query = conversation_query(sdk, page=page, size=size, interval=interval)
        assert reason in assert_documented(client, refused(sdk, client, query), 400, "bad.request").message


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (403, "missing.permissions"),
        (404, "not.found"),
        (413, "request.entity.too.large"),
        (500, "internal.server.error"),
        (503, "service.unavailable"),
        (504, "request.timeout"),
    ],
)
def test_every_status_of_a_failing_server_has_the_documented_body(
    status: int, code: str, sdk: ModuleType, connect: Connect
) -> None:
    """Each error status reaches the SDK as an exception with the documented body and code."""
    with Simulator(SimSettings(records=3)) as sim:
        client = connect(sim)
        sim.inject(SimFault(kind=FaultKind.STATUS, status=status))
        assert_documented(client, refused(sdk, client, conversation_query(sdk)), status, code)


def test_a_job_that_is_not_there_is_a_404(sdk: ModuleType, connect: Connect) -> None:
    """A job that nobody has made is a 404, and so is its result."""
    with Simulator() as sim:
        client = connect(sim)
        api = sdk.AnalyticsApi(client)
        for ask in (api.get_analytics_conversations_details_job, api.get_analytics_conversations_details_job_results):
            with pytest.raises(sdk.rest.ApiException) as caught:
                ask("d6b71d25-5e0e-4d8b-a8ae-2ba8b0bf5a5c")
            assert_documented(client, caught.value, 404, "not.found")
