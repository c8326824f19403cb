"""The changes that only a repair makes to a manifest: each is one transaction, and can be done again."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from resumable.manifest.connection import Connection
from resumable.manifest.rows import ADD_WINDOW, BEGIN_AGAIN, PageRow, ends, to_ms
from resumable.models import Interval, Snapshot, Window, WindowContract

_RECOUNT = (
    "UPDATE window SET"
    " (done, records, bytes) = (SELECT count(*), coalesce(sum(rows), 0), coalesce(sum(size), 0)"
    "  FROM page WHERE page.window = window.id AND page.take = window.take AND page.state = 'done')"
    " WHERE id = ?"
)


@dataclass(frozen=True, kw_only=True)
class Placed:
    """What the parts of one take prove."""

    snapshot: Snapshot
    pages: tuple[PageRow, ...]
    moved: bool
    contract: WindowContract | None
    """By which it was taken, where the dataset has two."""
    taken_at: datetime
    """When the last of them was written."""


class Mending:
    """Takes back what is recorded and not true, and records what parts prove. `Manifest.mending` makes one."""

    def __init__(self, db: Connection) -> None:
        """The job's lock must be held."""
        self._db = db

    def reopen(self, window: Window, pages: Collection[int], *, forget_keys: bool = False) -> None:
        """Drop pages of a window's take and let it be finished and checked again; what else is there stays.

        `forget_keys`: what is known of its record keys is not to be trusted.
        """
        with self._db.atomic():
            self._drop(window, window.take, pages)
            self._db.execute(
                "UPDATE window SET state = 'open', settled = 0, duplicates = 0,"
                " whole_ms = CASE whole_take WHEN take THEN NULL ELSE whole_ms END,"
                " whole_take = CASE whole_take WHEN take THEN NULL ELSE whole_take END"
                " WHERE id = ? AND page_count IS NOT NULL",
                (window.id,),
            )
            self._db.execute(_RECOUNT, (window.id,))
            if forget_keys:
                self._db.execute("UPDATE window SET fingerprint = NULL WHERE id = ?", (window.id,))
            self._not_complete()

    def begin_again(self, window: Window) -> None:
        """Let a window be taken again as a new snapshot; the parts of this take go when that is complete."""
        with self._db.atomic():
            self._db.execute(
                f"{BEGIN_AGAIN}, fingerprint = NULL, duplicates = 0, settled = 0, whole_take = NULL, whole_ms = NULL"
                " WHERE id = ? AND take = ?",
                (window.id, window.take),
            )
            self._db.execute("DELETE FROM page WHERE window = ? AND state = 'quarantined'", (window.id,))
            self._not_complete()

    def disown(self, window: Window) -> None:
        """Let readers see the take that is being made, since the whole one before it is damaged."""
        with self._db.atomic():
            self._db.execute(
                "UPDATE window SET whole_take = NULL, whole_ms = NULL WHERE id = ? AND whole_take < take", (window.id,)
            )

    def cover(self, windows: Iterable[Interval]) -> None:
        """Add windows to be taken."""
        with self._db.atomic():
            self._db.insert_many(ADD_WINDOW, map(ends, windows))
            self._not_complete()

    def place(self, window: Window, placed: Placed, *, fingerprint: bytes | None) -> None:
        """Record the take that a window is at; `fingerprint` is of the keys of the take before it, where known."""
        snapshot = placed.snapshot
        with self._db.atomic():
            self._insert(window, snapshot.number, placed.pages)
            self._db.execute(
                "UPDATE window SET state = 'open', take = ?, page_count = ?, total = ?, page_size = ?, moved = ?,"
                # A server that uses this size by itself gives the same pages where it is asked for them.
                " contract = ?, fingerprint = ?,"
                " asked_size = (SELECT CASE WHEN ? < page_size THEN ? END FROM job) WHERE id = ?",
                (
                    snapshot.number,
                    snapshot.page_count,
                    snapshot.total,
                    snapshot.page_size,
                    placed.moved,
                    placed.contract,
                    fingerprint,
                    snapshot.page_size,
                    snapshot.page_size,
                    window.id,
                ),
            )
            self._db.execute(_RECOUNT, (window.id,))

    def place_before(self, window: Window, take: int, whole: Placed | None) -> None:
        """Let a window be at the beginning of a take, or at its `place`; `whole` is the complete one before it."""
        with self._db.atomic():
            self._db.execute("UPDATE window SET take = ? WHERE id = ? AND take < ?", (take, window.id, take))
            if whole is not None:
                self._insert(window, whole.snapshot.number, whole.pages)
                self._db.execute(
                    "UPDATE window SET whole_take = ?, whole_contract = ?, whole_ms = ? WHERE id = ?",
                    (whole.snapshot.number, whole.contract, to_ms(whole.taken_at), window.id),
                )

    def taken_at(self, window: Window, moment: datetime) -> None:
        """Say when a complete window was taken, so that a look-back knows."""
        with self._db.atomic():
            self._db.execute("UPDATE window SET whole_ms = ? WHERE id = ?", (to_ms(moment), window.id))

    def _insert(self, window: Window, take: int, pages: Iterable[PageRow]) -> None:
        self._db.insert_many(
            "INSERT INTO page (window, take, number, state, rows, size, sha256) VALUES (?, ?, ?, 'done', ?, ?, ?)",
            ((window.id, take, p.number, p.part.rows, p.part.size, p.part.sha256) for p in pages),
        )

    def _drop(self, window: Window, take: int, pages: Collection[int]) -> None:
        self._db.insert_many(
            "DELETE FROM page WHERE window = ? AND take = ? AND number = ?",
            ((window.id, take, number) for number in pages),
        )

    def _not_complete(self) -> None:
        self._db.execute(
            "UPDATE job SET state = 'incomplete' WHERE state = 'complete'"
            " AND EXISTS (SELECT 1 FROM window WHERE state <> 'complete')"
        )
