"""Nothing that a server chose may stick: whatever one answer said, the next run at a healthy server completes."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.apart.answers import led_on
from tests.apart.contracts import ARTICLE, CONVERSATION_JOBS, CONVERSATIONS, FEED, TICKETS, USERS, Contract
from tests.apart.desk import Desk, MakeDesk, Outcome
from tests.apart.exchange import Answer, Kind, Request, error
from tests.apart.judge import wrong_with
from tests.apart.manners import Manners
from tests.apart.script import Change, instead, until, with_value
from tests.apart.truth import Range, World

HUGE = {"2^63": 2**63, "2^64": 2**64}
COUNTED = [
    (USERS, ("total",)),
    (USERS, ("pageCount",)),
    (USERS, ("pageSize",)),
    (ARTICLE, ("paging", "pageCount")),
    (TICKETS, ("meta", "pages")),
    (TICKETS, ("meta", "total")),
]


def healed(desk: Desk) -> Outcome:
    """Run `resume` at the server, well again, twice at most; return how the last one ended."""
    desk.wire.cloud.script.heal()
    outcome = desk("resume", "j", later=timedelta(hours=1))
    return outcome if outcome.code == 0 else desk("resume", "j", later=timedelta(hours=1))


def test_negative_page_size_is_a_fault(desk_at: MakeDesk) -> None:
    """A list that once names a page size of -5 is complete after the next run."""
    desk = desk_at()
    desk.wire.cloud.script.add(with_value("pageSize", value=-5), kind=Kind.USERS)
    outcome = desk(*USERS.arguments())
    assert outcome.code in (0, 3), outcome.stderr
    assert outcome.code == 0 or healed(desk).code == 0
    assert wrong_with(desk, USERS) == ""


@pytest.mark.parametrize(("contract", "path"), COUNTED, ids=lambda one: getattr(one, "name", None) or ".".join(one))
@pytest.mark.parametrize("count", HUGE)
def test_count_beyond_all_bounds_is_a_fault(
    desk_at: MakeDesk, contract: Contract, path: tuple[str, ...], count: str
) -> None:
    """A count that no table can hold is refused, and the next run completes."""
    desk = desk_at()
    desk.wire.cloud.script.add(with_value(*path, value=HUGE[count]), kind=contract.page, page=1)
    outcome = desk(*contract.arguments())
    assert outcome.code in (0, 3), outcome.stderr
    assert outcome.code == 0 or healed(desk).code == 0
    assert wrong_with(desk, contract) == ""


def test_job_id_that_is_a_path_is_a_fault(desk_at: MakeDesk) -> None:
    """A job whose id once is `..` is submitted again, and nothing else is asked for in its name."""
    desk = desk_at()
    desk.wire.cloud.script.add(with_value("jobId", value=".."), kind=Kind.CONVERSATION_SUBMIT)
    outcome = desk(*CONVERSATION_JOBS.arguments())
    assert outcome.code in (0, 3), outcome.stderr
    assert outcome.code == 0 or healed(desk).code == 0
    assert desk.wire.cloud.asked(Kind.UNKNOWN) == []
    assert wrong_with(desk, CONVERSATION_JOBS) == ""


@pytest.mark.parametrize("contract", [CONVERSATION_JOBS, FEED], ids=lambda contract: contract.name)
def test_cursors_that_go_round_end(desk_at: MakeDesk, contract: Contract) -> None:
    """Cursors c2 c3 c2 c3 ... for ever are given up within bounds, and the next run completes."""
    desk = desk_at(manners=Manners(requests_most=400))
    change = led_on(contract.cursor, -1)
    desk.wire.cloud.script.add(change, times=None, kind=contract.page, page=3, day="2023-10-02")
    outcome = desk(*contract.arguments())
    assert not desk.wire.cloud.overrun()
    assert outcome.code in (3, 9), outcome.stderr
    assert healed(desk).code == 0
    assert wrong_with(desk, contract) == ""


def test_page_too_big_is_taken_in_smaller_ones(desk_at: MakeDesk) -> None:
    """Job results of over 128 MiB a page are asked for in smaller pages, by the same command."""
    desk = desk_at()
    heavy = b'{"conversations": [], "padding": "' + b"x" * (130 * 2**20) + b'"}'

    def weighed(request: Request, answer: Answer) -> Answer:
        return answer if int(request.query["pageSize"]) <= 250 else replace(answer, body=heavy)

    desk.wire.cloud.script.add(weighed, times=None, kind=CONVERSATION_JOBS.page, day="2023-10-02")
    outcome = desk(*CONVERSATION_JOBS.arguments(page_size=1000))
    assert outcome.code == 0, outcome.stderr
    assert wrong_with(desk, CONVERSATION_JOBS) == ""


def test_day_that_is_too_heavy_is_halved(desk_at: MakeDesk) -> None:
    """A window that keeps answering 504 is split by itself until it does not, and brings all records."""
    desk = desk_at()

    def timed_out(request: Request, answer: Answer) -> Answer:
        asked = Range.of(request.json["interval"])
        return answer if asked.end - asked.start <= timedelta(hours=6) else error(504, "The request timed out.")

    desk.wire.cloud.script.add(timed_out, times=None, kind=Kind.CONVERSATIONS, day="2023-10-02")
    codes = [desk(*CONVERSATIONS.arguments()).code, desk("resume", "j").code]
    assert codes[-1] == 0
    assert wrong_with(desk, CONVERSATIONS) == ""


@pytest.mark.parametrize(("wall", "page_size"), [(20, 10), (20, 7), (24, 7)])
def test_wall_that_the_server_names_splits_the_window(desk_at: MakeDesk, wall: int, page_size: int) -> None:
    """`Pagination may not exceed 20 results` splits a day of 25, at whatever page it comes."""
    desk = desk_at(manners=Manners(deep_limit=wall))
    outcome = desk(*CONVERSATIONS.arguments(page_size=page_size))
    assert outcome.code == 0, outcome.stderr
    assert wrong_with(desk, CONVERSATIONS) == ""


def test_wall_among_the_results_of_a_job_splits_the_window(desk_at: MakeDesk) -> None:
    """The same words from a job's results split the window, too."""
    desk = desk_at()
    script = desk.wire.cloud.script

    def walled(request: Request, answer: Answer) -> Answer:
        return error(400, "Pagination may not exceed 20 results.") if len(_records(answer)) < 10 else answer

    def _records(answer: Answer) -> list[Any]:
        return answer.body.get("conversations") or [] if isinstance(answer.body, dict) else []

    script.add(_only_whole_days(desk, walled), times=None, kind=CONVERSATION_JOBS.page, day="2023-10-02", page=3)
    outcome = desk(*CONVERSATION_JOBS.arguments())
    assert outcome.code == 0, outcome.stderr
    assert wrong_with(desk, CONVERSATION_JOBS) == ""


