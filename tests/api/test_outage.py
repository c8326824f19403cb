"""What is an outage and what is not, by arithmetic alone: who failed, who was answered, and when."""

import pytest

from resumable.api.outage import ENOUGH, SLOW_SECONDS, Outage
from resumable.errors import Failure, Fault, ProtocolFault, StatusFault, TransportFault

DOWN = StatusFault("HTTP 503", status=503, failure=Failure.OVERLOADED)
SLOW = StatusFault("HTTP 504", status=504, failure=Failure.TIMED_OUT)


def outage(*active: str) -> Outage:
    """Return what knows of so many exchanges and of nothing else yet."""
    made = Outage(patience_seconds=1800.0)
    for who in active:
        made.entered(who)
    return made


def test_one_that_fails_alone_is_no_outage() -> None:
    """However often: it may be its page."""
    known = outage("a")
    assert not any(known.failed("a", float(now), DOWN) for now in range(20))
    assert known.alone("a")


def test_all_that_fail_with_no_answer_in_between_are_one() -> None:
    """The last of those that are active decides, and it began with the first failure."""
    known = outage("a", "b", "c")
    assert [known.failed(who, now, DOWN) for who, now in (("a", 1.0), ("b", 2.0), ("a", 3.0))] == [False] * 3
    assert known.failed("c", 4.0, TransportFault("connection refused"))
    assert (known.since, known.why) == (1.0, "connection refused")
    assert not known.failed("a", 5.0, DOWN), "it began once"


def test_of_very_many_some_are_enough() -> None:
    """Where 32 are active, not all have to fail first."""
    known = outage(*(str(number) for number in range(32)))
    began = [known.failed(str(number), float(number), DOWN) for number in range(ENOUGH)]
    assert began == [False] * (ENOUGH - 1) + [True]


@pytest.mark.parametrize(
    "fault",
    [ProtocolFault("no page"), StatusFault("HTTP 400", status=400, failure=Failure.QUERY_REFUSED)],
    ids=["no page", "refused"],
)
def test_what_is_about_the_request_is_no_evidence(fault: Fault) -> None:
    """Whoever is told what is wrong with the request was answered."""
    known = outage("a", "b")
    assert not any(known.failed(who, 1.0, fault) for who in "ab")


def test_those_that_fail_while_others_are_answered_have_trouble_of_their_own() -> None:
    """Two pages that never come are no outage, even when they are the last that are left."""
    known = outage("a", "b", "c")
    known.failed("a", 1.0, DOWN)
    known.failed("b", 1.0, DOWN)
    assert not known.answered(2.0)
    known.left("c")
    assert not any(known.failed(who, 3.0 + turn, DOWN) for turn in range(5) for who in "ab")
    assert not known.alone("a")


def test_an_answer_to_what_was_sent_before_a_failure_clears_nothing() -> None:
    """One that was under way says nothing of what came after."""
    known = outage("a", "b", "c")
    known.failed("a", 5.0, DOWN)
    known.answered(4.0)
    known.failed("b", 5.5, DOWN)
    assert known.failed("c", 6.0, DOWN)
    assert not known.answered(5.0)
    assert known.answered(7.0)
    assert known.since is None


def test_it_is_asked_as_the_vendor_advises() -> None:
    """Every 3 seconds for five minutes, every 9 for five more, then every 27."""
    known = outage("a", "b")
    for who in "ab":
        known.failed(who, 100.0, DOWN)
    assert [known.step(100.0 + lasted) for lasted in (0, 299, 301, 599, 601, 1799)] == [3.0, 3.0, 9.0, 9.0, 27.0, 27.0]
    assert known.left_seconds(100.0 + 1799) == 1.0


def test_nothing_but_504_for_five_minutes_are_heavy_queries() -> None:
    """From then on 504 is no evidence any more; with one 503 among them it stays an outage."""
    known = outage("a", "b")
    for who in "ab":
        known.failed(who, 0.0, SLOW)
    assert not known.only_slow(SLOW_SECONDS - 1)
    assert known.only_slow(SLOW_SECONDS)
    assert not any(known.failed(who, SLOW_SECONDS + 1, SLOW) for who in "ab")
    mixed = outage("a", "b")
    mixed.failed("a", 0.0, SLOW)
    mixed.failed("b", 0.0, DOWN)
    assert not mixed.only_slow(10 * SLOW_SECONDS)
