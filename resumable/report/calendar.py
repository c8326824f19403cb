"""The calendar of a report: a small sheet for each month, with each day in the colour of its windows."""

import itertools
from collections.abc import Sequence

from resumable.models import label
from resumable.monitor.coverage import Cell, Day, Mark
from resumable.report.html import Html, joined, tag

SIDE, GAP = 24, 3
"""Pixels of a day, and between two."""

STRIPES_MOST = 24
"""Windows of a day that are drawn one by one."""

CELLS_MOST = 20_000
"""Windows of a job that are drawn one by one; of more, each day is drawn as a whole."""

STEP = SIDE + GAP


def calendar(days: Sequence[Day]) -> Html:
    """Draw the months that hold a window."""
    single = sum(len(day.cells) for day in days) <= CELLS_MOST
    months = itertools.groupby(days, lambda day: (day.date.year, day.date.month))
    return tag("div", *(_month(list(some), single=single) for _, some in months), class_="months")


def _month(days: list[Day], *, single: bool) -> Html:
    first = days[0].date.replace(day=1)
    before = first.weekday()
    rows = (before + days[-1].date.day + 6) // 7
    cells = (_day(day, before, single=single) for day in days)
    name = f"{first:%B %Y}"
    svg = tag(
        "svg",
        *cells,
        viewBox=f"0 0 {7 * STEP - GAP} {rows * STEP - GAP}",
        role="img",
        aria_label=f"{name}: {_said(days)}",
    )
    return tag("div", tag("h3", name), svg, class_="month")


def _day(day: Day, before: int, *, single: bool) -> Html:
    row, column = divmod(before + day.date.day - 1, 7)
    x, y = column * STEP, row * STEP
    striped = single and 1 < len(day.cells) <= STRIPES_MOST
    drawn = _stripes(day.cells, x, y) if striped else _square(day.mark, x, y, SIDE)
    cross = _cross(x, y) if day.mark is Mark.QUARANTINED else None
    return tag("g", tag("title", _told(day)), drawn, cross)


def _stripes(cells: tuple[Cell, ...], x: int, y: int) -> Html:
    """Draw windows side by side; those that stand alike and touch are one."""
    width, at, drawn = SIDE / len(cells), float(x), []
    for mark, some in itertools.groupby(cells, lambda cell: cell.mark):
        across = width * len(list(some))
        drawn.append(_square(mark, round(at, 2), y, round(across, 2)))
        at += across
    return joined(*drawn)


def _square(mark: Mark, x: float, y: float, width: float) -> Html:
    shape = {"x": f"{x:g}", "y": f"{y:g}", "width": f"{width:g}", "height": str(SIDE)}
    return tag("rect", **shape, rx="3" if width == SIDE else None, class_=f"k-{mark.value}")


def _cross(x: int, y: int) -> Html:
    """Mark a day for those who see no colours."""
    low, high = 8, SIDE - 8
    path = f"M{x + low} {y + low}L{x + high} {y + high}M{x + high} {y + low}L{x + low} {y + high}"
    return tag("path", d=path, class_="k-cross", fill="none")


def _told(day: Day) -> str:
    if len(day.cells) == 1:
        (cell,) = day.cells
        pages = f"{cell.done:,} of {'?' if cell.pages is None else format(cell.pages, ',')} pages"
        return f"{label(cell.window)}: {cell.mark.value}, {pages}, {cell.records:,} records"
    return f"{day.date}: {_said([day])}"


def _said(days: Sequence[Day]) -> str:
    counts = {mark: sum(cell.mark is mark for day in days for cell in day.cells) for mark in Mark}
    return ", ".join(f"{count:,} {mark.value}" for mark, count in counts.items() if count)
