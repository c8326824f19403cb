"""One exchange seen through: what is tried again, what ends it, and what is counted."""

import itertools
import threading
from datetime import timedelta

import pytest

from resumable.api.client import Asked, Stopped
from resumable.config import Policy
from resumable.errors import (
    AuthenticationFailed,
    ExitCode,
    Incomplete,
    PageBeyondEnd,
    ProtocolFault,
    StatusFault,
    TransportFault,
    TrustFault,
)
from resumable.models import Counter, EventKind, Request
from resumable.transport.http import Reply
from tests.support.builders import Parties, parties
from tests.support.clock import VirtualClock
from tests.support.transports import ScriptedTransport, Sent, Step, reply, token_reply

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


def together(clock: VirtualClock, parts: Parties) -> None:
    """See eight exchanges through at once."""

    def body() -> None:
        exchange(parts)

    clock.run_threads(body, list("abcdefgh"))


def counted(parts: Parties) -> tuple[int, ...]:
    """Return requests, retries and 429s."""
    return tuple(parts.journal.counts[each] for each in (Counter.REQUESTS, Counter.RETRIES, Counter.RATE_LIMITED))


def test_an_answer_that_is_fine_is_one_request() -> None:
    """One request, nothing tried again, with the token in its header."""
    parts, api, _ = made(FINE)
    assert exchange(parts) == 200
    assert counted(parts) == (1, 0, 0)
    assert api.sent[0].headers == {"Authorization": "Bearer token-1"}


PASSING: dict[str, Step] = {
    **{str(status): reply({}, status=status) for status in (408, 500, 502, 503, 504, *range(520, 525))},
    **{f"{status} to a page": reply({"fine": True}, status=status) for status in (201, 202, 203, 204, 206)},
    "a reset": TransportFault("connection reset"),
    "a cut": TransportFault("the body ended early"),
}


@pytest.mark.parametrize("trouble", PASSING)
def test_what_clears_up_is_tried_again(trouble: str) -> None:
    """Five failures and then an answer: six requests, five of them retries, each named in an event."""
    parts, _, _ = made(*[PASSING[trouble]] * 5, FINE)
    assert exchange(parts) == 200
    assert counted(parts) == (6, 5, 0)
    events = [text for kind, text in parts.journal.events if kind is EventKind.RETRY]
    assert len(events) == 5
    assert all(text.startswith("2023-10-01 page 3: ") for text in events)


@pytest.mark.parametrize("trouble", PASSING)
def test_what_does_not_clear_up_is_given_up_after_six_attempts(trouble: str) -> None:
    """The sixth failure is raised as it is; it was retried five times."""
    parts, api, _ = made(PASSING[trouble])
    with pytest.raises((StatusFault, TransportFault)):
        exchange(parts)
    assert len(api.sent) == 6
    assert counted(parts) == (6, 5, 0)


def test_an_answer_that_the_reader_refuses_is_tried_again() -> None:
    """A whole answer that is not what the contract says counts as a failed attempt."""
    parts, _, _ = made(FINE)
    looks: list[int] = []

    def read(answer: Reply) -> int:
        looks.append(1)
        if len(looks) < 4:
            raise ProtocolFault("the records are missing")
        return answer.status

    assert parts.client.exchange(ASKED, read) == 200
    assert counted(parts) == (4, 3, 0)


def test_a_page_beyond_the_end_is_not_asked_again() -> None:
    """It is raised at once: the server would say the same."""
    parts, _, _ = made(FINE)

    def read(_: Reply) -> int:
        raise PageBeyondEnd("2 pages now", page_count=2)

    with pytest.raises(PageBeyondEnd):
        parts.client.exchange(ASKED, read)
    assert counted(parts) == (1, 0, 0)


@pytest.mark.parametrize("status", [400, 404, 405, 409, 410, 413, 415, 422, 501])
def test_a_request_that_is_wrong_is_not_repeated(status: int) -> None:
    """An error that a repetition would not mend is raised at once, in the server's words."""
    parts, _, _ = made(reply({"code": "bad.request", "message": "No."}, status=status))
    with pytest.raises(StatusFault, match=rf"HTTP {status}: bad\.request, No\.") as caught:
        exchange(parts)
    assert caught.value.status == status
    assert counted(parts) == (1, 0, 0)


def test_429s_use_up_no_attempts() -> None:
    """Forty refusals, many more than attempts, are waited through as the server asks."""
    parts, api, clock = made(*[wait_of("5")] * 40, FINE)
    assert exchange(parts) == 200
    assert counted(parts) == (41, 40, 40)
    assert clock.monotonic() - 1000.0 >= 40 * 5
    moments = [sent.at for sent in api.sent]
    assert all(later - earlier >= 5.0 for earlier, later in itertools.pairwise(moments))


