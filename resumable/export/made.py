"""What an export is made of before it takes its place: one file, or a folder with a file a day."""

import contextlib
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa

from resumable.export.days import NO_DAY
from resumable.export.dictionary import dictionary
from resumable.export.index import Index
from resumable.export.receipt import DayFacts, Receipt, day_name
from resumable.export.request import Format, Output
from resumable.export.work import ExportWork
from resumable.export.writer import RowSink
from resumable.storage import durable


def one_file(work: ExportWork, path: Path, staging: Path) -> Index:
    """Make the one file of an export, durably; `staging` is for what does not fit into memory."""
    index = work.index()
    if work.request.format is Format.DUCKDB:
        from resumable.export.database import Database

        name = work.request.table or work.source.root
        database = Database(path, name, work.shape.schema, staging, _meanings(work))
        with contextlib.ExitStack() as stack:
            stack.callback(database.abandon)
            work.pour(index, index.days, database)
    else:
        with durable.created(path) as file:
            work.pour(index, index.days, text(work, file.write))
    return index


Elsewhere = Callable[[list[int]], dict[int, DayFacts]]
"""Has days written by others, and returns what they have written."""


def day_files(
    work: ExportWork,
    index: Index,
    folder: Path,
    keep: dict[int, DayFacts],
    *,
    old: Path | None,
    elsewhere: Elsewhere | None = None,
) -> dict[str, DayFacts]:
    """Make the folder of an export, a file a day, durably; return what is in it, by the partitions' names.

    Days to `keep` are taken over from the folder `old`; where that is None, they stay where they are. The others are
    written `elsewhere`, where that is given.
    """
    from resumable.export.parquet import FILE, ParquetFolder

    fresh = [day for day in index.days if day not in keep]
    made = ParquetFolder(folder, _said(work), dated=work.source.dated, some=elsewhere is not None)
    with contextlib.ExitStack() as stack:
        stack.callback(made.abandon)
        for day, facts in keep.items():
            if facts.file is not None:
                made.keep(day, None if old is None else old / facts.file)
        if elsewhere is None:
            work.pour(index, fresh, made)
            written = {day: _facts(work, index, day, folder, made.path(day)) for day in fresh}
        else:
            written = elsewhere(fresh)
    days = {day_name(day): facts for day, facts in (keep | written).items()}
    if not any(facts.file for facts in days.values()):
        if elsewhere is not None:
            ParquetFolder(folder, _said(work), dated=False).end()
        days[""] = _facts(work, index, NO_DAY, folder, Path(FILE))
    return dict(sorted(days.items()))


def some_days(work: ExportWork, index: Index, days: list[int], folder: Path) -> dict[int, DayFacts]:
    """Make the files of some days of an export in a folder into which others put other days."""
    from resumable.export.parquet import ParquetFolder

    made = ParquetFolder(folder, _said(work), dated=work.source.dated, some=True)
    for day in days:
        durable.remove(folder / made.path(day))  # what a worker that was lost has left
    with contextlib.ExitStack() as stack:
        stack.callback(made.abandon)
        work.pour(index, days, made)
    return {day: _facts(work, index, day, folder, made.path(day)) for day in days}


def unchanged(
    work: ExportWork, index: Index, old: Receipt | None, as_written: Callable[[DayFacts], bool]
) -> dict[int, DayFacts]:
    """Return the days of an older export that are as they have to be, and as they were written."""
    if old is None or old.made_as != work.made_as:
        return {}
    found = {day: old.days.get(day_name(day)) for day in index.days}
    return {
        day: facts
        for day, facts in found.items()
        if facts is not None and facts.digest == index.digest(day) and as_written(facts)
    }


def text(work: ExportWork, output: Output) -> RowSink:
    """Return what writes rows as text."""
    from resumable.export.text import Csv, JsonLines

    return Csv(output, work.shape) if work.request.format is Format.CSV else JsonLines(output, work.shape)


def _meanings(work: ExportWork) -> dict[str, str]:
    """Return what the columns of the rows mean, as far as it is known."""
    source, columns = work.source, work.shape.schema.names
    found = dictionary(source.schema, source.root, work.request.table)
    return {each.name: each.meaning for each in found if each.meaning and each.name in columns}


def _said(work: ExportWork) -> pa.Schema:
    """Return the schema of the rows, which says in every footer what columns mean, and what was left out."""
    means = _meanings(work)
    fields = [
        field.with_metadata({b"description": means[field.name].encode()}) if field.name in means else field
        for field in work.shape.schema
    ]
    rules = work.intent.privacy
    return pa.schema(fields, None if rules is None else {b"resumable.privacy": rules.encode()})


def _facts(work: ExportWork, index: Index, day: int, folder: Path, file: Path) -> DayFacts:
    count = work.counts.setdefault(day, 0)
    if durable.kind_of(folder / file) is None:
        return DayFacts(digest=index.digest(day), rows=count)
    size, changed_ns = durable.state_of(folder / file)
    return DayFacts(digest=index.digest(day), rows=count, file=file.as_posix(), size=size, changed_ns=changed_ns)