def test_results_that_are_late_are_waited_for(desk_at: MakeDesk) -> None:
    """Results that are not there for six seconds after FULFILLED are asked for again, of the same job."""
    desk = desk_at()
    begun: list[float] = []

    def late(_request: Request, answer: Answer) -> Answer:
        now = desk.time.now().timestamp()
        begun.append(now)
        return error(404, "No results yet") if now - begun[0] < 6 else answer

    desk.wire.cloud.script.add(late, times=None, kind=CONVERSATION_JOBS.page, day="2023-10-02", page=0)
    desk.wire.cloud.script.add(late, times=None, kind=CONVERSATION_JOBS.page, day="2023-10-02", page=1)
    outcome = desk(*CONVERSATION_JOBS.arguments())
    assert outcome.code == 0, outcome.stderr
    assert len(desk.wire.cloud.asked(Kind.CONVERSATION_SUBMIT)) == 3
    assert wrong_with(desk, CONVERSATION_JOBS) == ""


def test_job_that_failed_is_told_with_its_reason(desk_at: MakeDesk) -> None:
    """A job that FAILED is made again later, a few times; its errorMessage is told, and nothing of a changed source."""
    desk = desk_at()
    body = {"state": "FAILED", "errorMessage": "Too many conversations matched."}
    rule = desk.wire.cloud.script.add(instead(body), times=None, kind=Kind.CONVERSATION_POLL, day="2023-10-02")
    outcome = desk(*CONVERSATION_JOBS.arguments())
    assert outcome.code == 3, outcome.stderr
    assert 1 <= rule.fired <= 12
    assert "Too many conversations matched." in desk("status", "j", "--json").stdout
    assert healed(desk).code == 0
    assert wrong_with(desk, CONVERSATION_JOBS) == ""


