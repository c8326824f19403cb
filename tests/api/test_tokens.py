"""Tokens: one request for all threads, in time, and never a stream of them."""

import base64
import itertools
import math
import traceback
from collections.abc import Callable
from datetime import timedelta

import pytest

from resumable.api.tokens import Token
from resumable.clock import Stop
from resumable.config import Policy
from resumable.datasets.token_forms import TokenForm
from resumable.errors import AuthenticationFailed, ExitCode, Incomplete, StatusFault, TransportFault, TrustFault
from resumable.models import Counter
from resumable.transport.http import Reply
from tests.support.builders import CLIENT_SECRET, MemoryJournal, token_source
from tests.support.clock import VirtualClock
from tests.support.transports import ScriptedTransport, Sent, Step, reply, token_reply


def numbered(life: object) -> Callable[[Sent], Reply]:
    """Return a step that hands out token-1, token-2, ... of one life."""
    given: list[int] = []

    def step(_sent: Sent) -> Reply:
        given.append(1)
        return token_reply(f"token-{len(given)}", expires_in=life)

    return step


def gaps_between(transport: ScriptedTransport) -> list[float]:
    """Return the seconds between requests."""
    moments = [sent.at for sent in transport.sent]
    return [later - earlier for earlier, later in itertools.pairwise(moments)]


def test_all_threads_share_one_request(seed: int) -> None:
    """Eight threads that find no token cause one request and get the same token."""
    clock, got = VirtualClock(seed), []
    transport = ScriptedTransport(clock, [token_reply()], latency=0.7)
    tokens = token_source(transport, clock)

    def body() -> None:
        token = tokens.get()
        assert token is not None
        got.append(token.value.reveal())

    clock.run_threads(body, list("abcdefgh"))
    assert got == ["token-1"] * 8
    assert len(transport.sent) == 1


@pytest.mark.parametrize(("life", "usable"), [(3, 2.7), (10, 9.0), (300, 270.0), (86400, 86340.0), (172_800, 172_740)])
def test_a_token_is_renewed_a_tenth_of_its_life_early_and_a_minute_at_most(life: float, usable: float) -> None:
    """The margin fits the life: 0.3 s of 3 s, 30 s of 5 minutes, a minute of a day."""
    clock = VirtualClock()
    transport = ScriptedTransport(clock, [numbered(life)])
    tokens = token_source(transport, clock)
    first = tokens.get()
    clock.sleep(usable - 0.05)
    assert tokens.get() is first
    assert tokens.life_left_seconds() == pytest.approx(life - usable + 0.05, abs=1e-3)
    clock.sleep(0.1)
    assert tokens.get() is not first
    assert len(transport.sent) == 2


def test_no_token_is_ever_handed_out_past_its_life(seed: int) -> None:
    """Over an hour with tokens of ten seconds and a slow login no thread gets one that has run out."""
    clock = VirtualClock(seed)
    issued: dict[str, float] = {}

    def step(_sent: Sent) -> Reply:
        name = f"token-{len(issued)}"
        issued[name] = clock.monotonic()
        return token_reply(name, expires_in=10)

    tokens = token_source(ScriptedTransport(clock, [step], latency=0.4), clock)

    def body() -> None:
        for _ in range(450):
            token = tokens.get()
            assert token is not None
            assert clock.monotonic() < issued[token.value.reveal()] + 10.0
            clock.sleep(clock.uniform(1.0, 15.0))

    clock.run_threads(body, list("abcdefgh"))
    assert clock.monotonic() > 3000.0


def test_a_token_that_was_on_its_way_for_longer_than_it_lives_is_never_used() -> None:
    """It is asked for again; where that does not help, the run ends and says why."""
    clock = VirtualClock()
    slow = token_source(ScriptedTransport(clock, [token_reply(expires_in=10)], latency=11.0), clock)
    with pytest.raises(Incomplete, match="11 s on its way, and lives for 10 s"):
        slow.get()


@pytest.mark.parametrize("life", [0, -5, None, "3600", "soon", True, [], math.nan, math.inf, -math.inf], ids=repr)
def test_a_life_that_is_no_positive_number_is_taken_for_the_shortest(life: object) -> None:
    """What cannot be believed counts as five minutes: the token is used, and a 401 would correct it."""
    clock = VirtualClock()
    tokens = token_source(ScriptedTransport(clock, [token_reply(expires_in=life)]), clock)
    assert tokens.get() is not None
    assert tokens.life_left_seconds() == 300.0


@pytest.mark.parametrize("life", [1e9, 1e308, 10**400], ids=["1e9", "1e308", "10**400"])
def test_a_huge_life_is_taken_for_the_longest_documented(life: float) -> None:
    """No number, however big, breaks the run or makes a token last for ever."""
    clock = VirtualClock()
    tokens = token_source(ScriptedTransport(clock, [token_reply(expires_in=life)]), clock)
    assert tokens.get() is not None
    assert tokens.life_left_seconds() == 172_800.0


