"""Descriptions of what is not one list by pages: whole answers, lists in lists, at the top, addresses."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from resumable import Incomplete, JobState, Query, SourceUnsettled, UsageError
from resumable.errors import ProtocolFault
from resumable.schema.privacy import rules_for
from tests.support.described_forms import DAY, ORIGIN, Script, made, read, records, walk
from tests.support.ticket_server import serving

AGGREGATES = """
[dataset]
name = "aggregates"
token = "none"
strict = true
[request]
method = "POST"
path = "/aggregates"
body = { interval = "{from}/{to}", groupBy = ["queueId"] }
[paging]
style = "whole"
[answer]
records = "results[].data"
may_lack = true
[record]
key = ["group.queueId?", "interval"]
[schema]
group = { queueId = "text" }
interval = "text"
metrics = [{ metric = "text", count = "integer" }]
"""
LINKED = """
[dataset]
name = "linked"
token = "none"
[request]
path = "/things"
params = { expand = ["a", "b"], size = "{page_size}" }
[paging]
style = "next"
[answer]
records = "entities"
next_uri = "nextUri"
[record]
key = "id"
"""
TOP = """
[dataset]
name = "top"
token = "none"
[request]
path = "/things"
[paging]
style = "whole"
[answer]
records = "."
[record]
key = "id"
"""


def hours(asked: dict[str, Any]) -> dict[str, Any]:
    """Answer an aggregate query: one queue and none, two hours each."""
    day = asked["body"]["interval"][:10]
    data = [{"interval": f"{day}T0{hour}", "metrics": [{"metric": "n", "count": hour}]} for hour in range(2)]
    return {"results": [{"group": {"queueId": "q"}, "data": data}, {"group": {}, "data": data}]}


def test_a_whole_answer_is_one_page_and_lists_in_lists_are_records_with_a_key_of_their_own(tmp_path: Path) -> None:
    """An answer without paging is a window; each entry of the inner lists is a record, named by several members."""
    with serving(Script(reply=hours)) as server:
        job = made(AGGREGATES, server, tmp_path)
        assert job.run().state is JobState.COMPLETE
        assert len(server.asked) == 2
        assert sorted(record["_key"] for record in records(job)) == [
            *('["q","2025-01-01T00"]', '["q","2025-01-01T01"]', '["q","2025-01-02T00"]', '["q","2025-01-02T01"]'),
            *('[null,"2025-01-01T00"]', '[null,"2025-01-01T01"]', '[null,"2025-01-02T00"]', '[null,"2025-01-02T01"]'),
        ]
        assert records(job)[1] | {"_key": ""} == {
            "_key": "",
            "group": {"queueId": "q"},
            "interval": "2025-01-01T01",
            "metrics": [{"metric": "n", "count": 1}],
        }


WRONG: dict[str, Any] = {
    "an error beside nothing": {"message": "no", "code": "bad"},
    "an outer list that is none": {"results": {"a": 1}},
    "a group without its list": {"results": [{"group": {}}]},
    "an inner list that is none": {"results": [{"group": {}, "data": "x"}]},
    "a record that is none": {"results": [{"group": {}, "data": [1]}]},
    "a record without its key": {"results": [{"group": {}, "data": [{"metrics": []}]}]},
    "a key that is none": {"results": [{"group": {}, "data": [{"interval": {"a": 1}}]}]},
    "a member that is in both": {"results": [{"group": {}, "interval": "x", "data": [{"interval": "y"}]}]},
    "a key of our own": {"results": [{"group": {}, "data": [{"interval": "y", "_key": "z"}]}]},
    "a list at the top": [],
    "a number": 7,
}


@pytest.mark.parametrize("body", WRONG.values(), ids=WRONG)
def test_a_whole_answer_that_is_none_is_refused(body: object) -> None:
    """What is not where the description has it is no page."""
    with pytest.raises(ProtocolFault):
        read(AGGREGATES, body)


@pytest.mark.parametrize(
    "body",
    [{"results": {}}, {"results": [{"group": {}, "data": [{"interval": "y"}, {"interval": "y"}]}]}],
    ids=["no page", "a record twice"],
)
def test_what_is_wrong_throughout_is_never_complete(body: object, tmp_path: Path) -> None:
    """An answer that is none and records that come twice keep a job open, however often it is tried."""
    with serving(Script(reply=lambda _: body)) as server, pytest.raises((Incomplete, SourceUnsettled)):
        made(AGGREGATES, server, tmp_path).run()


def test_an_answer_that_may_lack_its_list_is_believed_after_a_second_look(tmp_path: Path) -> None:
    """Where the description says so, an answer with nothing in it is an empty window."""
    with serving(Script(reply=lambda _: {})) as server:
        job = made(AGGREGATES, server, tmp_path)
        assert job.run().state is JobState.COMPLETE
        assert records(job) == []


def test_what_a_key_is_made_of_cannot_be_left_out() -> None:
    """The key would hold it all the same."""
    for path in ("group", "group.queueId", "_key"):
        with pytest.raises(UsageError, match="knows its records by"):
            rules_for(walk(AGGREGATES).schema, drop=[path], key_id=str)


def linked(address: Callable[[Script], object]) -> Script:
    """Return a server of four things, two a page, that names the next page as the test says."""

    def reply(asked: dict[str, Any]) -> dict[str, Any]:
        if asked["params"].get("page") == "2":
            return {"entities": [{"id": "c"}, {"id": "d"}]}
        return {"entities": [{"id": "a"}, {"id": "b"}], "nextUri": address(server)}

    server = Script(reply=reply)
    return server


@pytest.mark.parametrize("whole", [False, True], ids=["path", "address"])
def test_an_address_on_the_same_host_is_followed(whole: bool, tmp_path: Path) -> None:
    """A next page is asked for by the path and the query that the answer named, whether with the host or without."""
    with serving(linked(lambda server: (server.url if whole else "") + "/things?page=2&x=%2F")) as server:
        job = made(LINKED, server, tmp_path)
        assert job.run().state is JobState.COMPLETE
        assert {record["id"] for record in records(job)} == {*"abcd"}
        assert {"page": "2", "x": "/"} in [asked["params"] for asked in server.asked]


@pytest.mark.parametrize(
    "address",
    [
        *("//evil.example/things", "http://127.0.0.1:9/things", "https://api.example@evil.example/", "things?page=2"),
        *("/a/../things", "/%2e%2e/things", "/things#x", "/thi ngs", "/" + "x" * 5000, 7, ["/things"], "javascript:1"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_an_address_that_leads_elsewhere_is_no_answer(address: object) -> None:
    """Another host, another way of asking, or a path that climbs: none is kept."""
    with pytest.raises(ProtocolFault):
        read(LINKED, {"entities": [{"id": "a"}], "nextUri": address})
    assert read(LINKED, {"entities": [{"id": "a"}], "nextUri": f"{ORIGIN}/b?c=d"}).said.cursor == "/b?c=d"


def test_an_address_that_led_elsewhere_is_not_in_the_way_of_a_healthy_server(tmp_path: Path) -> None:
    """It is refused before anything is kept of it, and nobody is asked there."""
    with serving(linked(lambda _: "https://evil.example/things?page=2")) as server:
        job = made(LINKED, server, tmp_path)
        with pytest.raises(Incomplete):
            job.run()
        assert not job.status().totals.pages_done
        server.reply = linked(lambda _: "/things?page=2").reply
        assert job.run().state is JobState.COMPLETE


def test_addresses_that_go_round_in_a_circle_end(tmp_path: Path) -> None:
    """A next page that was asked for before ends the take, and the job is not complete."""
    endless = Script(reply=lambda _: {"entities": [{"id": "a"}], "nextUri": "/things?page=1"})
    with serving(endless) as server, pytest.raises((Incomplete, SourceUnsettled)):
        made(LINKED, server, tmp_path).run()
    assert len(endless.asked) < 100


def test_a_list_at_the_top_is_a_page_and_nothing_else_is(tmp_path: Path) -> None:
    """An answer that is a list has its records in it; an object in its place is none."""
    with serving(Script(reply=lambda _: [{"id": 1}, {"id": 2}])) as server:
        job = made(TOP, server, tmp_path)
        assert job.run().state is JobState.COMPLETE
        assert records(job) == [{"id": 1}, {"id": 2}]
    with pytest.raises(ProtocolFault):
        read(TOP, {"entities": []})


def test_a_list_of_values_goes_as_so_many_parameters() -> None:
    """Each value of a list is a parameter of the same name."""
    assert walk(LINKED).first_page(Query(), DAY, 7).params == {"expand": ("a", "b"), "size": "7"}
