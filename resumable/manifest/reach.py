"""How far a job reaches: to a later end, and back to windows that may have changed since they were downloaded."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from resumable.manifest.connection import Connection
from resumable.manifest.rows import ADD_WINDOW, BEGIN_AGAIN, ends, to_ms
from resumable.models import Interval

_SINCE_COMPLETE = "state = 'complete' AND whole_ms <= (SELECT completed_ms FROM job)"
"""Those downloaded since the job was last complete are left: a look-back that was interrupted is carried on."""

TOO_YOUNG = f"{_SINCE_COMPLETE} AND whole_ms < end_ms + ?"
"""Windows that were downloaded before they were so old, in milliseconds."""

OF_OPEN_RECORDS = f"{_SINCE_COMPLETE} AND open_records > 0 AND end_ms > ?"
"""Those with records without an end, which ended after a moment that `open_since` tells."""

TAKEN_BY_QUERY = f"{_SINCE_COMPLETE} AND contract = 'query'"
"""Those that the query took in place of a job on the server."""

_BY_EITHER = (
    f"{BEGIN_AGAIN}, contract = nullif(contract, 'query'), asked_size = iif(contract = 'query', NULL, asked_size)"
)
"""What the query needed smaller pages for says nothing of jobs. What jobs have brought stays theirs."""


class Reach:
    """The changes, each one transaction. `Manifest.reach` makes one."""

    def __init__(self, db: Connection) -> None:
        """The job's lock must be held."""
        self._db = db

    def look_back(self, length: timedelta, *, now: datetime, open_for: timedelta) -> int:
        """Open complete windows again that were downloaded before they were so old, and return how many.

        So are those that hold records without an end, until `open_for` after their own end, however long ago they were
        downloaded, and those that the query took in place of a job on the server. By which contract they are taken now
        is open.
        """
        with self._db.atomic():
            opened = self._db.execute(f"{_BY_EITHER}, fingerprint = NULL WHERE {TOO_YOUNG}", (ms(length),))
            opened += self._db.execute(
                f"{_BY_EITHER}, fingerprint = NULL, refresh = 1 WHERE {OF_OPEN_RECORDS}",
                (open_since(now, open_for),),
            )
            opened += self._db.execute(f"{_BY_EITHER}, fingerprint = NULL WHERE {TAKEN_BY_QUERY}")
            self._not_complete(now)
        return opened

    def extend(self, end: datetime, windows: Iterator[Interval], *, now: datetime) -> None:
        """Let the job reach to a later end, by windows that begin where it ended."""
        with self._db.atomic():
            self._db.execute("UPDATE job SET end_ms = ?", (to_ms(end),))
            self._db.insert_many(ADD_WINDOW, map(ends, windows))
            self._not_complete(now)

    def _not_complete(self, now: datetime) -> None:
        """Take back that the job is complete where a window is not; in the transaction that opened it."""
        self._db.execute(
            "UPDATE job SET state = 'incomplete', updated_ms = ? WHERE state = 'complete'"
            " AND EXISTS (SELECT 1 FROM window WHERE state <> 'complete')",
            (to_ms(now),),
        )


def open_since(now: datetime, open_for: timedelta) -> int:
    """Return the end before which a window is out of reach, whatever it holds, in milliseconds."""
    return to_ms(now) - ms(open_for)


def ms(length: timedelta) -> int:
    """Return a length in milliseconds."""
    return length // timedelta(milliseconds=1)