def test_a_tiny_life_costs_one_request_a_second_and_no_more() -> None:
    """Tokens of a millisecond are asked for once a second at most."""
    clock = VirtualClock()
    transport = ScriptedTransport(clock, [numbered(0.001)])
    tokens = token_source(transport, clock)
    for _ in range(20):
        assert tokens.get() is not None
        clock.sleep(0.01)
    assert min(gaps_between(transport)) >= 1.0


def test_a_refused_token_is_replaced_once(seed: int) -> None:
    """When eight threads all report the same token as refused, one new one is asked for."""
    clock, seen = VirtualClock(seed), []
    transport = ScriptedTransport(clock, [numbered(86400)], latency=0.3)
    tokens = token_source(transport, clock)

    def body() -> None:
        token = tokens.get()
        assert token is not None
        clock.sleep(clock.uniform(0.5, 3.0))
        tokens.invalidate(token)
        again = tokens.get()
        assert again is not None
        seen.append(again.value.reveal())

    clock.run_threads(body, list("abcdefgh"))
    assert set(seen) == {"token-2"}
    assert len(transport.sent) == 2


def test_both_clocks_end_a_token() -> None:
    """A wall clock that jumps ahead (the machine slept) ends it; one set back does not make it live longer."""
    clock = VirtualClock()
    transport = ScriptedTransport(clock, [numbered(3600)])
    tokens = token_source(transport, clock)
    tokens.get()
    clock.jump(timedelta(hours=2))
    assert _name(tokens.get()) == "token-2"
    clock.jump(timedelta(days=-3))
    assert _name(tokens.get()) == "token-2"
    clock.sleep(3600)
    assert _name(tokens.get()) == "token-3"
    assert len(transport.sent) == 3


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_refused_credentials_end_the_run_at_once(status: int) -> None:
    """A 4xx of the token endpoint is exit code 4 after one request, with what to check."""
    clock = VirtualClock()
    transport = ScriptedTransport(clock, [reply({"error": "invalid_client"}, status=status)])
    with pytest.raises(AuthenticationFailed, match=f"HTTP {status}: invalid_client") as caught:
        token_source(transport, clock).get()
    assert caught.value.exit_code == ExitCode.AUTHENTICATION
    assert "GENESYS_CLIENT_SECRET" in caught.value.hint
    assert len(transport.sent) == 1
    assert clock.monotonic() == 1000.0


TROUBLE: dict[str, Step] = {
    "500": reply({}, status=500),
    "503": reply(b"<html>", status=503),
    "429": reply({}, status=429),
    "408": reply({}, status=408),
    "html": reply(b"<html>login</html>"),
    "nothing": reply(b""),
    "null": reply(None),
    "a list": reply([]),
    "no token": reply({"expires_in": 5}),
    "an empty token": reply({"access_token": ""}),
    "a token with a newline": reply({"access_token": "a\r\nX: y"}),
    "a token that is a number": reply({"access_token": 5}),
    "not UTF-8": reply(b'{"access_token": "\xff"}'),
    "nested too deep": reply(b"[" * 10_000),
    "more than any token": reply(b'{"access_token": "a"}' + b" " * 100_000),
    "204": reply(b"", status=204),
    "a redirect": StatusFault("HTTP 302", status=302),
    "a timeout": TransportFault("no answer within 60 s"),
}


OUT = ("500", "503", "408", "a timeout")


@pytest.mark.parametrize("trouble", OUT)
def test_a_login_that_is_out_is_waited_for(trouble: str, seed: int) -> None:
    """5xx and timeouts are an outage: after its tries it is asked seldom, for half an hour, and then exit code 3."""
    clock = VirtualClock(seed)
    transport = ScriptedTransport(clock, [TROUBLE[trouble]])
    with pytest.raises(Incomplete, match="no answer since"):
        token_source(transport, clock).get()
    assert 1800 <= clock.monotonic() - 1000.0 < 1860
    assert 100 < len(transport.sent) < 220
    assert min(gaps_between(transport)) >= 1.0


@pytest.mark.parametrize("trouble", [trouble for trouble in TROUBLE if trouble not in OUT])
def test_a_login_in_trouble_is_tried_six_times_and_then_the_run_can_be_resumed(trouble: str, seed: int) -> None:
    """429 and pages that are no answer: bounded tries, a second apart at least, then exit code 3."""
    clock = VirtualClock(seed)
    transport = ScriptedTransport(clock, [TROUBLE[trouble]])
    with pytest.raises(Incomplete, match="could not get an access token"):
        token_source(transport, clock).get()
    assert len(transport.sent) == 6
    assert min(gaps_between(transport)) >= 1.0
    assert clock.monotonic() == transport.sent[-1].at, "nobody waits after the last try"


@pytest.mark.parametrize("trouble", TROUBLE)
def test_a_login_that_recovers_is_forgiven(trouble: str, seed: int) -> None:
    """Trouble that passes costs nothing but time."""
    clock = VirtualClock(seed)
    steps = [TROUBLE[trouble]] * 3 + [token_reply()]
    assert token_source(ScriptedTransport(clock, steps), clock).get() is not None


