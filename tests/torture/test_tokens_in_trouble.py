"""Tokens in trouble, in whole runs: one refresh for all threads, a second apart at least, every page taken once."""

import itertools
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from resumable import AuthenticationFailed, Incomplete, JobState
from resumable.config import Policy
from resumable.errors import ExitCode
from resumable.redaction import Secret
from resumable.simulator.faults.faults import FaultKind, Match, SimFault
from resumable.simulator.messages import Kind
from resumable.simulator.settings import Lifetime
from tests.support.builders import virtual_settings
from tests.torture.virtual import PAGE, Stage, stage

pytestmark = pytest.mark.torture

Trials = Callable[[str], int]
Tally = Callable[[str, int], None]

TOKEN = Match(kinds=(Kind.TOKEN,))
APART = 1.0 - 1e-6
"""Seconds between two requests for tokens, at least."""

CLAIMS: tuple[object, ...] = (
    0, -1, -86400, 1, 0.5, 1e-9, 1e9, 1e30, 10**30, True, False, None, "3600", "soon", "", [], {}, [60],
    Lifetime.ABSENT,
)  # fmt: skip
"""What an answer says of a token's life."""


@pytest.mark.parametrize(
    ("claim", "real_life"),
    [*((claim, 7.0) for claim in CLAIMS), *((claim, 86_400.0) for claim in CLAIMS[:4])],
    ids=repr,
)
def test_whatever_an_answer_says_of_a_tokens_life_the_run_ends_whole(
    claim: object, real_life: float, seed: int, tmp_path: Path, tally: Tally
) -> None:
    """The claim may be any JSON and the token may end long before or after it."""
    at = stage(tmp_path, seed, expires_in=claim, token_lifetime=real_life, latency=(0.1, 3.0), days=3)
    assert at.run().state is JobState.COMPLETE
    at.assert_whole()
    assert at.least_gap >= APART
    assert at.sim.log.count(PAGE, status=401) <= 8 * len(at.token_requests), "a refused token was used again"
    tally("runs with an odd expires_in", 1)


