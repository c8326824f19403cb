"""Paging by both contracts ends with the truth, and whatever the server would refuse is refused."""

import json

import pytest

from resumable.simulator.json_values import Json
from resumable.simulator.messages import Kind
from resumable.simulator.settings import Oversize, PastEnd
from tests.simulator.caller import DAY, QUERY, Caller, Start

SLICE = "2023-10-01T06:30:00Z/2023-10-01T07:00:00Z"


def read_public(caller: Caller, size: int = 7, **query: Json) -> list[Json]:
    """Read all pages until the records key is missing."""
    found: list[Json] = []
    for number in range(1, 500):
        records = caller.page(number, size, **query).json.get("conversations")
        if not records:
            return found
        found += records
    raise AssertionError("no end")


def ids(records: list[Json]) -> list[str]:
    return [record["conversationId"] for record in records]


def segment(dimension: str, value: str, kind: str = "and") -> Json:
    return {"segmentFilters": [{"type": kind, "predicates": [{"dimension": dimension, "value": value}]}]}


@pytest.mark.parametrize("interval", [DAY, SLICE, "2023-10-01T22:00Z/2023-10-03T01:00Z", "2023-10-01/2023-10-04"])
def test_all_public_pages_are_the_truth(start: Start, interval: str) -> None:
    """The pages of the public contract, one after the other, are exactly the truth."""
    caller = start(records=40, rate_public=None)
    truth = caller.simulator.truth(interval)
    assert truth.ids
    assert read_public(caller, interval=interval) == list(truth)
    assert caller.page(1, 5, interval).json["totalHits"] == len(truth)


def test_all_article_pages_are_the_truth(start: Start) -> None:
    """The pages of the article's contract, as many as it says, are exactly the truth."""
    caller = start(records=45)
    first = caller.article(1, 10).json
    assert first["paging"] == {"pageNumber": 1, "pageSize": 10, "pageCount": 5}
    found = [record for number in range(1, 6) for record in caller.article(number, 10).json["entities"]]
    assert found == list(caller.simulator.truth(DAY, dataset="conversations-pagecount"))
    assert caller.article(6, 10).json["entities"] == []


def test_slices_of_a_day_overlap_and_days_do_not(start: Start) -> None:
    """Conversations repeat across the slices of a day, never across days."""
    caller = start(records=100, rate_public=None)
    truth = caller.simulator.truth
    days = [truth("2023-10-01/2023-10-02").ids, truth("2023-10-02/2023-10-03").ids]
    assert not set(days[0]) & set(days[1])
    noon = "2023-10-01T12:00:00Z"
    halves = [truth(f"2023-10-01/{noon}").ids, truth(f"{noon}/2023-10-02").ids]
    assert set(halves[0]) | set(halves[1]) == set(days[0])
    assert set(halves[0]) & set(halves[1])


@pytest.mark.parametrize("order_by", ["conversationStart", "conversationEnd"])
def test_descending_is_ascending_the_other_way_round(start: Start, order_by: str) -> None:
    """desc gives the records of asc in reverse."""
    caller = start(records=40, rate_public=None)
    ascending = ids(read_public(caller, order="asc", orderBy=order_by))
    assert ids(read_public(caller, order="desc", orderBy=order_by)) == ascending[::-1]
    assert len(set(ascending)) == 40


def test_unordered_pages_need_not_fit_together(start: Start) -> None:
    """order unordered comes differently from request to request."""
    caller = start(records=60, rate_public=None)
    assert len({tuple(ids(caller.page(1, 20, order="unordered").json["conversations"])) for _ in range(5)}) > 1


@pytest.mark.parametrize(("habit", "expected"), [(PastEnd.ABSENT, "absent"), (PastEnd.NULL, None), (PastEnd.EMPTY, [])])
def test_the_records_key_past_the_end_follows_the_switch(start: Start, habit: PastEnd, expected: Json) -> None:
    """Beyond the last page, conversations is absent, null or empty."""
    caller = start(past_end=habit)
    assert caller.page(99).json == {"totalHits": 30} | ({} if expected == "absent" else {"conversations": expected})


def one(kind: str, **predicate: Json) -> Json:
    return {kind: [{"type": "and", "predicates": [predicate]}]}


