"""How many pages a job will have: a total that does not mislead while windows have not named theirs."""

from dataclasses import dataclass
from datetime import datetime

from resumable.manifest.reader import ManifestReader
from resumable.manifest.rows import Totals
from resumable.models import WindowState, label
from resumable.text import amount

LOOKED_AT = 100
"""Unfinished windows; of more than so many the rest are planned, but for a few."""


@dataclass(frozen=True, kw_only=True)
class Expected:
    """How many pages all windows will have."""

    pages: int | None
    """None until some window has named its count."""
    sure: bool
    """Whether every window has named its count."""
    at: str
    """The first window that is not complete; empty where all are."""
    gap: datetime | None = None
    """Where the first window begins that is not complete; None where all are."""

    @property
    def figure(self) -> str:
        """The number, `~310` where it is an estimate, `?` where nothing is known."""
        return "?" if self.pages is None else f"{'' if self.sure else '~'}{self.pages:,}"

    def of(self, done: int) -> str:
        """Write `99 of 310 pages`, `99 of about 310 pages`, or `99 pages` where nothing is known."""
        if self.pages is None:
            return amount(done, "page")
        return f"{done:,} of {'' if self.sure else 'about '}{amount(self.pages, 'page')}"


def expected(manifest: ManifestReader, totals: Totals) -> Expected:
    """Estimate the pages of all windows from those that have named theirs."""
    unfinished = manifest.unfinished(limit=LOOKED_AT)
    opened = sum(row.window.state is WindowState.OPEN for row in unfinished)
    unknown = totals.windows - totals.windows_done - opened
    at = label(unfinished[0].window.interval) if unfinished else ""
    gap = unfinished[0].window.interval.start if unfinished else None
    if unknown <= 0:
        return Expected(pages=totals.pages_known, sure=True, at=at, gap=gap)
    named = totals.windows_done + opened
    pages = totals.pages_known + round(totals.pages_known / named * unknown) if named else None
    return Expected(pages=pages, sure=False, at=at, gap=gap)
