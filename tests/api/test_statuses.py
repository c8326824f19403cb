"""The table of HTTP statuses: one place to change, and what a server's words name."""

import pytest

from resumable.api.client import Asked
from resumable.api.statuses import DELETED, HUNDREDS, MEANINGS, SUBMITTED, Action, wall_in
from resumable.errors import Failure, StatusFault, Wall
from resumable.models import Request
from tests.support.builders import parties
from tests.support.clock import VirtualClock
from tests.support.transports import ScriptedTransport, reply, token_reply

ASKED = Asked(what="2023-10-01 page 3", request=Request(method="GET", path="/api/v2/x"))


def answered(asked: Asked, *statuses: int) -> tuple[int, int]:
    """See an exchange through whose answers have these statuses; return the last one, and how many were asked for."""
    clock = VirtualClock(1)
    api = ScriptedTransport(clock, [reply({"fine": True}, status=status) for status in statuses])
    parts = parties(api, ScriptedTransport(clock, [token_reply("token-1")]), clock)
    return parts.client.exchange(asked, lambda answer: answer.status), len(api.sent)


def test_a_row_of_the_table_is_all_that_a_new_status_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A status that was given up on at once is asked again as soon as the table says so, and nothing else."""
    with pytest.raises(StatusFault):
        answered(ASKED, 599, 200)
    monkeypatch.setitem(MEANINGS, 599, MEANINGS[503])
    assert answered(ASKED, 599, 200) == (200, 2)


def test_a_success_that_was_not_asked_for_is_no_answer() -> None:
    """A job that was submitted may be answered with 202, one that was deleted with 204, and a page with neither."""
    assert answered(Asked(what="a job", request=ASKED.request, accepts=SUBMITTED), 202) == (202, 1)
    assert answered(Asked(what="a job", request=ASKED.request, accepts=DELETED), 204) == (204, 1)
    assert answered(ASKED, 202, 203, 204, 206, 200) == (200, 5)
    assert answered(Asked(what="a job", request=ASKED.request, accepts=SUBMITTED), 206, 204, 202) == (202, 3)


def test_every_row_says_why_and_of_what_kind_it_is() -> None:
    """No row is without a reason, and what is asked again is never a refusal of the request."""
    for row in [*MEANINGS.values(), *HUNDREDS.values()]:
        assert row.why
        assert not (row.action is Action.AGAIN and row.failure is Failure.QUERY_REFUSED)
        assert not (row.action in (Action.AGAIN, Action.HOLD) and row.refuses_client)


@pytest.mark.parametrize(
    ("words", "wall", "limit"),
    [
        ("bad.request, Pagination may not exceed 1000 results.", Wall.DEPTH, 1000),
        ("pagination may not exceed 100000 results", Wall.DEPTH, 100_000),
        ("pageSize must not exceed 100", Wall.PAGE_SIZE, 100),
        ("size must be between 1 and 1000", Wall.PAGE_SIZE, 1000),
        ("a search interval that does not exceed 31 days", Wall.INTERVAL, 31),
        ("'x' is not a valid interval", Wall.INTERVAL, None),
        ("Pagination may not exceed 0 results", None, None),
        ("Too many asynchronous jobs: at most 2 at once.", Wall.JOBS, None),
        ("too.many.requests.retry.after, Too many concurrent jobs", Wall.JOBS, None),
        ("too.many.requests, Too many requests to /api/v2/analytics/conversations/details/jobs", None, None),
        ("too.many.requests.retry.after, Rate limit exceeded the maximum. Retry in [42] seconds", None, None),
        ("The limit details.jobs.concurrent.access.max has been reached", Wall.JOBS, None),
        ("Unrecognized field(s): queue", None, None),
        ("", None, None),
    ],
)
def test_the_walls_that_a_server_names_are_read_from_its_words(
    words: str, wall: Wall | None, limit: int | None
) -> None:
    """What a refusal names as its limit becomes a fact of the fault, with its number where it tells it."""
    assert wall_in(words) == (wall, limit)


def test_a_fault_carries_what_the_refusal_names() -> None:
    """The wall of a 400, its number and its kind are fields: nobody reads the reason."""
    clock = VirtualClock(1)
    told = reply({"code": "bad.request", "message": "Pagination may not exceed 1000 results."}, status=400)
    parts = parties(ScriptedTransport(clock, [told]), ScriptedTransport(clock, [token_reply("token-1")]), clock)
    with pytest.raises(StatusFault) as caught:
        parts.client.exchange(ASKED, lambda answer: answer.status)
    assert (caught.value.wall, caught.value.limit, caught.value.failure) == (Wall.DEPTH, 1000, Failure.QUERY_REFUSED)