def test_a_429_holds_the_other_threads_too(seed: int) -> None:
    """One thread is told to wait 30 seconds: nobody sends anything in that time."""
    clock = VirtualClock(seed)
    parts, api, _ = made(*[FINE] * 9, wait_of("30"), FINE, clock=clock)
    api.latency = 0.5

    def body() -> None:
        for _ in range(5):
            exchange(parts)

    clock.run_threads(body, list("abcdefgh"))
    told = api.sent[9].at + 0.5
    assert len(api.sent) == 41
    assert all(sent.at <= told or sent.at >= told + 30.0 for sent in api.sent)


@pytest.mark.parametrize("header", [{}, {"retry-after": "0"}, {"retry-after": "-1"}, {"retry-after": "soon"}], ids=str)
def test_a_429_that_names_no_wait_is_not_answered_by_a_storm(header: dict[str, str]) -> None:
    """Without a usable Retry-After the waits grow by themselves; a storm that never ends ends the run in time."""
    parts, api, clock = made(reply({}, status=429, headers=header))
    with pytest.raises(Incomplete):
        exchange(parts)
    assert 900.0 < clock.monotonic() - 1000.0 < 1100.0
    assert len(api.sent) < 80


@pytest.mark.parametrize("header", ["181", "86400", "1000000000", "9" * 30])
def test_a_wait_over_the_cap_ends_the_run_and_says_when_to_come_back(header: str) -> None:
    """A daily limit is exit code 3 with `not_before`, without another request or a wait in silence."""
    parts, api, clock = made(wait_of(header))
    with pytest.raises(Incomplete, match="asks to wait") as caught:
        exchange(parts)
    assert caught.value.exit_code == ExitCode.INCOMPLETE
    assert caught.value.not_before is not None
    assert caught.value.not_before >= clock.now() + timedelta(seconds=min(float(header), 3e8))
    assert len(api.sent) == 1
    assert clock.monotonic() < 1001.0


def test_a_503_with_a_wait_is_obeyed_and_over_the_cap_given_up() -> None:
    """Every wait is at least what the server asked for: longer than the cap means not in this run."""
    parts, api, _ = made(reply({}, status=503, headers={"retry-after": "120"}), FINE)
    assert exchange(parts) == 200
    assert api.sent[1].at - api.sent[0].at >= 120.0
    parts, api, _ = made(reply({}, status=503, headers={"retry-after": "600"}))
    with pytest.raises(StatusFault):
        exchange(parts)
    assert len(api.sent) == 1
    # And given up on with a wait: whoever asks for it again, for its window is taken again, waits that long first.
    parts, api, _ = made(reply({}, status=503, headers={"retry-after": "120"}), FINE, policy=Policy(attempts=1))
    with pytest.raises(StatusFault):
        exchange(parts)
    assert exchange(parts) == 200
    assert api.sent[1].at - api.sent[0].at >= 120.0


def test_so_many_429s_as_the_asker_allows_fail_the_exchange() -> None:
    """Where a 429 may mean something else than the rate, it is the asker's to judge."""
    parts, _, _ = made(wait_of("1"))
    with pytest.raises(StatusFault):
        exchange(parts, Asked(what="submitting", request=ASKED.request, holds=1))
    assert counted(parts) == (2, 1, 2)


def test_a_revoked_token_is_replaced_and_the_same_page_sent_again() -> None:
    """One refresh, and the header is built anew: no attempt is used up."""
    parts, api, _ = made(reply({}, status=401), FINE, policy=Policy(attempts=1))
    assert exchange(parts) == 200
    assert [sent.headers["Authorization"] for sent in api.sent] == ["Bearer token-1", "Bearer token-2"]
    assert counted(parts) == (2, 1, 0)
    assert parts.journal.counts[Counter.TOKEN_REFRESHES] == 2


def test_a_storm_of_401s_ends_with_exit_code_4() -> None:
    """Tokens that are refused as soon as they are issued end the run after three, a second apart."""
    parts, api, clock = made(reply({"code": "bad.credentials"}, status=401))
    with pytest.raises(AuthenticationFailed, match="has just issued") as caught:
        exchange(parts)
    assert caught.value.exit_code == ExitCode.AUTHENTICATION
    assert len(api.sent) == 3
    assert parts.journal.counts[Counter.TOKEN_REFRESHES] == 3
    assert clock.monotonic() >= 1002.0


