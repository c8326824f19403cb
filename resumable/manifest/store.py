"""The manifest of one job, open for changing: each change is one transaction."""

import uuid
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from types import MappingProxyType

from resumable.clock import Clock
from resumable.errors import Failure, Fault, ManifestUnusable
from resumable.manifest import server_jobs, tables
from resumable.manifest.connection import NOBODY, Connection
from resumable.manifest.learned import Learned, put_open_records
from resumable.manifest.minutes import Minutes
from resumable.manifest.reach import Reach
from resumable.manifest.reader import ManifestReader
from resumable.manifest.repairs import Mending
from resumable.manifest.rows import ADD_WINDOW, BEGIN_AGAIN, OpenRecords, WindowRow, ends, spec_values, to_ms
from resumable.manifest.upgrade import upgrade
from resumable.models import Counter, EventKind, Interval, JobSpec, JobState, PartFact, Snapshot, Window
from resumable.storage.durable import exists
from resumable.storage.job_files import Keeper
from resumable.text import spoken

NO_DRIFT: Mapping[str, int] = MappingProxyType({})


class Manifest(ManifestReader):
    """One job's manifest. Safe to use from all threads of the process that holds the job's lock."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        """Use `create` or `open`."""
        super().__init__(connection)
        self._clock = clock
        self._minutes = Minutes(connection, clock)

    @classmethod
    def create(
        cls,
        path: Path,
        clock: Clock,
        *,
        name: str,
        spec: JobSpec,
        schema_digest: str,
        windows: Iterator[Interval],
        job_uuid: str | None = None,
        columns: str | None = None,
        keeper: Keeper = NOBODY,
    ) -> "Manifest":
        """Make the manifest of a new job, whole or not at all: a kill in between leaves an empty file, made anew.

        `job_uuid` and `columns` are of a job that has parts already.
        """
        db = Connection(path, keeper=keeper)
        now = to_ms(clock.now())
        with db.closed_on_failure(), db.atomic():
            db.execute(f"PRAGMA application_id={tables.APPLICATION_ID}")
            db.execute(f"PRAGMA user_version={tables.VERSION}")
            db.script(tables.TABLES)
            db.execute(
                "INSERT INTO job (id, state, uuid, name, schema_digest, columns, created_ms, updated_ms,"
                " dataset, start_ms, end_ms, query, digest, window_ms, page_size)"
                " VALUES (1, 'planned', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (job_uuid or str(uuid.uuid4()), name, schema_digest, columns, now, now, *spec_values(spec)),
            )
            db.insert_many("INSERT INTO counter VALUES (?, 0)", ((counter.value,) for counter in Counter))
            db.insert_many(ADD_WINDOW, map(ends, windows))
        return cls(db, clock)

    @classmethod
    def open(cls, path: Path, clock: Clock, *, keeper: Keeper = NOBODY) -> "Manifest | None":
        """Open a job's manifest, older versions brought up to date; None where there is none yet.

        `keeper` is asked before every change is committed, and raises where the job's lock is not held any more.
        """
        if not exists(path):
            return None
        connection = Connection(path, keeper=keeper)
        with connection.closed_on_failure():
            if not connection.empty:
                upgrade(connection)
                return cls(connection, clock)
        connection.close()
        return None

    @property
    def mending(self) -> Mending:
        """The changes that only a repair makes."""
        return Mending(self._db)

    @property
    def learned(self) -> Learned:
        """What a run learns of its source."""
        return Learned(self._db)

    @property
    def reach(self) -> Reach:
        """How far it reaches."""
        return Reach(self._db)

    @property
    def no_log(self) -> str | None:
        """Why it is kept without a write-ahead log, which is slower; None where it has one."""
        return self._db.no_log

    def check_in_place(self) -> None:
        """Raise ManifestUnusable where its file was taken away or replaced since it was opened."""
        self._db.check_in_place()

    def set_state(self, state: JobState) -> None:
        """Record where the job stands; the first run sets its starting time."""
        now = to_ms(self._clock.now())
        with self._db.atomic():
            self._db.execute(
                "UPDATE job SET state = ?, updated_ms = ?, started_ms = coalesce(started_ms, ?),"
                # Not before its windows, where the clock was set back: a look-back would take none of those again.
                " completed_ms = CASE ? WHEN 'complete'"
                " THEN max(?, (SELECT coalesce(max(whole_ms), 0) FROM window)) ELSE completed_ms END",
                (state.value, now, now, state.value, now),
            )
            self._minutes.write()

    def pin_columns(self, columns: str, schema_digest: str) -> None:
        """Record the columns that were inferred, and what identifies the schema they make, before the first part."""
        with self._db.atomic():
            self._db.execute("UPDATE job SET columns = ?, schema_digest = ?", (columns, schema_digest))

    def count(self, counter: Counter) -> None:
        """Add one to a lifetime counter. It survives a kill at once, a power cut with the next page."""
        with self._db.atomic(durable=False):
            self._db.execute("UPDATE counter SET value = value + 1 WHERE name = ?", (counter.value,))
            self._minutes.add(counter.value)

    def outage(self, since: datetime | None, why: str) -> None:
        """Keep since when nobody is answered, and why; None: somebody is."""
        self.learned.outage(since, why)

    def answered(self, seconds: float, *, allowed: float, others: int | None = None) -> None:
        """Take in an answer for the row of its minute, which is written with a page or a counter."""
        self._minutes.answered(seconds, allowed=allowed, others=others)

    def event(self, kind: EventKind, text: str) -> None:
        """Keep one line of history; the oldest fall out. It survives a kill at once, a power cut with the next page."""
        with self._db.atomic(durable=False):
            self._event(kind, text)

    def failed(self, asked: str, fault: Fault) -> None:
        """Keep why the last exchange failed, in the server's own terms; it survives a kill at once."""
        self.learned.failure(asked, fault, at=self._clock.now())

    def first_page_done(
        self, window: Window, snapshot: Snapshot, part: PartFact | None, *, drift: Mapping[str, int] = NO_DRIFT
    ) -> WindowRow:
        """Record a window's snapshot together with its first page; None for the part of an empty window."""
        with self._db.atomic(carried=0 if part is None else part.size):
            self._db.execute(
                "UPDATE window SET state = 'open', page_count = ?, total = ?, page_size = ?, moved = 0"
                " WHERE id = ? AND take = ?",
                (snapshot.page_count, snapshot.total, snapshot.page_size, window.id, snapshot.number),
            )
            total = "" if snapshot.total is None else f", {snapshot.total} records"
            self._event(
                EventKind.SNAPSHOT,
                f"{spoken(window.interval)}: take {snapshot.number}, {snapshot.page_count} pages{total}",
            )
            if part is not None:
                self._page_done(window, 1, part, drift)
        return self.window(window.id)

    def page_done(
        self, window: Window, number: int, part: PartFact, *, moved: bool, drift: Mapping[str, int] = NO_DRIFT
    ) -> WindowRow:
        """Record a page whose part is durable; `moved`: its answer named another count than the snapshot."""
        with self._db.atomic(carried=part.size):
            self._page_done(window, number, part, drift)
            if moved:
                self._db.execute("UPDATE window SET moved = 1 WHERE id = ?", (window.id,))
        return self.window(window.id)

    def page_beyond_done(
        self, window: Window, number: int, part: PartFact, *, drift: Mapping[str, int] = NO_DRIFT
    ) -> WindowRow:
        """Record a page past the last one that a window had named, whose part is durable: it has that many now."""
        with self._db.atomic():
            self._db.execute("UPDATE window SET page_count = ?, moved = 1 WHERE id = ?", (number, window.id))
            self._page_done(window, number, part, drift)
        return self.window(window.id)

    def cursor_page_done(
        self,
        window: Window,
        number: int,
        part: PartFact | None,
        cursor: str | None,
        *,
        drift: Mapping[str, int] = NO_DRIFT,
    ) -> WindowRow:
        """Record a page whose successor only a cursor names, with that cursor; None for it after the last page.

        The window's page count is what is known so far. No part: the page has no records, and is the last.
        """
        page_count = (number if part else number - 1) + (1 if cursor else 0)
        with self._db.atomic(carried=0 if part is None else part.size):
            self._db.execute(
                "UPDATE window SET state = 'open', page_count = ? WHERE id = ? AND take = ?",
                (page_count, window.id, window.take),
            )
            if part is not None:
                self._page_done(window, number, part, drift)
            server_jobs.advance(self._db, window, cursor)
            if cursor is None:
                self._event(EventKind.SNAPSHOT, f"{spoken(window.interval)}: take {window.take}, {page_count} pages")
        return self.window(window.id)

    def submitted(self, window: Window, remote: str) -> bool:
        """Remember a job on the server before anything is asked of it; False where another window has it already."""
        with self._db.atomic():
            fresh = not server_jobs.known(self._db, remote)
            if fresh:
                server_jobs.add(self._db, window, remote)
                self._event(EventKind.REMOTE, f"{spoken(window.interval)}: submitted as {remote}")
        return fresh

    def walk_begun(self, window: Window, walk: str) -> None:
        """Remember how far a window has been read along a cursor with no job behind it, under a name of our own."""
        with self._db.atomic():
            server_jobs.add(self._db, window, walk)

    def remote_expires(self, remote: str, expires_at: datetime) -> None:
        """Remember when a job on the server expires."""
        with self._db.atomic(durable=False):
            server_jobs.expect(self._db, remote, expires_at)

    def remote_gone(self, remote: str) -> None:
        """Forget a job that is gone from the server."""
        with self._db.atomic():
            server_jobs.forget(self._db, remote)

    def quarantine(self, window: Window, number: int, reason: str, failure: Failure) -> None:
        """Give a page up for now, unless it is done."""
        with self._db.atomic(carried=0):
            self._db.execute(
                "INSERT INTO page (window, take, number, state, reason, failure) VALUES (?, ?, ?, 'quarantined', ?, ?)"
                " ON CONFLICT DO UPDATE SET reason = excluded.reason, failure = excluded.failure"
                " WHERE state = 'quarantined'",
                (window.id, window.take, number, reason, failure.value),
            )
            self._event(EventKind.QUARANTINED, f"{spoken(window.interval)} page {number}: {reason}")

    def complete(
        self,
        window: Window,
        fingerprint: bytes,
        *,
        duplicates: int,
        settled: bool,
        young: bool,
        pages: int | None = None,
        open_records: OpenRecords | None = None,
    ) -> None:
        """Close a window on its current take; older takes become stale. `young`: the source may still change it.

        `pages` is how many it has, where those that were named beyond them are empty. What no older take is to be
        removed for can be judged again from the parts.
        """
        with self._db.atomic(carried=0 if window.take == 1 else None):
            self._db.execute(
                "DELETE FROM page WHERE window = ? AND take = ? AND state = 'quarantined'", (window.id, window.take)
            )
            self._db.execute(
                "UPDATE window SET state = 'complete', page_count = coalesce(?, page_count), stale = (take > 1),"
                " whole_take = take, whole_contract = contract, whole_ms = ?, fingerprint = ?, duplicates = ?,"
                " settled = ?, provisional = max(provisional, ?), shortfall = NULL, cut_ms = NULL"
                " WHERE id = ? AND take = ?",
                (pages, to_ms(self._clock.now()), fingerprint, duplicates, settled, young, window.id, window.take),
            )
            if open_records is not None:
                put_open_records(self._db, window, open_records)

    def retake(
        self, window: Window, fingerprint: bytes | None, why: str, *, asked_size: int | None = None
    ) -> WindowRow:
        """Begin a window again as a new snapshot; `fingerprint` is of the take just judged, or None if not whole.

        `asked_size` is the page size that it needs from here on, where that is another: no take has pages of two sizes.
        """
        with self._db.atomic():
            self._db.execute(
                f"{BEGIN_AGAIN}, fingerprint = ?, asked_size = coalesce(?, asked_size) WHERE id = ? AND take = ?",
                (fingerprint, asked_size, window.id, window.take),
            )
            self._db.execute("DELETE FROM page WHERE window = ? AND state = 'quarantined'", (window.id,))
            self._event(EventKind.RETAKE, f"{spoken(window.interval)}: take {window.take + 1}, because {why}")
        return self.window(window.id)

    def split(self, window: Window, slices: list[Interval], why: str) -> list[WindowRow]:
        """Replace a window of which nothing is recorded by slices that cover it."""
        with self._db.atomic():
            self._db.execute("DELETE FROM page WHERE window = ? AND state = 'quarantined'", (window.id,))
            # Before the old one goes, so that none of them is given its id: what names it means it, and not a slice.
            self._db.insert_many(
                "INSERT INTO window (start_ms, end_ms, asked_size) VALUES (?, ?, ?)",
                ((to_ms(each.start), to_ms(each.end), window.asked_size) for each in slices),
            )
            self._db.execute("DELETE FROM window WHERE id = ? AND state = 'planned'", (window.id,))
            self._event(EventKind.SPLIT, f"{spoken(window.interval)}: into {len(slices)}, because {why}")
        rows = self._windows("state = 'planned'", after=None, limit=-1)
        return [row for row in rows if row.window.interval in slices]

    def forget_stale(self, window: Window) -> None:
        """Drop the rows of a complete window's older takes, once their parts are gone."""
        with self._db.atomic(carried=0):
            self._db.execute("DELETE FROM page WHERE window = ? AND take < ?", (window.id, window.take))
            self._db.execute("UPDATE window SET stale = 0 WHERE id = ?", (window.id,))

    def _page_done(self, window: Window, number: int, part: PartFact, drift: Mapping[str, int]) -> None:
        changed = self._db.execute(
            "INSERT INTO page (window, take, number, state, rows, size, sha256) VALUES (?, ?, ?, 'done', ?, ?, ?)"
            " ON CONFLICT DO UPDATE SET state = 'done', reason = NULL, failure = NULL, rows = excluded.rows,"
            " size = excluded.size, sha256 = excluded.sha256 WHERE state = 'quarantined'",
            (window.id, window.take, number, part.rows, part.size, part.sha256),
        )
        if changed != 1:
            raise ManifestUnusable(
                f"page {number} of {spoken(window.interval)} was recorded twice.",
                hint="Nothing was recorded for it. Check the job with: resumable verify",
            )
        self._db.execute(
            "UPDATE window SET done = done + 1, records = records + ?, bytes = bytes + ? WHERE id = ?",
            (part.rows, part.size, window.id),
        )
        self._db.execute("UPDATE job SET updated_ms = ?", (to_ms(self._clock.now()),))
        self._minutes.add("pages")
        for path, count in drift.items():
            self._db.execute(
                "INSERT INTO drift VALUES (?, ?) ON CONFLICT DO UPDATE SET count = count + excluded.count",
                (path, count),
            )

    def _event(self, kind: EventKind, text: str) -> None:
        self._db.execute(
            "INSERT INTO event (at_ms, kind, text) VALUES (?, ?, ?)", (to_ms(self._clock.now()), kind.value, text)
        )
        self._db.execute("DELETE FROM event WHERE id <= (SELECT max(id) FROM event) - ?", (tables.EVENTS_KEPT,))
