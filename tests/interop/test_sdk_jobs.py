"""What the official SDK reads by asynchronous jobs is the truth, and its models know all of it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from types import ModuleType

import pytest

from resumable.simulator.json_values import Json
from resumable.simulator.settings import SimSettings
from resumable.simulator.simulator import Simulator
from tests.interop.sdk import DAY, Connect, assert_same

WATERMARK = datetime(2023, 10, 9, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Family:
    """The SDK's names for one kind of job."""

    path: str
    query: str
    records: str
    dataset: str


CONVERSATIONS = Family(
    path="conversations_details", query="AsyncConversationQuery", records="conversations", dataset="conversation-jobs"
)
USERS = Family(path="users_details", query="AsyncUserDetailsQuery", records="user_details", dataset="user-details")


def all_pages(ask: Callable[..., Json], job: str, size: int) -> list[Json]:
    """Return the pages that lead from cursor to cursor to one without."""
    pages = [ask(job, page_size=size)]
    while pages[-1].cursor is not None:
        assert len(pages) < 50, "no end"
        pages.append(ask(job, page_size=size, cursor=pages[-1].cursor))
    return pages


@pytest.mark.parametrize("family", [CONVERSATIONS, USERS], ids=lambda family: family.path)
def test_a_job_is_made_waited_for_read_and_deleted(family: Family, sdk: ModuleType, connect: Connect) -> None:
    """A job goes from QUEUED to FULFILLED, its cursors lead through the truth, and once deleted it is gone."""
    with Simulator(SimSettings(records=100, watermark=WATERMARK, job_polls=3)) as sim:
        api = sdk.AnalyticsApi(connect(sim))
        query = getattr(sdk, family.query)()
        query.interval = DAY
        job = getattr(api, f"post_analytics_{family.path}_jobs")(query).job_id
        asked = [getattr(api, f"get_analytics_{family.path}_job")(job) for _ in range(3)]
        assert [status.state for status in asked] == ["QUEUED", "PENDING", "FULFILLED"]
        assert asked[-1].submission_date <= asked[-1].completion_date < asked[-1].expiration_date
        pages = all_pages(getattr(api, f"get_analytics_{family.path}_job_results"), job, 15)
        assert len(pages) > 1
        found = [record for page in pages for record in getattr(page, family.records)]
        assert_same(found, sim.truth(DAY, dataset=family.dataset))
        assert {page.data_availability_date for page in pages} == {WATERMARK}
        getattr(api, f"delete_analytics_{family.path}_job")(job)
        assert sim.jobs_alive == []


@pytest.mark.parametrize("family", [CONVERSATIONS, USERS], ids=lambda family: family.path)
def test_the_watermark_of_jobs_is_told(family: Family, sdk: ModuleType, connect: Connect) -> None:
    """The time up to which jobs have data comes as an aware time."""
    with Simulator(SimSettings(watermark=WATERMARK)) as sim:
        api = sdk.AnalyticsApi(connect(sim))
        answer = getattr(api, f"get_analytics_{family.path}_jobs_availability")()
        assert answer.data_availability_date == WATERMARK


def test_a_job_that_failed_says_why(sdk: ModuleType, connect: Connect) -> None:
    """A failed job has the state FAILED and an error message."""
    with Simulator(SimSettings(job_fails=True)) as sim:
        api = sdk.AnalyticsApi(connect(sim))
        query = sdk.AsyncConversationQuery()
        query.interval = DAY
        job = api.post_analytics_conversations_details_jobs(query).job_id
        status = api.get_analytics_conversations_details_job(job)
        assert status.state == "FAILED"
        assert status.error_message


def test_only_job_results_have_attributes(sdk: ModuleType, connect: Connect) -> None:
    """Participants have attributes in the results of a job, which counts by day where it is told to."""
    with Simulator(SimSettings(records=50, job_polls=0)) as sim:
        api = sdk.AnalyticsApi(connect(sim))
        query = sdk.AsyncConversationQuery()
        query.interval, query.start_of_day_interval_matching = DAY, True
        job = api.post_analytics_conversations_details_jobs(query).job_id
        (page,) = all_pages(api.get_analytics_conversations_details_job_results, job, 1000)
        by_day = {"startOfDayIntervalMatching": True}
        assert_same(page.conversations, sim.truth(DAY, dataset="conversation-jobs", query=by_day))
        assert any(person.attributes for found in page.conversations for person in found.participants)


def test_an_audit_query_is_made_waited_for_and_read(sdk: ModuleType, connect: Connect) -> None:
    """An audit query succeeds, and its cursors lead through the truth."""
    with Simulator(SimSettings(job_polls=1)) as sim:
        api = sdk.AuditApi(connect(sim))
        query = sdk.AuditQueryRequest()
        query.interval, query.service_name = DAY, "Architect"
        transaction = api.post_audits_query(query).id
        assert api.get_audits_query_transaction_id(transaction).state == "Succeeded"
        pages = all_pages(api.get_audits_query_transaction_id_results, transaction, 15)
        found = [record for page in pages for record in page.entities]
        assert_same(found, sim.truth(DAY, dataset="audits"))
