"""The manifest of one job, open for changing: each change is one transaction."""

import uuid
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from types import MappingProxyType

from resumable.clock import Clock
from resumable.errors import Failure, ManifestDamaged, ManifestUnusable
from resumable.manifest import migrations, server_jobs, tables
from resumable.manifest.connection import Connection
from resumable.manifest.learned import Learned
from resumable.manifest.minutes import Minutes
from resumable.manifest.reader import ManifestReader
from resumable.manifest.repairs import Mending
from resumable.manifest.rows import BEGIN_AGAIN, WindowRow, to_ms
from resumable.models import Counter, EventKind, Interval, JobSpec, JobState, PartFact, Snapshot, Window
from resumable.storage.durable import exists
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
    ) -> "Manifest":
        """Make the manifest of a new job, whole or not at all: a kill in between leaves an empty file, made anew.

        `job_uuid` and `columns` are of a job that has parts already.
        """
        db = Connection(path)
        now = to_ms(clock.now())
        with db.closed_on_failure(), db.atomic():
            db.execute(f"PRAGMA application_id={tables.APPLICATION_ID}")
            db.execute(f"PRAGMA user_version={tables.VERSION}")
            db.script(tables.TABLES)
            db.execute(
                "INSERT INTO job (id, state, uuid, name, schema_digest, columns, created_ms, updated_ms,"
                " dataset, start_ms, end_ms, query, digest, window_ms, page_size)"
                " VALUES (1, 'planned', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (job_uuid or str(uuid.uuid4()), name, schema_digest, columns, now, now, *_asked(spec)),
            )
            db.insert_many("INSERT INTO counter VALUES (?, 0)", ((counter.value,) for counter in Counter))
            db.insert_many(
                "INSERT INTO window (start_ms, end_ms) VALUES (?, ?)", ((to_ms(w.start), to_ms(w.end)) for w in windows)
            )
        return cls(db, clock)

    @classmethod
    def open(cls, path: Path, clock: Clock) -> "Manifest | None":
        """Open a job's manifest, older versions brought up to date; None where there is none yet."""
        if not exists(path):
            return None
        connection = Connection(path)
        with connection.closed_on_failure():
            if connection.empty:
                connection.close()
                return None
            _migrate(connection)
        return cls(connection, clock)

    @property
    def mending(self) -> Mending:
        """The changes that only a repair makes."""
        return Mending(self._db)

    @property
    def learned(self) -> Learned:
        """What a run learns of its source."""
        return Learned(self._db)

    @property
    def no_log(self) -> str | None:
        """Why it is kept without a write-ahead log, which is slower; None where it has one."""
        return self._db.no_log

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
        """Keep since when nobody is answered, and why; None once somebody is."""
        self.learned.outage(since, why)

    def answered(self, seconds: float, *, allowed: float) -> None:
        """Take in an answer for the row of its minute, which is written with a page or a counter."""
        self._minutes.answered(seconds, allowed=allowed)

    def event(self, kind: EventKind, text: str) -> None:
        """Keep one line of history; the oldest fall out. It survives a kill at once, a power cut with the next page."""
        with self._db.atomic(durable=False):
            self._event(kind, text)

    def first_page_done(
        self, window: Window, snapshot: Snapshot, part: PartFact | None, *, drift: Mapping[str, int] = NO_DRIFT
    ) -> WindowRow:
        """Record a window's snapshot together with its first page; None for the part of an empty window."""
        with self._db.atomic():
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
        with self._db.atomic():
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
        with self._db.atomic():
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
        with self._db.atomic():
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
    ) -> None:
        """Close a window on its current take; older takes become stale. `young`: the source may still change it.

        `pages` is how many it has, where those that were named beyond them are empty.
        """
        with self._db.atomic():
            self._db.execute(
                "DELETE FROM page WHERE window = ? AND take = ? AND state = 'quarantined'", (window.id, window.take)
            )
            self._db.execute(
                "UPDATE window SET state = 'complete', page_count = coalesce(?, page_count), stale = (take > 1), whole_take = take,"
                " whole_ms = ?,"
                " fingerprint = ?, duplicates = ?, settled = ?, provisional = max(provisional, ?), shortfall = NULL,"
                " cut_ms = NULL"
                " WHERE id = ? AND take = ?",
                (pages, to_ms(self._clock.now()), fingerprint, duplicates, settled, young, window.id, window.take),
            )

    def look_back(self, length: timedelta) -> int:
        """Open complete windows again that were taken before they were so old, and return how many.

        Those taken since the job was last complete are left: a look-back that was interrupted is carried on.
        """
        with self._db.atomic():
            reached = "state = 'complete' AND whole_ms < end_ms + ? AND whole_ms <= (SELECT completed_ms FROM job)"
            opened = self._db.execute(
                f"{BEGIN_AGAIN}, fingerprint = NULL WHERE {reached}", (length // timedelta(milliseconds=1),)
            )
            self._not_complete()
        return opened

    def extend(self, end: datetime, windows: Iterator[Interval]) -> None:
        """Let the job reach to a later end, by windows that begin where it ended."""
        with self._db.atomic():
            self._db.execute("UPDATE job SET end_ms = ?", (to_ms(end),))
            self._db.insert_many(
                "INSERT INTO window (start_ms, end_ms) VALUES (?, ?)", ((to_ms(w.start), to_ms(w.end)) for w in windows)
            )
            self._not_complete()

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
        with self._db.atomic():
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
            raise ManifestUnusable(f"page {number} of {spoken(window.interval)} was recorded twice.")
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

    def _not_complete(self) -> None:
        """Take back that the job is complete where a window is not; in the transaction that opened it."""
        self._db.execute(
            "UPDATE job SET state = 'incomplete', updated_ms = ? WHERE state = 'complete'"
            " AND EXISTS (SELECT 1 FROM window WHERE state <> 'complete')",
            (to_ms(self._clock.now()),),
        )

    def _event(self, kind: EventKind, text: str) -> None:
        self._db.execute(
            "INSERT INTO event (at_ms, kind, text) VALUES (?, ?, ?)", (to_ms(self._clock.now()), kind.value, text)
        )
        self._db.execute("DELETE FROM event WHERE id <= (SELECT max(id) FROM event) - ?", (tables.EVENTS_KEPT,))


def _asked(spec: JobSpec) -> tuple[str | int, ...]:
    """Return what was asked for, in the order of the columns that `create` fills."""
    start, end = to_ms(spec.interval.start), to_ms(spec.interval.end)
    window = spec.window // timedelta(milliseconds=1)
    return spec.dataset, start, end, spec.query.to_json(), spec.digest, window, spec.page_size


def _migrate(connection: Connection) -> None:
    """Bring the tables up to date, all steps in one transaction: a kill in between leaves the old version, whole."""
    if connection.version == tables.VERSION:
        return
    with connection.atomic():
        for version in range(connection.version, tables.VERSION):
            if version not in migrations.STEPS:
                raise ManifestDamaged(
                    f"{connection.path} has manifest version {version}, which is too old to be read.",
                    hint="It was left untouched. Make it again from the parts with:",
                    command="resumable repair",
                )
            connection.script(migrations.STEPS[version])
        connection.execute(f"PRAGMA user_version={tables.VERSION}")
