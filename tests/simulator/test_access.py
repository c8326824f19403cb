"""Tokens expire, allowances run out, and the headers say so."""

import threading
from urllib.parse import quote

import pytest

from resumable.simulator.faults.faults import FaultKind, Match, SimFault
from resumable.simulator.json_values import Json
from resumable.simulator.messages import Kind
from resumable.simulator.settings import Lifetime, RateWindow
from tests.simulator.caller import DAY, Caller, Clock, Start


def spent(caller: Caller, requests: int) -> list[int]:
    return [caller.page(1, 1).status for _ in range(requests)]


def test_a_token_works_until_its_life_is_over(start: Start, clock: Clock) -> None:
    """A token is good for exactly its lifetime; then it is a 401 until a new one is asked for."""
    caller = start(clock=clock, token_lifetime=300.5)
    clock.now += 300
    assert caller.page().status == 200
    clock.now += 0.5
    expired = caller.page()
    assert (expired.status, expired.json["code"]) == (401, "bad.credentials")
    caller.token()
    assert caller.page().status == 200


def test_revoked_tokens_are_refused(start: Start) -> None:
    """After a revocation every token given out so far is a 401, and a new one works."""
    caller = start()
    assert caller.simulator.revoke_tokens() == 1
    assert caller.page().status == 401
    caller.token()
    assert caller.page().status == 200


def test_a_request_without_a_token_is_told_so(start: Start) -> None:
    """Without a token the 401 says authentication.required."""
    caller = start(login=False)
    reply = caller.page()
    assert (reply.status, reply.json["code"]) == (401, "authentication.required")


@pytest.mark.parametrize("status", [400, 401])
def test_wrong_credentials_are_refused(start: Start, status: int) -> None:
    """Wrong credentials are invalid_client, with a 400 or, by the switch, a 401."""
    caller = start(login=False, invalid_client_status=status)
    for pair in ("simulator-client:wrong", "wrong:simulator-secret", ":"):
        reply = caller.token(pair=pair)
        assert (reply.status, reply.json["error"]) == (status, "invalid_client")
    assert caller.call("POST", "/oauth/token", b"grant_type=password").json["error"] == "unsupported_grant_type"


def test_credentials_may_come_as_form_fields(start: Start) -> None:
    """Client id and secret are taken from the form as well."""
    caller = start(login=False, client_secret="s&cret")
    form = f"grant_type=client_credentials&client_id=simulator-client&client_secret={quote('s&cret')}"
    assert caller.call("POST", "/oauth/token", form.encode()).json["token_type"] == "bearer"


@pytest.mark.parametrize("value", [0, -5, "soon", None, 1.5, [], {}])
def test_expires_in_can_be_anything(start: Start, value: Json) -> None:
    """The answer's expires_in is whatever the setting says."""
    caller = start(expires_in=value)
    assert caller.token().json["expires_in"] == value


def test_expires_in_is_honest_or_missing(start: Start) -> None:
    """By default expires_in is the lifetime; by the switch the field is missing."""
    caller = start(token_lifetime=600.9)
    assert caller.token().json["expires_in"] == 600
    caller.simulator.switch(expires_in=Lifetime.ABSENT)
    assert "expires_in" not in caller.token().json


def test_no_secret_is_in_the_log(start: Start) -> None:
    """Neither a token nor the client's secret is anywhere in the log."""
    caller = start()
    caller.page()
    text = str(caller.simulator.log.as_json())
    assert caller.headers["Authorization"].split()[1] not in text
    assert caller.simulator.settings.client_secret not in text
    assert "'issued': 't1'" in text


