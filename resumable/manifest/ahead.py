"""What a job is going to download again: windows that a look-back reaches, and those that were cut off."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from resumable.manifest import tables
from resumable.manifest.connection import Connection
from resumable.manifest.reach import OF_OPEN_RECORDS, TAKEN_BY_QUERY, TOO_YOUNG, ms, open_since
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
        self._version = version

    def look_back(self, length: timedelta, *, now: datetime, open_for: timedelta) -> Again:
        """Count what `Reach.look_back` would open, at most: of open records some may be had by their ids."""
        which, values = f"({TOO_YOUNG})", [ms(length)]
        if self._version >= tables.WHOLE_TRUTH_SINCE:
            which, values = f"{which} OR ({OF_OPEN_RECORDS})", [*values, open_since(now, open_for)]
        if self._version >= tables.CONTRACTS_SINCE:
            which = f"{which} OR ({TAKEN_BY_QUERY})"
        return self._count(which, *values)

    def cut_off(self) -> Again:
        """Count what is downloaded again once the source has it whole."""
        known = self._version >= tables.WHOLE_TRUTH_SINCE
        return self._count("state = 'open' AND shortfall = ?", Shortfall.CUT_OFF) if known else Again()

    def _count(self, which: str, *values: int | str) -> Again:
        select = "SELECT count(*), coalesce(sum(max(page_count, 1)), 0) FROM window WHERE"
        windows, pages = self._db.rows(f"{select} {which}", values)[0]
        return Again(windows=windows, pages=pages)
