"""The pace of a whole run against the server's own count."""

from pathlib import Path

import pytest

from resumable.simulator.settings import SimSettings
from resumable.simulator.simulator import Simulator
from tests.support.command_line import PAGE_KINDS, CommandLine, finished

MINUTES = 2
CAP = 300


@pytest.mark.long
@pytest.mark.parametrize("headers", [True, False], ids=["told", "blind"])
def test_a_run_spends_the_allowed_rate_and_draws_no_429(headers: bool, tmp_path: Path) -> None:
    """At 300 requests a minute and 500 ms latency a run stays above 95 % of the cap, with no 429."""
    settings = SimSettings(records=10_000, latency=0.5, rate_public=CAP, rate_headers=headers)
    with Simulator(settings) as sim:
        cli = CommandLine(sim=sim, state=tmp_path / "state")
        command = ["backfill", "conversations", "--from", "2023-10-01", "--to", "2023-10-31", "--max-duration", "128s"]
        outcome = finished(cli.start(*command), seconds=300)
        assert outcome.code == 3, outcome.stderr
        sent = [entry.at for entry in sim.log.entries(*PAGE_KINDS)]
        within = sum(1 for at in sent if at < sent[0] + 60 * MINUTES)
        print(f"{within / MINUTES:.1f} requests a minute of {CAP}: {within / MINUTES / CAP:.2%}")
        assert sim.log.count(*PAGE_KINDS, status=429) == 0
        assert within >= 0.95 * CAP * MINUTES
