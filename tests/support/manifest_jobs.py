"""Jobs to report of, made with the manifest itself: quiet ones, eventful ones, hostile ones."""

import atexit
import functools
import itertools
import json
import random
import shutil
import tempfile
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from resumable.errors import Failure
from resumable.manifest.store import Manifest
from resumable.models import Counter, EventKind, Interval, JobSpec, JobState, PartFact, Query, WindowState
from resumable.schema.registry import pinned
from tests.support.builders import START, snapshot
from tests.support.clock import VirtualClock

FACT = PartFact(rows=100, size=130_000, sha256=bytes(32))

HOSTILE = (
    "</style></title></svg><script>document.title='obeyed'</script><img src=x onerror=\"document.title='obeyed'\">"
    "' \" & <!-- ]]> \u202eelbisrever\x1b[31m </textarea> javascript:alert(1)"
)


def make(
    state: Path,
    clock: VirtualClock,
    *,
    name: str = "conversations-2023",
    days: int = 120,
    window: timedelta = timedelta(days=1),
    query: Query | None = None,
) -> Manifest:
    """Make a job with windows and nothing done."""
    folder = state / name
    folder.mkdir(parents=True)
    interval = Interval(start=START, end=START + timedelta(days=days))
    spec = JobSpec(dataset="conversations", interval=interval, query=query or Query(), window=window, page_size=100)
    cuts = (Interval(start=START + n * window, end=START + (n + 1) * window) for n in range(interval.length // window))
    digest = pinned("conversation").digest
    return Manifest.create(folder / "manifest.sqlite", clock, name=name, spec=spec, schema_digest=digest, windows=cuts)


def work(manifest: Manifest, clock: VirtualClock, dice: random.Random, *, windows: int, trouble: float = 0.0) -> None:
    """Do so many windows at 300 pages a minute, with 429s, retries, pages given up on and takes again."""
    manifest.set_state(JobState.RUNNING)
    manifest.event(EventKind.RUN_STARTED, "8 workers")
    manifest.count(Counter.TOKEN_REFRESHES)
    planned = (row for row in manifest.unfinished(limit=10_000) if row.window.state is WindowState.PLANNED)
    for row in itertools.islice(planned, windows):
        pages = dice.randint(20, 40) if row.window.interval.start.weekday() < 5 else dice.randint(4, 9)
        whole = True
        for number in range(1, pages + 1):
            manifest.count(Counter.REQUESTS)
            slow = 3.0 if dice.random() < trouble else 1.0
            manifest.answered(slow * 2.718 ** dice.gauss(-1.2, 0.4), allowed=300.0)
            if dice.random() < trouble:
                manifest.count(Counter.RETRIES)
                if dice.random() < 0.5:
                    manifest.count(Counter.RATE_LIMITED)
                    manifest.event(EventKind.RATE_LIMITED, f"{row.window.interval} page {number}: everybody waits 4 s")
                    clock.sleep(4)
            clock.sleep(dice.uniform(0.19, 0.22))
            fact = PartFact(rows=100 if number < pages else dice.randint(1, 100), size=130_000, sha256=bytes(32))
            if number == 1:
                current = manifest.first_page_done(row.window, snapshot(row.window, pages), fact)
            elif number > 2 and dice.random() < trouble / 12:
                manifest.quarantine(current.window, number, "HTTP 504: gateway timeout, six times", Failure.OVERLOADED)
                whole = False
            else:
                manifest.page_done(current.window, number, fact, moved=False)
        if whole:
            young = row.window.interval.end > manifest.job().spec.interval.end - timedelta(days=3)
            manifest.complete(current.window, bytes(32), duplicates=0, settled=False, young=young)
            if dice.random() < trouble / 3:
                manifest.retake(current.window, bytes(32), "its total went from 2,104 to 2,106 while it was read")
    manifest.set_state(JobState.INTERRUPTED)


def once(make: Callable[..., Path]) -> Callable[..., Path]:
    """Make each job once a process, and copy it from then on: thousands of commits take half a second."""
    kept: dict[tuple[datetime, object], tuple[Path, float]] = {}

    @functools.wraps(make)
    def copied(state: Path, clock: VirtualClock, **named: object) -> Path:
        begun, key = clock.monotonic(), (clock.now(), tuple(named.items()))
        if key in kept:
            first, took = kept[key]
            clock.sleep(took)
            return Path(shutil.copytree(first, state / first.name))
        folder = make(state, clock, **named)
        aside = Path(tempfile.mkdtemp())
        atexit.register(shutil.rmtree, aside)
        kept[key] = Path(shutil.copytree(folder, aside / folder.name)), clock.monotonic() - begun
        return folder

    return copied


@once
def eventful(state: Path, clock: VirtualClock, *, name: str = "conversations-2023", days: int = 150) -> Path:
    """Make a job that ran three times, with trouble, and is not done."""
    dice = random.Random(5)
    manifest = make(state, clock, name=name, days=days)
    work(manifest, clock, dice, windows=days // 3)
    clock.sleep(600)
    work(manifest, clock, dice, windows=days // 3, trouble=0.08)
    manifest.event(EventKind.WARNING, "no write-ahead log on this disk: each page is recorded more slowly")
    clock.sleep(1200)
    work(manifest, clock, dice, windows=days // 5, trouble=0.01)
    manifest.set_state(JobState.INCOMPLETE)
    drift(manifest, {"conversations[].participants[].sessions[].newFigure": 14_120, "conversations[].mood": 3})
    manifest.close()
    return state / name


@once
def rested(state: Path, clock: VirtualClock, *, name: str = "rested") -> Path:
    """Make a job that worked for some minutes on each of three days."""
    dice = random.Random(7)
    manifest = make(state, clock, name=name, days=60)
    for _ in range(3):
        work(manifest, clock, dice, windows=20)
        clock.sleep(86_400)
    manifest.close()
    return state / name


def drift(manifest: Manifest, paths: dict[str, int]) -> None:
    """Let the schema have had no place for these."""
    with manifest._db.atomic():
        for path, count in paths.items():
            manifest._db.execute("INSERT INTO drift VALUES (?, ?)", (path, count))


@once
def complete(state: Path, clock: VirtualClock, *, name: str = "conversations-2023", days: int = 31) -> Path:
    """Make a job that is complete, with a receipt."""
    manifest = make(state, clock, name=name, days=days)
    work(manifest, clock, random.Random(3), windows=days)
    manifest.set_state(JobState.COMPLETE)
    receipt(manifest, state / name)
    manifest.close()
    return state / name


def receipt(manifest: Manifest, folder: Path, **more: object) -> None:
    """Write a receipt, with what is named over it."""
    totals = manifest.totals()
    content = {"format": 1, "job": folder.name, "records": totals.records, "duplicates": {"within_windows": 0}}
    windows = [{"from": str(row.window.interval.start)} for row in manifest.windows()]
    (folder / "receipt.json").write_text(json.dumps({**content, "windows": windows, **more}))


@once
def hostile(state: Path, clock: VirtualClock) -> Path:
    """Make a job in which every text that can be from outside is markup; its name too, by tampering."""
    manifest = make(state, clock, name="hostile", days=3, query=Query(queues=(HOSTILE,)))
    work(manifest, clock, random.Random(1), windows=2)
    window = manifest.unfinished()[0].window
    manifest.quarantine(window, 1, HOSTILE, Failure.NO_ANSWER)
    manifest.retake(window, None, HOSTILE)
    manifest.quarantine(manifest.window(window.id).window, 1, HOSTILE, Failure.NO_ANSWER)
    for kind in EventKind:
        manifest.event(kind, HOSTILE)
    drift(manifest, {HOSTILE: 2})
    with manifest._db.atomic():
        manifest._db.execute("UPDATE job SET name = ?", (HOSTILE,))
    manifest.close()
    return state / "hostile"
