"""Every dataset of the catalogue, from the first request to the receipt."""

from pathlib import Path

import pytest

import resumable
from resumable import Incomplete, JobState, Query
from resumable.datasets.catalogue import CATALOGUE
from resumable.simulator.faults.faults import FaultKind, Match, SimFault
from resumable.simulator.messages import Kind
from resumable.simulator.settings import SimSettings, Style
from resumable.simulator.simulator import Simulator
from tests.support.inprocess import settings_for, spec_for
from tests.support.truth import TIMELESS, records_of, truth_of


@pytest.mark.parametrize("dataset", [name for name, listed in CATALOGUE.items() if listed.module])
def test_every_dataset_ends_equal_to_the_truth_and_asks_nothing_twice(dataset: str, tmp_path: Path) -> None:
    """Each dataset brings just the records that the server has, and once complete sends no request."""
    with Simulator(SimSettings(records=45, rate_public=None, rate_article=None, list_page_size_cap=7)) as sim:
        end = "2023-10-02" if dataset in TIMELESS else "2023-10-04"
        job = resumable.make(spec_for(dataset, "2023-10-01", end), settings_for(sim, tmp_path))
        status = job.run()
        assert status.state is JobState.COMPLETE
        assert records_of(job) == truth_of(job, sim)
        assert sim.jobs_alive == []
        sent = len(sim.log)
        assert job.run().state is JobState.COMPLETE
        assert len(sim.log) == sent


@pytest.mark.parametrize("dataset", ["conversations", "conversation-jobs"])
def test_filters_select_what_the_server_selects(dataset: str, tmp_path: Path) -> None:
    """Queue, media type, direction, division and free filters add up to the query that the truth is asked for."""
    with Simulator(SimSettings(records=120, rate_public=None)) as sim:
        queue = sim.truth(None, dataset="queues").ids[0]
        free = '{"segmentFilters":[{"type":"or","predicates":[{"dimension":"purpose","value":"agent"}]}]}'
        query = Query(queues=(queue,), media_types=("voice", "chat"), directions=("inbound",), filter=free)
        job = resumable.make(spec_for(dataset, "2023-10-01", "2023-10-03", query=query), settings_for(sim, tmp_path))
        status = job.run()
        asked = next(iter(sim.log.entries(Kind.CONVERSATIONS, Kind.JOB_CREATE))).body
        selection = {name: asked[name] for name in ("segmentFilters", "conversationFilters") if name in asked}
        assert len(selection["segmentFilters"]) == 4
        assert 0 < status.totals.records < 240
        assert records_of(job) == truth_of(job, sim, selection)


def test_a_page_size_over_the_public_limit_is_clamped(tmp_path: Path) -> None:
    """Asking for more than the public contract allows gets the most it allows."""
    with Simulator(SimSettings(records=150, style=Style.SMALL, rate_public=None)) as sim:
        job = resumable.make(
            spec_for("conversations", "2023-10-01", "2023-10-02", page_size=1000), settings_for(sim, tmp_path)
        )
        assert job.run().totals.pages_done == 2


def test_a_day_with_more_than_can_be_paged_through_is_split(tmp_path: Path) -> None:
    """A window over the limit is split before its deep pages are asked for, and nothing is missing."""
    with Simulator(SimSettings(records=300, style=Style.SMALL, rate_public=None, deep_limit=100)) as sim:
        settings = settings_for(sim, tmp_path, deep_limit=100)
        job = resumable.make(spec_for("conversations", "2023-10-01", "2023-10-03"), settings)
        status = job.run()
        ids = {record["conversationId"] for record in job.records()}
        assert ids == set(sim.truth("2023-10-01T00:00:00Z/2023-10-03T00:00:00Z").ids)
        assert sim.log.count(Kind.CONVERSATIONS, status=400) == 0
        assert status.receipt is not None
        assert status.receipt["records_distinct"] == 600
        assert status.receipt["duplicates"]["across_windows"] == status.totals.records - 600


def test_drift_is_kept_counted_and_listed(tmp_path: Path) -> None:
    """A field that the schema lacks and a value that does not fit are kept whole, counted in status and receipt."""
    faults = (
        SimFault(kind=FaultKind.FIELD, times=None, path="participants.sessions.mediaCount", value=1.5),
        SimFault(kind=FaultKind.FIELD, times=None, path="brandNew", value={"a": [1, None]}),
    )
    with Simulator(SimSettings(records=10, rate_public=None), faults=faults) as sim:
        job = resumable.make(spec_for("conversations", "2023-10-01", "2023-10-02"), settings_for(sim, tmp_path))
        status = job.run()
        assert status.drift["brandNew"] == 1
        assert any(path.startswith("participants[].sessions[].mediaCount") for path in status.drift)
        assert status.receipt is not None
        assert status.receipt["drift"] == status.drift
        assert [record["brandNew"] for record in job.records() if "brandNew" in record] == [{"a": [1, None]}]


def test_drift_stops_the_run_where_that_is_asked_for(tmp_path: Path) -> None:
    """With `fail_on_drift` a page that does not fit is not recorded, and the run ends with exit 3 naming the field."""
    fault = SimFault(kind=FaultKind.FIELD, on=Match(pages=(2,)), times=None, path="brandNew", value=1)
    with Simulator(SimSettings(records=50, rate_public=None), faults=(fault,)) as sim:
        settings = settings_for(sim, tmp_path, fail_on_drift=True)
        job = resumable.make(spec_for("conversations", "2023-10-01", "2023-10-02"), settings)
        with pytest.raises(Incomplete, match="brandNew"):
            job.run()
        assert job.status().drift == {}
        assert resumable.find(job.name, settings_for(sim, tmp_path)).run().drift == {"brandNew": 1}


def test_addresses_in_an_entity_list_are_not_followed(tmp_path: Path) -> None:
    """A nextUri that leads to another origin is not asked for: that origin hears nothing, and the list is whole."""
    with Simulator(SimSettings()) as elsewhere:
        uri = f"{elsewhere.url}/api/v2/users?pageNumber=2"
        fault = SimFault(kind=FaultKind.ANSWER_FIELD, times=None, path="nextUri", value=uri)
        with Simulator(SimSettings(rate_public=None, list_page_size_cap=7), faults=(fault,)) as sim:
            job = resumable.make(spec_for("users", "2023-10-01", "2023-10-02"), settings_for(sim, tmp_path))
            assert job.run().state is JobState.COMPLETE
            assert sum(sim.faults_fired().values()) > 1
            assert records_of(job) == truth_of(job, sim)
        assert len(elsewhere.log) == 0
