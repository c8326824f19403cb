"""Aggregates against details: days agree where nothing is missing, and a missing conversation is seen."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from resumable.simulator.faults.faults import FaultKind, Match, SimFault
from resumable.simulator.messages import Kind
from resumable.simulator.settings import SimSettings, Style
from resumable.simulator.simulator import Simulator
from tests.support.command_line import CommandLine

RANGE = ("--from", "2025-03-03", "--to", "2025-03-06", "--job", "details")
DAYS = {"2025-03-03": 40, "2025-03-04": 40, "2025-03-05": 40}


@pytest.fixture
def cli(tmp_path: Path) -> Iterator[CommandLine]:
    """Serve three days, of which a tenth of the conversations arrive later."""
    settings = SimSettings(
        records=0, records_on=DAYS, style=Style.LIFELIKE, rate_public=None, late_share=0.1, late_after_requests=40
    )
    with Simulator(settings) as sim:
        yield CommandLine(sim=sim, state=tmp_path / "state")


def test_days_agree_until_the_server_has_more(cli: CommandLine) -> None:
    """Every metric of every day; then conversations arrive late, and each day that has them is named, with exit 6."""
    assert cli("backfill", "conversations", *RANGE).code == 0
    agreed = cli("reconcile", "--json")
    assert agreed.code == 0, agreed.stderr
    days = agreed.json["days"]
    assert {day["day"] for day in days} == set(DAYS)
    assert {day["metric"] for day in days} == {"nOffered", "tAnswered", "tAbandon", "tHandle"}
    assert all(day["aggregates"] == day["details"] > 0 for day in days)
    cli.sim.switch(late_after_requests=1)
    later = cli("reconcile")
    assert later.code == 6, later.stderr
    assert "2025-03-04, 2025-03-05" in later.stderr
    assert "first day also has" in later.stdout
    assert cli("reconcile", "--tolerance", "60%").code == 0


def test_what_cannot_be_compared_is_refused(cli: CommandLine) -> None:
    """A job of one queue, a list, a share that is none, and a server that does not tell."""
    (queue, *_) = cli.sim.world.organisation.queue_ids
    assert cli("backfill", "conversations", *RANGE[:4], "--job", "some", "--queue", queue).code == 0
    assert cli("backfill", "queues", "--job", "list").code == 0
    for job in ("some", "list"):
        refused = cli("reconcile", job)
        assert (refused.code, "not a job of all conversations" in refused.stderr) == (2, True)
    assert cli("reconcile", "some", "--tolerance", "half").code == 2
    assert cli("backfill", "conversations", *RANGE).code == 0
    for status, code in ((403, 4), (400, 3)):
        cli.sim.clear_faults()
        cli.sim.inject(SimFault(kind=FaultKind.STATUS, status=status, times=None, on=Match(kinds=(Kind.AGGREGATES,))))
        silent = cli("reconcile", "details")
        assert silent.code == code, silent.stderr
