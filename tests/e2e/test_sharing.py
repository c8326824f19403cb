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


@pytest.mark.long
@pytest.mark.timeout(400)
def test_two_machines_with_one_client_share_its_allowance_by_the_headers(tmp_path: Path) -> None:
    """Two processes that share nothing but the client, the second later: the cap, few 429s, neither below half a share.

    They have state folders of their own, as two machines have; each sees what the other uses in its status.
    """
    limits = SimSettings(records=10_000, latency=0.3, rate_article=CAP, rate_headers_article=True)
    with Simulator(limits) as sim:
        lines = [CommandLine(sim=sim, state=tmp_path / f"machine-{n}" / "state") for n in range(2)]
        runs = []
        for number, line in enumerate(lines):
            line.state.parent.mkdir()
            runs.append(
                line.start(
                    *("backfill", "conversations-pagecount", "--from", "2023-10-01", "--to", "2023-10-31"),
                    *("--job", "mine", "--page-size", "100", "--max-duration", f"{210 - 20 * number}s"),
                )
            )
            line.requests_sent(runs[number], least=100)  # the first has the allowance to itself for ten seconds
        for run in runs:
            outcome = finished(run, seconds=300)
            assert outcome.code == 3, outcome.stderr
        sent = list(sim.log.entries(*PAGE_KINDS))
        begun = max(min(entry.at for entry in sent if entry.token == token) for token in ("t1", "t2"))
        shared = [entry for entry in sent if begun + 60 <= entry.at < begun + 180]
        mine = [sum(entry.token == token and entry.status == 200 for entry in shared) for token in ("t1", "t2")]
        refused = sum(entry.status == 429 for entry in shared) / len(shared)
        print(f"{sum(mine) / CAP / 2:.2%} of the cap over two minutes; by machine: {mine}; 429s {refused:.2%}")
        assert sum(mine) >= 0.95 * CAP * 2
        assert min(mine) >= 0.25 * sum(mine)
        assert refused <= 0.01
        assert all(line.status("mine")["used_by_others"] > 30 for line in lines)
