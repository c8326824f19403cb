"""The part of a manifest that remembers jobs on the server: which, for which take, and how far they have been read."""

from dataclasses import dataclass
from datetime import datetime

from resumable.manifest.connection import Connection
from resumable.manifest.rows import moment, to_ms
from resumable.models import Window


@dataclass(frozen=True, kw_only=True)
class RemoteRow:
    """A job on the server; `cursor` stands for the next page, None for the first."""

    id: str
    expires_at: datetime | None
    cursor: str | None


def of_window(db: Connection, window: Window) -> RemoteRow | None:
    """Return the job of a window's current take, None where there is none."""
    rows = db.rows("SELECT id, expires_ms, cursor FROM remote WHERE window = ? AND take = ?", (window.id, window.take))
    return _row(rows[0]) if rows else None


def useless(db: Connection) -> list[str]:
    """Return the jobs whose window is complete, gone, at another take, or read to its end without being complete."""
    rows = db.rows(
        "SELECT remote.id FROM remote LEFT JOIN window ON window.id = remote.window AND window.take = remote.take"
        " WHERE window.id IS NULL OR window.state = 'complete'"
        " OR window.state = 'open' AND window.shortfall IN ('cut off', 'fewer') AND remote.cursor IS NULL"
    )
    return [str(row[0]) for row in rows]


def add(db: Connection, window: Window, remote: str) -> None:
    """Remember a job just submitted; inside a transaction."""
    db.execute("INSERT INTO remote (id, window, take) VALUES (?, ?, ?)", (remote, window.id, window.take))


def known(db: Connection, remote: str) -> bool:
    """Tell whether some window, or an older take, has a job of this id."""
    return bool(db.rows("SELECT 1 FROM remote WHERE id = ?", (remote,)))


def expect(db: Connection, remote: str, expires_at: datetime) -> None:
    """Remember when a job expires; inside a transaction."""
    db.execute("UPDATE remote SET expires_ms = ? WHERE id = ?", (to_ms(expires_at), remote))


def advance(db: Connection, window: Window, cursor: str | None) -> None:
    """Remember the next page's cursor; inside the transaction that records the page before it."""
    db.execute("UPDATE remote SET cursor = ? WHERE window = ? AND take = ?", (cursor, window.id, window.take))


def forget(db: Connection, remote: str) -> None:
    """Forget a job that is gone from the server; inside a transaction."""
    db.execute("DELETE FROM remote WHERE id = ?", (remote,))


def _row(row: tuple[str, int | None, str | None]) -> RemoteRow:
    remote, expires_ms, cursor = row
    return RemoteRow(id=remote, expires_at=None if expires_ms is None else moment(expires_ms), cursor=cursor)
