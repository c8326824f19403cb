"""Asynchronous jobs: whatever becomes of them on the server, windows are read to their end and none is left there."""

import contextlib
from datetime import UTC, datetime
from pathlib import Path

import pytest

import resumable
from resumable import Incomplete, JobState
from resumable.models import Shortfall
from resumable.simulator.faults.faults import FaultKind, Match, SimFault
from resumable.simulator.messages import Kind
from resumable.simulator.settings import JobRefusal, SimSettings, Style
from resumable.simulator.simulator import Simulator
from tests.support.inprocess import settings_for, spec_for
from tests.support.truth import records_of, truth_of

RESULTS = Match(kinds=(Kind.JOB_RESULTS,), nth=(2,))
TROUBLES = {
    "the job failed": SimFault(kind=FaultKind.JOB_FAILED, on=Match(kinds=(Kind.JOB_STATUS,), nth=(1,))),
    "the job was cancelled": SimFault(
        kind=FaultKind.JOB_FAILED, on=Match(kinds=(Kind.JOB_STATUS,), nth=(1,)), value="CANCELLED"
    ),
    "the cursor is gone": SimFault(kind=FaultKind.CURSOR_GONE, on=RESULTS),
    "the cursor is repeated": SimFault(kind=FaultKind.REPEATED_CURSOR, on=RESULTS),
    "the answer to the submission is lost": SimFault(kind=FaultKind.LOST_ANSWER, on=Match(kinds=(Kind.JOB_CREATE,))),
    "records come twice": SimFault(kind=FaultKind.REPEAT, on=RESULTS, by=3),
    "a page is cut": SimFault(kind=FaultKind.CUT, on=RESULTS, at=100),
}


@pytest.mark.parametrize("trouble", TROUBLES)
def test_a_window_is_taken_again_after_trouble_with_its_job(trouble: str, tmp_path: Path) -> None:
    """Trouble with a job costs a new one or a new try, never a record, and no job stays whose id is known."""
    with Simulator(
        SimSettings(records=70, style=Style.SMALL, rate_public=None, job_polls=1), faults=(TROUBLES[trouble],)
    ) as sim:
        settings = settings_for(sim, tmp_path, workers=2)
        job = resumable.make(spec_for("conversation-jobs", "2023-10-01", "2023-10-03"), settings)
        assert job.run().state is JobState.COMPLETE
        assert sum(sim.faults_fired().values()) == 1
        assert records_of(job) == truth_of(job, sim)
        lost = 1 if trouble == "the answer to the submission is lost" else 0
        assert len(sim.jobs_alive) == lost, "only a job whose id never came can be left"


@pytest.mark.parametrize("refusal", list(JobRefusal))
def test_fewer_jobs_run_at_once_where_the_server_refuses_more(refusal: JobRefusal, tmp_path: Path) -> None:
    """A server that allows two jobs at once gets two at once, and every window is read."""
    with Simulator(
        SimSettings(records=30, style=Style.SMALL, rate_public=None, job_limit=2, job_refusal=refusal, job_polls=2)
    ) as sim:
        job = resumable.make(spec_for("conversation-jobs", "2023-10-01", "2023-10-07"), settings_for(sim, tmp_path))
        assert job.run().state is JobState.COMPLETE
        assert records_of(job) == truth_of(job, sim)
        assert sim.jobs_alive == []


def test_a_job_that_is_stopped_in_its_middle_goes_on_at_its_cursor(tmp_path: Path) -> None:
    """However often a run ends between two pages, each page of results is asked for once, and no job is made again."""
    with Simulator(SimSettings(records=130, style=Style.SMALL, rate_public=None, job_polls=1)) as sim:
        settings = settings_for(sim, tmp_path, workers=1, max_requests=5)
        job = resumable.make(spec_for("conversation-jobs", "2023-10-01", "2023-10-04"), settings)
        for _ in range(30):
            with contextlib.suppress(Incomplete):
                if job.run().state is JobState.COMPLETE:
                    break
        assert records_of(job) == truth_of(job, sim)
        pages = [(entry.job, entry.cursor) for entry in sim.log.entries(Kind.JOB_RESULTS)]
        assert len(pages) == len(set(pages)) == 3 * 7
        assert len(sim.log.entries(Kind.JOB_CREATE)) == 3


def test_a_window_that_the_server_has_no_data_of_waits(tmp_path: Path) -> None:
    """A window that begins past the watermark is left for a later run, and the job is not called complete."""
    with Simulator(
        SimSettings(records=30, style=Style.SMALL, rate_public=None, watermark=datetime(2023, 10, 2, tzinfo=UTC))
    ) as sim:
        job = resumable.make(spec_for("conversation-jobs", "2023-10-01", "2023-10-03"), settings_for(sim, tmp_path))
        with pytest.raises(
            Incomplete, match="1 window the source does not have whole yet: its data ends at 2023-10-02 00:00 UTC"
        ):
            job.run()
        assert job.status().totals.windows_done == 1
        sim.switch(watermark=datetime(2023, 10, 9, tzinfo=UTC))
        assert job.run().state is JobState.COMPLETE
        assert records_of(job) == truth_of(job, sim)


def test_a_window_with_the_watermark_in_it_is_cut_off_and_taken_again_when_that_has_passed(tmp_path: Path) -> None:
    """What is there of it can be looked at; it is not complete, costs nothing while it waits, and comes whole later."""
    with Simulator(
        SimSettings(records=30, style=Style.SMALL, rate_public=None, watermark=datetime(2023, 10, 2, 12, tzinfo=UTC))
    ) as sim:
        job = resumable.make(spec_for("conversation-jobs", "2023-10-01", "2023-10-03"), settings_for(sim, tmp_path))
        for _ in range(2):
            with pytest.raises(Incomplete, match="its data ends at 2023-10-02 12:00 UTC"):
                job.run()
            status = job.status()
            assert (status.totals.windows_done, status.shortfalls) == (1, {Shortfall.CUT_OFF: 1})
            assert status.totals.records > 30
            assert "the source's data ends at 2023-10-02 12:00 UTC" in status.problems[0]
            assert len(sim.log.entries(Kind.JOB_CREATE)) == 2
            assert sim.jobs_alive == []
        sim.switch(watermark=datetime(2023, 10, 9, tzinfo=UTC))
        assert job.run().state is JobState.COMPLETE
        assert records_of(job) == truth_of(job, sim)
        assert len(sim.log.entries(Kind.JOB_CREATE)) == 3


def test_a_manifest_made_again_from_parts_remembers_what_was_cut_off(tmp_path: Path) -> None:
    """The parts say it too, so that no lost manifest makes a window whole that the source did not have whole."""
    with Simulator(
        SimSettings(records=30, style=Style.SMALL, rate_public=None, watermark=datetime(2023, 10, 2, 12, tzinfo=UTC))
    ) as sim:
        job = resumable.make(spec_for("conversation-jobs", "2023-10-01", "2023-10-03"), settings_for(sim, tmp_path))
        with pytest.raises(Incomplete):
            job.run()
        (job.folder / "manifest.sqlite").unlink()
        with pytest.raises(Incomplete):
            job.repair()
        assert job.status().totals.windows_done == 1
        sim.switch(watermark=datetime(2023, 10, 9, tzinfo=UTC))
        job.run()
        assert records_of(job) == truth_of(job, sim)
