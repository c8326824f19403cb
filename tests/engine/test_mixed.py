"""Windows of a dataset with two contracts: by which each is taken, when that changes, and what is the same whatever."""

import contextlib
import sqlite3
from collections import Counter as Tally
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import resumable
from resumable import Incomplete, Job, JobState, Query
from resumable.manifest.reader import ManifestReader
from resumable.models import EventKind, JobSpec, PageKey, WindowContract
from resumable.schema.pii import PII
from resumable.schema.privacy import PrivacyRules
from resumable.simulator.faults.faults import FaultKind, Match, SimFault
from resumable.simulator.messages import Kind
from resumable.simulator.settings import Oversize, Style
from resumable.simulator.simulator import Simulator
from tests.support.builders import START, make_job, virtual_settings
from tests.support.clock import VirtualClock
from tests.support.parts import FolderParts
from tests.support.truth import records_of, truth_of
from tests.support.whole_runs import simulated

HISTORY = "conversation-history"
JOBS, QUERY = WindowContract.JOBS, WindowContract.QUERY
EVERYTHING = datetime(2024, 1, 1, tzinfo=UTC)


def _sim(clock: VirtualClock, *faults: SimFault, **settings: Any) -> Simulator:  # noqa: ANN401 - any setting
    return simulated(clock, *faults, job_polls=1, **{"watermark": START + timedelta(days=3, hours=7), **settings})


def _job(sim: Simulator, clock: VirtualClock, state: Path, **more: Any) -> Job:  # noqa: ANN401 - any setting
    return make_job(sim, clock, state, **{"dataset": HISTORY, "days": 5, **more})


def _contracts(job: Job) -> list[WindowContract | None]:
    """Return by which contract each window of a job is recorded to be taken, checked against what its parts say."""
    manifest, parts = ManifestReader.open_to_read(job.folder / "manifest.sqlite"), FolderParts(job.folder)
    assert manifest is not None
    with closing(manifest):
        rows = list(manifest.windows())
        for row in rows:
            for page in manifest.pages(row.window):
                key = PageKey(window=row.window.interval, take=row.window.take, number=page.number)
                footer = parts.footer(key)
                assert footer is not None
                assert footer.contract == row.contract
    return [row.contract for row in rows]


def _assert_whole(job: Job, sim: Simulator) -> None:
    """Check that a job is complete and sound, and that each window holds just what its contract serves of that day."""
    assert job.status().state is JobState.COMPLETE
    _contracts(job)
    assert records_of(job) == truth_of(job, sim)
    assert sim.jobs_alive == []
    assert list(job.verify()) == []


def test_each_window_is_taken_by_the_contract_that_suits_it(tmp_path: Path, seed: int) -> None:
    """Jobs bring what the source has whole for them, the query what is younger; manifest, parts and receipt say so."""
    clock = VirtualClock(seed)
    sim = _sim(clock)
    job = _job(sim, clock, tmp_path)
    receipt = job.run().receipt
    assert receipt is not None
    assert _contracts(job) == [JOBS, JOBS, JOBS, QUERY, QUERY]
    assert receipt["contracts"] == {"jobs": 3, "query": 2}
    assert [window["contract"] for window in receipt["windows"]] == ["jobs"] * 3 + ["query"] * 2
    assert [window["counted"] for window in receipt["windows"]] == [50, 50, 50, None, None]
    assert len(sim.log.entries(Kind.JOB_CREATE)) == 3
    _assert_whole(job, sim)


def test_look_back_replaces_windows_of_the_query_by_those_of_jobs(tmp_path: Path, seed: int) -> None:
    """Once the source has them whole, with their attributes; what a job has brought is not asked for again."""
    clock = VirtualClock(seed)
    sim = _sim(clock)
    _job(sim, clock, tmp_path).run()
    sim.switch(watermark=START + timedelta(days=4))
    job = _looked_back(sim, clock, tmp_path)
    job.run()
    assert _contracts(job) == [JOBS] * 4 + [QUERY]
    _assert_whole(job, sim)
    sim.switch(watermark=EVERYTHING)
    _looked_back(sim, clock, tmp_path).run()
    assert _contracts(job) == [JOBS] * 5
    assert len(sim.log.entries(Kind.JOB_CREATE)) == 5
    _assert_whole(job, sim)