@pytest.mark.parametrize("seconds", [100, 180])
def test_outage_is_waited_for(desk_at: MakeDesk, seconds: int) -> None:
    """Where everything answers 503 for minutes, one command waits for it and brings all, with few requests."""
    desk = desk_at(World(days=19, conversations=5))
    rule = _outage(desk, seconds)
    outcome = desk(*CONVERSATIONS.arguments(days=19))
    assert outcome.code == 0, outcome.stderr
    # One probes while the others wait: each 3 s, and the eight that were in flight when it began.
    assert rule() <= seconds / 3 + 40
    assert desk.status("j")["pages"]["quarantined"] == 0
    assert wrong_with(desk, CONVERSATIONS, days=19) == ""


def test_outage_without_end_leaves_nothing_quarantined(desk_at: MakeDesk) -> None:
    """Where everything answers 503 for a day, the run ends with exit 3 within hours, and quarantines no page."""
    desk = desk_at(World(days=3))
    _outage(desk, 86_400)
    outcome = desk(*CONVERSATIONS.arguments())
    assert outcome.code == 3, outcome.stderr
    assert 60 <= outcome.seconds <= 2 * 3600
    assert desk.status("j")["pages"]["quarantined"] == 0
    assert healed(desk).code == 0
    assert wrong_with(desk, CONVERSATIONS) == ""


@pytest.mark.parametrize("retry_after", ["5", None])
def test_limit_on_jobs_at_once_is_kept(desk_at: MakeDesk, retry_after: str | None) -> None:
    """Where the server takes one job at a time, jobs wait for each other and all complete."""
    desk = desk_at(World(days=5), Manners(job_slots=1, polls=40, slot_retry_after=retry_after))
    outcome = desk(*CONVERSATION_JOBS.arguments(days=5))
    assert outcome.code == 0, outcome.stderr
    assert wrong_with(desk, CONVERSATION_JOBS, days=5) == ""


def test_failure_is_told_with_its_correlation_id(desk_at: MakeDesk) -> None:
    """The last failure's correlation id is in `status --json`, for the vendor's support."""
    desk = desk_at()
    change = instead(error(404, "Gone").body, status=404, headers={"inin-correlation-id": "told-4711"})
    desk.wire.cloud.script.add(change, times=None, kind=Kind.CONVERSATIONS, day="2023-10-02", page=2)
    assert desk(*CONVERSATIONS.arguments()).code == 3
    assert "told-4711" in desk("status", "j", "--json").stdout


def test_gateway_that_knows_no_path_is_not_told_as_a_filter(desk_at: MakeDesk) -> None:
    """Where every path is a 404 that is none of Genesys's, the address is to blame, and not the query."""
    desk = desk_at()
    desk.wire.cloud.script.add(
        instead(b"<html>404 page not found</html>", status=404), times=None, kind=Kind.CONVERSATIONS
    )
    outcome = desk(*CONVERSATIONS.arguments())
    assert outcome.code in (2, 3)
    assert "GENESYS_API_URL" in outcome.stderr
    assert "filters" not in outcome.stderr


@pytest.mark.parametrize("seconds", [100, 170])
def test_longest_duration_holds_through_waits(desk_at: MakeDesk, seconds: int) -> None:
    """`--max-duration 10s` ends within half a minute more, whatever the server asks to wait."""
    desk = desk_at()
    answer = replace(error(429, "Slow down"), headers={"Retry-After": str(seconds)})
    desk.wire.cloud.script.add(lambda _request, _answer: answer, times=None, kind=Kind.CONVERSATIONS)
    outcome = desk(*CONVERSATIONS.arguments(), "--max-duration", "10s")
    assert outcome.code == 3
    assert outcome.seconds <= 40
    assert healed(desk).code == 0
    assert wrong_with(desk, CONVERSATIONS) == ""


def _outage(desk: Desk, seconds: int) -> Callable[[], int]:
    """Let every page answer 503 from the first request on, for so long; return how to count the refused ones."""
    begun: list[float] = []

    def over() -> bool:
        now = desk.time.now().timestamp()
        begun.append(begun[0] if begun else now)
        return now - begun[0] >= seconds

    down = until(over, instead(error(503, "Service Unavailable").body, status=503))
    desk.wire.cloud.script.add(down, times=None, kind=Kind.CONVERSATIONS)
    return lambda: sum(entry.status == 503 for entry in desk.wire.cloud.asked(Kind.CONVERSATIONS))


def _only_whole_days(desk: Desk, change: Change) -> Change:
    def checked(request: Request, answer: Answer) -> Answer:
        job = desk.wire.cloud.jobs.made[request.path.split("/")[-2]]
        whole = job.asked.end - job.asked.start >= timedelta(days=1)
        return change(request, answer) if whole else answer

    return checked
