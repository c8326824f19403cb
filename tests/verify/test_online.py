"""With `online` the server is asked what it counts, one request a window, at the pace of a run."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

import resumable
from resumable import AuthenticationFailed, Flaw, Secret
from resumable.errors import UsageError
from resumable.simulator.faults.faults import FaultKind, Match, SimFault
from resumable.simulator.messages import Kind
from resumable.simulator.settings import SimSettings, Style
from resumable.simulator.simulator import Simulator
from tests.support.builders import make_job
from tests.support.clock import VirtualClock
from tests.support.described_jobs import CURSOR, EXAMPLE, OFFSET, made
from tests.support.planted import SECOND, Planted
from tests.support.ticket_server import Tickets, serving

DAY_2 = Match(window="2023-10-02T00:00:00.000Z/")


def simulated(**settings: object) -> Simulator:
    """Return a simulator of small records, 60 a day."""
    given = {"records": 60, "style": Style.SMALL, "rate_public": None, "rate_article": None, **settings}
    return Simulator(SimSettings(**given))  # type: ignore[arg-type]  # any setting


def complete(sim: Simulator, state: Path, **more: object) -> Planted:
    """Return a complete job of two days."""
    job = make_job(sim, VirtualClock(), state, **more)  # type: ignore[arg-type]  # any setting
    job.run()
    return Planted(job=job)


@pytest.fixture
def server() -> Iterator[Tickets]:
    """Return a ticket server that is up."""
    with serving(Tickets()) as tickets:
        yield tickets


@pytest.mark.parametrize("dataset", ["conversations", "conversations-pagecount", "user-details"])
def test_a_server_that_counts_the_same_is_asked_once_a_window(dataset: str, tmp_path: Path) -> None:
    """One page request for each window, and no trace of them in the job."""
    sim = simulated(records_on={"2023-10-03": 0})
    planted = complete(sim, tmp_path, dataset=dataset, days=3)
    before, sent = planted.job.status(events=100), sum(sim.log.pages().values())
    report = planted.clean(online=True)
    assert (report.online, report.counted) == (True, 3)
    assert sum(sim.log.pages().values()) == sent + 3
    after = planted.job.status(events=100)
    assert (after.events, after.counters) == (before.events, before.counters)


@pytest.mark.parametrize("quick", [False, True])
def test_a_server_that_counts_otherwise_is_a_finding(quick: bool, tmp_path: Path) -> None:
    """Window, both counts, and the command that takes it again."""
    sim = simulated()
    planted = complete(sim, tmp_path)
    sim.inject(SimFault(kind=FaultKind.TOTAL_BY, on=DAY_2, times=None, by=5))
    finding = planted.only(Flaw.SERVER, online=True, quick=quick)
    assert (finding.window, finding.key) == (SECOND, None)
    assert "the server counts 65 records now, and 60 are stored" in finding.text
    assert finding.mend.startswith(
        "resumable backfill conversations --from 2023-10-01T00:00:00Z --to 2023-10-03T00:00:00Z --job job --look-back "
    )


def test_the_command_that_is_named_takes_the_window_again(tmp_path: Path) -> None:
    """The look-back that a finding names reaches as far as it must."""
    sim = simulated()
    planted = complete(sim, tmp_path)
    sim.inject(SimFault(kind=FaultKind.TOTAL_BY, on=DAY_2, times=None, by=5))
    mend = planted.only(Flaw.SERVER, online=True).mend
    assert mend.endswith("d --page-size 20"), mend
    days = int(mend.removesuffix("d --page-size 20").rsplit(" ", 1)[1])
    spec = planted.job.status().job.spec
    resumable.make(spec, planted.job.settings, name="job", look_back=timedelta(days=days), clock=planted.job.clock)
    assert planted.job.status().totals.windows_done < 2


def test_page_counts_are_compared_where_there_is_no_total(tmp_path: Path) -> None:
    """The article's contract names pages only."""
    sim = simulated()
    planted = complete(sim, tmp_path, dataset="conversations-pagecount")
    sim.inject(SimFault(kind=FaultKind.TOTAL, on=DAY_2, times=None, value=9))
    assert "the server counts 9 pages now, and 3 are stored" in planted.only(Flaw.SERVER, online=True).text


def test_a_total_that_was_settled_may_stay_as_it_was(tmp_path: Path) -> None:
    """Totals are approximate: one that is still what it was when two takes agreed is no fault."""
    sim = simulated()
    sim.inject(SimFault(kind=FaultKind.TOTAL_BY, on=DAY_2, times=None, by=-5))
    planted = complete(sim, tmp_path)
    assert planted.clean(online=True).counted == 2


