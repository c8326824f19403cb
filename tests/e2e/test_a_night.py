"""A story of four nights: a cron line, half of it fails, somebody is told, and the next night heals it."""

from collections.abc import Callable
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from resumable.simulator.faults.faults import FaultKind, Match, SimFault
from resumable.simulator.settings import SimSettings, Style
from resumable.simulator.simulator import Simulator
from tests.support.command_line import CommandLine, Outcome
from tests.support.listener import Listener

QUICK = SimSettings(records=150, style=Style.SMALL, gzip=False, rate_public=None, rate_article=None)
BROKEN = tuple(
    SimFault(
        kind=FaultKind.STATUS, status=404, times=None, on=Match(window=f"2023-10-0{day}T00:00:00.000Z/", pages=(2,))
    )
    for day in (2, 4)
)


@pytest.fixture
def night(tmp_path: Path) -> Callable[[CommandLine, Listener, str], Outcome]:
    """Return what cron runs: one line, the same each night but for the day on which it is."""

    def run(cli: CommandLine, listener: Listener, today: str) -> Outcome:
        line = f"backfill conversations --job nightly --look-back 2d --from 2023-10-01 --to {today} --rate 90% -q"
        told = ("--metrics-file", str(tmp_path / "nightly.prom"), "--log-file", str(tmp_path / "nightly.log"))
        return cli(*line.split(), *told, "--notify", f"{listener.url}/ping/nightly")

    return run


def test_a_bad_night_is_told_and_the_next_one_heals_it(
    night: Callable[[CommandLine, Listener, str], Outcome], tmp_path: Path
) -> None:
    """Cron's mail names what is missing, the ping fails and then succeeds, the metrics say when; no record is lost."""
    with Simulator(QUICK) as sim, Listener() as listener:
        cli = CommandLine(sim=sim, state=tmp_path / "state")
        sim.inject(*BROKEN)
        for number, today in enumerate(("2023-10-05", "2023-10-05", "2023-10-06"), 1):
            outcome = night(cli, listener, today)
            assert outcome.code == 3
            assert "2 pages are quarantined" in outcome.stderr
            assert ("somebody should look" in outcome.stderr) == (number == 3)
        assert [heard.path for heard in listener.heard] == ["/ping/nightly/start", "/ping/nightly/fail"] * 3
        failed = listener.heard[-1].body
        assert failed["error"]["incomplete"]["runs"] == 3
        assert failed["error"]["incomplete"]["look"] is True
        assert _metric(tmp_path, "resumable_exit_code") == 3
        assert _metric(tmp_path, "resumable_incomplete_runs") == 3
        sim.clear_faults()
        healed = night(cli, listener, "2023-10-07")
        assert healed.code == 0
        assert healed.stderr == ""
        assert listener.heard[-1].path == "/ping/nightly"
        assert listener.heard[-1].body["records"] == 6 * 150
        assert _metric(tmp_path, "resumable_exit_code") == 0
        assert _metric(tmp_path, "resumable_incomplete_runs") == 0
        assert _metric(tmp_path, "resumable_last_success_timestamp_seconds") > 0
        log = (tmp_path / "nightly.log").read_text(encoding="utf-8")
        assert log.count(" ended: ") == 4
        assert " warning nightly quarantined: " in log
        assert cli("verify", "nightly").code == 0
        truth = sim.truth("2023-10-01T00:00:00Z/2023-10-07T00:00:00Z").ids
        assert {record["conversationId"] for record in cli.job("nightly").records()} == set(truth)


def _metric(folder: Path, name: str) -> float:
    text = (folder / "nightly.prom").read_text(encoding="utf-8")
    return next(
        float(sample.value)
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == name
    )
