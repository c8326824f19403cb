"""What a job in a bucket costs beside one in a folder, and what the loss of its machine costs."""

import json
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks.manyparts import make_job_apart
from tests.benchmarks.processes import Cost, Server, backfill, day, ended, measured, product, serving, started
from tests.benchmarks.table import Row, limited, median, reaching
from tests.support.object_stores import ObjectStore, object_store

LIFE = 5
WORKERS = 8


def rows(*, quick: bool) -> Iterator[Row]:
    """Yield the rows of the bucket."""
    store = object_store("seaweed")
    yield from _costs(store, days=1 if quick else 8, times=1 if quick else 5)
    yield _at_the_cap(store, minutes=0.1 if quick else 2.0)
    yield from _machine_lost(store, losses=1 if quick else 5)
    yield _rebuilt(store, windows=2 if quick else 40, pages=5 if quick else 50)


def _run(server: Server, place: str, store: ObjectStore, *arguments: str) -> Cost:
    command, environment = product(server, Path(place), *arguments)
    return measured(command, environment={**environment, **store.variables(), "RESUMABLE_STATE": place})


def _costs(store: ObjectStore, *, days: int, times: int) -> Iterator[Row]:
    theirs, ours = list[float](), list[float]()
    with serving(records=5000) as server, tempfile.TemporaryDirectory() as folder:
        for turn in range(times):
            theirs.append(_run(server, f"{folder}/{turn}", store, *backfill(days)).cpu)
            ours.append(_run(server, str(store.address()), store, *backfill(days)).cpu)
    pages = days * 50
    detail = f"{pages} pages of 100; {median(ours) / pages * 1e3:.0f} ms against {median(theirs) / pages * 1e3:.0f} ms"
    ratio = median(own / other for own, other in zip(ours, theirs, strict=True))
    yield limited("processor a page, a bucket against a folder", ratio, most=1.10, unit=" x", detail=detail)


def _at_the_cap(store: ObjectStore, *, minutes: float) -> Row:
    length = [] if minutes < 1 else ["--max-duration", f"{minutes * 60:.0f}s"]
    counts: list[int] = []
    for place in ("folder", "bucket"):
        with (
            serving(records=200 if minutes < 1 else 10_000, latency=0.5, rate=300) as server,
            tempfile.TemporaryDirectory() as folder,
        ):
            where = f"{folder}/state" if place == "folder" else str(store.address())
            words = ["backfill", "conversations", "--from", day(0), "--to", day(1 if minutes < 1 else 30), *length]
            _run(server, where, store, *words)
            counts.append(len(server.pages()))
    detail = f"{counts[1]} requests in a bucket and {counts[0]} in a folder, in the same time at 300 a minute"
    return limited(
        "time at the rate cap, a bucket against a folder", counts[0] / counts[1], most=1.02, unit=" x", detail=detail
    )


def _machine_lost(store: ObjectStore, *, losses: int) -> Iterator[Row]:
    again, waits = list[int](), list[float]()
    with serving(records=4000) as server:
        _run(server, str(store.address()), store, *backfill(2))
        needed = len(server.pages())  # and requests that count
    for _ in range(losses):
        with serving(records=4000, latency=0.1) as server, tempfile.TemporaryDirectory() as machine:
            place, words = str(store.address()), ["--rate", "3000", "--workers", str(WORKERS)]
            command, environment = product(server, Path(place), *backfill(2), *words)
            environment |= {**store.variables(), "RESUMABLE_STATE": place, "RESUMABLE_LEASE": f"{LIFE}s"}
            running = started(command, environment={**environment, "TMPDIR": machine})
            while len(server.pages()) < 30:
                time.sleep(0.05)
            running.process.send_signal(signal.SIGKILL)
            ended(running)
            shutil.rmtree(machine)
            lost, asked = time.monotonic(), len(server.pages())
            second = started(command, environment=environment)
            while len(server.pages()) == asked:
                time.sleep(0.05)
            waits.append(time.monotonic() - lost)
            ended(second)
            again.append(len(server.pages()) - needed)
    yield limited(
        "pages asked for again after a machine is lost", max(again), most=WORKERS, scale=0,
        detail=f"killed with its folder {losses} times, of 80 pages with {WORKERS} workers: {again}",
    )  # fmt: skip
    yield limited(
        "first request after a machine is lost", max(waits), most=2 * LIFE + 5, unit=" s", scale=1,
        detail=f"a lease of {LIFE} s: twice its life, and 5 s",
    )  # fmt: skip


def _rebuilt(store: ObjectStore, *, windows: int, pages: int) -> Row:
    with serving(records=10) as server, tempfile.TemporaryDirectory() as folder:
        make_job_apart(Path(folder) / "job", windows=windows, pages=pages)
        bucket = store.store()
        for part in sorted((Path(folder) / "job" / "parts").rglob("*.parquet")):
            bucket.save(f"job/{part.relative_to(Path(folder) / 'job').as_posix()}", part.read_bytes())
        place = bucket.place("").rstrip("/")
        cost = _run(server, place, store, "repair", "job", "--json")
        quick = _run(server, place, store, "status", "job", "--json")
    parts = windows * pages
    assert json.loads(cost.output)["repair"]["restored"] == parts
    detail = f"{parts:,} parts of 100 in {cost.wall:.1f} s, of which the start of a process is {quick.wall:.1f} s"
    return reaching(
        "parts a second of a manifest made again from a bucket", parts / max(0.01, cost.wall - quick.wall),
        least=1000, scale=0, detail=detail,
    )  # fmt: skip
