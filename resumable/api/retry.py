"""What to do about a failed exchange, and how long to wait first. Decides; never waits.

The exponential waits come from `backoff`, used as a plain generator.
"""

import email.utils
import itertools
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import backoff

from resumable.api.statuses import Action, meaning
from resumable.config import Policy
from resumable.errors import Fault, PageBeyondEnd, StatusFault, TrustFault

LONGEST_SAID = 1e12
"""Seconds; what a server's longer number is taken for."""

LONGEST_TOLD = 10 * 365 * 86400.0
"""Seconds; how far from now a time to come back may be: no calendar goes on for ever."""

_SECONDS = re.compile(r"[0-9]{1,400}(?:\.[0-9]{1,20})?")
_BETWEEN_VALUES = re.compile(r"(?<!mon|tue|wed|thu|fri|sat|sun|day),", re.IGNORECASE)
"""A comma that does not follow the name of a day."""


def judge(fault: Fault) -> Action:
    """Return what a fault calls for, from its kind and status alone."""
    if isinstance(fault, PageBeyondEnd | TrustFault):
        return Action.GIVE_UP
    return meaning(fault.status).action if isinstance(fault, StatusFault) else Action.AGAIN


def waits(policy: Policy, uniform: Callable[[float, float], float]) -> Iterator[float]:
    """Yield the waits before the second, third, ... attempt: exponential, with full jitter, in seconds.

    `uniform` draws between two numbers: the clock's own, so that one seed repeats a whole run.
    """
    raw = backoff.expo(base=2, factor=policy.first_wait_seconds, max_value=policy.longest_wait_seconds)
    # The generator's first value is None: it is made to be primed by send().
    return (uniform(0.0, seconds) for seconds in itertools.filterfalse(lambda seconds: seconds is None, raw))


def retry_after_seconds(text: str | None, *, now: datetime, served_at: str | None = None) -> float | None:
    """Read a Retry-After header, in seconds from now; None where it says nothing usable.

    Seconds or an HTTP-date. A date is measured against the server's own Date header where there is one, since a
    laptop's clock may be hours off. Past dates and 0 give 0. Of several values the longest counts.
    """
    # Two Retry-After headers arrive joined by ", ", which an HTTP-date holds too.
    found = [_one_retry_after(part.strip(), now=now, served_at=served_at) for part in _BETWEEN_VALUES.split(text or "")]
    return max((seconds for seconds in found if seconds is not None), default=None)


def _one_retry_after(text: str, *, now: datetime, served_at: str | None) -> float | None:
    if _SECONDS.fullmatch(text):
        return min(float(text), LONGEST_SAID)
    moment = _http_date(text)
    if moment is None:
        return None
    return max(0.0, (moment - (_http_date(served_at or "") or now)).total_seconds())


def _http_date(text: str) -> datetime | None:
    try:
        moment = email.utils.parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
