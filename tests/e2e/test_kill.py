"""The main promise: killed at any moment, the same command carries on and ends with every record, once."""

import random
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from resumable.simulator.settings import SimSettings, Style
from resumable.simulator.simulator import Simulator
from tests.support.command_line import PAGE_KINDS, CommandLine, finished
from tests.support.truth import assert_equal_to_truth, records_of, truth_of

KILLS = [(3, 280, Style.SMALL), pytest.param(25, 1800, Style.FULL, marks=pytest.mark.long)]
"""How many, and of what records a day. The full number takes a minute for each contract; before a commit, a few do."""

WORKERS = 8

RANGE = ("--from", "2023-10-01", "--to", "2023-10-08")
CONTRACTS = [
    ("conversations", ["--page-size", "20"]),
    pytest.param("conversations-pagecount", ["--page-size", "20"], marks=pytest.mark.long),
]
BY_JOBS = [
    ("conversation-jobs", None),
    pytest.param("conversation-history", datetime(2023, 10, 5, tzinfo=UTC), marks=pytest.mark.long),
]
"""Up to when jobs have their data, where the details query brings the rest."""


@pytest.mark.parametrize(("kills", "records", "style"), KILLS)
@pytest.mark.parametrize(("dataset", "options"), CONTRACTS)
def test_a_backfill_killed_again_and_again_ends_equal_to_the_truth(
    dataset: str, options: list[str], kills: int, records: int, style: Style, tmp_path: Path, seed: int
) -> None:
    """After SIGKILLs at random moments every record is there once, and next to nothing was asked for twice."""
    moments = random.Random(seed)
    settings = SimSettings(records=records, style=style, rate_public=None, rate_article=None, latency=(0.1, 0.4))
    with Simulator(settings) as sim:
        cli = CommandLine(sim=sim, state=tmp_path / "state")
        command = ["backfill", dataset, *RANGE, *options, "--job", "j", "--rate", "100000", "--workers", str(WORKERS)]
        for _ in range(kills):
            pages, seconds = moments.randrange(12), moments.uniform(0, 0.4)
            outcome = cli.killed(cli.start(*command), pages=pages, seconds=seconds)
            assert outcome.code == -9, f"ended with {outcome.code} before it was killed: {outcome.stderr}"
        outcome = finished(cli.start(*command))
        assert outcome.code == 0, outcome.stderr
        status = cli.status("j")
        assert_equal_to_truth(cli.job("j"), sim, dataset=dataset)
        pages = 7 * records // 20
        sent = sim.log.count(*PAGE_KINDS)
        assert status["pages"] == {"known": pages, "expected": pages, "done": pages, "quarantined": 0}
        behind = 7  # each day's last page is full, so the page behind it is looked at once
        assert pages <= sent <= pages + behind + kills * WORKERS
        assert sent <= status["requests"] <= sent + kills * WORKERS
        again = finished(cli.start(*command))
        assert again.code == 0, again.stderr
        assert sim.log.count(*PAGE_KINDS) == sent, "a complete job asked for a page"


@pytest.mark.parametrize(("kills", "records", "style"), KILLS)
@pytest.mark.parametrize(("dataset", "watermark"), BY_JOBS)
def test_a_backfill_by_jobs_killed_again_and_again_ends_equal_to_the_truth(
    dataset: str, watermark: datetime | None, kills: int, records: int, style: Style, tmp_path: Path, seed: int
) -> None:
    """Killed in mid-cursor, with jobs that expire in between, every record is there once and no known job is left."""
    moments = random.Random(seed)
    life = SimSettings(records=records, style=style, rate_public=None, latency=(0.1, 0.3), job_polls=1, job_life=8.0)
    with Simulator(replace(life, watermark=watermark)) as sim:
        cli = CommandLine(sim=sim, state=tmp_path / "state")
        command = ["backfill", dataset, *RANGE, "--page-size", "60", "--job", "j", "--rate", "100000"]
        for _ in range(kills):
            pages, seconds = moments.randrange(8), moments.uniform(0, 0.4)
            outcome = cli.killed(cli.start(*command), pages=pages, seconds=seconds)
            assert outcome.code == -9, f"ended with {outcome.code} before it was killed: {outcome.stderr}"
        sim.switch(job_life=3600.0)
        outcome = finished(cli.start(*command))
        assert outcome.code == 0, outcome.stderr
        assert records_of(cli.job("j")) == truth_of(cli.job("j"), sim)
        known = {
            event.text.rsplit(" ", 1)[1]
            for event in cli.job("j").status(events=10_000).events
            if "submitted as" in event.text
        }
        assert known
        assert known & set(sim.jobs_alive) == set()
        again = finished(cli.start(*command))
        assert again.code == 0, again.stderr