def test_a_fixed_window_counts_and_starts_again(start: Start, clock: Clock) -> None:
    """In a fixed window the allowance is used up, refused with the documented 429, and whole again when it is over."""
    caller = start(clock=clock, rate_public=3)
    assert spent(caller, 3) == [200] * 3
    clock.now += 17.5
    refused = caller.page()
    assert refused.status == 429
    assert refused.headers["Retry-After"] == "43"
    assert refused.json["message"] == "Rate limit exceeded the maximum. Retry the request in [43] seconds"
    assert refused.json["code"] == "too.many.requests.retry.after"
    clock.now += 42.5
    assert spent(caller, 4) == [200, 200, 200, 429]


def test_the_headers_tell_where_the_allowance_stands(start: Start, clock: Clock) -> None:
    """Count, allowance and whole seconds left come with every answer, rounded up."""
    caller = start(clock=clock, rate_public=5)
    caller.page()
    clock.now += 0.25
    headers = caller.page().headers
    assert [headers[f"inin-ratelimit-{n}"] for n in ("count", "allowed", "reset")] == ["2", "5", "60"]
    assert headers["inin-correlation-id"]


def test_a_sliding_window_lets_one_in_for_each_that_leaves(start: Start, clock: Clock) -> None:
    """In a sliding window a request is free again one window after it was made."""
    caller = start(clock=clock, rate_public=2, rate_kind=RateWindow.SLIDING, rate_window=10.0)
    assert spent(caller, 1) == [200]
    clock.now += 4
    assert spent(caller, 2) == [200, 429]
    clock.now += 6
    assert spent(caller, 2) == [200, 429]


def test_the_article_has_an_allowance_of_its_own_and_no_headers(start: Start) -> None:
    """The article's contract allows 200 requests to a client and does not say so; new tokens do not help."""
    caller = start(rate_article=2, rate_public=1)
    caller.article()
    caller.token()
    reply = caller.article()
    assert reply.status == 200
    assert "inin-ratelimit-count" not in reply.headers
    assert caller.article().status == 429
    assert caller.page().status == 200


def test_the_public_allowance_goes_by_token(start: Start) -> None:
    """A new token has a new allowance."""
    caller = start(rate_public=1)
    assert spent(caller, 2) == [200, 429]
    caller.token()
    assert spent(caller, 1) == [200]


def test_the_traffic_of_others_counts(start: Start, clock: Clock) -> None:
    """With other traffic the count rises by itself."""
    caller = start(clock=clock, rate_public=100, other_traffic=2.0)
    caller.page()
    clock.now += 10.25
    assert caller.page().headers["inin-ratelimit-count"] == "22"
    clock.now += 49.0
    assert caller.page().status == 429


def test_rate_headers_can_be_left_out(start: Start) -> None:
    """With the switch off, neither the headers nor Retry-After are sent."""
    caller = start(rate_public=1, rate_headers=False, retry_after=False)
    caller.page()
    refused = caller.page()
    assert refused.status == 429
    assert "Retry-After" not in refused.headers
    assert not any(name.startswith("inin-ratelimit") for name in refused.headers)


def test_the_token_endpoint_is_disturbed_only_when_meant(start: Start) -> None:
    """A fault for everything spares the token endpoint; one for the token endpoint strikes it alone."""
    caller = start(SimFault(kind=FaultKind.STATUS, times=None))
    assert caller.token().status == 200
    assert caller.page().status == 503
    caller.simulator.clear_faults()
    caller.simulator.inject(SimFault(kind=FaultKind.STATUS, status=429, on=Match(kinds=(Kind.TOKEN,))))
    assert caller.token().status == 429
    assert caller.page().status == 200


def test_many_threads_never_get_more_than_allowed(start: Start) -> None:
    """However many ask at once, exactly the allowance is let in."""
    caller = start(rate_public=20)
    statuses: list[int] = []
    threads = [threading.Thread(target=lambda: statuses.extend(spent(caller, 5))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses.count(200) == 20
    assert statuses.count(429) == 20
    assert caller.simulator.log.count(Kind.CONVERSATIONS, status=429) == 20
    assert DAY in {entry.interval for entry in caller.simulator.log}
