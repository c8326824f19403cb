"""An export to a Delta Lake table: new files come first, and one commit makes them the table."""

import contextlib
import uuid
from pathlib import Path

from resumable.export import delta
from resumable.export.index import Index
from resumable.export.parquet import ParquetFolder, partition_of
from resumable.export.receipt import DayFacts, Receipt, day_name
from resumable.export.work import ExportWork
from resumable.storage import durable
from resumable.storage.targets import not_ours


def write(work: ExportWork, path: Path, staging: Path) -> tuple[int, Receipt]:
    """Bring a table to what the job holds; return how many days were so already, and the receipt."""
    found = delta.receipt(path)
    if found is not None and not work.request.replace and not found.of_same(work.intent):
        raise not_ours(path, f"was exported from {found.what}, not from {work.intent.what}")
    # With other columns, such as names that were not there before, or of another job: nothing of it can stay.
    old = None if found is None or (found.uuid, found.made_as) != (work.source.job.uuid, work.made_as) else found
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
    if old is None:
        _make(path, staging / "made", layout, files, receipt)
    else:
        _settle(path, staging / "made", layout, files, gone=set(known) - set(days), receipt=receipt)
    return len(keep), receipt


def _same(facts: DayFacts | None, index: Index, day: int) -> bool:
    return facts is not None and facts.digest == index.digest(day)


def _make(path: Path, made: Path, layout: delta.Layout, files: list[delta.NewFile], receipt: Receipt) -> None:
    """Put a new table at a path; `made` then is what was there."""
    for file in files:
        durable.sync_folder((made / file.path).parent)
    delta.create(made, layout, files, receipt)
    if durable.kind_of(path) is None:
        durable.move(made, path)
    else:
        durable.exchange(made, path)


def _settle(
    path: Path, made: Path, layout: delta.Layout, files: list[delta.NewFile], *, gone: set[str], receipt: Receipt
) -> None:
    """Let new files take the place of what a table holds of their days, by one commit."""
    for file in files:
        durable.sync_folder((made / file.path).parent)
        durable.make_folder((path / file.path).parent, within=path, public=True)
        durable.move(made / file.path, path / file.path)
    delta.commit(path, layout, files, gone, receipt)
