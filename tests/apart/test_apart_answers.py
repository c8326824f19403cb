"""An answer is a page only if it is one, and complete is said only of what the server has."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.apart.answers import ACCEPTED, ERROR, LIMITED, led_on
from tests.apart.contracts import (
    ARTICLE,
    CONVERSATION_JOBS,
    CONVERSATIONS,
    FEED,
    HERE,
    TICKETS,
    USER_DETAIL_JOBS,
    USERS,
    Contract,
)
from tests.apart.desk import MakeDesk
from tests.apart.exchange import Kind, error
from tests.apart.judge import exported, in_parts, wrong_with
from tests.apart.manners import Manners
from tests.apart.matrix import world_of
from tests.apart.script import instead, with_value
from tests.apart.truth import World

NO_PAGES: dict[str, tuple[int, Any]] = {
    "error": (200, ERROR),
    "nothing": (200, {}),
    "accepted": (202, ACCEPTED),
    "limited": (200, LIMITED),
    "maintenance": (200, {"maintenance": True}),
}
WATERMARK = datetime(2023, 10, 3, 12, tzinfo=UTC)
"""In the middle of the third of four days."""


@pytest.mark.parametrize("contract", [CONVERSATION_JOBS, USER_DETAIL_JOBS], ids=lambda contract: contract.name)
@pytest.mark.parametrize("answer", NO_PAGES)
def test_first_results_answer_that_is_no_page_is_asked_for_again(
    desk_at: MakeDesk, contract: Contract, answer: str
) -> None:
    """What a jobs contract answers once in place of the first page of a day is not that day."""
    status, body = NO_PAGES[answer]
    desk = desk_at(World(conversations=5, documents=1, users_a_day=5))
    desk.wire.cloud.script.add(instead(body, status=status), kind=contract.page, day="2023-10-02", page=1)
    outcome = desk(*contract.arguments())
    assert outcome.code == 0, outcome.stderr
    assert wrong_with(desk, contract) == ""


def test_partial_content_is_not_a_page(desk_at: MakeDesk) -> None:
    """A 206 with half of the records is asked for again, however often it comes."""
    desk = desk_at()
    half = desk.wire.cloud.world.all_conversations[35:40]
    change = instead({"conversations": half, "totalHits": 25}, status=206)
    desk.wire.cloud.script.add(change, times=None, kind=Kind.CONVERSATIONS, day="2023-10-02", page=2)
    assert desk(*CONVERSATIONS.arguments()).code == 3
    desk.wire.cloud.script.heal()
    assert desk("resume", "j").code == 0
    assert wrong_with(desk, CONVERSATIONS) == ""


@pytest.mark.parametrize("at", [datetime(2023, 10, 5, 6, tzinfo=UTC), datetime(2024, 6, 1, tzinfo=UTC)])
def test_window_cut_by_the_watermark_waits_for_it(desk_at: MakeDesk, at: datetime) -> None:
    """A day in the middle of which the data ended is not complete, however old; once all is there, it is taken."""
    desk = desk_at(World(days=4), Manners(available_until=WATERMARK), at=at)
    first = desk(*CONVERSATION_JOBS.arguments(days=4))
    assert first.code == 3, first.stderr
    assert desk.status("j")["state"] != "complete"
    desk.wire.cloud.settle(Manners())
    assert desk("resume", "j", later=timedelta(days=1)).code == 0
    assert wrong_with(desk, CONVERSATION_JOBS, days=4) == ""


def test_results_that_name_the_watermark_are_believed(desk_at: MakeDesk) -> None:
    """Where the availability request fails, what the results say of it counts."""
    desk = desk_at(World(days=4), Manners(available_until=WATERMARK))
    kind = Kind.CONVERSATION_AVAILABILITY
    rule = desk.wire.cloud.script.add(instead(error(503, "Down").body, status=503), times=None, kind=kind)
    # Without the independent count, which would miss the records too.
    assert desk(*CONVERSATION_JOBS.arguments(days=4), "--no-count").code == 3
    assert rule.fired
    desk.wire.cloud.script.heal()
    desk.wire.cloud.settle(Manners())
    assert desk("resume", "j", later=timedelta(days=1)).code == 0
    assert wrong_with(desk, CONVERSATION_JOBS, days=4) == ""


def test_empty_day_among_full_ones_is_asked_for_twice(desk_at: MakeDesk) -> None:
    """One answer that a day is empty is not believed while its neighbours are full."""
    desk = desk_at()
    change = instead({"conversations": [], "totalHits": 0})
    desk.wire.cloud.script.add(change, kind=Kind.CONVERSATIONS, day="2023-10-02", page=1)
    assert desk(*CONVERSATIONS.arguments()).code == 0
    assert wrong_with(desk, CONVERSATIONS) == ""


@pytest.mark.parametrize("contract", [FEED, USER_DETAIL_JOBS], ids=lambda contract: contract.name)
@pytest.mark.parametrize("page", ["middle", "last"])
def test_end_of_a_walk_without_records_is_asked_for_again(desk_at: MakeDesk, contract: Contract, page: str) -> None:
    """A page behind a cursor comes empty and names no next one, once: a second look tells that it is not the end."""
    desk = desk_at(world_of(contract))
    desk.wire.cloud.script.add(instead({contract.records[0]: []}), kind=contract.page, day="2023-10-02", page=page)
    assert desk(*contract.arguments()).code == 0
    assert wrong_with(desk, contract) == ""


def test_last_page_of_a_job_may_be_empty(desk_at: MakeDesk) -> None:
    """Results that end with an empty page after a cursor have ended."""
    desk = desk_at(World(conversations=20))
    script = desk.wire.cloud.script
    job = CONVERSATION_JOBS
    script.add(led_on(("cursor",), 1), times=None, kind=job.page, page=2)
    script.add(instead({"conversations": []}), times=None, kind=job.page, page=3)
    outcome = desk(*job.arguments())
    assert outcome.code == 0, outcome.stderr
    assert wrong_with(desk, job) == ""


def test_total_above_the_records_settles(desk_at: MakeDesk) -> None:
    """A total that names one record more than there are is told in the receipt, and keeps no window open."""
    desk = desk_at(World(days=1, conversations=20))
    desk.wire.cloud.script.add(with_value("totalHits", value=21), times=None, kind=Kind.CONVERSATIONS)
    codes = [desk(*CONVERSATIONS.arguments(days=1)).code, desk("resume", "j").code]
    assert codes[-1] == 0
    assert wrong_with(desk, CONVERSATIONS, days=1) == ""
    assert "21" in (desk.folder("j") / "receipt.json").read_text(encoding="utf-8")


def test_total_of_one_beside_no_record_settles(desk_at: MakeDesk) -> None:
    """A day that names one record and has none settles as empty."""
    desk = desk_at(World(empty_days=(1,)))
    change = with_value("totalHits", value=1)
    desk.wire.cloud.script.add(change, times=None, kind=Kind.CONVERSATIONS, day="2023-10-02")
    codes = [desk(*CONVERSATIONS.arguments()).code, desk("resume", "j").code]
    assert codes[-1] == 0
    assert wrong_with(desk, CONVERSATIONS) == ""


def test_list_whose_last_page_is_empty_settles(desk_at: MakeDesk) -> None:
    """A list that names one page more than it has is complete with the pages that are there."""
    desk = desk_at(World(users=20))
    desk.wire.cloud.script.add(with_value("pageCount", value=3), times=None, kind=Kind.USERS)
    desk.wire.cloud.script.add(with_value("total", value=21), times=None, kind=Kind.USERS)
    codes = [desk(*USERS.arguments()).code, desk("resume", "j").code]
    assert codes[-1] == 0
    assert wrong_with(desk, USERS) == ""


def test_partial_export_has_the_pages_that_are_there(desk_at: MakeDesk) -> None:
    """Of a day with one page missing, a partial export has the other pages, and says which one it has not."""
    desk = desk_at(World(days=1))
    change = instead(error(404, "Gone").body, status=404)
    desk.wire.cloud.script.add(change, times=None, kind=Kind.CONVERSATIONS, page=2)
    assert desk(*CONVERSATIONS.arguments(days=1)).code == 3
    assert len(exported(desk, "j", "--partial")) == 15


def test_full_last_page_is_followed(desk_at: MakeDesk) -> None:
    """A total that names one record fewer than there are loses none: after a full page the next one is asked for."""
    desk = desk_at(World(days=1, conversations=31))
    desk.wire.cloud.script.add(with_value("totalHits", value=30), times=None, kind=Kind.CONVERSATIONS)
    assert desk(*CONVERSATIONS.arguments(days=1)).code == 0
    assert wrong_with(desk, CONVERSATIONS, days=1) == ""


def test_answer_without_entities_is_kept_whole(desk_at: MakeDesk) -> None:
    """The whole answer that had no `entities` is in the job's folder, and the person is told where."""
    desk = desk_at(World(days=1))
    body = {"paging": {"pageNumber": 2, "pageSize": 10, "pageCount": 3}, "note": "x" * 300 + " the end of it"}
    desk.wire.cloud.script.add(instead(body), times=None, kind=ARTICLE.page, page=2)
    outcome = desk(*ARTICLE.arguments(days=1))
    assert outcome.code == 3
    kept = [
        path for path in (desk.folder("j") / "aside").rglob("*") if path.is_file() and b"the end" in path.read_bytes()
    ]
    assert len(kept) == 1
    told = desk("status", "j").stdout + outcome.stderr
    assert kept[0].name in told or "aside" in told


