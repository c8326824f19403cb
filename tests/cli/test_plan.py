"""`resumable plan`: what a backfill would take, told before anything is downloaded."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from resumable.clock import SystemClock
from resumable.config import Policy
from resumable.simulator.faults.faults import FaultKind, SimFault
from resumable.simulator.messages import Kind
from resumable.simulator.simulator import Simulator
from tests.support.command_line import RANGE, SECRET, CommandLine

YEAR = ("--from", "2023-01-01", "--to", "2024-01-01")


def test_it_reckons_with_the_first_page_of_a_sample(simulated: Callable[..., Simulator], tmp_path: Path) -> None:
    """24 of 365 windows are asked, one page each; the true total is within what it says, and nothing is written."""
    counts = {f"2023-{month:02d}-{day:02d}": 10 + day for month in range(1, 13) for day in range(1, 29)}
    cli = CommandLine(sim=simulated(records=20, records_on=counts), state=tmp_path / "state")
    found = cli("plan", "conversations", *YEAR, "--json").json
    truth = len(cli.sim.truth("2023-01-01T00:00:00Z/2024-01-01T00:00:00Z").ids)
    assert found["windows"] == {"total": 365, "asked": 24}
    assert cli.sim.log.count(Kind.CONVERSATIONS) == 24
    print(f"{found['hits']} +/- {found['plus_minus_percent']} %, in truth {truth}")
    # Three times the 95 % interval: a test must not fail once in twenty.
    assert abs(found["hits"] - truth) <= truth * found["plus_minus_percent"] * 3 / 100
    assert 0 < found["plus_minus_percent"] < 30
    assert not cli.state.exists()


@pytest.mark.parametrize(
    "dataset", ["conversations", "conversation-jobs", "conversation-history", "conversations-pagecount", "users"]
)
def test_what_it_says_is_what_the_backfill_takes(
    dataset: str, simulated: Callable[..., Simulator], tmp_path: Path
) -> None:
    """Where every window was asked, pages are exact, and requests and disk within a tenth and a half of the truth."""
    cli = CommandLine(sim=simulated(records=730, job_polls=0), state=tmp_path / "state")
    arguments = (dataset, *(() if dataset == "users" else RANGE))
    found = cli("plan", *arguments, "--json").json
    cli.sim.log.clear()
    outcome = cli("backfill", *arguments, "--job", "j", "--json")
    assert outcome.code == 0, outcome.stderr
    taken = outcome.json
    assert found["pages"] == taken["pages"]["done"]
    if dataset != "conversations-pagecount":
        assert found["hits"] == taken["records"]
    if dataset not in ("conversation-jobs", "conversation-history"):
        assert found["requests"] == taken["requests"] - 1, "each run asks once whose data it is"
    assert taken["bytes"] * 0.5 <= found["disk_bytes"] <= taken["bytes"] * 1.5


def test_a_job_under_way_has_something_left_and_one_that_is_complete_nothing(cli: CommandLine) -> None:
    """Of a job that exists it says what is left, and asks the server nothing."""
    command = ("conversations", *RANGE, "--job", "j")
    assert cli("backfill", *command, "--max-requests", "4", "--workers", "1").code == 3
    sent = len(cli.sim.log)
    left = cli("plan", *command, "--json").json["left"]
    assert (left["requests"], left["seconds"]) == (5, pytest.approx(1.0))
    assert "about 5 requests" in cli("plan", *command).stdout
    assert len(cli.sim.log) == sent
    assert cli("backfill", *command).code == 0
    left = cli("plan", *command, "--json").json["left"]
    assert (left["requests"], left["seconds"]) == (0, 0)
    assert "nothing is left" in cli("plan", *command).stdout


def test_a_look_back_and_a_later_end_are_reckoned_with(cli: CommandLine) -> None:
    """Three days to download again and two more, of three pages each: as many as the same words then ask for."""
    command = ("conversations", "--from", "2023-10-01", "--job", "j")
    assert cli("backfill", *command, "--to", "2023-10-04").code == 0
    on = (*command, "--to", "2023-10-06", "--look-back", "3000d")
    left = cli("plan", *on, "--json").json["left"]
    assert left["look_back"] == {"windows": 3, "requests": 9}
    assert left["later"] == {"windows": 2, "requests": 6}
    told = cli("plan", *on).stdout
    assert "3 windows to download again, within --look-back: about 9 requests" in told
    assert "about 15 requests" in told
    assert cli("plan", *command, "--to", "2023-10-04", "--look-back", "1h", "--json").json["left"]["requests"] == 0
    cli.sim.log.clear()
    assert cli("backfill", *on).code == 0
    assert cli.sim.log.count(Kind.CONVERSATIONS) == left["requests"]


def test_windows_that_are_cut_off_are_reckoned_with(simulated: Callable[..., Simulator], tmp_path: Path) -> None:
    """What came of them is downloaded again, although it is all there now."""
    cli = CommandLine(sim=simulated(watermark=datetime(2023, 10, 3, 12, tzinfo=UTC)), state=tmp_path / "state")
    command = ("conversation-jobs", *RANGE, "--job", "j")
    assert cli("backfill", *command).code == 3
    left = cli("plan", *command, "--json").json["left"]
    assert left["cut_off"]["windows"] == 1
    assert left["requests"] == left["cut_off"]["requests"] > 0
    assert "1 window to download again once the source has all of it" in cli("plan", *command).stdout


def test_on_paper_it_is_one_fact_a_line(cli: CommandLine) -> None:
    """Figures for people on stdout, with what would be cheaper."""
    outcome = cli("plan", "conversations", "--from", "2023-10-01", "--to", "2023-10-02")
    lines = dict(line.split(None, 1) for line in outcome.stdout.splitlines()[1:])
    assert lines["records"].startswith("250 ")
    assert lines["pages"] == "3 of 100"
    assert lines["time"].endswith("requests a minute")
    assert " free" in lines["disk"]


def test_the_cheaper_contract_is_named(simulated: Callable[..., Simulator], tmp_path: Path) -> None:
    """Where jobs on the server would need less than half of the requests, it says how many."""
    cli = CommandLine(sim=simulated(records=3000), state=tmp_path / "state")
    found = cli("plan", "conversations", *RANGE, "--json").json
    assert found["cheaper"] == {"dataset": "conversation-history", "requests": 27}


def test_what_a_dataset_saves_is_said(simulated: Callable[..., Simulator], tmp_path: Path) -> None:
    """Against the query: two days of jobs take 9 requests each, with pages of 1,000, and one of the query takes 30."""
    cli = CommandLine(
        sim=simulated(records=3000, watermark=datetime(2023, 10, 3, tzinfo=UTC)), state=tmp_path / "state"
    )
    found = cli("plan", "conversation-history", *RANGE, "--json").json
    assert (found["requests"], found["pages"]) == (48, 36)
    assert found["saves"] == {"dataset": "conversations", "requests": 42}
    told = cli("plan", "conversation-history", *RANGE).stdout
    assert "42 of 90 requests that conversations would need" in told
    assert "1 of the windows come by the query" in told


@pytest.mark.parametrize(
    ("extra", "warning"),
    [
        (("--window", "10d", "--from", "2023-10-01", "--to", "2023-10-20"), "cut to 7 days"),
        (
            ("--from", "2023-10-01", "--to", "2023-10-03", "--queue", "00000000-0000-4000-8000-00000000dead"),
            "nothing was found",
        ),
    ],
)
def test_it_warns_of_what_will_surprise(extra: tuple[str, ...], warning: str, cli: CommandLine) -> None:
    """Each in a line of its own."""
    assert warning in cli("plan", "conversations", *extra).stdout


def test_it_warns_of_windows_that_are_young_or_not_there_yet(cli: CommandLine) -> None:
    """The source still rewrites the first, and has nothing of the second."""
    today = SystemClock().now()
    start, end = (f"{today + timedelta(days=days):%Y-%m-%d}" for days in (-5, 1))
    found = cli("plan", "conversations", "--from", start, "--to", end, "--json").json
    said = " ".join(found["warnings"])
    assert "less than 48 h old" in said
    assert "end in the future" in said


def test_a_source_that_keeps_nothing_so_old_is_named(simulated: Callable[..., Simulator], tmp_path: Path) -> None:
    """Where the first windows of the range are empty and later ones are not, it says since when there is something."""
    empty = {f"{datetime(2023, 1, 1, tzinfo=UTC) + timedelta(day):%F}": 0 for day in range(180)}
    cli = CommandLine(sim=simulated(records=50, records_on=empty), state=tmp_path / "state")
    warnings = cli("plan", "conversations", *YEAR, "--json").json["warnings"]
    assert any(text.startswith("nothing was found before 2023-0") for text in warnings)


def test_data_that_is_not_there_yet_for_jobs_is_named(simulated: Callable[..., Simulator], tmp_path: Path) -> None:
    """Windows past the server's watermark wait, and the plan says how many."""
    cli = CommandLine(sim=simulated(watermark=datetime(2023, 10, 2, tzinfo=UTC)), state=tmp_path / "state")
    warnings = cli("plan", "conversation-jobs", *RANGE, "--json").json["warnings"]
    assert any("up to 2023-10-02" in text and "2 of the windows wait" in text for text in warnings)


