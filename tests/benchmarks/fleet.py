"""A fleet of ten clients on this machine, each at its own cap: whether all get it, and what a job takes."""

import contextlib
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from resumable.simulator.messages import Kind
from tests.benchmarks.table import Row, limited, reaching
from tests.support.command_line import finished
from tests.support.fleets import Organisations, organisations

CAP = 300
CLIENTS = 10
MOST_MB = 160


def rows(*, quick: bool) -> Iterator[Row]:
    """Yield the rows of the fleet."""
    clients, seconds = (2, 10) if quick else (CLIENTS, 120)
    with (
        tempfile.TemporaryDirectory() as folder,
        organisations(Path(folder), count=clients, clients=clients, latency=0.4) as known,
    ):
        for sim in known.sims:
            sim.switch(rate_public=CAP, records=20_000)
        known.write(more=f'max_duration = "{seconds + 15}s"\n')
        running = known.start("run", "--json", "--tries", "1", "--jobs", str(clients))
        while not all(sim.log.count(Kind.CONVERSATIONS) for sim in known.sims):
            time.sleep(0.05)
        before = [sim.log.count(Kind.CONVERSATIONS) for sim in known.sims]
        time.sleep(seconds)
        asked = [sim.log.count(Kind.CONVERSATIONS) - was for sim, was in zip(known.sims, before, strict=True)]
        peaks = [_peak_mb(known, name) for name, _ in known.clients]
        finished(running, seconds=120)
    least = min(asked) / (CAP * seconds / 60) * 100
    detail = f"{clients} clients at {CAP} a minute each, {seconds} s: {min(asked)} to {max(asked)} requests"
    what = "the least that a client of a fleet gets of its cap"
    yield reaching(what, least, least=95, unit=" %", scale=1, detail=detail)
    told = f"{clients} jobs at once, each a process"
    yield limited("peak memory of a job of a fleet", max(peaks), most=MOST_MB, unit=" MB", scale=0, detail=told)


def _peak_mb(known: Organisations, client: str) -> float:
    process = known.process_of(client)
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{process}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1e3 * 1.024
    return 0.0
