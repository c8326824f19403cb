"""What the demonstration is about: a small contact centre, and what goes wrong on the way to it."""

from datetime import date, timedelta

from resumable.simulator.faults.faults import FaultKind, Match, SimFault
from resumable.simulator.settings import SimSettings, Style

FIRST_DAY = date(2025, 3, 3)
DAYS = 8
RECORDS_A_DAY = 1000

WORLD = SimSettings(
    seed=7,
    records_on={str(FIRST_DAY + timedelta(days=number)): RECORDS_A_DAY for number in range(DAYS)},
    style=Style.LIFELIKE,
    queues=5,
    token_lifetime=3.0,
    rate_public=2100,
    latency=(0.05, 0.15),
)
"""Tokens of three seconds; 2,100 requests a minute, so that 400 pages take a quarter of a minute and not over one."""

FAULTS = (
    SimFault(kind=FaultKind.STATUS, status=429, headers=(("Retry-After", "1"),), on=Match(nth=(90,))),
    SimFault(kind=FaultKind.STATUS, status=504, times=3, on=Match(nth=(35, 160, 300))),
    SimFault(kind=FaultKind.RESET_INSIDE, times=2, on=Match(nth=(60, 220))),
    SimFault(kind=FaultKind.CUT, times=2, on=Match(nth=(75, 260))),
    SimFault(kind=FaultKind.RECORDS_MISSING, times=1, on=Match(nth=(120,))),
    SimFault(kind=FaultKind.HTML, status=200, times=1, on=Match(nth=(190,))),
)
"""What goes wrong on the way."""
