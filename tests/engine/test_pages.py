"""Whole runs in virtual time against the simulator: what goes wrong with pages, and what becomes of the window."""

import itertools
from collections import Counter as Tally
from pathlib import Path

import pytest

from resumable import Incomplete, Interrupted, JobState, SourceUnsettled
from resumable.clock import Stop
from resumable.errors import AuthenticationFailed, ExitCode, StorageFailed
from resumable.models import EventKind
from resumable.simulator.faults.faults import ABSENT, FaultKind, Match, SimFault
from resumable.simulator.messages import Kind
from resumable.simulator.simulator import Simulator
from resumable.storage.parts import Parts
from tests.support.builders import make_job
from tests.support.clock import VirtualClock
from tests.support.whole_runs import assert_whole, simulated

PUBLIC = (Kind.CONVERSATIONS,)
DAY_2_PAGE_2 = Match(kinds=PUBLIC, window="2023-10-02T00:00:00.000Z/", pages=(2,))


def pages_asked(sim: Simulator) -> Tally[tuple[str, int]]:
    """Return how often each page was asked for, by day."""
    kinds = (Kind.CONVERSATIONS, Kind.ARTICLE)
    return Tally((str(entry.interval)[:10], entry.page or 0) for entry in sim.log.entries(*kinds))


def test_a_run_asks_for_every_page_once(tmp_path: Path, seed: int) -> None:
    """Two days of 50 records in pages of 20 are six requests, and a run of the complete job is none."""
    clock = VirtualClock(seed)
    sim = simulated(clock)
    job = make_job(sim, clock, tmp_path)
    job.run()
    assert_whole(job, sim)
    assert pages_asked(sim) == {(f"2023-10-0{day}", page): 1 for day in (1, 2) for page in (1, 2, 3)}
    sent = len(sim.log)
    job.run()
    assert len(sim.log) == sent


@pytest.mark.parametrize("dataset", ["conversations", "conversations-pagecount"])
def test_an_empty_day_is_done_with_no_records_and_no_part_and_a_short_one_by_one_request(
    dataset: str, tmp_path: Path, seed: int
) -> None:
    """pageCount 0 is a complete window without a part, asked for twice beside a full one; 1 costs one request."""
    clock = VirtualClock(seed)
    sim = simulated(clock, records_on={"2023-10-01": 0, "2023-10-02": 7})
    job = make_job(sim, clock, tmp_path, dataset=dataset)
    job.run()
    assert pages_asked(sim) == {("2023-10-01", 1): 2, ("2023-10-02", 1): 1}
    assert [path.parent.name[:15] for path in job.files()] == ["window=20231002"]
    assert job.status().totals.windows_done == 2
    assert job.status().totals.records == 7


REFUSED_FOR_EVER: dict[str, SimFault] = {
    "empty records": SimFault(kind=FaultKind.RECORDS_EMPTY, on=DAY_2_PAGE_2, times=None),
    "no records key": SimFault(kind=FaultKind.RECORDS_MISSING, on=DAY_2_PAGE_2, times=None),
    "null for records": SimFault(kind=FaultKind.RECORDS_NULL, on=DAY_2_PAGE_2, times=None),
    "an absent total": SimFault(kind=FaultKind.TOTAL, on=DAY_2_PAGE_2, value=ABSENT, times=None),
    "a negative total": SimFault(kind=FaultKind.TOTAL, on=DAY_2_PAGE_2, value=-1, times=None),
    "html": SimFault(kind=FaultKind.HTML, on=DAY_2_PAGE_2, times=None, status=200),
    "nothing": SimFault(kind=FaultKind.EMPTY, on=DAY_2_PAGE_2, times=None),
    "null": SimFault(kind=FaultKind.BODY, on=DAY_2_PAGE_2, times=None, body="null"),
    "a list": SimFault(kind=FaultKind.BODY, on=DAY_2_PAGE_2, times=None, body="[]"),
    "bad UTF-8": SimFault(kind=FaultKind.BAD_UTF8, on=DAY_2_PAGE_2, times=None),
    "NaN": SimFault(kind=FaultKind.NAN, on=DAY_2_PAGE_2, times=None),
    "duplicate keys": SimFault(kind=FaultKind.DUPLICATE_KEYS, on=DAY_2_PAGE_2, times=None),
    "503": SimFault(kind=FaultKind.STATUS, on=DAY_2_PAGE_2, times=None, status=503),
    "400": SimFault(kind=FaultKind.STATUS, on=DAY_2_PAGE_2, times=None, status=400),
    "a reset": SimFault(kind=FaultKind.RESET_BEFORE, on=DAY_2_PAGE_2, times=None),
    "a lost answer": SimFault(kind=FaultKind.LOST_ANSWER, on=DAY_2_PAGE_2, times=None),
    "a cut": SimFault(kind=FaultKind.CUT, on=DAY_2_PAGE_2, times=None),
}