@pytest.mark.parametrize(
    ("fault", "code", "said"),
    [
        (SimFault(kind=FaultKind.STATUS, status=403), 4, "permission"),
        (SimFault(kind=FaultKind.STATUS, status=400), 2, "refuses this query"),
        (SimFault(kind=FaultKind.STATUS, status=404), 2, "refuses this query"),
    ],
)
def test_what_the_client_may_not_do_is_said_before_anything_is_begun(
    fault: SimFault, code: int, said: str, cli: CommandLine
) -> None:
    """A missing permission is exit 4 and a query that is refused exit 2; no job is left behind."""
    cli.sim.inject(fault)
    outcome = cli("plan", "conversations", *RANGE)
    assert outcome.code == code
    assert said in outcome.stderr
    assert not cli.state.exists()


def test_wrong_credentials_are_exit_4(cli: CommandLine) -> None:
    """As of a backfill."""
    cli.extra["GENESYS_CLIENT_SECRET"] = SECRET
    assert cli("plan", "conversations", *RANGE).code == 4


def test_a_server_that_does_not_say_is_exit_3(cli: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer that cannot be read is named, and the plan can be asked for again."""
    monkeypatch.setitem(Policy.__init__.__kwdefaults__ or {}, "attempts", 1)
    cli.sim.inject(SimFault(kind=FaultKind.HTML))
    outcome = cli("plan", "conversations", "--from", "2023-10-01", "--to", "2023-10-02")
    assert outcome.code == 3
    assert "did not say how much there is" in outcome.stderr
