"""Rows of the table: what was to be reached, what was measured, and whether it was."""

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of the table; `met` is None where there is nothing to reach."""

    what: str
    target: str = ""
    measured: str
    met: bool | None = None
    detail: str = ""

    @property
    def verdict(self) -> str:
        """Say in a word whether it was reached."""
        return {True: "met", False: "MISSED", None: ""}[self.met]

    def refuse(self, why: str) -> "Row":
        """Return it as missed, whatever its value is."""
        return replace(self, met=False, measured=f"{self.measured}, {why}")


def limited(what: str, value: float, *, most: float, unit: str = "", scale: int = 2, detail: str = "") -> Row:
    """Make a row whose value should be at most so much."""
    return Row(
        what=what,
        target=f"<= {most:g}{unit}",
        measured=f"{value:.{scale}f}{unit}",
        met=value <= most,
        detail=detail,
    )


def reaching(what: str, value: float, *, least: float, unit: str = "", scale: int = 2, detail: str = "") -> Row:
    """Make a row whose value should be at least so much."""
    return Row(
        what=what,
        target=f">= {least:g}{unit}",
        measured=f"{value:.{scale}f}{unit}",
        met=value >= least,
        detail=detail,
    )


def median(values: Iterable[float]) -> float:
    """Return the median."""
    return statistics.median(values)


def line(row: Row) -> str:
    """Write one row as a line of a Markdown table."""
    return f"| {row.what} | {row.target} | {row.measured} | {row.verdict} | {row.detail} |"


def head() -> Sequence[str]:
    """Return the lines above the rows."""
    return ("| what | to reach | measured | | how |", "|---|---|---|---|---|")
