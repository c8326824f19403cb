"""What the official SDK reads page by page is the truth, and its models know all of it."""

from types import ModuleType

import pytest

from resumable.simulator.json_values import Json
from resumable.simulator.messages import Kind
from resumable.simulator.settings import PastEnd, SimSettings
from resumable.simulator.simulator import Simulator
from tests.interop.sdk import DAY, Connect, any_of, assert_same, conversation_query, paging


def test_the_token_comes_for_basic_credentials_and_is_used_from_then_on(sdk: ModuleType, connect: Connect) -> None:
    """The SDK asks for its token with Basic credentials, and the next request carries the token."""
    seen: list[str] = []

    def look(options: Json) -> Json:
        seen.append(options.headers["Authorization"].split()[0])
        return options

    with Simulator(SimSettings(records=1)) as sim:
        client = connect(sim)
        client.get_http_client().set_pre_request_hook(look)
        client.get_client_credentials_token(sim.settings.client_id, sim.settings.client_secret)
        sdk.RoutingApi(client).get_routing_queues()
        assert seen == ["Basic", "Bearer"]
        _, token, queues = sim.log
        assert (token.kind, token.status, token.issued) == (Kind.TOKEN, 200, "t2")
        assert (queues.kind, queues.status, queues.token) == (Kind.QUEUES, 200, "t2")


def test_all_pages_of_a_day_are_the_truth(sdk: ModuleType, connect: Connect) -> None:
    """Paged through with the SDK's own models, a day has the ids, the counts and every value of the truth."""
    with Simulator(SimSettings(records=250)) as sim:
        api = sdk.AnalyticsApi(connect(sim))
        found: list[Json] = []
        for page in range(1, 4):
            answer = api.post_analytics_conversations_details_query(conversation_query(sdk, page=page))
            assert answer.total_hits == 250
            found += answer.conversations
        assert [conversation.conversation_id for conversation in found] == list(sim.truth(DAY).ids)
        assert_same(found, sim.truth(DAY))


@pytest.mark.parametrize(("habit", "expected"), [(PastEnd.ABSENT, None), (PastEnd.NULL, None), (PastEnd.EMPTY, [])])
def test_a_page_past_the_end_has_no_conversations(
    habit: PastEnd, expected: list[Json] | None, sdk: ModuleType, connect: Connect
) -> None:
    """Beyond the last page the SDK finds no conversations and the same total, whichever way the server says so."""
    with Simulator(SimSettings(records=5, past_end=habit)) as sim:
        query = conversation_query(sdk, page=2)
        answer = sdk.AnalyticsApi(connect(sim)).post_analytics_conversations_details_query(query)
        assert (answer.conversations, answer.total_hits) == (expected, 5)


def test_filters_made_of_the_sdks_models_select_what_the_truth_says(sdk: ModuleType, connect: Connect) -> None:
    """Segment and conversation filters in the SDK's own words select a part of a day, the same as the truth's."""
    with Simulator(SimSettings(records=100)) as sim:
        client = connect(sim)
        query = conversation_query(sdk)
        organisation = sim.world.organisation
        query.segment_filters = [
            any_of(sdk, "Segment", "queueId", *organisation.queue_ids[:4]),
            any_of(sdk, "Segment", "mediaType", "voice", "chat"),
        ]
        query.conversation_filters = [any_of(sdk, "Conversation", "divisionId", organisation.division_ids[0])]
        truth = sim.truth(DAY, query=client.sanitize_for_serialization(query))
        answer = sdk.AnalyticsApi(client).post_analytics_conversations_details_query(query)
        assert 0 < answer.total_hits < 100
        assert_same(answer.conversations, truth)


def test_single_conversations_are_found_by_their_ids(sdk: ModuleType, connect: Connect) -> None:
    """One conversation, and several, come by their ids as they are in the truth."""
    with Simulator(SimSettings(records=10)) as sim:
        truth = sim.truth(DAY)
        api = sdk.AnalyticsApi(connect(sim))
        assert_same([api.get_analytics_conversation_details(truth.ids[3])], list(truth)[3:4])
        assert_same(api.get_analytics_conversations_details(id=list(truth.ids[:3])).conversations, list(truth)[:3])


def test_users_details_are_the_truth(sdk: ModuleType, connect: Connect) -> None:
    """All pages of users' details hold every user's presence and routing status, as the truth has them."""
    with Simulator(SimSettings(users=40)) as sim:
        api = sdk.AnalyticsApi(connect(sim))
        found: list[Json] = []
        for page in range(1, 6):
            query = sdk.UserDetailsQuery()
            query.interval, query.paging = DAY, paging(sdk, page, 10)
            found += api.post_analytics_users_details_query(query).user_details or []
        truth = sim.truth(DAY, dataset="user-details")
        assert 10 < len(truth) < 50
        assert_same(found, truth)


@pytest.mark.parametrize(
    ("dataset", "api", "method"),
    [
        ("users", "UsersApi", "get_users"),
        ("queues", "RoutingApi", "get_routing_queues"),
        ("wrapupcodes", "RoutingApi", "get_routing_wrapupcodes"),
    ],
)
def test_entity_lists_are_read_to_their_page_count(
    dataset: str, api: str, method: str, sdk: ModuleType, connect: Connect
) -> None:
    """The pages from 1 to pageCount of a list, smaller than was asked for, are the truth, and say where they are."""
    with Simulator(SimSettings(list_page_size_cap=7)) as sim:
        ask = getattr(getattr(sdk, api)(connect(sim)), method)
        first = ask(page_size=100, page_number=1)
        assert (first.page_size, first.total) == (7, len(sim.truth(dataset=dataset)))
        pages = [first, *(ask(page_size=100, page_number=number) for number in range(2, first.page_count + 1))]
        assert [page.page_number for page in pages] == list(range(1, first.page_count + 1))
        assert len(pages) > 1
        assert [bool(page.next_uri) for page in pages] == [True] * (len(pages) - 1) + [False]
        assert_same([entity for page in pages for entity in page.entities], sim.truth(dataset=dataset))
