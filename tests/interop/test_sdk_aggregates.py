"""Aggregates, asked for and read with the official SDK's models."""

from types import ModuleType

from resumable.simulator.settings import SimSettings, Style
from resumable.simulator.simulator import Simulator
from tests.interop.sdk import DAY, Connect


def test_aggregates_are_read_by_the_sdk(sdk: ModuleType, connect: Connect) -> None:
    """Groups, intervals, counts, sums and the service level's parts arrive in the SDK's own models."""
    with Simulator(SimSettings(records=80, style=Style.LIFELIKE)) as sim:
        query = sdk.ConversationAggregationQuery()
        query.interval, query.granularity, query.group_by = DAY, "P1D", ["queueId"]
        query.metrics = ["nOffered", "tAnswered", "oServiceLevel"]
        answer = sdk.AnalyticsApi(connect(sim)).post_analytics_conversations_aggregates_query(query)
    groups = {each.group["queueId"] for each in answer.results if "queueId" in each.group}
    assert groups <= set(sim.world.organisation.queue_ids)
    metrics = {m.metric: m.stats for each in answer.results for data in each.data for m in data.metrics}
    assert metrics["nOffered"].count > 0
    assert metrics["tAnswered"].sum >= metrics["tAnswered"].max > 0
    assert metrics["oServiceLevel"].ratio == metrics["oServiceLevel"].numerator / metrics["oServiceLevel"].denominator
