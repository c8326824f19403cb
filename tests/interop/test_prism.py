"""Whole backfills through Prism: it finds nothing wrong with what the product asks or what the simulator answers."""

from dataclasses import replace
from pathlib import Path

import pytest

import resumable
from resumable import Endpoints, Job, JobState, Query
from resumable.datasets.catalogue import CATALOGUE
from resumable.simulator.faults.faults import FaultKind, Match, SimFault
from resumable.simulator.json_values import Json
from resumable.simulator.messages import Kind
from resumable.status import Status
from tests.interop.datasets import FILTERED, FOREIGN, PUBLIC, every_filter
from tests.interop.prism import Stand, as_javascript, read_document, undeclared_parameters
from tests.support.inprocess import settings_for, spec_for
from tests.support.truth import TIMELESS, records_of, truth_of


def job_through(stand: Stand, dataset: str, folder: Path, query: Query | None = None, end: str = "2023-10-04") -> Job:
    """Return a job whose every request goes through Prism."""
    end = "2023-10-02" if dataset in TIMELESS else end
    settings = replace(
        settings_for(stand.sim, folder), endpoints=Endpoints(api=stand.url, login=stand.url), transport=stand.carry
    )
    return resumable.make(spec_for(dataset, "2023-10-01", end, query=query), settings)


def run(job: Job, stand: Stand) -> Status:
    """Run a job to its end; however it ends, Prism has nothing against any request or answer."""
    try:
        return job.run()
    finally:
        assert stand.violations == []


def assert_agreed(stand: Stand) -> None:
    """Check that all requests went through Prism, that none failed, and that no query parameter is unknown."""
    answered = [e.status for e in stand.seen]
    assert set(answered) <= {200, 202, 204}
    assert len(stand.seen) == len(stand.sim.log)
    assert undeclared_parameters(read_document(), stand.sim.log) == set()


@pytest.mark.parametrize("dataset", PUBLIC)
def test_a_whole_backfill_agrees_with_the_document(dataset: str, stand: Stand, tmp_path: Path) -> None:
    """Every request and answer of a dataset's backfill is as documented, and its records are the truth."""
    job = job_through(stand, dataset, tmp_path)
    assert run(job, stand).state is JobState.COMPLETE
    assert_agreed(stand)
    assert records_of(job) == as_javascript(truth_of(job, stand.sim))


@pytest.mark.parametrize("dataset", FILTERED)
def test_a_backfill_with_every_filter_agrees_with_the_document(dataset: str, stand: Stand, tmp_path: Path) -> None:
    """With all flags and all lists of a free filter set the requests are as documented and select the truth."""
    stand.sim.switch(records=120)
    job = job_through(stand, dataset, tmp_path, every_filter(stand.sim, dataset))
    status = run(job, stand)
    assert_agreed(stand)
    sent = next(entry.body for entry in stand.sim.log if entry.body)
    selection = {name: content for name, content in sent.items() if name.endswith("Filters")}
    assert len(selection) == (3 if dataset.startswith("user") else 5)
    assert records_of(job) == as_javascript(truth_of(job, stand.sim, selection))
    assert 0 < status.totals.records < (120 if dataset.startswith("user") else 360)


def test_a_dataset_is_left_out_only_for_a_reason() -> None:
    """What is left out is in the catalogue, and every other one that is code is put before Prism."""
    assert set(FOREIGN) | set(PUBLIC) == {name for name, listed in CATALOGUE.items() if listed.module}
    assert all(FOREIGN.values())


@pytest.mark.parametrize(
    ("path", "value", "named"),
    [
        ("participants.sessions.mediaCount", 1.5, "mediaCount must be integer"),
        ("conversationStart", "yesterday", 'conversationStart must match format "date-time"'),
        ("originatingDirection", "sideways", "originatingDirection must be equal to one of the allowed values"),
        ("externalTag", None, "externalTag must be string"),
        ("brandNew", 1, "found 'brandNew'"),
    ],
)
def test_an_answer_that_is_not_as_documented_is_reported(
    path: str, value: Json, named: str, stand: Stand, tmp_path: Path
) -> None:
    """A wrong type, format, word, null or member in an answer is a violation that names the field."""
    page = Match(kinds=(Kind.CONVERSATIONS,))
    stand.sim.inject(SimFault(kind=FaultKind.FIELD, on=page, path=path, value=value))
    job = job_through(stand, "conversations", tmp_path, end="2023-10-02")
    job.run()
    assert stand.violations
    for told in stand.violations:
        assert told.startswith("response.body.conversations.0")
        assert named in told
