"""The wall clock jumps by hours and days, both ways, while a real run goes.

The simulator's clock is right all the time: what it sees is the truth about tokens and waits.
"""

import itertools
import random
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from resumable.simulator.faults.faults import FaultKind, Match, SimFault
from resumable.simulator.messages import Kind
from resumable.simulator.settings import SimSettings, Style
from resumable.simulator.simulator import Simulator
from tests.support.command_line import CommandLine, finished
from tests.support.truth import assert_equal_to_truth
from tests.torture.clockshim import Shim, build

pytestmark = [pytest.mark.torture, pytest.mark.timeout(120)]

Tally = Callable[[str, int], None]

HOUR, DAY = 3600, 86_400
LIFE = 4.0
"""Seconds; of a token, so that several end within one run."""
BACKFILL = ("backfill", "conversations", "--from", "2023-10-01", "--to", "2023-10-04", "--page-size", "20")
ARGUMENTS = (*BACKFILL, "--rate", "600", "--workers", "4", "--job", "jumps")

JUMPS = {
    "on by an hour": (HOUR,),
    "back by 30 days": (-30 * DAY,),
    "back before 1980": (-50 * 365 * DAY,),
    "on past 2038": (20 * 365 * DAY,),
    "to and fro": (5 * DAY, -2 * HOUR, 3 * HOUR, -400 * DAY, 0),
    "back by less than a token's life": (-2, 2, -3, 0),
}


@pytest.fixture(scope="module")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Shim:
    """Compile the shim, once."""
    return build(tmp_path_factory.mktemp("clockshim"))


def _run(process: "subprocess.Popen[str]", cli: CommandLine, shim: Shim, jumps: tuple[int, ...]) -> None:
    for seconds in jumps:
        cli.more_pages_asked(process, count=6)
        shim.jump(seconds)


@pytest.mark.parametrize("jump", JUMPS)
def test_no_token_is_used_past_its_life_and_the_run_ends_right(
    jump: str, shim: Shim, tmp_path: Path, tally: Tally
) -> None:
    """Whatever the clock does, no request carries an expired token, few tokens are asked for, and all is brought."""
    settings = SimSettings(records=200, style=Style.SMALL, rate_public=None, token_lifetime=LIFE, latency=0.05)
    shim.jump(0)
    with Simulator(settings) as sim:
        cli = CommandLine(sim=sim, state=tmp_path / "state", extra=shim.environment)
        process = cli.start(*ARGUMENTS)
        _run(process, cli, shim, JUMPS[jump])
        outcome = finished(process)
        assert outcome.code == 0, outcome.stderr
        assert sim.log.count(Kind.CONVERSATIONS, status=401) == 0, "a token was used past its life"
        tokens = sim.log.entries(Kind.TOKEN)
        took = max(entry.at for entry in sim.log.entries()) - tokens[0].at
        # One for each time it was stale, and one for each jump, which nothing can be told from a sleep.
        assert len(tokens) <= took / (LIFE * 0.9 - 1.0) + 2 + len(JUMPS[jump])
        gaps = [late.at - early.at for early, late in itertools.pairwise(tokens)]
        # Measured where they arrive: on a busy machine the first of two is late by hundredths of a second.
        assert not gaps or min(gaps) >= 0.9, "more than one token request a second"
        shim.jump(0)
        assert_equal_to_truth(cli.job("jumps"), sim, dataset="conversations")
    tally("jumps of the wall clock in real runs", len(JUMPS[jump]))


@pytest.mark.parametrize("jump", [-30 * DAY, HOUR], ids=lambda seconds: f"{seconds / HOUR:+g} h")
@pytest.mark.parametrize("form", ["seconds", "date"])
def test_no_wait_is_shortened_or_lengthened(form: str, jump: int, shim: Shim, tmp_path: Path, tally: Tally) -> None:
    """A clock that jumps in the middle of a wait changes nothing of it: the wait is that of the server, on the dot."""
    wait = 3
    settings = SimSettings(records=60, style=Style.SMALL, rate_public=None)
    # A date is told as the server's Date header has it, which is years away from this process's clock.
    served, until = "Sun, 01 Mar 2020 12:00:00 GMT", f"Sun, 01 Mar 2020 12:00:{wait:02d} GMT"
    headers = (("Retry-After", str(wait)),) if form == "seconds" else (("Retry-After", until), ("Date", served))
    fault = SimFault(
        kind=FaultKind.STATUS, status=429, on=Match(kinds=(Kind.CONVERSATIONS,), nth=(4,)), headers=headers
    )
    shim.jump(0)
    with Simulator(settings, faults=(fault,)) as sim:
        cli = CommandLine(sim=sim, state=tmp_path / "state", extra=shim.environment)
        process = cli.start(*BACKFILL, "--rate", "600", "--workers", "1", "--job", "jumps")
        cli.more_pages_asked(process, count=4)
        shim.jump(jump)
        outcome = finished(process)
        assert outcome.code == 0, outcome.stderr
        refused = next(entry for entry in sim.log.entries(Kind.CONVERSATIONS) if entry.status == 429)
        following = min(entry.at for entry in sim.log.entries(Kind.CONVERSATIONS) if entry.at > refused.at)
        assert wait <= following - refused.at < wait + 2.0
    tally("waits in which the wall clock jumped", 1)


def test_a_run_with_a_clock_that_never_stands_still_ends_right(shim: Shim, seed: int, tmp_path: Path) -> None:
    """With a jump of up to a year every few requests, the run ends and holds just what the server has."""
    dice = random.Random(seed)
    jumps = tuple(dice.randrange(-365 * DAY, 365 * DAY) for _ in range(8))
    print(f"jumps: {jumps}")
    shim.jump(0)
    with Simulator(SimSettings(records=300, style=Style.SMALL, rate_public=None, latency=0.05)) as sim:
        cli = CommandLine(sim=sim, state=tmp_path / "state", extra=shim.environment)
        process = cli.start(*ARGUMENTS)
        for seconds in jumps:
            cli.more_pages_asked(process, count=4)
            shim.jump(seconds)
        outcome = finished(process)
        shim.jump(0)
        assert outcome.code == 0, outcome.stderr
        assert_equal_to_truth(cli.job("jumps"), sim, dataset="conversations")
        status = cli.status("jumps")
    assert status["state"] == "complete"
