"""What can be asked of a manifest; a reader disturbs nobody."""

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from resumable.errors import Failure, ManifestUnusable
from resumable.manifest import minutes, server_jobs, soundness, tables
from resumable.manifest.ahead import Ahead
from resumable.manifest.checks import Checks
from resumable.manifest.connection import Connection
from resumable.manifest.ownership import check_own
from resumable.manifest.rows import (
    Behind,
    JobRow,
    LastFailure,
    OpenRecords,
    PageRow,
    Quarantined,
    Totals,
    WindowRow,
    interval,
    job_columns,
    job_row,
    moment,
    sensible,
    to_ms,
    window_columns,
    window_row,
)
from resumable.models import Counter, Event, EventKind, PartFact, Shortfall, Window, WindowContract
from resumable.storage.durable import exists
from resumable.storage.job_files import JobFiles


@contextlib.contextmanager
def reader(home: JobFiles) -> "Iterator[ManifestReader | None]":
    """Open a job's manifest for looking, and close it; None where there is none.

    Nothing of it is changed, and whoever works on the job is not disturbed. Raises ManifestUnusable, also for that of
    another job, and StorageFailed.
    """
    found = ManifestReader.open_to_read(home.to_look_at())
    with contextlib.nullcontext() if found is None else contextlib.closing(found):
        if found is not None:
            check_own(found.job(), home)
        yield found


@contextlib.contextmanager
def required_reader(home: JobFiles) -> "Iterator[ManifestReader]":
    """Open a job's manifest for looking, and close it; raises what `reader` does, and UsageError for no such job."""
    with reader(home) as found:
        if found is None:
            raise home.missing()
        yield found