@pytest.mark.parametrize("fault", REFUSED_FOR_EVER)
def test_a_page_that_never_comes_is_quarantined_and_the_next_run_takes_it(
    fault: str, tmp_path: Path, seed: int
) -> None:
    """Retried, named, exit code 3; all other pages are safe and asked for once; the next run takes just this one."""
    clock = VirtualClock(seed)
    sim = simulated(clock, REFUSED_FOR_EVER[fault])
    job = make_job(sim, clock, tmp_path)
    with pytest.raises(Incomplete) as caught:
        job.run()
    assert caught.value.exit_code == ExitCode.INCOMPLETE
    status = job.status()
    assert (status.totals.pages_done, status.totals.pages_quarantined) == (5, 1)
    assert len(status.problems) == 1
    assert status.problems[0].startswith("2023-10-02 page 2: ")
    asked = pages_asked(sim)
    assert asked.pop(("2023-10-02", 2)) == (1 if fault == "400" else 6)
    assert set(asked.values()) == {1}
    sim.clear_faults()
    job.run()
    assert_whole(job, sim)
    assert sum(pages_asked(sim).values()) == sum(asked.values()) + (2 if fault == "400" else 7)


def test_a_wrong_page_echoed_is_retried_and_quarantined(tmp_path: Path, seed: int) -> None:
    """An answer that says it is another page is not believed, however often it comes."""
    clock = VirtualClock(seed)
    on = Match(kinds=(Kind.ARTICLE,), window="2023-10-02T00:00:00.000Z/", pages=(2,))
    sim = simulated(clock, SimFault(kind=FaultKind.WRONG_PAGE, on=on, times=None, by=1))
    job = make_job(sim, clock, tmp_path, dataset="conversations-pagecount")
    with pytest.raises(Incomplete):
        job.run()
    assert "asked for page 2, and the answer says it is page 3" in job.status().problems[0]
    assert pages_asked(sim)["2023-10-02", 2] == 6
    sim.clear_faults()
    job.run()
    assert_whole(job, sim)


def test_a_first_page_that_never_comes_leaves_its_window_for_the_next_run(tmp_path: Path, seed: int) -> None:
    """No page of the window is known, and the other windows are complete."""
    clock = VirtualClock(seed)
    on = Match(kinds=PUBLIC, window="2023-10-01T00:00:00.000Z/", pages=(1,))
    sim = simulated(clock, SimFault(kind=FaultKind.STATUS, on=on, times=None, status=500))
    job = make_job(sim, clock, tmp_path, days=3)
    with pytest.raises(Incomplete):
        job.run()
    assert job.status().totals.windows_done == 2
    sim.clear_faults()
    job.run()
    assert_whole(job, sim)


SETTLES: dict[str, SimFault] = {
    "grows": SimFault(kind=FaultKind.TOTAL_BY, on=DAY_2_PAGE_2, by=1),
    "shrinks": SimFault(kind=FaultKind.TOTAL_BY, on=DAY_2_PAGE_2, by=-1),
    "turns 0": SimFault(kind=FaultKind.TOTAL, on=DAY_2_PAGE_2, value=0),
    "shrinks below the page": SimFault(kind=FaultKind.TOTAL, on=DAY_2_PAGE_2, value=20),
    "is 1e9 once": SimFault(kind=FaultKind.TOTAL, on=DAY_2_PAGE_2, value=10**9),
    "flaps for ever": SimFault(kind=FaultKind.TOTAL_FLAP, on=Match(kinds=PUBLIC), times=None, by=3),
    "repeats records": SimFault(kind=FaultKind.REPEAT, on=DAY_2_PAGE_2, by=4),
    "drops records": SimFault(kind=FaultKind.DROP, on=DAY_2_PAGE_2, by=4),
    "shifts": SimFault(kind=FaultKind.SHIFT, on=DAY_2_PAGE_2, by=2),
    "serves a page twice": SimFault(kind=FaultKind.OTHER_PAGE, on=DAY_2_PAGE_2, by=-1),
}


