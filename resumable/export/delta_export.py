"""An export to a Delta Lake table: new files come first, and one commit makes them the table."""

import contextlib
import uuid
from pathlib import Path

from resumable.errors import UsageError
from resumable.export import delta
from resumable.export.index import Index
from resumable.export.parquet import ParquetFolder, partition_of
from resumable.export.receipt import DayFacts, Receipt, day_name
from resumable.export.work import ExportWork
from resumable.storage import durable


def write(work: ExportWork, path: Path, staging: Path) -> tuple[int, Receipt]:
    """Bring a table to what the job holds; return how many days were so already, and the receipt."""
    old = delta.receipt(path)
    if old is not None and (old.uuid, old.made_as) != (work.source.job.uuid, work.made_as):
        raise UsageError(
            f"the table {path} was made from another job, or with another shape; it was left alone.",
            hint="Name another path.",
        )
    if old is not None and old.digest == work.source.digest:
        return len(old.days), old
    index = work.index()
    known = {} if old is None else old.days
    keep = [day for day in index.days if _same(known.get(day_name(day)), index, day)]
    schema, dated = work.shape.schema, work.source.dated
    made = ParquetFolder(staging / "made", schema, dated=dated, name=f"part-{uuid.uuid4().hex}.parquet", plain=True)
    with contextlib.ExitStack() as stack:
        stack.callback(made.abandon)
        work.pour(index, [day for day in index.days if day not in keep], made)
    files = [
        delta.NewFile(path=made.path(day), day=day_name(day) or None, rows=count)
        for day, count in work.counts.items()
        if count
    ]
    days = {
        day_name(day): known[day_name(day)]
        if day in keep
        else DayFacts(digest=index.digest(day), rows=work.counts.get(day, 0))
        for day in sorted(index.days)
    }
    receipt = work.receipt(index, days)
    layout = delta.Layout(schema=schema, partition=partition_of(schema) if dated else None)
    _settle(path, staging / "made", layout, files, gone=set(known) - set(days), receipt=receipt)
    return len(keep), receipt


def _same(facts: DayFacts | None, index: Index, day: int) -> bool:
    return facts is not None and facts.digest == index.digest(day)


def _settle(
    path: Path, made: Path, layout: delta.Layout, files: list[delta.NewFile], *, gone: set[str], receipt: Receipt
) -> None:
    for file in files:
        durable.sync_folder((made / file.path).parent)
    if durable.kind_of(path) is None or not durable.listed(path):
        delta.create(made, layout, files, receipt)
        durable.move(made, path)
        return
    for file in files:
        durable.make_folder((path / file.path).parent, within=path)
        durable.move(made / file.path, path / file.path)
    delta.commit(path, layout, files, gone, receipt)
