"""How a failed exchange is told: the ids that the support asks for, and whether it was the API that answered."""

import pytest

from resumable.api.client import Asked
from resumable.config import Policy
from resumable.datasets.refusals import refusal_of
from resumable.datasets.resolve import get
from resumable.errors import (
    Failure,
    StatusFault,
)
from resumable.models import Request
from resumable.redaction import Secret
from resumable.transport.http import Reply
from tests.support.builders import Parties, parties
from tests.support.clock import VirtualClock
from tests.support.transports import ScriptedTransport, Step, reply, token_reply

ASKED = Asked(what="2023-10-01 page 3", request=Request(method="GET", path="/api/v2/x"))
FINE = reply({"fine": True})


def wait_of(seconds: str) -> Reply:
    """Return a 429 that asks for a wait."""
    return reply({"code": "too.many"}, status=429, headers={"retry-after": seconds})


def made(
    *steps: Step, clock: VirtualClock | None = None, policy: Policy | None = None, login: Step | None = None
) -> tuple[Parties, ScriptedTransport, VirtualClock]:
    """Make a client whose answers follow a script."""
    clock = clock or VirtualClock(1)
    api = ScriptedTransport(clock, list(steps))
    numbers = iter(range(1, 1000))
    tokens = ScriptedTransport(clock, [login or (lambda _: token_reply(f"token-{next(numbers)}"))])
    return parties(api, tokens, clock, policy=policy), api, clock


def exchange(parts: Parties, asked: Asked = ASKED) -> int:
    """See one exchange through, content with any answer."""
    return parts.client.exchange(asked, lambda answer: answer.status)


def refused(status: int, body: object, headers: dict[str, str] | None = None) -> StatusFault:
    """Return the fault that an answer ends an exchange with, and that the journal kept last."""
    parts, _, _ = made(reply(body, status=status, headers=headers), policy=Policy(attempts=1))
    with pytest.raises(StatusFault) as caught:
        exchange(parts)
    assert parts.journal.failures[-1] == (ASKED.what, caught.value)
    return caught.value


def test_a_failure_names_the_ids_that_the_support_asks_for() -> None:
    """Of the header and of the body, as fields, and in the words that reach messages, status, events and the log."""
    fault = refused(504, {"message": "x", "contextId": "b0-1f"}, {"inin-correlation-id": "a7c3-99"})
    assert (fault.correlation_id, fault.context_id) == ("a7c3-99", "b0-1f")
    assert fault.reason.endswith("(correlation id a7c3-99)")
    fault = refused(504, {"message": "x", "contextId": "b0-1f"})
    assert (fault.correlation_id, fault.context_id) == (None, "b0-1f")
    assert fault.reason.endswith("(correlation id b0-1f)")


@pytest.mark.parametrize("text", ["x\x1b[2J1", "a b c d", "", "x" * 101, "token-1", "<script>1"])
def test_an_id_that_is_none_is_not_told(text: str) -> None:
    """A header may hold anything, a token too: what is no id is left out."""
    parts, _, _ = made(reply({}, status=504, headers={"inin-correlation-id": text}), policy=Policy(attempts=1))
    parts.client.redactor.learn(Secret("token-1"))
    with pytest.raises(StatusFault) as caught:
        exchange(parts)
    assert caught.value.correlation_id is None
    assert "correlation" not in caught.value.reason


@pytest.mark.parametrize("body", [b"<html>not found</html>", b"", b"[]", b'"no"'])
def test_a_404_in_words_that_are_not_the_api_s_blames_the_address(body: bytes) -> None:
    """A gateway's page says nothing of the filters."""
    fault = refused(404, body)
    assert fault.failure is Failure.NOT_THE_API
    error = refusal_of(fault, get("conversations"))
    assert error is not None
    assert "GENESYS_API_URL" in error.hint
    assert "filters" not in error.hint


def test_a_404_of_the_api_itself_is_about_the_request() -> None:
    """Its own error body says so."""
    fault = refused(404, {"message": "no such queue", "code": "not.found", "status": 404})
    assert fault.failure is Failure.QUERY_REFUSED
    error = refusal_of(fault, get("conversations"))
    assert error is not None
    assert "filters" in error.hint