def test_job_with_fewer_records_than_the_query_counts_is_not_complete(desk_at: MakeDesk) -> None:
    """Where the details query counts more than a job brought, the window waits or is downloaded again."""
    desk = desk_at()
    short = desk.wire.cloud.world.all_conversations[25:30]
    body = {"conversations": short, "dataAvailabilityDate": "2026-03-01T00:00:00Z"}
    change = instead(body)
    desk.wire.cloud.script.add(change, kind=CONVERSATION_JOBS.page, day="2023-10-02", page=1)
    codes = [desk(*CONVERSATION_JOBS.arguments()).code]
    if codes[0] != 0:
        codes.append(desk("resume", "j", later=timedelta(days=1)).code)
    assert codes[-1] == 0
    assert wrong_with(desk, CONVERSATION_JOBS) == ""


def test_each_window_of_a_job_is_counted_once_by_the_query(desk_at: MakeDesk) -> None:
    """One details query a window tells how many records a job should bring, and the receipt has both numbers."""
    desk = desk_at()
    assert desk(*CONVERSATION_JOBS.arguments()).code == 0
    asked = desk.wire.cloud.asked(Kind.CONVERSATIONS)
    assert sorted(entry.place.day for entry in asked) == ["2023-10-01", "2023-10-02", "2023-10-03"]


