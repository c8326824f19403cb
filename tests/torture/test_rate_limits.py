"""429s in whole runs: everybody holds as long as was asked for, no attempt is used up, over the cap is exit 3."""

import random
from collections.abc import Callable
from datetime import timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from resumable import Incomplete, JobState
from resumable.config import Policy
from resumable.errors import ExitCode
from resumable.models import Counter
from resumable.simulator.faults.faults import FaultKind, Match, SimFault
from tests.support.builders import make_job, virtual_settings
from tests.torture.virtual import PAGE, Stage, stage

pytestmark = pytest.mark.torture

Tally = Callable[[str, int], None]

LATENCY = 0.2
CAP = Policy().wait_cap_seconds


def refusal(
    *values: str, status: int = 429, nth: tuple[int, ...] = (), times: int | None = 1, **more: object
) -> SimFault:
    """Return a fault that refuses, with so many Retry-After headers."""
    headers = tuple(("Retry-After", value) for value in values)
    on = Match(kinds=(PAGE,), nth=nth, **more)  # type: ignore[arg-type]  # any of its fields
    return SimFault(kind=FaultKind.STATUS, on=on, status=status, headers=headers, times=times)


def dated(at: Stage, seconds: float) -> str:
    """Return an HTTP-date so many seconds from now."""
    return format_datetime(at.clock.now() + timedelta(seconds=seconds), usegmt=True)


FORMS: dict[str, tuple[Callable[[Stage], tuple[str, ...]], float]] = {
    "none": (lambda at: (), 0.0),
    "seconds": (lambda at: ("17",), 17.0),
    "the cap": (lambda at: (str(int(CAP)),), CAP),
    "a date": (lambda at: (dated(at, 40),), 35.0),
    "a date in the past": (lambda at: (dated(at, -3600),), 0.0),
    "0": (lambda at: ("0",), 0.0),
    "negative": (lambda at: ("-30",), 0.0),
    "text": (lambda at: ("later",), 0.0),
    "nothing": (lambda at: ("",), 0.0),
    "a fraction": (lambda at: ("12.5",), 12.5),
    "1e9 as it is written in Python": (lambda at: ("1e9",), 0.0),
    "two headers": (lambda at: ("5", "23"), 23.0),
    "two headers, one of them text": (lambda at: ("soon", "11"), 11.0),
    "a list": (lambda at: ("3, 19",), 19.0),
}
"""How a 429 may ask, and the seconds that it asks for."""


@pytest.mark.parametrize("form", FORMS)
def test_everybody_holds_for_as_long_as_was_asked(form: str, seed: int, tmp_path: Path, tally: Tally) -> None:
    """After a 429 nobody sends until its time is over, whatever its form; the run ends whole without a quarantine."""
    at = stage(tmp_path, seed, days=3, latency=LATENCY)
    headers, asked = FORMS[form]
    at.sim.inject(refusal(*headers(at), nth=(5,)))
    begun = at.clock.monotonic()
    status = at.run()
    assert status.state is JobState.COMPLETE
    assert status.counters[Counter.RATE_LIMITED] == 1
    at.assert_whole()
    refused = next(entry for entry in at.sim.log.entries(PAGE) if entry.status == 429)
    told = refused.at + LATENCY
    quiet = [entry.at for entry in at.sim.log.entries(PAGE) if told + 1e-6 < entry.at < told + asked - 1e-6]
    assert not quiet, f"sent in the {asked} s that everybody was to wait: {quiet}"
    assert at.clock.monotonic() - begun < asked + 60, "nobody waits for longer than was asked and a little"
    tally("forms of a 429", 1)


def test_429s_use_up_no_attempts(seed: int, tmp_path: Path) -> None:
    """With two attempts a page, nine refusals in a row of the same page end in a whole run all the same."""
    at = stage(tmp_path, seed, refusal("2", pages=(2,), window="2023-10-01T", times=9), days=2)
    settings = virtual_settings(at.sim, at.clock, tmp_path, policy=Policy(attempts=2))
    at = Stage(clock=at.clock, sim=at.sim, job=make_job(at.sim, at.clock, tmp_path, policy=settings.policy))
    status = at.run()
    assert status.state is JobState.COMPLETE
    assert status.counters[Counter.RATE_LIMITED] == 9
    at.assert_whole()