def test_a_login_that_says_how_long_to_wait_is_obeyed(seed: int) -> None:
    """Retry-After up to the cap is waited for; over the cap the run ends and says when to come back."""
    clock = VirtualClock(seed)
    transport = ScriptedTransport(clock, [reply({}, status=429, headers={"retry-after": "90"}), token_reply()])
    assert token_source(transport, clock).get() is not None
    assert gaps_between(transport)[0] >= 90.0
    for status in (429, 503):
        far = ScriptedTransport(clock, [reply({}, status=status, headers={"retry-after": "7200"})])
        with pytest.raises(Incomplete, match="7200 s") as caught:
            token_source(far, clock).get()
        assert caught.value.not_before == clock.now() + timedelta(seconds=7200)
        assert len(far.sent) == 1


def test_a_stranger_at_the_login_host_is_not_asked_twice() -> None:
    """A certificate that does not prove the host ends the run after one request."""
    clock = VirtualClock()
    transport = ScriptedTransport(clock, [TrustFault("self-signed certificate")])
    with pytest.raises(Incomplete, match="self-signed") as ended:
        token_source(transport, clock).get()
    assert len(transport.sent) == 1
    assert "RESUMABLE_CA_BUNDLE" in ended.value.hint


def test_a_failed_refresh_lets_the_others_leave_without_asking_again(seed: int) -> None:
    """When the thread that asked for all is refused, and ends the run, no other thread sends the credentials again."""
    clock, ends = VirtualClock(seed), []
    transport = ScriptedTransport(clock, [reply({"error": "invalid_client"}, status=400)], latency=0.5)
    stop = Stop(clock)
    tokens = token_source(transport, clock, stop=stop)

    def body() -> None:
        try:
            ends.append(tokens.get())
        except AuthenticationFailed:
            stop.request("error")

    clock.run_threads(body, list("abcdefgh"))
    assert ends == [None] * 7
    assert len(transport.sent) == 1


def test_a_stop_ends_the_waits_of_a_refresh() -> None:
    """A signal during the tries of the login ends them at once: no token, no error."""
    clock = VirtualClock()
    stop = Stop(clock)
    tokens = token_source(
        ScriptedTransport(clock, [reply({}, status=429, headers={"retry-after": "100"})]), clock, stop=stop
    )
    clock.at(5.0, lambda: stop.request("SIGINT"))
    assert tokens.get() is None
    assert clock.monotonic() == 1005.0


@pytest.mark.parametrize("form", TokenForm)
def test_credentials_travel_in_the_form_of_the_contract(form: TokenForm) -> None:
    """As HTTP Basic, or as form fields, and only there."""
    clock = VirtualClock()
    transport = ScriptedTransport(clock, [token_reply()])
    token_source(transport, clock, form=form).get()
    sent = transport.sent[0]
    assert (sent.request.method, sent.request.path) == ("POST", "/oauth/token")
    if form is TokenForm.BASIC:
        pair = base64.b64encode(f"client:{CLIENT_SECRET}".encode()).decode()
        assert sent.headers == {"Authorization": f"Basic {pair}"}
        assert sent.form == {"grant_type": "client_credentials"}
    else:
        assert sent.headers == {}
        assert sent.form == {"grant_type": "client_credentials", "client_id": "client", "client_secret": CLIENT_SECRET}


@pytest.mark.parametrize("trouble", [*TROUBLE, "refused"])
def test_no_secret_is_in_any_error_event_or_repr(trouble: str, seed: int) -> None:
    """Whatever the login answers, even the secret itself, no text that comes of it holds secret or token."""
    clock, journal = VirtualClock(seed), MemoryJournal()
    echo = reply({"access_token": "token-canary-77", "echo": CLIENT_SECRET, "expires_in": 5})
    refused = reply({"error": CLIENT_SECRET, "message": CLIENT_SECRET}, status=400)
    shown = ""
    for step in (echo, refused if trouble == "refused" else TROUBLE[trouble], reply(CLIENT_SECRET.encode())):
        tokens = token_source(ScriptedTransport(clock, [step]), clock, journal=journal, policy=Policy(attempts=2))
        try:
            shown += repr(tokens.get())
        except (AuthenticationFailed, Incomplete) as error:
            shown += repr((str(error), error.hint, error.__cause__, error.__context__))
            frames = traceback.TracebackException.from_exception(error, capture_locals=True).stack
            shown += repr([frame.locals for frame in frames if "/tests/" not in frame.filename])
        shown += repr(vars(tokens))
    shown += repr(journal.events)
    for canary in (CLIENT_SECRET, base64.b64encode(f"client:{CLIENT_SECRET}".encode()).decode(), "token-canary-77"):
        assert canary not in shown


def test_token_requests_that_brought_one_are_counted() -> None:
    """The counter of refreshes counts tokens, not tries."""
    clock, journal = VirtualClock(), MemoryJournal()
    transport = ScriptedTransport(clock, [reply({}, status=500), token_reply(expires_in=10)])
    tokens = token_source(transport, clock, journal=journal)
    tokens.get()
    clock.sleep(20)
    tokens.get()
    assert journal.counts[Counter.TOKEN_REFRESHES] == 2
    assert len(transport.sent) == 3


def _name(token: Token | None) -> str | None:
    return token.value.reveal() if token else None