def telling_queries(caller: Caller) -> list[Json]:
    """Return queries of every kind that some but not all conversations meet."""
    organisation = caller.simulator.world.organisation
    either = [
        {"type": "and", "predicates": [{"dimension": "divisionId", "value": organisation.division_ids[0]}]},
        {"type": "and", "predicates": [{"dimension": "originatingDirection", "value": "outbound"}]},
    ]
    return [
        segment("queueId", organisation.queue_ids[0]),
        segment("mediaType", "chat"),
        segment("direction", "outbound"),
        segment("purpose", "ivr"),
        segment("userId", organisation.user_ids[3]),
        segment("wrapUpCode", organisation.wrapup_code_ids[2]),
        one("conversationFilters", type="metric", metric="tTalk", range={"gte": 10}),
        one("evaluationFilters", type="metric", metric="oTotalScore", range={"gte": 10}),
        one("resolutionFilters", type="metric", metric="nNextContactAvoided", range={"gte": 1}),
        one("segmentFilters", type="metric", metric="tSegmentDuration", range={"gt": 9e6}),
        one("conversationFilters", dimension="conversationId", value=caller.simulator.truth(DAY).ids[17]),
        one("conversationFilters", dimension="conversationEnd", operator="notExists"),
        one("evaluationFilters", dimension="evaluationId", operator="exists"),
        {"conversationFilters": [{"type": "or", "clauses": either}]},
    ]


def test_filters_choose_what_the_truth_says(start: Start) -> None:
    """Every kind of filter gives the conversations that have what it names."""
    caller = start(records=120, rate_public=None)
    for query in telling_queries(caller):
        truth = caller.simulator.truth(DAY, query=query)
        assert 0 < len(truth) < 120, query
        assert ids(read_public(caller, size=50, **query)) == list(truth.ids)


def test_the_predicates_of_one_filter_hold_for_one_segment(start: Start) -> None:
    """Two predicates of an and-filter must be met by the same segment."""
    caller = start(records=200, rate_public=None)
    purpose, queue = ({"dimension": d, "value": v} for d, v in (("purpose", "agent"), ("wrapUpCode", "")))
    queue["value"] = caller.simulator.world.organisation.wrapup_code_ids[0]
    together = caller.simulator.truth(DAY, query={"segmentFilters": [{"type": "and", "predicates": [purpose, queue]}]})
    apart = caller.simulator.truth(
        DAY, query={"segmentFilters": [{"type": "and", "predicates": [p]} for p in (purpose, queue)]}
    )
    assert set(together.ids) < set(apart.ids)


@pytest.mark.parametrize("path", ["participants.sessions.segments.queueId", "queueId", "queue.id"])
def test_article_filters_choose_by_queue(start: Start, path: str) -> None:
    """The article's filters are honoured, by its own path and by the records', in and notIn giving everything."""
    caller = start(records=80)
    queues = caller.simulator.world.organisation.queue_ids[:2]
    found = {}
    for operator in ("in", "notIn"):
        filters = {"and": [{"path": path, "operator": operator, "values": list(queues)}]}
        found[operator] = ids(caller.article(1, 1000, filters=filters).json["entities"])
        truth = caller.simulator.truth(DAY, dataset="conversations-pagecount", query={"filters": filters})
        assert found[operator] == list(truth.ids)
    assert len(found["in"]) + len(found["notIn"]) == 80
    assert found["in"]


