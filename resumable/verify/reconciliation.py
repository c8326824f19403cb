"""Aggregates against details, day by day: what the server counted when it happened, beside what was downloaded.

No answer about details says how much there should be but `totalHits`, which comes from the same index. The aggregates
are another one: where both agree, nothing is missing.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from resumable.api.client import Asked, Client
from resumable.api.session import open_session
from resumable.clock import Stop
from resumable.config import Settings
from resumable.datasets import aggregates
from resumable.datasets.aggregates import METRICS, DayCounts
from resumable.engine import belonging
from resumable.engine.belonging import NoJournal
from resumable.errors import Fault, Incomplete, UsageError
from resumable.export import shape, source
from resumable.export.request import ExportRequest, Format
from resumable.export.tables import has_interactions
from resumable.export.work import ExportWork
from resumable.models import Interval, Query, label
from resumable.storage.job_files import JobFiles
from resumable.text import Watching, unwatched

_DAY_MS: Final = 86_400_000


@dataclass(frozen=True, kw_only=True)
class ReconciledDay:
    """One metric on one UTC day."""

    day: date
    metric: str
    aggregates: int
    details: int
    judged: bool
    """Not on the first day: conversations that began before it are counted there, and are not of the job."""

    def agrees(self, tolerance: float) -> bool:
        """Tell whether both are alike, but for a share."""
        return abs(self.aggregates - self.details) <= tolerance * self.aggregates

    def to_json(self) -> dict[str, Any]:
        """Return its members."""
        return {**asdict(self), "day": str(self.day)}


def reconcile(home: JobFiles, settings: Settings, *, stop: Stop, watching: Watching = unwatched) -> list[ReconciledDay]:
    """Count both sides, and return each day of the job's range that any has anything on; `watching` is told how far.

    Raises Incomplete where the job is not complete or the server does not answer, and UsageError for jobs of anything
    but all conversations.
    """
    found = source.read(home, partial=False)
    query = found.job.spec.query
    if not has_interactions(found.schema) or query != Query(privacy=query.privacy):
        raise UsageError(
            f"{found.job.name} is not a job of all conversations; the aggregates count all of them.",
            hint="Reconcile a job without --queue, --filter and the like.",
        )
    with open_session(found.contract, settings, stop=stop, journal=NoJournal()) as client:
        belonging.check(found.job, client, found.contract, settings)
        told = _aggregated(client, found.job.spec.interval)
    came = _detailed(found, home, watching)
    first = found.job.spec.interval.start.date()
    return [
        ReconciledDay(day=day, metric=name, aggregates=told[day, name], details=came[day, name], judged=day > first)
        for day in _days(found.job.spec.interval)
        for name in METRICS
        if told[day, name] or came[day, name]
    ]


def _days(interval: Interval) -> Iterator[date]:
    day = interval.start.date()
    while datetime.combine(day, datetime.min.time(), UTC) < interval.end:
        yield day
        day += timedelta(days=1)


def _aggregated(client: Client, interval: Interval) -> DayCounts:
    found: DayCounts = Counter()
    start = interval.start
    while start < interval.end:
        window = Interval(start=start, end=min(start + aggregates.INTERVAL_MAX, interval.end))
        asked = Asked(what=f"the aggregates of {label(window)}", request=aggregates.request(window))
        try:
            found += client.exchange(asked, lambda reply: aggregates.read(reply.body, client.redactor))
        except Fault as fault:
            raise Incomplete(
                f"the server did not tell its aggregates: {fault.reason}.",
                hint="Run the same command again. The client needs Analytics > Conversation Aggregate > View.",
            ) from None
        start = window.end
    return found


def _detailed(found: source.ExportSource, home: JobFiles, watching: Watching) -> DayCounts:
    work = ExportWork(
        source=found,
        request=ExportRequest(to=None, format=Format.JSONL, table="metrics"),
        shape=shape.make(found.schema, found.root, table="metrics", names={}),
        made_as="",
        scratch=home.folder,
        watching=watching,
    )
    counts, index = _EmittedCounts(found.job.spec.interval), work.index()
    work.pour(index, index.days, counts)
    return counts.found


class _EmittedCounts:
    """Counts metrics by the day on which they were emitted; takes rows as an export does."""

    def __init__(self, interval: Interval) -> None:
        self._from, self._to = (int(at.timestamp() * 1000) for at in (interval.start, interval.end))
        self.found: DayCounts = Counter()

    def add(self, day: int, rows: pa.Table) -> None:
        """Count some rows; the day of their conversations says nothing."""
        emitted = pc.cast(rows.column("emitDate"), pa.int64())
        inside = pc.and_(pc.greater_equal(emitted, self._from), pc.less(emitted, self._to))
        wanted = pc.and_(pc.is_in(rows.column("name"), value_set=pa.array(METRICS)), inside)
        days = pc.divide(emitted, _DAY_MS)
        frame = pa.table({"name": rows.column("name"), "day": days, "value": rows.column("value")}).filter(wanted)
        grouped = frame.group_by(["name", "day"], use_threads=False).aggregate([("value", "sum"), ("value", "count")])
        for row in grouped.to_pylist():
            on = datetime.fromtimestamp(row["day"] * 86_400, UTC).date()
            # A count may say several in one emission; a time is one.
            self.found[on, row["name"]] += row["value_sum" if row["name"].startswith("n") else "value_count"] or 0

    def end(self) -> None:
        """Nothing is left."""
