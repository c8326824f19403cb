"""What a run learns of its source, and keeps: whose data it is, its walls, its counts, what it still lacks."""

from dataclasses import asdict
from datetime import datetime

from resumable.errors import Fault, StatusFault
from resumable.manifest.connection import Connection
from resumable.manifest.rows import BEGIN_AGAIN, LastFailure, OpenRecords, to_ms
from resumable.models import Organisation, Shortfall, Window, WindowContract


class Learned:
    """The changes, each one transaction. `Manifest.learned` makes one."""

    def __init__(self, db: Connection) -> None:
        """The job's lock must be held."""
        self._db = db

    def organisation(self, found: Organisation) -> None:
        """Record whose data the job holds. Durable: no part is written before it."""
        with self._db.atomic():
            self._db.execute(
                "UPDATE job SET origin = :origin, organisation = :id, organisation_name = :name, client = :client",
                asdict(found),
            )

    def settings(self, content: str) -> None:
        """Record how the job was begun, as JSON."""
        with self._db.atomic():
            self._db.execute("UPDATE job SET settings = ?", (content,))

    def deep_limit(self, records: int) -> None:
        """Record how many records of one window the server lets one page through, by its own words."""
        with self._db.atomic():
            self._db.execute("UPDATE job SET deep_limit = ?", (records,))

    def outage(self, since: datetime | None, why: str) -> None:
        """Record since when the source answers nobody, and in what way; None once it does."""
        with self._db.atomic(durable=False):
            self._db.execute(
                "UPDATE job SET outage_ms = ?, outage_why = ?", (None if since is None else to_ms(since), why or None)
            )

    def asked_size(self, window: Window, records: int) -> None:
        """Record the page size that a window needs from here on."""
        with self._db.atomic():
            self._db.execute("UPDATE window SET asked_size = ? WHERE id = ?", (records, window.id))

    def contract(self, window: Window, contract: WindowContract) -> None:
        """Record by which contract a take is read, durably and before anything of it is: it stays that of the take."""
        with self._db.atomic():
            self._db.execute("UPDATE window SET contract = ? WHERE id = ?", (contract.value, window.id))

    def another_contract(self, window: Window, contract: WindowContract) -> None:
        """Begin a window again by another contract, of which it is not known yet what size of pages it needs."""
        with self._db.atomic():
            self._db.execute(
                f"{BEGIN_AGAIN}, fingerprint = NULL, asked_size = NULL, contract = ? WHERE id = ? AND take = ?",
                (contract.value, window.id, window.take),
            )
            self._db.execute("DELETE FROM page WHERE window = ? AND state = 'quarantined'", (window.id,))

    def counted(self, window: Window, records: int, *, at: datetime) -> None:
        """Record how many records another contract counts in a window."""
        with self._db.atomic(carried=0):
            self._db.execute(
                "UPDATE window SET counted = ?, counted_ms = ? WHERE id = ?", (records, to_ms(at), window.id)
            )

    def short(self, window: Window, shortfall: Shortfall, *, cut_at: datetime | None = None) -> None:
        """Record why a window is not complete; a new take of it, or its completion, takes that back."""
        with self._db.atomic():
            self._db.execute(
                "UPDATE window SET shortfall = ?, cut_ms = ? WHERE id = ?",
                (shortfall.value, None if cut_at is None else to_ms(cut_at), window.id),
            )

    def no_longer_short(self, window: Window) -> None:
        """Take back why a window is not complete: nothing is recorded of it yet, and it is looked at again."""
        with self._db.atomic(carried=0):
            self._db.execute("UPDATE window SET shortfall = NULL, cut_ms = NULL WHERE id = ?", (window.id,))

    def open_records(self, window: Window, found: OpenRecords) -> None:
        """Record how many records of a window have no end yet, and when the oldest of them began."""
        with self._db.atomic(carried=0):
            put_open_records(self._db, window, found)

    def failure(self, asked: str, fault: Fault, *, at: datetime) -> None:
        """Keep why the last exchange failed, in the server's own terms.

        It survives a kill at once, a power cut with the next page.
        """
        answer = fault if isinstance(fault, StatusFault) else None
        last = LastFailure(
            at=at,
            asked=asked,
            reason=fault.reason,
            status=None if answer is None else answer.status,
            correlation_id=None if answer is None else answer.correlation_id,
            context_id=None if answer is None else answer.context_id,
        )
        with self._db.atomic(durable=False):
            self._db.execute(
                "INSERT OR REPLACE INTO failure (id, at_ms, asked, reason, status, correlation_id, context_id)"
                " VALUES (1, :at_ms, :asked, :reason, :status, :correlation_id, :context_id)",
                {**asdict(last), "at_ms": to_ms(last.at)},
            )


def put_open_records(db: Connection, window: Window, found: OpenRecords) -> None:
    """Record how many records of a window have no end yet; inside a transaction."""
    since = None if found.since is None else to_ms(found.since)
    db.execute("UPDATE window SET open_records = ?, open_since_ms = ? WHERE id = ?", (found.count, since, window.id))
