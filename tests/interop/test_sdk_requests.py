"""What the product sends is what the official SDK could send."""

from pathlib import Path

import pytest

import resumable
from resumable import JobState
from resumable.simulator.messages import Kind
from resumable.simulator.settings import SimSettings
from resumable.simulator.simulator import Simulator
from tests.interop.datasets import FILTERED, every_filter
from tests.interop.sdk import Connect, read_as, wire
from tests.support.inprocess import settings_for, spec_for

MODELS = {
    ("conversations", Kind.CONVERSATIONS): "ConversationQuery",
    ("conversation-jobs", Kind.JOB_CREATE): "AsyncConversationQuery",
    ("conversation-jobs", Kind.CONVERSATIONS): "ConversationQuery",
    ("conversation-history", Kind.JOB_CREATE): "AsyncConversationQuery",
    ("conversation-history", Kind.CONVERSATIONS): "ConversationQuery",
    ("user-details", Kind.USER_DETAILS): "UserDetailsQuery",
    ("user-detail-jobs", Kind.JOB_CREATE): "AsyncUserDetailsQuery",
    ("user-detail-jobs", Kind.USER_DETAILS): "UserDetailsQuery",
}


@pytest.mark.parametrize("dataset", FILTERED)
def test_every_query_of_the_product_is_one_of_the_sdks_models(dataset: str, connect: Connect, tmp_path: Path) -> None:
    """Read into the SDK's model and written again, a query with every filter is the same: the SDK knows all of it."""
    with Simulator(SimSettings(records=60, rate_public=None, job_polls=1)) as sim:
        query = every_filter(sim, dataset)
        job = resumable.make(spec_for(dataset, "2023-10-01", "2023-10-03", query=query), settings_for(sim, tmp_path))
        assert job.run().state is JobState.COMPLETE
        sent = [(MODELS[dataset, entry.kind], entry.body) for entry in sim.log if entry.body is not None]
        assert len(sent) >= 2
        client = connect(sim)
        for model, body in sent:
            assert wire(read_as(client, model, body)) == body
