"""Data that moves under the paging: never a false complete, and complete once the source settles."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import resumable
from resumable import Incomplete, JobState, SourceUnsettled
from resumable.models import EventKind
from resumable.simulator.faults.faults import ABSENT, FaultKind, Match, SimFault
from resumable.simulator.messages import Kind
from resumable.simulator.settings import SimSettings, Style
from resumable.simulator.simulator import Simulator
from tests.support.inprocess import WallClock, settings_for, spec_for
from tests.support.truth import records_of, truth_of

PAGE_2 = Match(kinds=(Kind.CONVERSATIONS,), pages=(2,))
PAGE_3 = Match(kinds=(Kind.CONVERSATIONS,), pages=(3,))

SETTLES = {
    "a total that grows once": SimFault(kind=FaultKind.TOTAL_BY, on=PAGE_3, by=1),
    "a total that shrinks once": SimFault(kind=FaultKind.TOTAL_BY, on=PAGE_3, by=-1),
    "a total that says that the page is beyond the end": SimFault(kind=FaultKind.TOTAL, on=PAGE_3, value=20),
    "a total that turns 0": SimFault(kind=FaultKind.TOTAL, on=PAGE_2, value=0),
    "a total that turns negative": SimFault(kind=FaultKind.TOTAL, on=PAGE_2, value=-5),
    "a total that is absent": SimFault(kind=FaultKind.TOTAL, on=PAGE_2, value=ABSENT),
    "a total of 1e9": SimFault(kind=FaultKind.TOTAL, on=PAGE_2, value=10**9),
    "a total that is text": SimFault(kind=FaultKind.TOTAL, on=PAGE_2, value="many"),
    "a total that flaps for ever": SimFault(kind=FaultKind.TOTAL_FLAP, times=None, by=3),
    "records that repeat": SimFault(kind=FaultKind.REPEAT, on=PAGE_2, by=4),
    "pages that shift": SimFault(kind=FaultKind.SHIFT, on=PAGE_3, by=2),
    "records that are dropped": SimFault(kind=FaultKind.DROP, on=PAGE_2, by=2),
    "another page under this number": SimFault(kind=FaultKind.OTHER_PAGE, on=PAGE_3, by=-1),
    "an empty list of records": SimFault(kind=FaultKind.RECORDS_EMPTY, on=PAGE_2),
    "no list of records": SimFault(kind=FaultKind.RECORDS_MISSING, on=PAGE_2),
    "null for a list of records": SimFault(kind=FaultKind.RECORDS_NULL, on=PAGE_2),
}

SMALL = SimSettings(records=70, style=Style.SMALL, rate_public=None)


@pytest.mark.parametrize("movement", SETTLES)
def test_a_source_that_settles_is_brought_whole(movement: str, tmp_path: Path) -> None:
    """Whatever one answer says, the job ends complete and equal to the truth within the same run."""
    with Simulator(SMALL, faults=(SETTLES[movement],)) as sim:
        job = resumable.make(spec_for("conversations", "2023-10-01", "2023-10-03"), settings_for(sim, tmp_path))
        assert job.run().state is JobState.COMPLETE
        assert sum(sim.faults_fired().values()) >= 1
        assert records_of(job) == truth_of(job, sim)
        names = sorted(path.name for path in job.folder.glob("parts/*/*"))
        assert len(names) == 8, f"parts of older takes are left: {names}"


def test_a_source_that_never_settles_is_named_and_never_called_complete(tmp_path: Path) -> None:
    """Records that change with every take end the run with exit 9, naming the window; the others are complete."""
    always = SimFault(
        kind=FaultKind.DROP,
        on=Match(kinds=(Kind.CONVERSATIONS,), window="2023-10-01T", every=3),
        times=None,
        by=1,
    )
    with Simulator(SMALL, faults=(always,)) as sim:
        job = resumable.make(
            spec_for("conversations", "2023-10-01", "2023-10-03"), settings_for(sim, tmp_path, workers=1)
        )
        with pytest.raises(SourceUnsettled, match="2023-10-01"):
            job.run()
        status = job.status()
        assert status.state is JobState.INCOMPLETE
        assert status.totals.windows_done == 1
        assert status.receipt is None
        sim.clear_faults()
        assert job.run().state is JobState.COMPLETE
        assert records_of(job) == truth_of(job, sim)


@pytest.mark.parametrize("kind", [FaultKind.RECORDS_EMPTY, FaultKind.RECORDS_MISSING, FaultKind.HTML])
def test_a_page_that_stays_wrong_is_quarantined_and_taken_by_the_next_run(kind: FaultKind, tmp_path: Path) -> None:
    """An answer without its records is never a page: the others go on, exit 3 names it, the next run takes it."""
    fault = SimFault(kind=kind, on=Match(kinds=(Kind.CONVERSATIONS,), pages=(2,), window="2023-10-01T"), times=None)
    with Simulator(SMALL, faults=(fault,)) as sim:
        job = resumable.make(spec_for("conversations", "2023-10-01", "2023-10-03"), settings_for(sim, tmp_path))
        with pytest.raises(Incomplete, match="1 pages are quarantined"):
            job.run()
        status = job.status()
        assert (status.totals.pages_done, status.totals.pages_quarantined) == (7, 1)
        assert status.problems[0].startswith("2023-10-01 page 2: ")
        sim.clear_faults()
        before = sim.log.count(Kind.CONVERSATIONS)
        assert job.run().state is JobState.COMPLETE
        assert sim.log.count(Kind.CONVERSATIONS) == before + 1
        assert records_of(job) == truth_of(job, sim)


def test_a_page_beyond_the_moved_end_is_an_event_and_a_new_snapshot(tmp_path: Path) -> None:
    """A window that has become shorter is taken again, and its history says why."""
    with Simulator(SMALL, faults=(SETTLES["a total that turns 0"],)) as sim:
        job = resumable.make(spec_for("conversations", "2023-10-01", "2023-10-02"), settings_for(sim, tmp_path))
        kinds = {event.kind for event in job.run().events}
        assert {EventKind.SNAPSHOT_MOVED, EventKind.RETAKE} <= kinds


def test_a_look_back_takes_young_windows_again_and_extends_the_job(tmp_path: Path) -> None:
    """The same command some days later brings what was rewritten and what is new, and leaves the settled windows."""
    clock = WallClock(datetime(2023, 10, 5, 6, tzinfo=UTC))
    with Simulator(SimSettings(records=50, style=Style.SMALL, rate_public=None)) as sim:
        settings = settings_for(sim, tmp_path)
        job = resumable.make(spec_for("conversations", "2023-10-01", "2023-10-05"), settings, name="n", clock=clock)
        assert job.run().totals.pages_done == 12
        clock.at += timedelta(days=2)
        sent = sim.log.count(Kind.CONVERSATIONS)
        later = spec_for("conversations", "2023-10-01", "2023-10-07")
        job = resumable.make(later, settings, name="n", clock=clock, look_back=timedelta(days=2))
        assert len(list(job.records())) == 200, "what was complete stays readable until it is taken again"
        status = job.run()
        assert sim.log.count(Kind.CONVERSATIONS) - sent == 3 * 4, "two young windows again, two new ones"
        assert status.state is JobState.COMPLETE
        assert records_of(job) == truth_of(job, sim)
        sent = sim.log.count(Kind.CONVERSATIONS)
        clock.at += timedelta(days=30)
        resumable.make(later, settings, name="n", clock=clock, look_back=timedelta(days=2)).run()
        assert sim.log.count(Kind.CONVERSATIONS) - sent == 3 * 2, "only the two that were young when they were taken"