BAD_PUBLIC: list[Json] = [
    {"interval": None},
    {"interval": "yesterday"},
    {"interval": "2023-10-01"},
    {"interval": "2023-10-02/2023-10-01"},
    {"interval": "2023-10-01/2023-10-01"},
    {"interval": "2023-10-01/2023-10-09"},
    {"order": "up"},
    {"orderBy": "queueId"},
    {"paging": []},
    {"paging": {"pageNumber": 0, "pageSize": 10}},
    {"paging": {"pageNumber": -1, "pageSize": 10}},
    {"paging": {"pageNumber": "1", "pageSize": 10}},
    {"paging": {"pageNumber": 1.5, "pageSize": 10}},
    {"paging": {"pageNumber": True, "pageSize": 10}},
    {"paging": {"pageNumber": 1, "pageSize": 0}},
    {"paging": {"pageNumber": 1, "pageSize": 101}},
    {"paging": {"pageNumber": 1001, "pageSize": 100}},
    {"pagging": {}},
    {"aggregations": {}},
    {"segmentFilters": {}},
    {"segmentFilters": ["queueId"]},
    {"segmentFilters": [{"type": "nor", "predicates": [{"dimension": "queueId", "value": "x"}]}]},
    {"segmentFilters": [{"type": "and"}]},
    {"segmentFilters": [{"type": "and", "predicates": [{"dimension": "shoeSize", "value": "x"}]}]},
    {"segmentFilters": [{"type": "and", "predicates": [{"dimension": "conversationId", "value": "x"}]}]},
    {"segmentFilters": [{"type": "and", "predicates": [{"dimension": "queueId"}]}]},
    {"segmentFilters": [{"type": "and", "predicates": [{"dimension": "queueId", "operator": "like", "value": "x"}]}]},
    {"segmentFilters": [{"type": "and", "predicates": [{"type": "metric", "metric": "speed", "range": {"gte": 1}}]}]},
    {"segmentFilters": [{"type": "and", "predicates": [{"type": "metric", "metric": "tTalk", "range": {"gte": 1}}]}]},
    {"conversationFilters": [{"type": "and", "predicates": [{"dimension": "queueId", "value": "x"}]}]},
    {"conversationFilters": [{"type": "and", "predicates": [{"type": "property", "property": "p", "value": "x"}]}]},
    {"resolutionFilters": [{"type": "and", "predicates": [{"dimension": "queueId", "value": "x"}]}]},
]


@pytest.mark.parametrize("change", BAD_PUBLIC, ids=json.dumps)
def test_the_public_contract_refuses(start: Start, change: Json) -> None:
    """A query that makes no sense by the public contract is a 400 in the documented shape."""
    reply = start().post(QUERY, {"interval": DAY, **change})
    assert reply.status == 400
    assert reply.json["code"] == "bad.request"
    assert {"message", "code", "status", "contextId", "details", "errors"} <= set(reply.json)


def test_the_walls_speak_the_documented_words(start: Start) -> None:
    """The 100,000 wall and the 7-day wall say what the real server says."""
    caller = start()
    assert caller.page(1000, 100).status == 200
    assert caller.page(1001, 100).json["message"] == "Pagination may not exceed 100000 results."
    assert "that does not exceed 7 days" in caller.page(interval="2023-10-01/2023-10-09").json["message"]


BAD_ARTICLE: list[Json] = [
    {"dateFrom": None},
    {"dateTo": None},
    {"dateFrom": "soon"},
    {"dateFrom": "2023-11-01"},
    {"size": 0},
    {"size": 1001},
    {"size": 2.5},
    {"size": "25"},
    {"pageNumber": 0},
    {"pageNumber": "2"},
    {"metrics": 5},
    {"groupBy": {}},
    {"filters": []},
    {"filters": {"xor": []}},
    {"filters": {"and": [{"path": "shoeSize", "operator": "in", "values": ["x"]}]}},
    {"filters": {"and": [{"path": "queueId", "operator": "near", "values": ["x"]}]}},
    {"filters": {"and": [{"path": "queueId", "operator": "in", "values": []}]}},
]


@pytest.mark.parametrize("change", BAD_ARTICLE, ids=json.dumps)
def test_the_article_s_contract_refuses(start: Start, change: Json) -> None:
    """A query that makes no sense by the article's contract is a 400."""
    assert start().article(**{"number": 1, **change} if "number" in change else change).status == 400


def test_bodies_that_are_no_json_object_are_refused(start: Start) -> None:
    """What is no JSON object is a 400, and what does not call itself JSON a 415."""
    caller = start()
    for body in (b"", b"[]", b"{", b"null"):
        assert caller.call("POST", QUERY, body, Content_Type="application/json").status == 400
    assert caller.call("POST", QUERY, b"{}", Content_Type="text/plain").status == 415


def test_an_oversized_page_can_be_clamped_in_silence(start: Start) -> None:
    """With the switch on clamp, a page of 500 is a page of 100."""
    caller = start(records=150, oversize=Oversize.CLAMP)
    assert len(caller.page(1, 500).json["conversations"]) == 100


