"""The command: prints each row as soon as it is measured, and the table of all at the end."""

import argparse
import platform
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from tests.benchmarks import (
    bucket,
    codec,
    export,
    fleet,
    looking,
    memory,
    pace,
    requests,
    scale,
    speed,
    stages,
    startup,
    tables,
)
from tests.benchmarks.table import Row, head, line

GROUPS: dict[str, Callable[..., Iterator[Row]]] = {
    "pace": pace.rows,
    "speed": speed.rows,
    "stages": stages.rows,
    "codec": codec.rows,
    "memory": memory.rows,
    "scale": scale.rows,
    "startup": startup.rows,
    "export": export.rows,
    "tables": tables.rows,
    "looking": looking.rows,
    "requests": requests.rows,
    "bucket": bucket.rows,
    "fleet": fleet.rows,
}


def _main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description="Measure, beside other ways.")
    parser.add_argument("--quick", action="store_true", help="every row in little: that it runs, not its times")
    parser.add_argument("--rows", default=",".join(GROUPS), help="which, separated by commas: %(default)s")
    given = parser.parse_args()
    print(f"{datetime.now(UTC):%Y-%m-%d}, Python {platform.python_version()}, {_machine()}\n")
    print(*head(), sep="\n")
    missed = 0
    for name in given.rows.split(","):
        for row in GROUPS[name](quick=given.quick):
            print(line(row), flush=True)
            missed += row.met is False
    print(f"\n{missed} rows missed what is to be reached" if missed else "\nall is reached")
    # In little, times mean nothing.
    return 1 if missed and not given.quick else 0


def _machine() -> str:
    import os

    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors, {memory:.0f} GB"


if __name__ == "__main__":
    sys.exit(_main())
