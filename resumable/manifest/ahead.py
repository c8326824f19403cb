"""What a job is going to download again: windows that a look-back reaches, and those that were cut off."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from resumable.manifest import tables
from resumable.manifest.connection import Connection
from resumable.manifest.reach import OF_OPEN_RECORDS, TOO_YOUNG, ms, open_since
from resumable.models import Shortfall


@dataclass(frozen=True, kw_only=True)
class Again:
    """Windows that are downloaded again, and the pages that they had."""

    windows: int = 0
    pages: int = 0


class Ahead:
    """Looks ahead, and changes nothing. `ManifestReader.ahead` makes one."""

    def __init__(self, db: Connection, version: int) -> None:
        """`version` is that of the manifest, which may be older than this program."""
        self._db = db
        self._whole = version >= tables.WHOLE_TRUTH_SINCE

    def look_back(self, length: timedelta, *, now: datetime, open_for: timedelta) -> Again:
        """Count what `Reach.look_back` would open, at most: of open records some may be had by their ids."""
        if not self._whole:
            return self._count(TOO_YOUNG, ms(length))
        return self._count(f"({TOO_YOUNG}) OR ({OF_OPEN_RECORDS})", ms(length), open_since(now, open_for))

    def cut_off(self) -> Again:
        """Count what is downloaded again once the source has it whole."""
        return self._count("state = 'open' AND shortfall = ?", Shortfall.CUT_OFF) if self._whole else Again()

    def _count(self, which: str, *values: int | str) -> Again:
        select = "SELECT count(*), coalesce(sum(max(page_count, 1)), 0) FROM window WHERE"
        windows, pages = self._db.rows(f"{select} {which}", values)[0]
        return Again(windows=windows, pages=pages)
