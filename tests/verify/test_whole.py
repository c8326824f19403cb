"""Jobs of every contract, and in every state that is right, verify: nothing is found that is not there."""

import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import resumable
from resumable import Flaw, Incomplete, Interrupted, JobSpec, JobState, SourceUnsettled
from resumable.models import PageKey
from resumable.simulator.faults.faults import FaultKind, Match, SimFault
from resumable.simulator.messages import Kind
from resumable.simulator.settings import SimSettings, Style
from resumable.simulator.simulator import Simulator
from resumable.storage.job_files import part_key
from resumable.storage.parts import Parts
from tests.support.builders import START, make_job, virtual_settings
from tests.support.clock import VirtualClock
from tests.support.described_jobs import CURSOR, EXAMPLE, OFFSET, made, stopping_at
from tests.support.planted import FIRST, RESUME, Planted, rows_of
from tests.support.ticket_server import Tickets, serving

DAY_1_PAGE_2 = Match(kinds=(Kind.CONVERSATIONS,), window="2023-10-01T", pages=(2,))


def simulated(*faults: SimFault, **settings: object) -> Simulator:
    """Return a simulator of small records, 60 a day."""
    given = {"records": 60, "style": Style.SMALL, "rate_public": None, "rate_article": None, **settings}
    return Simulator(SimSettings(**given), faults=faults)  # type: ignore[arg-type]  # any setting


def assert_clean(job: resumable.Job, *, pages: int | None = None) -> None:
    """Both ways of looking find nothing, and leave nothing out."""
    for quick in (True, False):
        report = Planted(job=job).clean(quick=quick)
        assert report.pages == report.pages_all == len([*job.folder.rglob("*.parquet")])
        assert report.windows == report.windows_all
        assert pages is None or report.pages == pages


CONTRACTS = [
    ("conversations", 6),
    ("conversations-pagecount", 6),
    ("conversation-jobs", 6),
    ("user-details", None),
    ("user-detail-jobs", None),
    ("users", None),
    ("queues", None),
    ("wrapupcodes", None),
]


@pytest.mark.parametrize(("dataset", "pages"), CONTRACTS)
def test_a_job_of_every_contract_verifies(dataset: str, pages: int | None, tmp_path: Path) -> None:
    """Pages by number, along a cursor, and lists."""
    job = make_job(simulated(), VirtualClock(), tmp_path, dataset=dataset, page_size=20)
    assert job.run().state is JobState.COMPLETE
    assert_clean(job, pages=pages)


@pytest.mark.parametrize("file", [EXAMPLE.read_text("utf-8"), OFFSET, CURSOR], ids=["example", "offset", "cursor"])
def test_a_job_of_a_described_endpoint_verifies(file: str, tmp_path: Path) -> None:
    """Whole, and while it is stopped in its middle; empty windows are in it too."""
    with serving(Tickets()) as server:
        server.token = server.token if file == EXAMPLE.read_text("utf-8") else None
        job = made(file, server, tmp_path)
        with pytest.raises(Interrupted):
            job.run(stop=stopping_at(7, server))
        assert_clean(job)
        job.run()
        assert_clean(job)


@pytest.mark.parametrize("dataset", ["conversations", "conversations-pagecount", "conversation-jobs"])
def test_empty_windows_verify(dataset: str, tmp_path: Path) -> None:
    """They have no part, and none is missed."""
    sim = simulated(records_on={"2023-10-01": 0, "2023-10-02": 0})
    job = make_job(sim, VirtualClock(), tmp_path, dataset=dataset, days=3)
    job.run()
    assert_clean(job, pages=3)


def test_a_window_that_was_taken_again_verifies(tmp_path: Path) -> None:
    """Its parts are those of the second take, and their number is in their names."""
    job = make_job(simulated(SimFault(kind=FaultKind.TOTAL_BY, on=DAY_1_PAGE_2, by=1)), VirtualClock(), tmp_path)
    job.run()
    names = {path.name for path in job.folder.rglob("*.parquet")}
    assert "page-00001.take-2.parquet" in names
    assert_clean(job, pages=6)


def test_a_window_that_was_settled_verifies(tmp_path: Path) -> None:
    """Two takes agreed although their answers did not: that is recorded, and no fault."""
    always = SimFault(kind=FaultKind.TOTAL_BY, on=DAY_1_PAGE_2, times=None, by=1)
    job = make_job(simulated(always), VirtualClock(), tmp_path)
    status = job.run()
    assert status.receipt is not None
    assert status.receipt["settled_windows"] == 1
    assert_clean(job, pages=6)