def test_a_revoked_token_costs_one_refresh_for_all_threads(seed: int) -> None:
    """Eight threads that meet the 401 together are served by one new token."""
    clock = VirtualClock(seed)
    api = ScriptedTransport(
        clock, [lambda sent: FINE if "token-2" in str(sent.headers) else reply({}, status=401)], latency=0.5
    )
    numbers = iter(range(1, 100))
    login = ScriptedTransport(clock, [lambda _: token_reply(f"token-{next(numbers)}")], latency=0.3)
    parts = parties(api, login, clock)
    together(clock, parts)
    assert len(login.sent) == 2
    assert counted(parts) == (16, 8, 0)


def test_a_missing_permission_ends_the_run_in_the_servers_words() -> None:
    """403 is exit code 4 at once, and names the permission."""
    said = {"code": "missing.permissions", "message": "You need analytics:conversationDetail:view."}
    parts, _, _ = made(reply(said, status=403))
    with pytest.raises(AuthenticationFailed, match="analytics:conversationDetail:view") as caught:
        exchange(parts)
    assert caught.value.exit_code == ExitCode.AUTHENTICATION
    assert counted(parts) == (1, 0, 0)


def test_an_api_host_that_cannot_prove_itself_ends_the_run() -> None:
    """A certificate problem is not retried: it is exit code 3 and says what to set."""
    parts, _, _ = made(TrustFault("self-signed certificate"))
    with pytest.raises(Incomplete, match="self-signed") as caught:
        exchange(parts)
    assert "RESUMABLE_CA_BUNDLE" in caught.value.hint
    assert counted(parts) == (1, 0, 0)


def test_the_budget_of_one_page_is_bounded_in_time() -> None:
    """Slow failures end by the clock before they end by the count."""
    clock = VirtualClock()
    parts, api, _ = made(TransportFault("slow"), clock=clock, policy=Policy(attempts=1000, budget_seconds=600))
    api.latency = 180.0
    with pytest.raises(TransportFault):
        exchange(parts)
    assert 600 < clock.monotonic() - 1000.0 < 900
    assert len(api.sent) <= 5


@pytest.mark.parametrize("step", [reply({}, status=503), wait_of("100")], ids=["between tries", "while held"])
def test_a_stop_ends_the_waits_between_two_tries(step: Step) -> None:
    """A signal is not kept waiting: the exchange ends at that moment, with nothing more sent."""
    clock = VirtualClock()
    parts, api, _ = made(step, clock=clock, policy=Policy(first_wait_seconds=1e6, longest_wait_seconds=1e6))
    clock.at(7.0, lambda: parts.stop.request("SIGINT"))
    with pytest.raises(Stopped):
        exchange(parts)
    assert clock.monotonic() == 1007.0
    assert len(api.sent) == 1


def test_nothing_is_sent_once_the_run_is_to_end() -> None:
    """After a stop, an exchange ends before its first request."""
    parts, api, _ = made(FINE)
    parts.stop.request("SIGINT")
    with pytest.raises(Stopped):
        exchange(parts)
    assert api.sent == []
    assert counted(parts) == (0, 0, 0)


def test_a_request_is_counted_before_it_is_sent() -> None:
    """A kill in mid-request finds it counted already."""
    counts: list[int] = []

    def look(_sent: Sent) -> Reply:
        counts.append(parts.journal.counts[Counter.REQUESTS])
        return FINE

    parts, _, _ = made(look)
    exchange(parts)
    assert counts == [1]


@pytest.mark.parametrize(
    "body",
    [
        b"<html>token=canary</html>",
        b"",
        b"null",
        b"[1]",
        b"\xff\xfe",
        b"{" * 5000,
        b'{"message": {"a": 1}}',
        b'{"message": "\\ud800"}',
    ],
    ids=lambda body: ascii(body[:20]),
)
def test_an_error_body_of_any_shape_is_told_and_never_breaks_the_run(body: bytes) -> None:
    """The status counts, whatever the body is."""
    parts, _, _ = made(reply(body, status=400))
    with pytest.raises(StatusFault, match="HTTP 400"):
        exchange(parts)


def test_no_lock_is_held_while_a_request_is_under_way(seed: int) -> None:
    """Eight exchanges of one second take one second together."""
    clock, most, flying = VirtualClock(seed), [0], [0]
    nobody = threading.Condition()

    def slow(_: Sent) -> Reply:
        flying[0] += 1
        most[0] = max(most[0], flying[0])
        with nobody:
            clock.wait(nobody, 1.0)
        flying[0] -= 1
        return FINE

    parts, _, _ = made(slow, clock=clock)
    together(clock, parts)
    assert most == [8]
    assert clock.monotonic() < 1001.1
