"""Which days of a job are there: its windows laid out by day, each with how it stands."""

import enum
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, timedelta
from zoneinfo import ZoneInfo

from resumable.manifest.rows import WindowRow
from resumable.models import Interval, WindowState


class Mark(enum.StrEnum):
    """How a window stands, for people; the first that holds."""

    QUARANTINED = "quarantined"
    """A page of it was given up on for now."""
    OPEN = "open"
    """Pages of it are done, others are missing."""
    PLANNED = "planned"
    """Nothing of it has been asked for."""
    PROVISIONAL = "provisional"
    """Complete, and the source may still change it."""
    COMPLETE = "complete"
    """Every page of one snapshot is done."""


MEANINGS = {
    Mark.QUARANTINED: "a page was given up on for now",
    Mark.OPEN: "some pages are done",
    Mark.PLANNED: "not begun",
    Mark.PROVISIONAL: "complete, but may still change at the source",
    Mark.COMPLETE: "complete",
}


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One window as far as it lies within a day."""

    window: Interval
    mark: Mark
    done: int
    pages: int | None
    """None while no answer has named how many there are."""
    records: int


@dataclass(frozen=True, kw_only=True)
class Day:
    """The windows of one day, by start; a window longer than a day is in each of its days."""

    date: date
    cells: tuple[Cell, ...]

    @property
    def mark(self) -> Mark:
        """How the whole day stands: as its worst window, and open where only some are complete."""
        marks = {cell.mark for cell in self.cells}
        if Mark.PLANNED in marks and marks & {Mark.COMPLETE, Mark.PROVISIONAL} and Mark.QUARANTINED not in marks:
            return Mark.OPEN
        return next(mark for mark in Mark if mark in marks)


def cell_of(row: WindowRow, *, quarantined: bool) -> Cell:
    """Tell how a window stands."""
    window = row.window
    if quarantined:
        mark = Mark.QUARANTINED
    elif window.state is WindowState.COMPLETE:
        mark = Mark.PROVISIONAL if row.provisional else Mark.COMPLETE
    else:
        mark = Mark.OPEN if window.state is WindowState.OPEN else Mark.PLANNED
    pages = window.snapshot.page_count if window.snapshot else None
    return Cell(window=window.interval, mark=mark, done=row.done, pages=pages, records=window.records)


def days(cells: Iterable[Cell], zone: str | None = None) -> list[Day]:
    """Lay windows, which come by start, out by day: of UTC, or of the zone that they were cut in."""
    place = UTC if zone is None else ZoneInfo(zone)
    found: dict[date, list[Cell]] = {}
    for cell in cells:
        at = cell.window.start.astimezone(place).date()
        last = (cell.window.end - timedelta(milliseconds=1)).astimezone(place).date()
        while at <= last:
            found.setdefault(at, []).append(cell)
            at += timedelta(days=1)
    return [Day(date=at, cells=tuple(found[at])) for at in sorted(found)]