def _looked_back(sim: Simulator, clock: VirtualClock, state: Path, **more: Any) -> Job:  # noqa: ANN401 - any setting
    spec = JobSpec.of(HISTORY, START, START + timedelta(days=5), page_size=20)
    settings = virtual_settings(sim, clock, state, **more)
    return resumable.make(spec, settings, name="job", clock=clock, look_back=timedelta(days=1))


def test_run_that_ends_anywhere_goes_on_by_the_contract_it_began_with(tmp_path: Path, seed: int) -> None:
    """Whatever the watermark says by then: no page is asked for twice, and no window has pages of both."""
    clock = VirtualClock(seed)
    sim = _sim(clock)
    job = _job(sim, clock, tmp_path, max_requests=4, workers=2)
    for turn in range(60):
        with contextlib.suppress(Incomplete):
            if job.run().state is JobState.COMPLETE:
                break
        _contracts(job)
        if turn == 20:
            sim.switch(watermark=EVERYTHING)
    _assert_whole(job, sim)
    pages = Tally((entry.job, entry.cursor) for entry in sim.log.entries(Kind.JOB_RESULTS))
    assert max([*pages.values(), *sim.log.pages().values()]) == 1


def test_lost_manifest_is_made_again_with_the_contract_of_each_window(tmp_path: Path, seed: int) -> None:
    """From what the parts say: a look-back replaces what the query took, and nothing is asked for before."""
    clock = VirtualClock(seed)
    sim = _sim(clock)
    job = _job(sim, clock, tmp_path)
    job.run()
    asked = len(sim.log)
    (job.folder / "manifest.sqlite").unlink()
    job.repair()
    assert len(sim.log) <= asked + 2
    assert _contracts(job) == [JOBS, JOBS, JOBS, QUERY, QUERY]
    _assert_whole(job, sim)
    sim.switch(watermark=EVERYTHING)
    _looked_back(sim, clock, tmp_path).run()
    assert len(sim.log.entries(Kind.JOB_CREATE)) == 5
    _assert_whole(job, sim)


def test_part_of_the_other_contract_is_not_adopted(tmp_path: Path, seed: int) -> None:
    """A part without a row is of the contract that its take is read by, or goes."""
    clock = VirtualClock(seed)
    sim = _sim(clock, watermark=EVERYTHING)
    job = _job(sim, clock, tmp_path, days=1)
    job.run()
    with closing(sqlite3.connect(job.folder / "manifest.sqlite", isolation_level=None)) as manifest:
        manifest.execute("DELETE FROM page")
        manifest.execute(
            "UPDATE window SET state = 'planned', page_count = NULL, total = NULL, done = 0, records = 0, bytes = 0,"
            " contract = 'query', whole_take = NULL, whole_contract = NULL, fingerprint = NULL"
        )
    sim.switch(watermark=START)
    job.run()
    assert EventKind.ADOPTED not in {event.kind for event in job.status(events=200).events}
    assert _contracts(job) == [QUERY]
    _assert_whole(job, sim)


def test_query_takes_what_the_results_of_a_job_turn_out_to_lack(tmp_path: Path, seed: int) -> None:
    """Where nobody says up to when there is data, the results do; the window is the query's in the same run."""
    clock = VirtualClock(seed)
    unavailable = SimFault(kind=FaultKind.STATUS, on=Match(kinds=(Kind.JOB_AVAILABILITY,)), status=500, times=None)
    sim = _sim(clock, unavailable)
    job = _job(sim, clock, tmp_path)
    job.run()
    assert _contracts(job) == [JOBS, JOBS, JOBS, QUERY, QUERY]
    _assert_whole(job, sim)


def test_query_takes_what_jobs_fail_to_bring(tmp_path: Path, seed: int) -> None:
    """A server whose jobs fail costs requests, and no day."""
    clock = VirtualClock(seed)
    sim = _sim(clock, job_fails=True)
    job = _job(sim, clock, tmp_path)
    job.run()
    assert _contracts(job) == [QUERY] * 5
    _assert_whole(job, sim)


def test_what_jobs_have_brought_is_not_replaced_by_the_query(tmp_path: Path, seed: int) -> None:
    """Where they cannot bring it again, the run says so and the records stay, with their attributes."""
    clock = VirtualClock(seed, at=START + timedelta(days=5))
    sim = _sim(clock, watermark=START + timedelta(days=5))
    job = _job(sim, clock, tmp_path)
    job.run()
    before = sorted(map(str, job.records()))
    sim.switch(watermark=START + timedelta(days=4, hours=3))
    job = _looked_back(sim, clock, tmp_path)
    with pytest.raises(Incomplete, match="1 window the source does not have whole yet"):
        job.run()
    assert sorted(map(str, job.records())) == before
    sim.switch(watermark=START + timedelta(days=6))
    job.run()
    assert _contracts(job) == [JOBS] * 5
    _assert_whole(job, sim)


