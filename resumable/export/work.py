"""What all formats have in common while an export is made: its source, its shape, its scratch space, its counts."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

import pyarrow as pa

from resumable.export import index as indexes
from resumable.export import rows
from resumable.export.days import Days
from resumable.export.index import Index
from resumable.export.receipt import DayFacts, Receipt
from resumable.export.request import ExportRequest
from resumable.export.shape import Shape
from resumable.export.source import ExportSource
from resumable.export.writer import RowSink, WriteBehind
from resumable.schema.schema import Schema
from resumable.text import Watching, unwatched


@dataclass(kw_only=True)
class ExportWork:
    """What all formats have in common while an export is made."""

    source: ExportSource
    request: ExportRequest
    shape: Shape
    made_as: str
    scratch: Path
    watching: Watching = unwatched
    """Is told how far it is."""
    calendar: Days = indexes.UTC_DAYS
    """Says which days its partitions are."""
    private: Callable[[pa.Table, Schema, Schema], pa.Table] | None = None
    """Makes records private before anything is made of them, by the schema of what is read and of the whole."""
    counts: dict[int, int] = field(default_factory=dict)
    """Rows written, by day."""

    def index(self) -> Index:
        """Look at every part."""
        return indexes.make(self.source, self.scratch, self.watching, self.calendar)

    def pour(self, index: Index, days: Iterable[int], sink: RowSink) -> None:
        """Write the rows of some days, one after the other."""
        days = list(days)
        done, of = 0, sum(each.rows for day in days for each in index.days.get(day, ()))
        read = self.shape.read
        with ThreadPoolExecutor(indexes.threads()) as readers, ThreadPoolExecutor(1) as writer:
            behind = WriteBehind(sink, writer)
            for batch in rows.batches(index, days):
                for day, records in rows.of_days(index, batch, readers, self.scratch, columns=read):
                    if self.private is not None:
                        records = self.private(records, self.shape.records, self.source.schema)
                    shaped = self.shape.apply(records)
                    self.counts[day] = self.counts.get(day, 0) + shaped.num_rows
                    behind.add(day, shaped)
                    done += records.num_rows
                    self.watching(done, of, "records written")
            behind.end()

    @property
    def intent(self) -> Receipt:
        """What the export is to be, before anything is counted: tells whether an older one is the same thing."""
        job, request = self.source.job, self.request
        return Receipt(
            job=job.name,
            uuid=job.uuid,
            made_as=self.made_as,
            format=request.format.value,
            table=request.table or "",
            privacy=None if request.privacy is None else request.privacy.to_json(),
            digest=self.source.digest,
            rows=0,
            records=0,
            duplicates=0,
        )

    def is_as(self, old: Receipt) -> bool:
        """Tell whether an older export was made of the same parts in the same way."""
        return (old.digest, old.made_as) == (self.source.digest, self.made_as)

    def receipt(self, index: Index, days: dict[str, DayFacts]) -> Receipt:
        """Say what the export was made from, and what came of it."""
        total = sum(piece.part.rows for piece in self.source.pieces)
        return replace(
            self.intent,
            rows=sum(each.rows for each in days.values()) if days else sum(self.counts.values()),
            records=total - index.duplicates,
            duplicates=index.duplicates,
            days=days,
        )