class ManifestReader:
    """One job's manifest, open for looking."""

    def __init__(self, connection: Connection) -> None:
        """Use `reader`."""
        self._db = connection
        self._version = connection.version

    @classmethod
    def open_to_read(cls, path: Path) -> "ManifestReader | None":
        """Open a manifest without changing it; None where there is none yet. Raises ManifestUnusable, StorageFailed."""
        if not exists(path):
            return None
        connection = Connection(path, read_only=True)
        with connection.closed_on_failure():
            if connection.empty:
                connection.close()
                return None
            if connection.version < tables.READABLE:
                raise ManifestUnusable(
                    f"{path} was written by an older version, and only a run brings it up to date.",
                    hint="Nothing of it is lost. Do that with:",
                    command=f"resumable resume {path.parent.name}",
                )
        return cls(connection)

    def close(self) -> None:
        """Close it."""
        self._db.close()

    def job(self) -> JobRow:
        """Return the job's row. Its name is that of its folder: a job that was moved is called as people find it."""
        with sensible("the job's row", self._db.path):
            row = job_row(self._db.rows(f"SELECT {job_columns(self._version)} FROM job")[0])  # noqa: S608 - a constant
        return replace(row, name=self._db.path.absolute().parent.name)

    def flaws(self) -> list[str]:
        """Say in words what in it does not agree with the rest of it; costs one pass over the file."""
        return list(soundness.flaws(self._db))

    @property
    def ahead(self) -> Ahead:
        """What the job is going to download again."""
        return Ahead(self._db, self._version)

    @property
    def checks(self) -> Checks:
        """What a verification asks of it."""
        return Checks(self._db)

    def totals(self) -> Totals:
        """Sum up all windows."""
        windows, begun, done, known, pages, records, size = self._db.rows(
            "SELECT count(*), coalesce(sum(state <> 'planned'), 0), coalesce(sum(state = 'complete'), 0),"
            " coalesce(sum(page_count), 0),"
            " coalesce(sum(done), 0), coalesce(sum(records), 0), coalesce(sum(bytes), 0) FROM window"
        )[0]
        quarantined = self._db.value(
            "SELECT count(*) FROM page JOIN window ON window.id = page.window"
            " WHERE page.state = 'quarantined' AND page.take = window.take"
        )
        return Totals(
            windows=windows,
            windows_begun=begun,
            windows_done=done,
            pages_known=known,
            pages_done=pages,
            pages_quarantined=quarantined,
            records=records,
            bytes=size,
        )

    def shortfalls(self) -> dict[Shortfall, int]:
        """Return how many windows are not complete for which reason, although no page of them failed."""
        if self._version < tables.WHOLE_TRUTH_SINCE:
            return {}
        rows = self._db.rows("SELECT shortfall, count(*) FROM window WHERE shortfall IS NOT NULL GROUP BY 1 ORDER BY 1")
        with sensible("a window's shortfall", self._db.path):
            return {Shortfall(shortfall): count for shortfall, count in rows}

    def short_windows(self, limit: int = 1000) -> list[WindowRow]:
        """Return the windows that are not complete although no page of them failed, by start, at most `limit`."""
        if self._version < tables.WHOLE_TRUTH_SINCE:
            return []
        return self._windows("shortfall IS NOT NULL", after=None, limit=limit)

    def smaller_pages(self) -> int:
        """Return how many windows are asked for in smaller pages than the job's."""
        if self._version < tables.WHOLE_TRUTH_SINCE:
            return 0
        return int(self._db.value("SELECT count(*) FROM window WHERE asked_size IS NOT NULL") or 0)

    def contracts(self) -> dict[WindowContract, int]:
        """Return how many windows are taken by which contract, as far as that is decided; none where there is one."""
        if self._version < tables.CONTRACTS_SINCE:
            return {}
        rows = self._db.rows("SELECT contract, count(*) FROM window WHERE contract IS NOT NULL GROUP BY 1 ORDER BY 1")
        with sensible("a window's contract", self._db.path):
            return {WindowContract(contract): count for contract, count in rows}

    def open_records(self) -> OpenRecords:
        """Return how many records have no end yet, and when the oldest of them began, as far as they were counted."""
        if self._version < tables.WHOLE_TRUTH_SINCE:
            return OpenRecords(count=0)
        count, since = self._db.rows("SELECT coalesce(sum(open_records), 0), min(open_since_ms) FROM window")[0]
        with sensible("a count of open records", self._db.path):
            return OpenRecords(count=int(count), since=None if since is None else moment(since))

    def last_failure(self) -> LastFailure | None:
        """Return the last exchange that failed; None where none has."""
        if self._version < tables.WHOLE_TRUTH_SINCE:
            return None
        rows = self._db.rows("SELECT at_ms, asked, reason, status, correlation_id, context_id FROM failure")
        if not rows:
            return None
        at, asked, reason, status, correlation_id, context_id = rows[0]
        with sensible("the last failure", self._db.path):
            return LastFailure(
                at=moment(at),
                asked=asked,
                reason=reason,
                status=status,
                correlation_id=correlation_id,
                context_id=context_id,
            )

    def behind(self) -> Behind | None:
        """Return since when the job has not been complete, and how many runs that is; None for one that never ran.

        Of runs whose events have fallen out nothing is known: there may have been more.
        """
        runs, first = self._db.rows(
            "SELECT count(*), min(at_ms) FROM event"
            " WHERE kind = ? AND at_ms > coalesce((SELECT completed_ms FROM job), at_ms - 1)",
            (EventKind.RUN_STARTED.value,),
        )[0]
        with sensible("an event", self._db.path):
            return Behind(since=moment(first), runs=int(runs)) if runs else None

    def counters(self) -> dict[Counter, int]:
        """Return the lifetime counters."""
        known = dict(self._db.rows("SELECT name, value FROM counter"))
        with sensible("a counter", self._db.path):
            return {counter: int(known.get(counter.value, 0)) for counter in Counter}

    def used_by_others(self) -> int | None:
        """Return how many requests of the server's newest minute were not this job's; None where it never told."""
        found = self._db.rows("SELECT value FROM counter WHERE name = ?", (minutes.USED_BY_OTHERS,))
        return int(found[0][0]) if found else None

    def minutes(self) -> list[minutes.MinuteRow]:
        """Return how the job went, minute by minute; nothing where an older version wrote the manifest."""
        with sensible("a minute", self._db.path):
            return [] if self._db.version < tables.MINUTES_SINCE else minutes.read(self._db)

    def windows(self) -> Iterator[WindowRow]:
        """Yield all windows, by start."""
        after: datetime | None = None
        while chunk := self._windows("1", after=after, limit=1000):
            yield from chunk
            after = chunk[-1].window.interval.start

    def unfinished(self, *, after: datetime | None = None, limit: int = 100) -> list[WindowRow]:
        """Return windows that are not complete, by start, at most `limit`, those that start later than `after`."""
        return self._windows("state <> 'complete'", after=after, limit=limit)

    def stale_windows(self) -> list[WindowRow]:
        """Return complete windows whose older takes are still to be removed."""
        return self._windows("stale = 1", after=None, limit=-1)

    def window(self, window_id: int) -> WindowRow:
        """Return one window as it stands now."""
        with sensible("a window's row", self._db.path):
            return window_row(
                self._db.rows(f"SELECT {window_columns(self._version)} FROM window WHERE id = ?", (window_id,))[0]  # noqa: S608 - a constant
            )

    def held_records(self, window: Window) -> bool:
        """Tell whether an earlier take of a window holds records."""
        return bool(
            self._db.value(
                "SELECT EXISTS (SELECT 1 FROM page WHERE window = ? AND take < ? AND state = 'done')",
                (window.id, window.take),
            )
        )

    def neighbours(self, window: Window) -> list[WindowRow]:
        """Return the windows right before and right after one; fewer at the ends of the job."""
        start = to_ms(window.interval.start)
        return [
            *self._ordered("start_ms < ? ORDER BY start_ms DESC", start),
            *self._ordered("start_ms > ? ORDER BY start_ms", start),
        ]

    def likely_answered(self) -> WindowRow | None:
        """Return a window whose pages have come, or else the last one, which is asked for last; None for no window."""
        found = self._ordered("state = 'complete' ORDER BY start_ms DESC") or self._ordered("1 ORDER BY start_ms DESC")
        return found[0] if found else None

    def _ordered(self, which: str, *values: int) -> list[WindowRow]:
        rows = self._db.rows(
            f"SELECT {window_columns(self._version)} FROM window WHERE {which} LIMIT 1",  # noqa: S608 - constants of this module
            values,
        )
        with sensible("a window's row", self._db.path):
            return [window_row(row) for row in rows]

    def any_page(self) -> bool:
        """Tell whether any page of any take is recorded."""
        return bool(self._db.value("SELECT EXISTS (SELECT 1 FROM page WHERE state = 'done')"))

    def pages(self, window: Window, *, take: int | None = None) -> list[PageRow]:
        """Return the pages done of a take of the window, by number; of the current take when none is named."""
        rows = self._db.rows(
            "SELECT number, rows, size, sha256 FROM page"
            " WHERE window = ? AND take = ? AND state = 'done' ORDER BY number",
            (window.id, window.take if take is None else take),
        )
        return [PageRow(number=n, part=PartFact(rows=count, size=size, sha256=sha)) for n, count, size, sha in rows]

    def page_rows(self, window: Window, number: int) -> int:
        """Return how many records a page of the current take has; 0 where it is not done."""
        found = self._db.value(
            "SELECT rows FROM page WHERE window = ? AND take = ? AND number = ?", (window.id, window.take, number)
        )
        return int(found or 0)

    def is_quarantined(self, window: Window, number: int) -> bool:
        """Tell whether a page of the current take was given up on."""
        return bool(
            self._db.value(
                "SELECT EXISTS (SELECT 1 FROM page WHERE window = ? AND take = ? AND number = ?"
                " AND state = 'quarantined')",
                (window.id, window.take, number),
            )
        )

    def remote(self, window: Window) -> server_jobs.RemoteRow | None:
        """Return the job on the server that the window's current take is read from."""
        with sensible("a job on the server", self._db.path):
            return server_jobs.of_window(self._db, window)

    def useless_remotes(self) -> list[str]:
        """Return the jobs on the server that nothing will be read from any more."""
        return server_jobs.useless(self._db)

    def drift(self, limit: int = 100) -> dict[str, int]:
        """Return what the schema had no place for, by path, the most frequent first."""
        return dict(self._db.rows("SELECT path, count FROM drift ORDER BY count DESC, path LIMIT ?", (limit,)))

    def quarantined(self, limit: int = 1000) -> list[Quarantined]:
        """Return the pages given up on for now, oldest window first."""
        failure = "failure" if self._version >= tables.WHOLE_TRUTH_SINCE else "NULL"
        rows = self._db.rows(
            f"SELECT start_ms, end_ms, number, reason, {failure} FROM page"  # noqa: S608 - a constant
            " JOIN window ON window.id = page.window"
            " WHERE page.state = 'quarantined' AND page.take = window.take ORDER BY start_ms, number LIMIT ?",
            (limit,),
        )
        with sensible("why a page is quarantined", self._db.path):
            return [
                Quarantined(window=interval(s, e), number=number, reason=reason, failure=failure and Failure(failure))
                for s, e, number, reason, failure in rows
            ]

    def events(self, limit: int = 100) -> list[Event]:
        """Return the newest events, oldest first."""
        rows = self._db.rows("SELECT at_ms, kind, text FROM event ORDER BY id DESC LIMIT ?", (limit,))
        with sensible("an event", self._db.path):
            return [Event(at=moment(at), kind=EventKind(kind), text=text) for at, kind, text in reversed(rows)]

    def events_after(self, last: int, limit: int = 1000) -> list[tuple[int, Event]]:
        """Return the events after one of this number, oldest first, each with its own number; numbers begin at 1."""
        rows = self._db.rows("SELECT id, at_ms, kind, text FROM event WHERE id > ? ORDER BY id LIMIT ?", (last, limit))
        with sensible("an event", self._db.path):
            return [(n, Event(at=moment(at), kind=EventKind(kind), text=text)) for n, at, kind, text in rows]

    def last_event(self) -> int:
        """Return the number of the newest event; 0 where there is none."""
        return int(self._db.value("SELECT max(id) FROM event") or 0)

    def _windows(self, which: str, *, after: datetime | None, limit: int) -> list[WindowRow]:
        rows = self._db.rows(
            f"SELECT {window_columns(self._version)} FROM window"  # noqa: S608 - constants of this module
            f" WHERE {which} AND start_ms > ? ORDER BY start_ms LIMIT ?",
            (to_ms(after) if after else -(2**62), limit),
        )
        with sensible("a window's row", self._db.path):
            return [window_row(row) for row in rows]
