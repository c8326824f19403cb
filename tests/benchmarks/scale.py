"""A job of a million pages: what one more page costs, and how soon it is looked at and carried on.

The answers are invented and there are no parts: the pages go through the planner's feed and the manifest alone, the
commits without their fsync, which takes the same time whatever the manifest holds. A thousand windows of 1,000 pages.
"""

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from resumable.clock import Stop, SystemClock
from resumable.datasets.resolve import get
from resumable.engine.feed import Ended, Feed
from resumable.engine.windows import cut, gaps
from resumable.manifest.store import Manifest
from resumable.models import JobSpec, PartFact, Snapshot, Window
from tests.benchmarks.processes import FIRST_DAY, Server, day, ended, measured, product, serving, started
from tests.benchmarks.table import Row, limited, median
from tests.benchmarks.undurable import hasty

LEFT = 2
"""Windows left undone: one in the middle of its pages, one not begun."""


@dataclass(kw_only=True)
class Book:
    """What each page took to be planned and recorded, in seconds, in the order they went."""

    manifest: Manifest
    feed: Feed
    pages: int
    """Of each window."""
    took: list[float] = field(default_factory=list)

    def fill(self, windows: int) -> None:
        """Take windows, whole, until so many are complete; then half of the next."""
        done = 0
        while done < windows or len(self.took) < windows * self.pages + self.pages // 2:
            begun = time.perf_counter()
            work = self.feed.take()
            if work is None:
                raise RuntimeError("the feed ran dry")
            if work.number is None:
                self._open(work.window)
            elif self._page(work.window, work.number):
                self.manifest.complete(work.window, b"f" * 32, duplicates=0, settled=False, young=False)
                done += 1
            self.feed.release()
            self.took.append(time.perf_counter() - begun)

    def _open(self, window: Window) -> None:
        snapshot = Snapshot(number=1, page_count=self.pages, total=self.pages * 100, page_size=100)
        row = self.manifest.first_page_done(window, snapshot, _part(window, 1))
        self.feed.opened(row, gaps([1], self.pages))

    def _page(self, window: Window, number: int) -> bool:
        self.manifest.page_done(window, number, _part(window, number), moved=False)
        return self.feed.ended(window, Ended.DONE)


def _part(window: Window, number: int) -> PartFact:
    return PartFact(rows=100, size=140_000 + number, sha256=(window.id * 10_000 + number).to_bytes(4, "big") * 8)


def rows(*, quick: bool) -> Iterator[Row]:
    """Yield the rows of target 5."""
    windows, pages = (20, 100) if quick else (1000, 1000)
    with tempfile.TemporaryDirectory() as folder, serving(records=pages * 100, latency=0.0) as server:
        path = Path(folder) / "big" / "manifest.sqlite"
        path.parent.mkdir()
        with hasty(), closing(_made(path, windows + LEFT)) as manifest:
            yield from _filled(manifest, path, windows, pages)
        with closing(_opened(path)) as manifest:
            yield _next_page(manifest)
        yield _status(server, Path(folder), windows * pages)
        yield _resume(server, Path(folder))


def _made(path: Path, windows: int) -> Manifest:
    contract = get("conversations")
    spec = JobSpec.of("conversations", FIRST_DAY, day(windows), page_size=100)
    interval = spec.interval
    digest = contract.schema.digest
    cuts = cut(interval, timedelta(days=1))
    return Manifest.create(path, SystemClock(), name="big", spec=spec, schema_digest=digest, windows=cuts)


def _opened(path: Path) -> Manifest:
    manifest = Manifest.open(path, SystemClock())
    assert manifest is not None
    return manifest


def _filled(manifest: Manifest, path: Path, windows: int, pages: int) -> Iterator[Row]:
    book = Book(manifest=manifest, feed=Feed(manifest, Stop(SystemClock())), pages=pages)
    book.fill(windows)
    some = max(100, len(book.took) // 100)
    early, late = (statistics.mean(part) * 1e6 for part in (book.took[some : 2 * some], book.took[-some:]))
    manifest.close()
    count = len(book.took)
    size = path.stat().st_size / count
    detail = f"{count:,} pages; {late:.0f} us a page against {early:.0f}, each {some:,} pages"
    yield limited("a page of the last hundredth, against the second", late / early, most=1.25, unit=" x", detail=detail)
    told = f"{path.stat().st_size / 1e6:.1f} MB"
    yield limited("the manifest, bytes a page", size, most=100, unit=" B", scale=1, detail=told)


def _next_page(manifest: Manifest) -> Row:
    """Time what a fresh run does before it knows the first page that is missing."""

    def look() -> None:
        feed = Feed(manifest, Stop(SystemClock()))
        work = feed.take()
        assert work is not None
        row = manifest.window(work.window.id)
        assert row.window.snapshot is not None
        done = (page.number for page in manifest.pages(row.window))
        assert not feed.opened(row, gaps(done, row.window.snapshot.page_count))
        again = feed.take()
        assert again is not None
        assert again.number is not None

    took = median(_timed(look) for _ in range(21))
    return limited("the next page to fetch", took * 1000, most=5, unit=" ms", detail="median of 21, from the file")


def _timed(work: Callable[[], None]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def _status(server: Server, state: Path, pages: int) -> Row:
    walls = []
    for _ in range(5):
        command, environment = product(server, state, "status", "big", "--json")
        walls.append(measured(command, environment=environment).wall)
    detail = f"the whole command, median of 5, {pages:,} pages"
    return limited("resumable status", median(walls), most=0.3, unit=" s", detail=detail)


def _resume(server: Server, state: Path) -> Row:
    """Time a process from its start to its first request for a page."""
    command, environment = product(server, state, "resume", "big", "--max-requests", "1")
    begun = time.monotonic()
    cost = ended(started(command, environment=environment))
    pages = server.pages()
    if not pages:
        raise RuntimeError(f"no page was asked for: {cost.errors[-500:]}")
    detail = "from the start of the process to its first request for a page"
    return limited("resumable resume", pages[0][0] - begun, most=2, unit=" s", detail=detail)