@pytest.mark.parametrize("asked", ["181", "7200", "999999999999", "9" * 200, "a date", "the last date"])
def test_a_wait_over_the_cap_ends_the_run_and_says_when_to_come_back(asked: str, seed: int, tmp_path: Path) -> None:
    """Exit 3 at once, not after the wait, with `not_before` as asked; the next run does the rest, once."""
    at = stage(tmp_path, seed, days=3)
    text = {"a date": dated(at, 5000), "the last date": "Fri, 31 Dec 9999 23:59:59 GMT"}.get(asked, asked)
    at.sim.inject(refusal(text, nth=(6,), times=None))
    begun = at.clock.monotonic()
    with pytest.raises(Incomplete) as caught:
        at.run()
    assert caught.value.exit_code == ExitCode.INCOMPLETE
    assert at.clock.monotonic() - begun < 30
    assert caught.value.not_before is not None
    wait = (caught.value.not_before - at.clock.now()).total_seconds()
    wanted = {"a date": 4990.0, "181": 180.0, "7200": 7190.0}.get(asked, 365 * 86400.0)
    assert wait >= wanted
    assert asked not in ("181", "7200") or wait <= float(asked)
    at.sim.clear_faults()
    assert at.run().state is JobState.COMPLETE
    at.assert_whole()


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_a_storm_of_429s_is_survived(share: float, seed: int, tmp_path: Path, tally: Tally) -> None:
    """With so large a share of all requests refused at random, in every form, the run ends whole, in bounded time."""
    at = stage(tmp_path, seed, days=3)
    dice = random.Random(seed)
    forms = [form for form in FORMS if form != "the cap"]
    for form in forms:
        at.sim.inject(refusal(*FORMS[form][0](at), times=None, probability=share / len(forms) * dice.uniform(0.5, 1.5)))
    begun = at.clock.monotonic()
    for _ in range(20):
        try:
            status = at.run()
            break
        except Incomplete:
            continue
    assert status.state is JobState.COMPLETE
    at.assert_whole()
    assert at.clock.monotonic() - begun < 4 * 3600
    tally("429s in storms", at.sim.log.count(PAGE, status=429))


def test_a_storm_that_never_ends_ends_the_run(seed: int, tmp_path: Path) -> None:
    """Where every request is refused for ever, exit 3 comes within the budget, with a time to come back."""
    at = stage(tmp_path, seed, refusal("30", times=None), days=2)
    begun = at.clock.monotonic()
    with pytest.raises(Incomplete) as caught:
        at.run()
    assert caught.value.not_before is not None
    assert at.clock.monotonic() - begun < 2 * Policy().budget_seconds
    at.sim.clear_faults()
    assert at.run().state is JobState.COMPLETE
    at.assert_whole()


@pytest.mark.parametrize(("count", "reset"), [("9999", "3600"), ("301", "3600"), ("300", "999999"), ("9" * 30, "60")])
def test_rate_headers_hold_nobody_for_longer_than_the_cap(count: str, reset: str, seed: int, tmp_path: Path) -> None:
    """Whatever the headers of an answer say is used up, nobody waits for longer than the cap on a wait."""
    told = (("inin-ratelimit-count", count), ("inin-ratelimit-allowed", "300"), ("inin-ratelimit-reset", reset))
    said = SimFault(kind=FaultKind.HEADER, on=Match(kinds=(PAGE,), nth=(3,)), headers=told)
    at = stage(tmp_path, seed, said, days=2, rate_headers=False)
    begun = at.clock.monotonic()
    assert at.run().state is JobState.COMPLETE
    assert at.clock.monotonic() - begun < CAP + 30
    at.assert_whole()
