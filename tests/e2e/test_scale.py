"""Many windows: memory stays flat, and looking on stays quick."""

import contextlib
import subprocess
from pathlib import Path

import pytest

from resumable.simulator.settings import SimSettings, Style
from resumable.simulator.simulator import Simulator
from tests.support.command_line import PAGE_KINDS, CommandLine, finished


@pytest.mark.long
def test_a_thousand_windows_of_ten_pages_take_no_more_memory_than_a_hundred(tmp_path: Path) -> None:
    """Peak memory at the very end is what it was after 1,000 pages, and status is answered while the run goes on."""
    with Simulator(SimSettings(records=300, style=Style.SMALL, rate_public=None, gzip=False)) as sim:
        cli = CommandLine(sim=sim, state=tmp_path / "state")
        process = cli.start(
            *("backfill", "conversations", "--from", "2021-01-01", "--to", "2023-09-28", "--page-size", "30"),
            *("--rate", "1000000", "--job", "j"),
        )
        cli.more_pages_asked(process, count=1000)
        early = _peak_mb(process)
        assert cli.status("j")["state"] == "running"
        cli.more_pages_asked(process, count=8500, patience=600)
        late = _peak_to_the_end(process)
        outcome = finished(process, seconds=600)
        assert outcome.code == 0, outcome.stderr
        status = cli.status("j")
        assert (status["windows"], status["pages"]["done"]) == ({"total": 1000, "done": 1000}, 10_000)
        assert sim.log.count(*PAGE_KINDS) == 10_000 + 1000  # the last page of each is full, so the next is looked at
        print(f"peak {early:.0f} MB after 1,000 pages, {late:.0f} MB at the end")
        assert late < early * 1.15 + 5


def _peak_to_the_end(process: subprocess.Popen[str]) -> float:
    """Return the peak, in MB, as last seen before the process ended: what closes a job is done at its very end."""
    peak = 0.0
    while process.poll() is None:
        peak = _peak_mb(process) or peak
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=0.02)
    return peak


def _peak_mb(process: subprocess.Popen[str]) -> float:
    lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    return int(next((line.split()[1] for line in lines if line.startswith("VmHWM")), "0")) / 1024