@pytest.mark.parametrize("what", SETTLES)
def test_a_source_that_moves_and_settles_ends_whole(what: str, tmp_path: Path, seed: int) -> None:
    """The window is taken again, within the same run, until its records add up or two takes agree."""
    clock = VirtualClock(seed)
    sim = simulated(clock, SETTLES[what])
    job = make_job(sim, clock, tmp_path)
    job.run()
    assert sum(sim.faults_fired().values()) >= 1
    assert_whole(job, sim)
    asked = pages_asked(sim)
    if what != "flaps for ever":
        assert {asked["2023-10-01", page] for page in (1, 2, 3)} == {1}
        assert asked["2023-10-02", 1] == 2, "one answer that disagrees is enough to take the window again"


def test_a_window_that_never_settles_ends_with_exit_code_9(tmp_path: Path, seed: int) -> None:
    """After four takes it is named and left; the other window is complete, nothing is called complete that is not."""
    clock = VirtualClock(seed)
    always = SimFault(
        kind=FaultKind.DROP, on=Match(kinds=PUBLIC, window="2023-10-01T00:00:00.000Z/", every=2), times=None, by=1
    )
    sim = simulated(clock, always)
    job = make_job(sim, clock, tmp_path, workers=1)
    with pytest.raises(SourceUnsettled, match="2023-10-01") as caught:
        job.run()
    assert caught.value.exit_code == ExitCode.UNSETTLED
    status = job.status()
    assert (status.state, status.totals.windows_done) == (JobState.INCOMPLETE, 1)
    assert pages_asked(sim)["2023-10-01", 1] == 4
    sim.clear_faults()
    job.run()
    assert_whole(job, sim)


def test_a_token_revoked_in_mid_run_costs_one_refresh_and_no_page(tmp_path: Path, seed: int) -> None:
    """Eight workers share one new token."""
    clock = VirtualClock(seed)
    sim = simulated(clock, records=200)
    job = make_job(sim, clock, tmp_path, rate_per_minute=100_000)
    clock.at(0.8, lambda: print("revoked", sim.revoke_tokens()))
    job.run()
    assert_whole(job, sim)
    assert sim.log.count(Kind.TOKEN) == 2
    assert 1 <= sim.log.count(Kind.CONVERSATIONS, status=401) <= 8


def test_tokens_of_three_seconds_lose_no_page(tmp_path: Path, seed: int) -> None:
    """Renewed in time, at most once in 2.7 seconds; no request meets a 401."""
    clock = VirtualClock(seed)
    sim = simulated(clock, token_lifetime=3.0, records=300)
    job = make_job(sim, clock, tmp_path, rate_per_minute=60)
    job.run()
    assert_whole(job, sim)
    assert sim.log.count(Kind.CONVERSATIONS, status=401) == 0
    issued = [entry.at for entry in sim.log.entries(Kind.TOKEN)]
    assert len(issued) > 8
    assert all(later - earlier >= 2.7 - 1e-6 for earlier, later in itertools.pairwise(issued))


def test_refused_credentials_end_the_run_before_anything_is_asked(tmp_path: Path, seed: int) -> None:
    """Exit code 4, one request to the login, none to the API, and the job is as it was."""
    clock = VirtualClock(seed)
    sim = simulated(clock)
    job = make_job(sim, clock, tmp_path)
    sim.switch(client_secret="rotated")
    with pytest.raises(AuthenticationFailed):
        job.run()
    assert [entry.kind for entry in sim.log] == [Kind.TOKEN]
    assert job.status().totals.pages_known == 0


def test_a_run_under_the_rate_limit_draws_no_429(tmp_path: Path, seed: int) -> None:
    """60 pages at 30 a minute, of which others take 6: no refusal, and nearly all that is left is used."""
    clock = VirtualClock(seed)
    sim = simulated(clock, rate_public=30, other_traffic=0.1, records=299)
    job = make_job(sim, clock, tmp_path, days=4)
    job.run()
    assert_whole(job, sim)
    assert sim.log.count(status=429) == 0
    # Some is left unused for those who come: at 30 a minute, two requests of 24.
    assert clock.monotonic() - 1000.0 < 60 / (24 * 0.82) * 60