def test_a_window_that_was_split_verifies(tmp_path: Path) -> None:
    """Its slices lie in folders of their own, and may hold the same records."""
    sim = simulated(records=300, deep_limit=100)
    job = make_job(sim, VirtualClock(), tmp_path, days=1, deep_limit=100)
    job.run()
    assert job.status().totals.windows > 1
    assert_clean(job)


@pytest.mark.parametrize("before", ["a take that did not agree", "a whole take"])
def test_a_window_that_has_grown_past_what_can_be_paged_through_is_split(before: str, tmp_path: Path) -> None:
    """Taken again and found too large, it leaves neither rows nor parts of its older takes behind."""
    first_pages = Match(kinds=(Kind.CONVERSATIONS,), window="2023-10-01T00:00:00.000Z/2023-10-02", pages=(1,), every=2)
    faults = [SimFault(kind=FaultKind.TOTAL, on=first_pages, value=1000)]
    if before == "a take that did not agree":
        faults.append(SimFault(kind=FaultKind.TOTAL_BY, on=DAY_1_PAGE_2, by=1))
    clock, sim = VirtualClock(at=datetime(2023, 10, 3, 6, tzinfo=UTC)), simulated(*faults)
    job = make_job(sim, clock, tmp_path, days=1, deep_limit=100)
    job.run()
    if before == "a whole take":
        spec = JobSpec.of("conversations", START, START + timedelta(days=1), page_size=20)
        resumable.make(spec, job.settings, name="job", clock=clock, look_back=timedelta(days=9)).run()
    assert job.status().totals.windows == 2
    assert_clean(job)
    assert {record["conversationId"] for record in job.records()} == set(sim.truth(str(FIRST)).ids)


def test_young_windows_and_a_look_back_verify(tmp_path: Path) -> None:
    """Provisional; opened again, while readers still see the take before; half taken again; and taken."""
    clock = VirtualClock(at=datetime(2023, 10, 3, 6, tzinfo=UTC))
    sim = simulated()
    job = make_job(sim, clock, tmp_path)
    receipt = job.run().receipt
    assert receipt is not None
    assert receipt["provisional_windows"] > 0
    assert_clean(job)
    clock.jump(timedelta(days=2))
    spec = JobSpec.of("conversations", START, START + timedelta(days=3), page_size=20)
    settings = virtual_settings(sim, clock, tmp_path, workers=1, max_requests=2)
    job = resumable.make(spec, settings, name="job", clock=clock, look_back=timedelta(days=4))
    assert_clean(job, pages=6)
    with pytest.raises(Incomplete):
        job.run()
    assert_clean(job, pages=8)
    replace(job, settings=replace(settings, max_requests=None)).run()
    assert_clean(job, pages=9)


def test_what_readers_see_while_a_window_is_taken_again_is_checked(tmp_path: Path) -> None:
    """The take before counts until the next is whole, and a page of it that is missing is a fault."""
    clock = VirtualClock(at=datetime(2023, 10, 3, 6, tzinfo=UTC))
    job = make_job(simulated(), clock, tmp_path)
    job.run()
    spec = JobSpec.of("conversations", START, START + timedelta(days=2), page_size=20)
    resumable.make(spec, job.settings, name="job", clock=clock, look_back=timedelta(days=9))
    planted = Planted(job=job)
    assert planted.clean().complete is False
    planted.path(2).unlink()
    assert planted.only(Flaw.MISSING).key == PageKey(window=FIRST, take=1, number=2)
    shutil.rmtree(planted.parts.folder)
    planted.change("DELETE FROM page WHERE window = 1 AND number = 1")
    found, _ = planted.verify()
    assert PageKey(window=FIRST, take=1, number=1) in {f.key for f in found if f.flaw is Flaw.COVERAGE}


def test_a_job_that_has_not_begun_verifies(tmp_path: Path) -> None:
    """Nothing is there, nothing may be missing, and that is said."""
    report = Planted(job=make_job(simulated(), VirtualClock(), tmp_path)).clean()
    said = "the job is not complete: 2 of 2 windows are not, the first is 2023-10-01; 0 known pages are missing."
    assert report.notes == [f"{said} That is not a fault; resume with: {RESUME}"]


