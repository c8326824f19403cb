"""What a verification costs a part, and what it costs to make a lost manifest again."""

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks.manyparts import make_job_apart
from tests.benchmarks.processes import Cost, measured
from tests.benchmarks.table import Row, limited, median

MOST_MS = 1.1
MOST_OF_VERIFY = 1.5
REBUILD = """
import sys
from pathlib import Path
from resumable.clock import SystemClock
from resumable.repair.rebuild import restore
from resumable.storage.job_files import JobFiles
home = JobFiles.at(Path(sys.argv[1]))
home.manifest.unlink()
restore(home, SystemClock(), at="then")
"""
"""The made-up job's fingerprints are none of a closing check: only the making again is measured, not a repair."""


def rows(*, quick: bool) -> Iterator[Row]:
    """Yield the rows of target 12."""
    windows, pages, times = (2, 5, 1) if quick else (20, 100, 3)
    parts = windows * pages
    with tempfile.TemporaryDirectory() as folder:
        job = Path(folder) / "state" / "job"
        make_job_apart(job, windows=windows, pages=pages)
        looked: list[Cost] = []
        made: list[Cost] = []
        for _ in range(times):
            made.append(measured([sys.executable, "-c", REBUILD, str(job)]))
            looked.append(measured([sys.executable, "-m", "resumable", "verify", "job", "--state", str(job.parent)]))
    verify, rebuild = (median(cost.wall for cost in costs) for costs in (looked, made))
    detail = f"{parts:,} parts of 100, {verify:.1f} s with the start of the process; {_peak(looked):.0f} MB at the peak"
    yield limited("verify, a part", verify / parts * 1e3, most=MOST_MS, unit=" ms", detail=detail)
    detail = f"{rebuild:.1f} s against {verify:.1f} s, in turns; {_peak(made):.0f} MB at the peak"
    yield limited(
        "a lost manifest made again, against verify", rebuild / verify, most=MOST_OF_VERIFY, unit=" x", detail=detail
    )


def _peak(costs: list[Cost]) -> float:
    return max(cost.peak_mb for cost in costs)