@pytest.mark.parametrize(("oversize", "refused"), [(Oversize.REFUSE, 1), (Oversize.CLAMP, 0)])
def test_pages_are_as_large_as_the_server_lets_them_be(
    oversize: Oversize, refused: int, tmp_path: Path, seed: int
) -> None:
    """10,000 records are asked for, and believed as they come; a server that refuses is asked so once in a run."""
    clock = VirtualClock(seed)
    sim = _sim(clock, records=600, watermark=EVERYTHING, job_page_size_cap=200, oversize=oversize)
    job = _job(sim, clock, tmp_path, days=4, page_size=10_000, workers=1)
    job.run()
    assert len(sim.log.entries(Kind.JOB_RESULTS)) == 4 * 3 + refused
    # A day: a job is made, looked at twice, deleted and counted; a run: a token, whose data, up to when.
    assert len(sim.log) - 4 * 3 - refused <= 4 * 5 + 3
    assert len({record["conversationId"] for record in job.records()}) == 2400


def test_exports_are_those_of_jobs_once_jobs_have_brought_all(tmp_path: Path, seed: int) -> None:
    """After the look-back that replaced the query's windows, in any format and table."""
    clock = VirtualClock(seed)
    sim = _sim(clock)
    _job(sim, clock, tmp_path / "history").run()
    sim.switch(watermark=EVERYTHING)
    history = _looked_back(sim, clock, tmp_path / "history")
    history.run()
    jobs = _job(sim, clock, tmp_path / "jobs", dataset="conversation-jobs")
    jobs.run()
    for name, table in (("whole.jsonl", None), ("segments.csv", "segments")):
        for job, folder in ((history, "history"), (jobs, "jobs")):
            job.export(tmp_path / folder / name, table=table)
        assert (tmp_path / "history" / name).read_bytes() == (tmp_path / "jobs" / name).read_bytes()


def test_private_and_drifting_windows_of_both_are_looked_at_like_any_other(tmp_path: Path, seed: int) -> None:
    """Rules and drift hold for both contracts; verification, also online, repair and report take them for one job."""
    clock = VirtualClock(seed)
    unknown = SimFault(kind=FaultKind.FIELD, times=None, path="participants.brandNew", value=1)
    sim = _sim(clock, unknown, records=20, style=Style.LIFELIKE)
    rules = PrivacyRules(drop=tuple(sorted(PII["conversation"])))
    spec = JobSpec.of(HISTORY, START, START + timedelta(days=5), page_size=20, query=Query(privacy=rules.to_json()))
    job = resumable.make(spec, virtual_settings(sim, clock, tmp_path), name="job", clock=clock)
    status = job.run()
    assert status.contracts == {JOBS: 3, QUERY: 2}
    assert any("brandNew" in path for path in status.drift)
    assert all("attributes" not in participant for record in job.records() for participant in record["participants"])
    assert list(job.verify(online=True)) == []
    part = next(job.folder.glob("parts/window=20231005*/*.parquet"))
    part.unlink()
    asked = len(sim.log.entries(Kind.JOB_CREATE))
    job.repair()
    assert len(sim.log.entries(Kind.JOB_CREATE)) == asked
    assert part.exists()
    assert list(job.verify(online=True)) == []
    assert job.report().path.exists()


@pytest.mark.long
@pytest.mark.parametrize("cap", [1000, 10_000])
def test_days_of_1000_pages_take_at_most_0_11_of_the_requests(cap: int, tmp_path: Path, seed: int) -> None:
    """With the records of the simulator's truth, whether the server gives pages of 10,000 or refuses them."""
    clock = VirtualClock(seed)
    sim = _sim(clock, records=100_000, watermark=EVERYTHING, job_page_size_cap=cap)
    job = _job(sim, clock, tmp_path, days=2, page_size=10_000)
    job.run()
    share = len(sim.log) / (2 * 1000)
    print(f"{len(sim.log)} requests for 2 days of 1,000 pages of the query: {share:.3f}")
    assert share <= 0.11
    truth = sim.truth((START, START + timedelta(days=2)), dataset="conversations").ids
    assert sorted(job.dataset().to_table(columns=["conversationId"]).column(0).to_pylist()) == sorted(truth)