def test_tokens_may_end_at_any_moment(seed: int, trials: Trials, tally: Tally, tmp_path: Path) -> None:
    """With lives and claims at random, half of them shorter than a page takes, each run ends equal to the truth."""
    number = max(8, trials("inputs") // 200)
    for trial in range(number):
        dice = random.Random(f"{seed} life {trial}")
        life = dice.choice((dice.uniform(1.5, 4.0), dice.uniform(3.0, 60.0)))
        claim = dice.choice((Lifetime.HONEST, life * dice.uniform(0.2, 5.0), 86_400))
        print(f"trial {trial}: life {life:.2f} s, said {claim}, latency up to {life / 4:.2f} s")
        at = stage(
            tmp_path / str(trial), seed + trial, token_lifetime=life, expires_in=claim, latency=(0.0, life / 4), days=4
        )
        assert at.run().state is JobState.COMPLETE
        at.assert_whole()
        assert at.least_gap >= APART
    tally("runs with tokens that end at random moments", number)


def test_a_token_revoked_at_any_request_costs_one_refresh(seed: int, tally: Tally, tmp_path: Path) -> None:
    """For each request of a run: revoked just then, all threads share one new token, and no page is taken twice."""
    for nth in itertools.count(1):
        print(f"revoked at request {nth}")
        revoked = SimFault(kind=FaultKind.REVOKE, on=Match(nth=(nth,)))
        at = stage(tmp_path / str(nth), seed, revoked)
        assert at.run().state is JobState.COMPLETE
        at.assert_whole()
        if not at.sim.faults_fired()[FaultKind.REVOKE]:
            break
        assert len(at.token_requests) == 2
        assert at.least_gap >= APART
    assert nth > 8
    tally("requests at which the token was revoked", nth - 1)


def test_a_secret_that_is_rotated_ends_the_run_and_the_new_one_carries_on(seed: int, tmp_path: Path) -> None:
    """The old one is refused after one try: exit 4, what came is safe; with the new one only the rest is asked for."""
    at = stage(tmp_path, seed, days=6)

    def rotate() -> None:
        at.sim.switch(client_secret="another-secret-9d11")
        at.sim.revoke_tokens()

    at.clock.at(2.0, rotate)
    with pytest.raises(AuthenticationFailed) as caught:
        at.run()
    assert caught.value.exit_code == ExitCode.AUTHENTICATION
    assert len(at.token_requests) == 2
    done = at.job.status().totals.pages_done
    assert done > 0
    settings = virtual_settings(at.sim, at.clock, tmp_path)
    assert settings.client_secret == Secret("another-secret-9d11")
    again = replace(at, job=replace(at.job, settings=settings))
    assert again.run().state is JobState.COMPLETE
    again.assert_whole()


TROUBLE: dict[str, tuple[SimFault, type[Exception]]] = {
    **{
        f"status {status}": (SimFault(kind=FaultKind.STATUS, on=TOKEN, status=status), AuthenticationFailed)
        for status in (400, 401, 403, 404, 405, 410, 422)
    },
    **{
        f"status {status}": (SimFault(kind=FaultKind.STATUS, on=TOKEN, status=status), Incomplete)
        for status in (408, 429, 500, 502, 503, 504, 529)
    },
    "an HTML page": (SimFault(kind=FaultKind.HTML, on=TOKEN, status=200), Incomplete),
    "a redirect": (
        SimFault(kind=FaultKind.REDIRECT, on=TOKEN, status=302, location="https://x.example/"),
        Incomplete,
    ),
    "nothing": (SimFault(kind=FaultKind.EMPTY, on=TOKEN), Incomplete),
    "a reset": (SimFault(kind=FaultKind.RESET_BEFORE, on=TOKEN), Incomplete),
    "an answer lost": (SimFault(kind=FaultKind.LOST_ANSWER, on=TOKEN), Incomplete),
    "a body that is cut": (SimFault(kind=FaultKind.CUT, on=TOKEN), Incomplete),
    "no token": (SimFault(kind=FaultKind.BODY, on=TOKEN, body='{"expires_in":60}'), Incomplete),
    "a 429 that asks for 30 s": (
        SimFault(kind=FaultKind.STATUS, on=TOKEN, status=429, headers=(("Retry-After", "30"),)),
        Incomplete,
    ),
}

OUT = frozenset(
    (*(f"status {code}" for code in (408, 500, 502, 503, 504)), "a reset", "an answer lost", "a body that is cut")
)
"""Troubles that are an outage of the login service: it is waited for."""

PATIENCE = 1800.0
STEPS = ((300.0, 3.0), (300.0, 9.0), (1200.0, 27.0))
"""Seconds of an outage, and how often one asks meanwhile."""


@pytest.mark.parametrize(
    ("trouble", "moment"),
    [*((trouble, "in mid-run") for trouble in TROUBLE), ("status 400", "at the start"), ("status 503", "at the start")],
)
def test_a_token_endpoint_in_trouble_for_good_ends_the_run_in_bounds(
    trouble: str, moment: str, seed: int, tmp_path: Path, tally: Tally
) -> None:
    """Refused is exit 4 after one try, no token exit 3 after six, no answer exit 3 after the patience; cured: whole."""
    fault, ending = TROUBLE[trouble]
    at = stage(tmp_path, seed, token_lifetime=86_400.0 if moment == "at the start" else 3.0, days=4)
    first = 0 if moment == "at the start" else 1
    at.sim.inject(replace(fault, on=replace(TOKEN, nth=tuple(range(1 + first, 1000))), times=None))
    with pytest.raises((AuthenticationFailed, Incomplete)) as caught:
        at.run()
    assert isinstance(caught.value, ending), caught.value
    asked = at.token_requests[first:]
    if trouble in OUT:
        lasted = asked[-1].at - asked[0].at
        assert PATIENCE - 60.0 < lasted <= PATIENCE + 1.0  # which counts from the first answer, not from its request
        assert len(asked) <= Policy().attempts + sum(seconds / (0.8 * step) for seconds, step in STEPS)
    elif "redirect" not in trouble:
        assert len(asked) == (1 if ending is AuthenticationFailed else Policy().attempts)
    assert at.least_gap >= APART
    at.sim.clear_faults()
    at.sim.switch(token_lifetime=86_400.0)
    assert at.run().state is JobState.COMPLETE
    at.assert_whole()
    tally("kinds of trouble with the token endpoint", 1)


@pytest.mark.parametrize("trouble", [name for name, (_, ending) in TROUBLE.items() if ending is Incomplete])
def test_a_token_endpoint_that_recovers_is_forgiven(trouble: str, seed: int, tmp_path: Path) -> None:
    """Two failures and then a token: the run ends whole without anybody noticing."""
    fault, _ = TROUBLE[trouble]
    at = stage(tmp_path, seed, replace(fault, times=2), days=1)
    assert at.run().state is JobState.COMPLETE
    at.assert_whole()
    assert at.least_gap >= APART


def test_a_storm_of_401s_ends_with_exit_4_and_no_storm_of_token_requests(seed: int, tmp_path: Path) -> None:
    """Where every page is refused for ever: exit 4 within a minute, few token requests, all a second apart."""
    at = stage(tmp_path, seed, SimFault(kind=FaultKind.STATUS, status=401, times=None), days=6)
    begun = at.clock.monotonic()
    with pytest.raises(AuthenticationFailed) as caught:
        at.run()
    assert caught.value.exit_code == ExitCode.AUTHENTICATION
    assert at.clock.monotonic() - begun < 60
    assert len(at.token_requests) <= 4
    assert at.least_gap >= APART
    _resumes(at)


def test_a_login_that_asks_for_ten_thousand_years_gives_a_time_to_come_back(seed: int, tmp_path: Path) -> None:
    """However long a Retry-After of the token endpoint is, the run ends with exit 3 and a time that a calendar has."""
    for number, text in enumerate(("999999999999", "9" * 300, "Fri, 31 Dec 9999 23:59:59 GMT")):
        fault = SimFault(kind=FaultKind.STATUS, on=TOKEN, status=429, headers=(("Retry-After", text),))
        at = stage(tmp_path / str(number), seed, fault)
        with pytest.raises(Incomplete) as caught:
            at.run()
        assert caught.value.not_before is not None
        assert caught.value.not_before > at.clock.now() + timedelta(days=365)
        _resumes(at)


def _resumes(at: Stage) -> None:
    at.sim.clear_faults()
    assert at.run().state is JobState.COMPLETE
    at.assert_whole()