def test_attributes_are_in_job_results_only(start: Start) -> None:
    """The details queries of both contracts never have participants' attributes."""
    caller = start()
    for records in (caller.page().json["conversations"], caller.article().json["entities"]):
        assert not any("attributes" in p for r in records for p in r["participants"])


def test_entity_lists_carry_the_full_envelope(start: Start) -> None:
    """Entity lists page by relative addresses, and a page size above the server's is made smaller and echoed."""
    caller = start(users=23, list_page_size_cap=10)
    first, last = (caller.get("/api/v2/users", pageSize=500, pageNumber=n).json for n in (1, 3))
    assert (first["pageSize"], first["total"], first["pageCount"], len(first["entities"])) == (10, 23, 3, 10)
    assert first["nextUri"] == "/api/v2/users?pageSize=10&pageNumber=2"
    assert "previousUri" not in first
    assert "nextUri" not in last
    assert len(last["entities"]) == 3
    truth = caller.simulator.truth(dataset="users")
    pages = [caller.get("/api/v2/users", pageSize=10, pageNumber=n).json["entities"] for n in (1, 2, 3)]
    assert [e for page in pages for e in page] == list(truth)


@pytest.mark.parametrize("path", ["/api/v2/routing/queues", "/api/v2/routing/wrapupcodes"])
def test_other_entity_lists_are_there(start: Start, path: str) -> None:
    """Queues and wrap-up codes are lists like users, and refuse a page 0."""
    caller = start()
    assert caller.get(path).json["entities"][0]["selfUri"].startswith(path)
    assert caller.get(path, pageNumber=0).status == 400


def test_user_details_are_paged_like_conversations(start: Start) -> None:
    """Users' details come with totalHits and end with the truth."""
    caller = start(users=30)
    path = "/api/v2/analytics/users/details/query"
    pages = [
        caller.post(path, {"interval": DAY, "paging": {"pageSize": 10, "pageNumber": n}}).json for n in (1, 2, 3, 4)
    ]
    truth = list(caller.simulator.truth(DAY, dataset="user-details"))
    assert [u for page in pages for u in page.get("userDetails", [])] == truth
    assert pages[0]["totalHits"] == len(truth)


def test_users_are_filtered_by_clauses_and_predicates(start: Start) -> None:
    """A filter of users' details chooses by id, in clauses as in predicates, and what it cannot name is refused."""
    caller = start(users=30)
    path = "/api/v2/analytics/users/details/query"
    some = caller.simulator.truth(DAY, dataset="user-details").ids[:3]
    clauses = [{"type": "or", "predicates": [{"dimension": "userId", "value": user} for user in some]}]
    query = {"userFilters": [{"type": "and", "clauses": clauses}]}
    assert [user["userId"] for user in caller.post(path, {"interval": DAY, **query}).json["userDetails"]] == [*some]
    assert caller.simulator.truth(DAY, dataset="user-details", query=query).ids == some
    for name in ("userFilters", "presenceFilters", "routingStatusFilters"):
        wrong = {name: [{"type": "and", "predicates": [{"dimension": "queueId", "value": "x"}]}]}
        assert caller.post(path, {"interval": DAY, **wrong}).status == 400


def test_single_conversations_can_be_fetched(start: Start) -> None:
    """A conversation that was listed can be had by its id, alone or with others."""
    caller = start()
    first, second = caller.page().json["conversations"][:2]
    assert caller.get(f"/api/v2/analytics/conversations/{first['conversationId']}/details").json == first
    both = caller.get(
        "/api/v2/analytics/conversations/details", id=f"{first['conversationId']},{second['conversationId']}"
    )
    assert both.json["conversations"] == [first, second]
    assert caller.get("/api/v2/analytics/conversations/unheard-of/details").status == 404


def test_the_log_knows_what_was_asked_for(start: Start) -> None:
    """Each request is in the log with its kind, interval, page, size and status."""
    caller = start()
    caller.page(2, 10)
    caller.article(3, 20)
    public, article = caller.simulator.log.entries(Kind.CONVERSATIONS, Kind.ARTICLE)
    assert (public.interval, public.page, public.page_size, public.status) == (DAY, 2, 10, 200)
    assert (article.interval, article.page, article.page_size) == (DAY, 3, 20)
    assert caller.simulator.log.counts() == {"token": 1, "conversations": 1, "article": 1}
    assert public.token == article.token == "t1"