def test_missing_pages_of_an_incomplete_job_are_said_and_no_fault(tmp_path: Path) -> None:
    """A quarantined page is in the notes; those that are done are checked."""
    job = make_job(
        simulated(SimFault(kind=FaultKind.HTML, on=DAY_1_PAGE_2, times=None)), VirtualClock(), tmp_path, workers=1
    )
    with pytest.raises(Incomplete):
        job.run()
    report = Planted(job=job).clean()
    assert (report.complete, report.pages) == (False, 5)
    assert (
        "1 of 2 windows are not, the first is 2023-10-01; 1 known pages are missing, 1 of them quarantined"
        in (report.notes[0])
    )
    planted = Planted(job=job)
    planted.path(3).unlink()
    assert planted.only(Flaw.MISSING).number == 3


def test_a_source_that_would_not_settle_leaves_no_fault(tmp_path: Path) -> None:
    """The parts of several takes lie beside each other, all recorded."""
    always = SimFault(
        kind=FaultKind.DROP,
        on=Match(kinds=(Kind.CONVERSATIONS,), window="2023-10-01T", every=3),
        times=None,
        by=1,
    )
    job = make_job(simulated(always, records=70), VirtualClock(), tmp_path, workers=1)
    with pytest.raises(SourceUnsettled):
        job.run()
    report = Planted(job=job).clean()
    assert report.pages < len([*job.folder.rglob("*.parquet")]), "older takes are there, and are not what counts"


def test_older_takes_that_a_kill_left_behind_are_no_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between closing a window and removing its older takes, and in the middle of that."""
    sim = simulated(SimFault(kind=FaultKind.TOTAL_BY, on=DAY_1_PAGE_2, by=1))
    job = make_job(sim, VirtualClock(), tmp_path, workers=1)
    removed: list[PageKey] = []

    def killed(self: Parts, page: PageKey) -> None:
        if removed:
            raise KeyboardInterrupt
        removed.append(page)
        (job.folder / part_key(page)).unlink()

    monkeypatch.setattr(Parts, "remove", killed)
    with pytest.raises(KeyboardInterrupt):
        job.run()
    monkeypatch.undo()
    report = Planted(job=job).clean()
    assert "1 windows have parts of older takes, which the next run removes." in report.notes
    job.run()
    assert_clean(job, pages=6)


def test_a_kill_between_the_last_window_and_the_receipt_is_no_fault(
    planted: Planted,
) -> None:
    """Every window is complete, the job is not closed: that is said, and a run closes it."""
    planted.change("UPDATE job SET state = 'running'")
    (planted.folder / "receipt.json").unlink()
    report = planted.clean()
    assert report.notes == [f"every window is complete, and the job was not closed; do that with: {RESUME}"]
    planted.job.run()
    planted.clean()


@pytest.mark.parametrize("dataset", ["conversations", "conversation-jobs", "users"])
@pytest.mark.parametrize("quick", [False, True])
def test_flaws_are_found_whatever_the_contract(dataset: str, quick: bool, tmp_path: Path) -> None:
    """A page that is gone is a page that is gone; along a cursor, pages know whether there is a next."""
    job = make_job(simulated(), VirtualClock(), tmp_path, dataset=dataset)
    job.run()
    planted = Planted(job=job)
    key = [*rows_of(planted)][1]
    planted.parts.path(key).unlink()
    assert planted.only(Flaw.MISSING, quick=quick).key == key


def test_findings_come_while_the_rest_is_still_looked_at(planted: Planted) -> None:
    """A verification can be left in its middle: the lock is free again, and nothing was changed."""
    planted.path(1).unlink()
    findings = planted.job.verify()
    assert next(findings).number == 1
    findings.close()  # type: ignore[attr-defined]  # a generator
    planted.only(Flaw.MISSING)


def test_readers_of_a_job_do_not_exclude_each_other(tmp_path: Path) -> None:
    """While a verification looks, an export is made and another verification looks too."""
    job = make_job(simulated(), VirtualClock(), tmp_path, page_size=20)
    job.run()
    seen: list[bytes] = []

    def meanwhile(_: object) -> None:
        if not seen:
            seen.append(b"looking")
            assert [*job.verify()] == []
            job.export(seen.append, format="jsonl")

    assert [*job.verify(watch=meanwhile)] == []
    assert b"".join(seen[1:]).count(b"\n") == len([*job.records()])