@pytest.mark.parametrize("dataset", ["conversation-jobs", "user-detail-jobs"])
def test_jobs_are_counted_by_the_query_beside_them(dataset: str, tmp_path: Path) -> None:
    """One request a window, and both numbers in a note; a count that has grown is a finding."""
    sim = simulated()
    planted = complete(sim, tmp_path, dataset=dataset)
    report = planted.clean(online=True)
    assert report.counted == 2
    assert any("by the details query in 2 windows" in note for note in report.notes)


def test_job_of_which_more_is_counted_than_is_stored_is_found(tmp_path: Path) -> None:
    """More than is stored, and more than was counted when it was downloaded, is a fault of that window."""
    sim = simulated()
    planted = complete(sim, tmp_path, dataset="conversation-jobs")
    sim.inject(SimFault(kind=FaultKind.TOTAL_BY, on=DAY_2, times=None, by=5))
    finding = planted.only(Flaw.SERVER, online=True)
    assert "conversations by the details query now" in finding.text


@pytest.mark.parametrize(
    ("dataset", "why"),
    [
        ("users", "a list as it was on the day it was taken"),
        ("queues", "a list as it was on the day it was taken"),
    ],
)
def test_where_a_count_means_nothing_that_is_said_and_nothing_is_asked(dataset: str, why: str, tmp_path: Path) -> None:
    """Contracts without counts, and lists that change from day to day."""
    sim = simulated()
    planted = complete(sim, tmp_path, dataset=dataset)
    sent = len(sim.log)
    report = planted.clean(online=True)
    assert (report.counted, len(sim.log)) == (0, sent)
    assert any(why in note for note in report.notes)


@pytest.mark.parametrize(
    ("file", "counted"), [(None, 11), (OFFSET, 11), (CURSOR, 0)], ids=["pages", "offset", "cursor"]
)
def test_described_endpoints_are_asked_too(file: str | None, counted: int, server: Tickets, tmp_path: Path) -> None:
    """By the description that the job keeps."""
    server.token = server.token if file is None else None
    job = made(file or EXAMPLE, server, tmp_path)
    job.run()
    asked = len(server.asked)
    assert Planted(job=job).clean(online=True).counted == counted
    assert len(server.asked) == asked + counted


def test_windows_that_the_server_does_not_answer_for_are_named(tmp_path: Path) -> None:
    """They are no fault of the job, and the verification is not whole: both are in the report."""
    sim = simulated()
    planted = complete(sim, tmp_path)
    sim.inject(SimFault(kind=FaultKind.STATUS, status=400, on=DAY_2, times=None))
    report = planted.clean(online=True)
    assert report.counted == 1
    assert len(report.unanswered) == 1
    assert report.unanswered[0].startswith("2023-10-02: HTTP 400")


def test_windows_that_are_not_complete_are_not_asked_about(tmp_path: Path) -> None:
    """Nothing can be said of them yet."""
    planted = Planted(job=make_job(simulated(), VirtualClock(), tmp_path))
    assert planted.clean(online=True).counted == 0


def test_the_pace_is_that_of_a_run(tmp_path: Path) -> None:
    """Many windows are asked about at the documented rate, not faster."""
    clock, sim = VirtualClock(), simulated(records=1)
    job = make_job(sim, clock, tmp_path, days=40)
    job.run()
    began = clock.monotonic()
    planted = Planted(job=replace(job, settings=replace(job.settings, rate_per_minute=20)))
    assert planted.clean(online=True).counted == 40
    assert clock.monotonic() - began > 60


@pytest.mark.parametrize("lack", ["secret", "endpoints"])
def test_without_credentials_nothing_is_asked(lack: str, tmp_path: Path) -> None:
    """That is an error like a run's; the files alone are verified without any."""
    sim = simulated()
    planted = complete(sim, tmp_path)
    changes = {"secret": {"client_secret": Secret("")}, "endpoints": {"endpoints": None}}[lack]
    bare = Planted(job=replace(planted.job, settings=replace(planted.job.settings, **changes)))  # type: ignore[arg-type]  # any setting
    bare.clean()
    with pytest.raises((UsageError, AuthenticationFailed)):
        bare.verify(online=True)


def test_refused_credentials_end_it(tmp_path: Path) -> None:
    """Exit 4, as in a run."""
    sim = simulated()
    planted = complete(sim, tmp_path)
    wrong = replace(planted.job.settings, client_secret=Secret("wrong-secret-1234"))
    with pytest.raises(AuthenticationFailed):
        Planted(job=replace(planted.job, settings=wrong)).verify(online=True)
    assert Kind.TOKEN in {entry.kind for entry in sim.log.entries()}