@pytest.mark.parametrize("status", [403, 404, 500])
def test_count_that_is_refused_keeps_no_job_from_completing(desk_at: MakeDesk, status: int) -> None:
    """Where the role may not query, or the query fails, a job completes without its independent count."""
    desk = desk_at()
    change = instead(error(status, "You are missing a permission.").body, status=status)
    desk.wire.cloud.script.add(change, times=None, kind=Kind.CONVERSATIONS)
    codes = [desk(*CONVERSATION_JOBS.arguments()).code]
    if codes[0] == 3:
        codes.append(desk("resume", "j").code)
    assert codes[-1] == 0
    assert wrong_with(desk, CONVERSATION_JOBS) == ""


def test_article_is_filtered_by_its_own_path(desk_at: MakeDesk) -> None:
    """`--queue` reaches the article's contract as the path that it knows."""
    desk = desk_at()
    queue = desk.wire.cloud.world.identity("queue", 3)
    outcome = desk(*ARTICLE.arguments(), "--queue", queue)
    assert outcome.code == 0, outcome.stderr
    assert in_parts(desk, ARTICLE).total() == 3


def test_list_is_sorted_in_its_own_words(desk_at: MakeDesk) -> None:
    """A server that refuses unknown words of `sortOrder` lists users all the same."""
    desk = desk_at(manners=Manners(strict_words=True))
    outcome = desk("backfill", "users", "--job", "j")
    assert outcome.code == 0, outcome.stderr


def test_users_are_asked_for_with_what_can_be_expanded(desk_at: MakeDesk) -> None:
    """The list of users is asked for with `expand`."""
    desk = desk_at()
    assert desk(*USERS.arguments()).code == 0
    assert all("expand=" in entry.target for entry in desk.wire.cloud.asked(Kind.USERS))


def test_jobs_may_be_asked_for_more_than_a_thousand(desk_at: MakeDesk) -> None:
    """A page size that production uses is asked for, and a server that sends fewer is believed."""
    desk = desk_at(manners=Manners(job_page_most=10))
    outcome = desk(*CONVERSATION_JOBS.arguments(page_size=2000))
    assert outcome.code == 0, outcome.stderr
    assert "pageSize=2000" in desk.wire.cloud.asked(CONVERSATION_JOBS.page)[0].target
    assert wrong_with(desk, CONVERSATION_JOBS) == ""


def test_key_that_no_record_has_is_refused_or_told(desk_at: MakeDesk, tmp_path: Path) -> None:
    """Records without the key that a description names are a fault, or are counted as such; they are not one record."""
    desk = desk_at(World(days=1, tickets=3))
    text = (HERE / TICKETS.file).read_text(encoding="utf-8").replace('key = "id"', 'key = "number"')
    (tmp_path / "other.toml").write_text(text.replace("[schema]", '[schema]\nnumber = "integer"'), encoding="utf-8")
    span = ("--from", "2023-10-01", "--to", "2023-10-02")
    outcome = desk("backfill", str(tmp_path / "other.toml"), *span, "--job", "j")
    if outcome.code == 0:
        assert len(exported(desk)) == 3
        receipt = json.loads((desk.folder("j") / "receipt.json").read_text(encoding="utf-8"))
        assert receipt["records_distinct"] == 3
    else:
        assert outcome.code in (2, 3)


def test_half_of_a_surrogate_pair_reaches_json_lines(desk_at: MakeDesk) -> None:
    """A lone surrogate that the server sent as an escape is exported as that escape."""
    desk = desk_at(World(days=1, conversations=1))
    record = {**desk.wire.cloud.world.all_conversations[0], "externalTag": "MARK"}
    body = json.dumps({"conversations": [record], "totalHits": 1}).replace("MARK", "x\\ud83d").encode()
    desk.wire.cloud.script.add(instead(body), times=None, kind=Kind.CONVERSATIONS)
    assert desk(*CONVERSATIONS.arguments(days=1)).code == 0
    outcome = desk("export", "j", "--to", "-", "--format", "jsonl")
    assert outcome.code == 0, outcome.stderr
    assert "x\\ud83d" in outcome.stdout
