"""What is left of a job under way, by what its manifest knows: nothing is asked of the server."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from resumable.datasets.limits import window_length
from resumable.datasets.resolve import of_job
from resumable.engine.windows import cut
from resumable.manifest.ahead import Again
from resumable.manifest.reader import required_reader
from resumable.models import Interval, JobSpec
from resumable.status import Status, requests_left
from resumable.storage.job_files import JobFiles


@dataclass(frozen=True, kw_only=True)
class Rest:
    """What the next command would download, about; nothing of it is certain before its pages have come."""

    unfinished: int | None
    """Requests of windows that are not complete; None where none of them is begun."""
    look_back: Again
    """What a look-back reaches, of the windows that are complete."""
    cut_off: Again
    """What the source did not have whole."""
    later: Again
    """What a later end adds, with as many pages a window as those known have."""

    @property
    def requests(self) -> int | None:
        """All of it; None where that is not known."""
        again = sum(part.pages for part in (self.look_back, self.cut_off, self.later))
        return None if self.unfinished is None else self.unfinished + again


def rest_of(
    home: JobFiles,
    known: Status,
    spec: JobSpec,
    *,
    look_back: timedelta | None,
    open_for: timedelta,
    interval_max: timedelta | None,
    now: datetime,
) -> Rest:
    """Reckon what a command with this query, and this look-back, would still download of a job.

    Raises ManifestUnusable or StorageFailed.
    """
    with required_reader(home) as manifest:
        cut_off, reached = manifest.ahead.cut_off(), Again()
        if look_back is not None:
            reached = manifest.ahead.look_back(look_back, now=now, open_for=open_for)
    later = 0
    if look_back is not None and spec.interval.end > known.job.spec.interval.end:
        contract = of_job(known.job.spec, known.job.columns)
        added = Interval(start=known.job.spec.interval.end, end=spec.interval.end)
        later = sum(1 for _ in cut(added, window_length(contract, spec.window, interval_max), spec.query.zone))
    totals = known.totals
    each = max(1.0, totals.pages_known / totals.windows_begun) if totals.windows_begun else 1.0
    return Rest(
        unfinished=requests_left(totals),
        look_back=reached,
        cut_off=cut_off,
        later=Again(windows=later, pages=round(each * later)),
    )
