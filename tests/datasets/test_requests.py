"""What each contract asks for: the request of a window and a page, as its source has it."""

from datetime import timedelta

import pytest

from resumable.datasets.catalogue import CATALOGUE
from resumable.datasets.details_job import DetailsJob
from resumable.datasets.resolve import get
from resumable.errors import UsageError
from resumable.models import Interval, Query
from resumable.schema.registry import pinned
from tests.support.builders import START

DAY = Interval(start=START, end=START + timedelta(days=1))
EVERYTHING = Query(
    queues=("q1", "q2"),
    divisions=("d",),
    media_types=("voice",),
    directions=("inbound",),
    filter='{"segmentFilters":[{"type":"or","predicates":[]}]}',
)


def any_of(dimension: str, *values: str) -> dict[str, object]:
    """Return a filter of the public contract."""
    predicates = [{"type": "dimension", "dimension": dimension, "operator": "matches", "value": v} for v in values]
    return {"type": "or", "predicates": predicates}


def test_a_page_of_conversations_is_asked_for_in_an_order_that_repeats() -> None:
    """Interval, order and paging, and nothing else where nothing else was asked for."""
    request = get("conversations").request(Query(), DAY, 3, 100)  # type: ignore[union-attr]  # a paged contract
    assert (request.method, request.path) == ("POST", "/api/v2/analytics/conversations/details/query")
    assert request.body == {
        "interval": "2023-10-01T00:00:00.000Z/2023-10-02T00:00:00.000Z",
        "order": "asc",
        "orderBy": "conversationStart",
        "paging": {"pageSize": 100, "pageNumber": 3},
    }


def test_filters_of_one_flag_are_alternatives_and_flags_add_up() -> None:
    """Values of a flag are joined by or, flags and the free filter stand side by side."""
    body = get("conversations").request(EVERYTHING, DAY, 1, 100).body  # type: ignore[union-attr]  # a paged contract
    assert body is not None
    assert body["segmentFilters"] == [
        any_of("queueId", "q1", "q2"),
        any_of("mediaType", "voice"),
        any_of("direction", "inbound"),
        {"type": "or", "predicates": []},
    ]
    assert body["conversationFilters"] == [any_of("divisionId", "d")]


def test_the_contract_with_a_page_count_is_asked_as_the_article_has_it() -> None:
    """dateFrom, dateTo, size and pageNumber; groupBy, metrics and filters only where they are asked for."""
    contract = get("conversations-pagecount")
    plain = contract.request(Query(), DAY, 2, 1000)  # type: ignore[union-attr]  # a paged contract
    assert plain.body == {
        "dateFrom": "2023-10-01T00:00:00.000Z",
        "dateTo": "2023-10-02T00:00:00.000Z",
        "size": 1000,
        "pageNumber": 2,
    }
    query = Query(queues=("q",), group_by=("queueId",), metrics=("nConnected",), filter='{"and":[{"path":"x"}]}')
    full = contract.request(query, DAY, 2, 1000).body  # type: ignore[union-attr]  # a paged contract
    assert full is not None
    assert (full["groupBy"], full["metrics"]) == (["queueId"], ["nConnected"])
    assert full["filters"] == {"and": [{"path": "queue.id", "operator": "in", "values": ["q"]}, {"path": "x"}]}


def test_a_job_counts_a_conversation_to_the_day_it_started_on() -> None:
    """Submitting asks for start-of-day matching, so that day windows are disjoint."""
    contract = get("conversation-jobs")
    request = contract.submit(Query(), DAY)  # type: ignore[union-attr]  # a contract by jobs
    assert (request.method, request.path) == ("POST", "/api/v2/analytics/conversations/details/jobs")
    assert request.body is not None
    assert request.body["startOfDayIntervalMatching"] is True
    assert "paging" not in request.body
    users = get("user-detail-jobs").submit(Query(), DAY)  # type: ignore[union-attr]  # a contract by jobs
    assert users.body is not None
    assert "startOfDayIntervalMatching" not in users.body


@pytest.mark.parametrize("remote", ["../../oauth/token", "a/b", "a?x=1", "a#b", "é", "//evil.example"])
def test_a_servers_id_leads_nowhere_else(remote: str) -> None:
    """A job's id is one path segment, whatever the server says it is."""
    contract: DetailsJob = get("conversation-jobs")  # type: ignore[assignment]  # it is by jobs
    for request in (contract.poll(remote), contract.delete(remote), contract.results(remote, "c", 5)):
        rest = request.path.removeprefix("/api/v2/analytics/conversations/details/jobs/").removesuffix("/results")
        assert "/" not in rest
        assert "?" not in request.path
        assert "#" not in request.path


@pytest.mark.parametrize("name", ["users", "queues", "wrapupcodes"])
def test_a_list_is_asked_for_by_number_in_an_order_that_repeats(name: str) -> None:
    """Page size and number are parameters; users are listed whatever their state."""
    request = get(name).request(Query(), DAY, 4, 500)  # type: ignore[union-attr]  # a paged contract
    assert request.method == "GET"
    assert request.body is None
    assert (request.params["pageSize"], request.params["pageNumber"]) == ("500", "4")
    assert request.params["sortOrder"] == {"queues": "asc"}.get(name, "ascending")
    assert (request.params.get("state") == "any") is (name == "users")


def test_users_are_asked_for_with_all_that_has_columns() -> None:
    """What comes only where it is asked for is asked for, by names that the schema has a place for."""
    request = get("users").request(Query(), DAY, 1, 100)  # type: ignore[union-attr]  # a paged contract
    expanded = str(request.params["expand"]).split(",")
    assert {"routingStatus", "presence", "station", "authorization", "team", "groups", "skills", "languages"} < {
        *expanded
    }
    columns = {name.lower() for name in pinned("user").arrow.names}
    assert [name for name in expanded if name.lower() not in columns] == []


@pytest.mark.parametrize("name", CATALOGUE)
def test_every_dataset_of_the_catalogue_states_its_limits(name: str) -> None:
    """Name, sizes and rates are there and make sense."""
    contract = get(name)
    assert contract.name == name
    assert 1 <= contract.page_sizes.usual <= contract.page_sizes.most
    assert contract.documented_rate in (200.0, 300.0)
    assert contract.schema.key in contract.schema.arrow.names
    assert (contract.documented_rate == 200.0) is (name == "conversations-pagecount")


def test_an_unknown_dataset_is_refused_with_the_known_ones() -> None:
    """Exit code 2, and the list."""
    with pytest.raises(UsageError) as caught:
        get("conversation")
    assert "conversations" in caught.value.message + caught.value.hint
