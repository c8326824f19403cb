"""A contact centre that an analyst believes: hours have their shapes, and metrics follow from what happens."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from resumable.models import iso
from resumable.simulator.settings import SimSettings, Style
from resumable.simulator.simulator import Simulator
from tests.simulator.caller import Caller, Start

MONDAY = datetime(2025, 3, 3, tzinfo=UTC)
WEEK = (MONDAY, MONDAY + timedelta(days=7))
AGGREGATES = "/api/v2/analytics/conversations/aggregates/query"
USER_AGGREGATES = "/api/v2/analytics/users/aggregates/query"
DAY = "2025-03-03T00:00:00Z/2025-03-04T00:00:00Z"


@pytest.fixture(scope="module")
def week() -> list[dict[str, Any]]:
    """A week of conversations."""
    return list(Simulator(SimSettings(records=150, style=Style.LIFELIKE)).truth(WEEK))


def metrics(records: list[dict[str, Any]]) -> Counter[str]:
    """Count metrics by name."""
    sessions = (s for record in records for p in record["participants"] for s in p["sessions"])
    return Counter(metric["name"] for session in sessions for metric in session["metrics"])


def test_a_week_has_its_shape(week: list[dict[str, Any]]) -> None:
    """Monday is busier than Sunday by far, and ten in the morning than three at night."""
    days = Counter(record["conversationStart"][:10] for record in week)
    hours = Counter(record["conversationStart"][11:13] for record in week)
    assert days["2025-03-03"] > 3 * days["2025-03-09"] > 0
    assert hours["10"] > 10 * hours["03"]


def test_callers_wait_give_up_are_answered_and_handed_over(week: list[dict[str, Any]]) -> None:
    """In shares that a manager of a contact centre would believe."""
    found = metrics(week)
    assert 0.02 < found["tAbandon"] / found["nOffered"] < 0.2
    assert 0 < found["tShortAbandon"] < found["tAbandon"]
    assert 0.6 < 1 - found["nOverSla"] / found["tAnswered"] < 0.95
    assert 0.05 < found["nTransferred"] / found["tAnswered"] < 0.25
    assert found["tAnswered"] + found["tAbandon"] + found["tFlowOut"] == found["nOffered"]
    assert found["nOffered"] == found["tWait"]


def test_every_handle_time_is_its_talk_hold_and_work_after(week: list[dict[str, Any]]) -> None:
    """And dialling, where the agent placed the call."""
    for session in (s for record in week for p in record["participants"] for s in p["sessions"]):
        told = {metric["name"]: metric["value"] for metric in session["metrics"]}
        if "tHandle" in told:
            parts = ("tTalkComplete", "tHeldComplete", "tAcw", "tDialing")
            assert told["tHandle"] == sum(told.get(part, 0) for part in parts)


def test_nothing_ends_after_its_conversation_does(week: list[dict[str, Any]]) -> None:
    """No segment of one that has ended is open, or ends later."""
    for record in week:
        for segment in (x for p in record["participants"] for s in p["sessions"] for x in s["segments"]):
            if "conversationEnd" in record:
                assert segment["segmentStart"] <= segment["segmentEnd"] <= record["conversationEnd"]


def aggregated(caller: Caller, path: str = AGGREGATES, **body: Any) -> Any:  # noqa: ANN401 - any JSON
    """Ask for aggregates of a Monday."""
    return caller.post(path, {"interval": DAY, **body})


def test_aggregates_are_by_group_and_interval_and_filter(start: Start) -> None:
    """Half hours add up to the day, a filter keeps one queue, and every group has its media type."""
    caller = start(style=Style.LIFELIKE, records=200, queues=3)
    whole = aggregated(caller, metrics=["nOffered"], groupBy=["queueId"]).json["results"]
    halves = aggregated(caller, metrics=["nOffered"], groupBy=["queueId"], granularity="PT30M").json["results"]

    def total(results: Any, queue: str) -> int:  # noqa: ANN401 - any JSON
        found = [data for each in results if each["group"]["queueId"] == queue for data in each["data"]]
        return sum(metric["stats"]["count"] for data in found for metric in data["metrics"])

    queues = {each["group"]["queueId"] for each in whole}
    assert queues == set(caller.simulator.world.organisation.queue_ids)
    assert {name for each in whole for name in each["group"]} == {"mediaType", "queueId"}
    one, *_ = queues
    assert total(whole, one) == total(halves, one) > 0
    predicate = {"type": "dimension", "dimension": "queueId", "operator": "matches", "value": one}
    only = aggregated(
        caller, metrics=["nOffered"], groupBy=["queueId"], filter={"type": "and", "predicates": [predicate]}
    ).json["results"]
    assert {each["group"]["queueId"] for each in only} == {one}
    assert total(only, one) == total(whole, one)


def test_aggregates_of_users_are_the_times_of_their_states(start: Start) -> None:
    """As long as their details say."""
    caller = start(style=Style.LIFELIKE, users=6)
    results = aggregated(caller, USER_AGGREGATES, metrics=["tAgentRoutingStatus"], groupBy=["userId"]).json["results"]
    told = {
        (each["group"]["userId"], metric["qualifier"]): metric["stats"]["sum"]
        for each in results
        for metric in each["data"][0]["metrics"]
    }
    expected: Counter[tuple[str, str]] = Counter()
    for user in caller.simulator.truth(DAY, dataset="user-details"):
        for state in user["routingStatus"]:
            took = datetime.fromisoformat(state["endTime"]) - datetime.fromisoformat(state["startTime"])
            expected[user["userId"], state["routingStatus"]] += took // timedelta(milliseconds=1)
    assert told == expected != {}


@pytest.mark.parametrize(
    "wrong",
    [
        {"metrics": []},
        {"metrics": ["nOffered"], "groupBy": ["shoeSize"]},
        {"metrics": ["nOffered"], "granularity": "weekly"},
        {"metrics": ["nOffered"], "granularity": "PT0M"},
        {"metrics": ["nOffered"], "timeZone": "Europe/Berlin"},
        {"metrics": ["nOffered"], "paging": {}},
    ],
)
def test_an_aggregate_query_that_makes_no_sense_is_refused(start: Start, wrong: dict[str, Any]) -> None:
    """With a 400, as the server does."""
    assert aggregated(start(), **wrong).status == 400


def test_other_styles_count_conversations_alone(start: Start) -> None:
    """Their metrics are random, and add up to nothing."""
    caller = start(records=7)
    (result,) = aggregated(caller, metrics=["nConversations", "nOffered"]).json["results"]
    assert [(each["metric"], each["stats"]) for each in result["data"][0]["metrics"]] == [
        ("nConversations", {"count": 7})
    ]
    assert iso(MONDAY) in result["data"][0]["interval"]
