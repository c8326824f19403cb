"""Tokens over a whole run: they expire, they are revoked, and no page notices."""

from pathlib import Path

import pytest

from resumable.simulator.messages import Kind
from resumable.simulator.settings import SimSettings, Style
from resumable.simulator.simulator import Simulator
from tests.support.command_line import PAGE_KINDS, CommandLine, finished
from tests.support.truth import assert_equal_to_truth


@pytest.mark.long
def test_a_run_of_a_minute_with_tokens_of_three_seconds_loses_no_page(tmp_path: Path) -> None:
    """Every token is used up before the next one is asked for, and no page is lost to an expired one."""
    with Simulator(SimSettings(records=600, token_lifetime=3.0, latency=0.2, rate_public=None)) as sim:
        cli = CommandLine(sim=sim, state=tmp_path / "state")
        process = cli.start("backfill", "conversations", "--from", "2023-10-01", "--to", "2023-11-20", "--rate", "300")
        outcome = finished(process, seconds=300)
        assert outcome.code == 0, outcome.stderr
        sent = sim.log.entries(*PAGE_KINDS)
        seconds = sent[-1].at - sent[0].at
        assert seconds > 55
        assert sim.log.count(Kind.TOKEN) <= seconds / 2.7 + 2
        # The last page of each day is full, so that the one behind it is looked at, too.
        assert sim.log.count(*PAGE_KINDS, status=200) == 50 * (6 + 1)
        assert_equal_to_truth(cli.job("conversations-2023-10-01-to-2023-11-20"), sim, dataset="conversations")


def test_a_token_revoked_in_mid_run_costs_one_refresh(tmp_path: Path) -> None:
    """A revoked token is replaced once for all threads, and the pages that met it are sent again."""
    with Simulator(SimSettings(records=600, style=Style.SMALL, latency=0.2, rate_public=None)) as sim:
        cli = CommandLine(sim=sim, state=tmp_path / "state")
        process = cli.start(
            *(
                "backfill",
                "conversations",
                "--from",
                "2023-10-01",
                "--to",
                "2023-10-11",
                "--rate",
                "100000",
                "--workers",
                "8",
                "--job",
                "j",
            )
        )
        cli.more_pages_asked(process, count=20)
        sim.revoke_tokens()
        outcome = finished(process)
        assert outcome.code == 0, outcome.stderr
        assert sim.log.count(Kind.TOKEN) == 2
        assert 1 <= sim.log.count(*PAGE_KINDS, status=401) <= 8
        assert cli.status("j")["token_refreshes"] == 2
        assert_equal_to_truth(cli.job("j"), sim, dataset="conversations")
