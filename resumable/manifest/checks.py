"""What a verification asks of a manifest, in pieces of bounded size; it reads, and never changes anything."""

from collections.abc import Iterator
from datetime import datetime

from resumable.manifest import soundness
from resumable.manifest.connection import Connection
from resumable.manifest.rows import PageRow, interval, moment, page_row, sensible
from resumable.models import Interval, Window

AT_ONCE = 1000


class Checks:
    """The questions, to one manifest. Each raises ManifestUnusable where the rows make no sense."""

    def __init__(self, db: Connection) -> None:
        """`ManifestReader.checks` makes one."""
        self._db = db

    def damage(self) -> list[str]:
        """Say what SQLite finds wrong with the file, and which rows belong to nothing; costs one pass over it."""
        found = list(soundness.damage(self._db))
        strays = self._db.value(
            "SELECT count(*) FROM page LEFT JOIN window ON window.id = page.window"
            " WHERE window.id IS NULL OR page.take > window.take"
        )
        return [*found, f"{strays} pages are recorded of no window, or of a take that never was"] if strays else found

    def holes(self) -> list[Interval]:
        """Return what of the job's range no window covers."""
        with sensible("a window's row", self._db.path):
            return [interval(start, end) for start, end in soundness.holes(self._db)]

    def extent(self) -> tuple[int, int]:
        """Return how many pages are recorded done of the takes that count, and their bytes."""
        pages, size = self._db.rows(
            "SELECT count(*), coalesce(sum(size), 0) FROM page JOIN window ON window.id = page.window"
            " WHERE page.state = 'done' AND (page.take = window.take OR page.take = window.whole_take)"
        )[0]
        return int(pages), int(size)

    def pages(self, window: Window, take: int) -> Iterator[PageRow]:
        """Yield the pages done of a take by number; memory holds few of them at a time."""
        after = 0
        while True:
            rows = self._db.rows(
                "SELECT number, rows, size, sha256 FROM page WHERE window = ? AND take = ? AND state = 'done'"
                " AND number > ? ORDER BY number LIMIT ?",
                (window.id, take, after, AT_ONCE),
            )
            with sensible("a page's row", self._db.path):
                found = [page_row(row) for row in rows]
            yield from found
            if len(rows) < AT_ONCE:
                return
            after = found[-1].number

    def takes(self, window: Window) -> frozenset[int]:
        """Return the takes of which pages are recorded done, also those that only wait to be removed."""
        rows = self._db.rows("SELECT DISTINCT take FROM page WHERE window = ? AND state = 'done'", (window.id,))
        return frozenset(int(take) for (take,) in rows)

    def recorded_bytes(self, window: Window) -> int:
        """Return what a window's row says of the bytes of its pages."""
        return int(self._db.value("SELECT bytes FROM window WHERE id = ?", (window.id,)))

    def whole_at(self, window: Window) -> datetime | None:
        """Return when a window was last complete; None where it never was."""
        ms = self._db.value("SELECT whole_ms FROM window WHERE id = ?", (window.id,))
        with sensible("a window's row", self._db.path):
            return None if ms is None else moment(ms)
