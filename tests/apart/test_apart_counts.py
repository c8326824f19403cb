"""What a job brings is compared with what the query beside it counts: a job's results name no total."""

import json
from typing import Any

import pytest

from tests.apart.contracts import CONVERSATION_JOBS, USER_DETAIL_JOBS, Contract
from tests.apart.desk import Desk, MakeDesk
from tests.apart.exchange import Answer, Kind, Request
from tests.apart.judge import wrong_with
from tests.apart.script import instead, with_value
from tests.apart.truth import World

DAY = "2023-10-02"
BOTH = pytest.mark.parametrize("contract", [CONVERSATION_JOBS, USER_DETAIL_JOBS], ids=lambda contract: contract.name)


def _receipt(desk: Desk) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((desk.folder("j") / "receipt.json").read_text(encoding="utf-8"))
    return found


def _halved(_request: Request, answer: Answer) -> Answer:
    records = answer.body["conversations"]
    body = {**answer.body, "conversations": records[: len(records) // 2]}
    body.pop("cursor", None)
    return Answer(status=answer.status, body=body, headers=answer.headers)


@BOTH
def test_each_window_is_counted_once(desk_at: MakeDesk, contract: Contract) -> None:
    """One request a window; the receipt has both numbers, and so does verify --online."""
    desk = desk_at()
    assert desk(*contract.arguments()).code == 0
    assert contract.count is not None
    assert sorted(entry.place.day or "" for entry in desk.wire.cloud.asked(contract.count)) == [
        "2023-10-01",
        "2023-10-02",
        "2023-10-03",
    ]
    receipt = _receipt(desk)
    assert receipt["counted"]["windows"] == 3
    assert all(window["counted"] > 0 for window in receipt["windows"])
    outcome = desk("verify", "j", "--online")
    assert outcome.code == 0, outcome.stderr
    assert f"the server counts {receipt['counted']['records']:,}" in outcome.stderr
    assert f"{receipt['records']:,} records are stored" in outcome.stderr


def test_window_of_which_the_query_counts_more_waits_and_is_downloaded_again(desk_at: MakeDesk) -> None:
    """A job that is silently partial is no complete window: exit 3 with both numbers, and whole once the server is."""
    desk = desk_at()
    rule = desk.wire.cloud.script.add(_halved, kind=Kind.CONVERSATION_RESULTS, day=DAY, times=None)
    outcome = desk(*CONVERSATION_JOBS.arguments())
    assert outcome.code == 3, outcome.stderr
    assert "conversations by the details query" in outcome.stderr
    assert rule.fired == 2  # downloaded once more in this run, and no oftener
    assert not desk.wire.cloud.jobs.open
    status = desk.status("j")
    assert (status["windows"]["done"], status["shortfalls"]) == (2, {"fewer": 1})
    desk.wire.cloud.script.heal()
    assert desk("resume", "j").code == 0
    assert wrong_with(desk, CONVERSATION_JOBS) == ""


def test_window_of_which_two_runs_bring_the_same_is_settled_and_told(desk_at: MakeDesk) -> None:
    """A query that counts more for ever holds no job up for ever: a second run that brings the same settles it."""
    desk = desk_at()
    rule = with_value("totalHits", value=669)
    desk.wire.cloud.script.add(rule, kind=Kind.CONVERSATIONS, day=DAY, times=None)
    assert desk(*CONVERSATION_JOBS.arguments()).code == 3
    outcome = desk("resume", "j")
    assert outcome.code == 0, outcome.stderr
    assert wrong_with(desk, CONVERSATION_JOBS) == ""
    window = next(one for one in _receipt(desk)["windows"] if one["from"].startswith(DAY))
    assert (window["counted"], window["settled"]) == (669, True)
    assert "669" in desk("status", "j").stdout
    online = desk("verify", "j", "--online")
    assert online.code == 0, online.stderr
    assert f"{DAY}: 669" in online.stderr


def test_window_whose_count_comes_down_is_complete_without_another_download(desk_at: MakeDesk) -> None:
    """Where the query counts no more than came, a later run, it is not downloaded again."""
    desk = desk_at()
    desk.wire.cloud.script.add(with_value("totalHits", value=669), kind=Kind.CONVERSATIONS, day=DAY, times=None)
    assert desk(*CONVERSATION_JOBS.arguments()).code == 3
    desk.wire.cloud.script.heal()
    before = len(desk.wire.cloud.asked(Kind.CONVERSATION_SUBMIT))
    assert desk("resume", "j").code == 0
    assert len(desk.wire.cloud.asked(Kind.CONVERSATION_SUBMIT)) == before
    assert wrong_with(desk, CONVERSATION_JOBS) == ""


def test_query_that_counts_fewer_is_told(desk_at: MakeDesk) -> None:
    """A lower count is no reason to wait, and is in the receipt."""
    desk = desk_at()
    desk.wire.cloud.script.add(with_value("totalHits", value=1), kind=Kind.CONVERSATIONS, day=DAY, times=None)
    assert desk(*CONVERSATION_JOBS.arguments()).code == 0
    assert _receipt(desk)["counted"]["windows_with_fewer"] == 1
    assert wrong_with(desk, CONVERSATION_JOBS) == ""


@BOTH
def test_missing_permission_to_count_is_told_once(desk_at: MakeDesk, contract: Contract) -> None:
    """403 to the query ends no job: it is told once, and no other window is counted."""
    desk = desk_at()
    assert contract.count is not None
    desk.wire.cloud.script.add(
        instead({"code": "missing.permissions", "status": 403}, status=403), kind=contract.count, times=None
    )
    desk.extra["RESUMABLE_WORKERS"] = "1"
    assert desk(*contract.arguments()).code == 0
    assert len(desk.wire.cloud.asked(contract.count)) == 1
    told = [event for event in desk.status("j")["events"] if "could not be counted" in event["text"]]
    assert len(told) == 1
    assert _receipt(desk)["counted"] is None


def test_no_count_asks_for_none(desk_at: MakeDesk) -> None:
    """--no-count turns it off."""
    desk = desk_at()
    assert desk(*CONVERSATION_JOBS.arguments(), "--no-count").code == 0
    assert desk.wire.cloud.asked(Kind.CONVERSATIONS) == []


def test_count_of_users_is_not_compared_with_users(desk_at: MakeDesk) -> None:
    """`totalHits` of users' details counts documents: it is told, and makes nothing wait where records came."""
    desk = desk_at(World())
    desk.wire.cloud.script.add(with_value("totalHits", value=70191), kind=Kind.USER_DETAILS, times=None)
    assert desk(*USER_DETAIL_JOBS.arguments()).code == 0
    assert _receipt(desk)["counted"]["records"] == 3 * 70191


def test_users_of_whom_nothing_came_although_documents_are_counted_are_missed(desk_at: MakeDesk) -> None:
    """An empty window of users' details of which documents are counted is not complete at once."""
    desk = desk_at(World())
    empty = instead({"userDetails": [], "dataAvailabilityDate": "2024-01-01T00:00:00Z"})
    desk.wire.cloud.script.add(empty, kind=Kind.USER_RESULTS, day=DAY, times=None)
    assert desk(*USER_DETAIL_JOBS.arguments()).code == 3
    desk.wire.cloud.script.heal()
    assert desk("resume", "j").code == 0
    assert wrong_with(desk, USER_DETAIL_JOBS) == ""
