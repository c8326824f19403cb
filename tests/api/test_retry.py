"""What a fault calls for, how long to wait, and what a Retry-After header says."""

import itertools
import random
from datetime import UTC, datetime

import hypothesis.strategies as st
import pytest
from hypothesis import given

from resumable.api.retry import judge, retry_after_seconds, waits
from resumable.api.statuses import Action
from resumable.config import Policy
from resumable.errors import PageBeyondEnd, ProtocolFault, StatusFault, TransportFault, TrustFault

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
CLEARS_UP = {408, 500, 502, 503, 504, *range(520, 525)}
SPECIAL = {429: Action.HOLD, 401: Action.REFRESH, 403: Action.FORBIDDEN}


def test_every_status_has_one_answer() -> None:
    """429 holds everybody, 401 refreshes, 403 ends the run, what clears up is sent again, anything else is given up."""
    right = dict.fromkeys(range(300, 600), Action.GIVE_UP) | dict.fromkeys(CLEARS_UP, Action.AGAIN) | SPECIAL
    assert {status: judge(StatusFault("", status=status)) for status in range(300, 600)} == right


def test_every_other_fault_has_one_answer() -> None:
    """No answer and a wrong answer are worth another try; a stranger's certificate and a page past the end are not."""
    assert judge(TransportFault("cut")) is Action.AGAIN
    assert judge(ProtocolFault("html")) is Action.AGAIN
    assert judge(TrustFault("certificate")) is Action.GIVE_UP
    assert judge(PageBeyondEnd("gone", page_count=2)) is Action.GIVE_UP


def test_waits_double_up_to_the_longest() -> None:
    """Without luck the waits are 1, 2, 4, ... seconds and never more than the longest."""
    longest = waits(Policy(first_wait_seconds=1.0, longest_wait_seconds=60.0), lambda low, high: high)
    assert list(itertools.islice(longest, 9)) == [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_jitter_is_full(seed: int) -> None:
    """Each wait is drawn from all of nothing to its bound, so that workers that failed together come back apart."""
    dice = random.Random(seed)
    first = [next(waits(Policy(first_wait_seconds=8.0), dice.uniform)) for _ in range(400)]
    assert 0.0 <= min(first) < 0.8
    assert 7.2 < max(first) <= 8.0


def test_waits_never_end_and_never_grow_out_of_bounds(seed: int) -> None:
    """Ten thousand waits in a row stay within the longest."""
    some = itertools.islice(waits(Policy(longest_wait_seconds=60.0), random.Random(seed).uniform), 10_000)
    assert all(0.0 <= seconds <= 60.0 for seconds in some)


HEADERS: dict[str, float | None] = {
    "120": 120.0,
    "0": 0.0,
    "007": 7.0,
    " 5 ": 5.0,
    "1000000000": 1e9,
    "9" * 12: 999999999999.0,
    "9" * 400: 1e12,
    "9" * 5000: None,
    "1.5": 1.5,
    "Sun, 01 Mar 2026 12:01:00 GMT": 60.0,
    "Sunday, 01-Mar-26 12:01:00 GMT": 60.0,
    "Sun Mar  1 12:01:00 2026": 60.0,
    "sun, 01 mar 2026 12:01:00 gmt": 60.0,
    "Sun, 01 Mar 2026 13:01:00 +0100": 60.0,
    "Sun, 01 Mar 2026 11:00:00 GMT": 0.0,
    "Thu, 01 Jan 1970 00:00:00 GMT": 0.0,
    "5, 7": 7.0,
    "7,5": 7.0,
    "5, Sun, 01 Mar 2026 12:01:00 GMT": 60.0,
    "Sun, 01 Mar 2026 12:01:00 GMT, 90": 90.0,
    "Sunday, 01-Mar-26 12:01:00 GMT, Sun, 01 Mar 2026 12:02:00 GMT": 120.0,
    "soon, 5": 5.0,
    "5, soon": 5.0,
    "-5": None,
    "-5, 3": 3.0,
    "+5": None,
    "1e9": None,
    "0x10": None,
    "1_000": None,
    "inf": None,
    "nan": None,
    "": None,
    "soon": None,
    "٣": None,
    "³": None,
    "Sun, 99 Mar 2026 12:01:00 GMT": None,
    "Sun, 01 Mar 99999 12:01:00 GMT": None,
}


@pytest.mark.parametrize("text", HEADERS, ids=lambda text: ascii(text[:40]))
def test_a_retry_after_header_is_read_as_what_it_says(text: str) -> None:
    """Seconds and the three forms of an HTTP-date count, the past is 0, the longest wins, the rest is None."""
    assert retry_after_seconds(text, now=NOW) == HEADERS[text]


def test_no_header_says_nothing() -> None:
    """An answer without the header asks for nothing."""
    assert retry_after_seconds(None, now=NOW) is None


def test_a_date_is_measured_against_the_servers_own_clock() -> None:
    """With a Date header our own clock may be a day off; with a broken one it is all there is."""
    until = "Sun, 01 Mar 2026 12:01:00 GMT"
    for off in (datetime(2026, 2, 28, tzinfo=UTC), datetime(2026, 3, 3, tzinfo=UTC)):
        assert retry_after_seconds(until, now=off, served_at="Sun, 01 Mar 2026 12:00:18 GMT") == 42.0
    assert retry_after_seconds(until, now=NOW, served_at="yesterday") == 60.0


ANYTHING = st.one_of(
    st.text(max_size=60),
    st.integers().map(str),
    st.floats().map(str),
    st.from_regex(
        r"(Sun|Monday)?,? ?[0-9]{0,3}[- ]?(Mar|x)?[- ]?[0-9]{0,5} [0-9]{0,3}(:[0-9]{0,3}){0,3} ?(GMT|[+-][0-9]{0,6})?"
    ),
)


@given(text=st.lists(ANYTHING, max_size=3).map(", ".join), served_at=st.none() | ANYTHING)
def test_no_header_whatever_breaks_the_parser(text: str, served_at: str | None) -> None:
    """It never raises, and what it returns is a number of seconds that is not negative and not endless."""
    seconds = retry_after_seconds(text, now=NOW, served_at=served_at)
    assert seconds is None or 0.0 <= seconds <= 1e12