def test_a_stop_finishes_what_is_in_flight_and_the_next_run_carries_on(tmp_path: Path, seed: int) -> None:
    """Every page that was asked for is recorded, and none is asked for twice over both runs."""
    clock = VirtualClock(seed)
    sim = simulated(clock, records=200)
    job = make_job(sim, clock, tmp_path, rate_per_minute=100_000)
    stop = Stop(clock)
    clock.at(0.8, lambda: stop.request("SIGTERM"))
    with pytest.raises(Interrupted) as caught:
        job.run(stop=stop)
    assert caught.value.exit_code == ExitCode.TERMINATED
    assert 0 < job.status().totals.pages_done < 20
    assert job.status().state is JobState.INTERRUPTED
    job.run()
    assert_whole(job, sim)
    assert set(pages_asked(sim).values()) == {1}


def test_a_failing_disk_ends_the_run_and_nothing_is_recorded_for_it(
    tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit code 5 at the first part that cannot be written; the pages before are safe, the next run takes the rest."""
    clock = VirtualClock(seed)
    sim = simulated(clock)
    job = make_job(sim, clock, tmp_path, workers=3)
    real, calls = Parts.write, []

    def write(self: Parts, *args: object) -> object:
        calls.append(1)
        if len(calls) == 3:
            raise StorageFailed("no space left")
        return real(self, *args)  # type: ignore[arg-type]  # as they came

    monkeypatch.setattr(Parts, "write", write)
    with pytest.raises(StorageFailed):
        job.run()
    status = job.status()
    assert status.totals.pages_done == len(list(job.folder.glob("parts/*/*"))) == len(calls) - 1
    assert status.state is JobState.INTERRUPTED
    job.run()
    assert_whole(job, sim)


def test_counters_are_exact_over_both_runs(tmp_path: Path, seed: int) -> None:
    """Requests, retries, 429s and tokens are what the server saw, all runs together."""
    clock = VirtualClock(seed)
    every = Match(kinds=PUBLIC, every=4)
    sim = simulated(
        clock,
        SimFault(kind=FaultKind.STATUS, on=every, times=3, status=503),
        SimFault(kind=FaultKind.STATUS, on=Match(kinds=PUBLIC, nth=(2, 6)), times=2, status=429),
        SimFault(kind=FaultKind.STATUS, on=DAY_2_PAGE_2, times=40, status=500),
    )
    job = make_job(sim, clock, tmp_path)
    with pytest.raises(Incomplete):
        job.run()
    sim.clear_faults()
    job.run()
    shown = job.status().to_json()
    pages = sim.log.count(Kind.CONVERSATIONS)
    assert sim.log.count(Kind.ORGANISATION) == 2, "once a run"
    assert shown["requests"] == len(sim.log) - sim.log.count(Kind.TOKEN)
    assert shown["rate_limited"] == sim.log.count(Kind.CONVERSATIONS, status=429)
    assert shown["token_refreshes"] == sim.log.count(Kind.TOKEN) == 2
    assert shown["retries"] == pages - 6 - 1, "six pages, one of them given up on and asked for anew"


def test_a_dead_server_ends_the_run_after_a_while(tmp_path: Path, seed: int) -> None:
    """Where no page comes any more the run ends with exit code 3 before it has tried all of a long job."""
    clock = VirtualClock(seed)
    sim = simulated(clock, SimFault(kind=FaultKind.RESET_BEFORE, on=Match(kinds=PUBLIC), times=None))
    job = make_job(sim, clock, tmp_path, days=365)
    with pytest.raises(Incomplete, match="no answer since"):
        job.run()
    assert sim.log.count(Kind.CONVERSATIONS) <= 6 * 45
    assert job.status().state is JobState.INTERRUPTED
    assert not any(event.kind is EventKind.QUARANTINED for event in job.status(events=1000).events)


def test_the_first_minute_has_no_burst_and_spends_the_allowed_rate(tmp_path: Path, seed: int) -> None:
    """No slot is kept waiting for the first token, however long that takes: it would look like a request of others."""
    clock = VirtualClock(seed)
    sim = simulated(clock, records=225, latency=1.0, rate_public=300)
    make_job(sim, clock, tmp_path, days=7, page_size=5).run()
    sent = [entry.at for entry in sim.log.entries(*PUBLIC)]
    minute = [at for at in sent if at < sent[0] + 60]
    assert min(later - earlier for earlier, later in itertools.pairwise(minute)) > 0.15
    assert len(minute) >= 298
