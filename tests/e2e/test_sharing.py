"""Several runs at once with one client keep to its allowance together."""

from pathlib import Path

import pytest

from resumable.simulator.settings import SimSettings
from resumable.simulator.simulator import Simulator
from tests.support.command_line import PAGE_KINDS, CommandLine, finished

CAP = 600


@pytest.mark.long
def test_three_runs_at_once_share_the_allowance_and_draw_no_429(tmp_path: Path) -> None:
    """Three processes with three jobs in one state folder: together at the cap, none starved, and no 429."""
    with Simulator(SimSettings(records=10_000, latency=0.3, rate_public=CAP, rate_headers=False)) as sim:
        cli = CommandLine(sim=sim, state=tmp_path / "state")
        runs = [
            cli.start(
                *("backfill", "conversations", "--from", "2023-10-01", "--to", "2023-10-31", "--job", f"j{n}"),
                *("--rate", str(CAP), "--max-duration", "66s"),
            )
            for n in range(3)
        ]
        for run in runs:
            outcome = finished(run, seconds=200)
            assert outcome.code == 3, outcome.stderr
        assert sim.log.count(*PAGE_KINDS, status=429) == 0
        sent = [entry.at for entry in sim.log.entries(*PAGE_KINDS)]
        within = sum(1 for at in sent if at < sent[0] + 60)
        shares = [cli.status(f"j{n}")["requests"] for n in range(3)]
        print(f"{within / CAP:.2%} of the cap; by run: {shares}")
        assert within >= 0.95 * CAP
        assert min(shares) > 0.15 * sum(shares)
        assert len(list((tmp_path / "state" / ".pace").iterdir())) == 1
        listed = cli("jobs", "--json").json["jobs"]
        assert {job["job"] for job in listed} == {"j0", "j1", "j2"}
