"""An export from beginning to end."""

import contextlib
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import pyarrow as pa

from resumable.errors import UsageError
from resumable.export import destination, id_names, interactions, shape, source
from resumable.export.days import NO_DAY, days_of
from resumable.export.dictionary import dictionary
from resumable.export.id_names import Directory
from resumable.export.index import Index
from resumable.export.receipt import DayFacts, Receipt, day_name
from resumable.export.request import ExportRequest, Format, Output
from resumable.export.shape import Shape
from resumable.export.source import ExportSource
from resumable.export.tables import INTERACTIONS, has_interactions
from resumable.export.work import ExportWork
from resumable.export.writer import RowSink
from resumable.schema.schema import Schema
from resumable.storage import durable
from resumable.storage.job_files import JobFiles
from resumable.storage.targets import place_of
from resumable.text import Watching, unwatched

VERSION: Final = 1
"""Of what an export looks like; another one leaves nothing of the old that could stay."""


Private = Callable[[pa.Table, Schema, Schema], pa.Table]
"""Makes records private, by the schema of what is read of them and of the whole."""


@dataclass(frozen=True, kw_only=True)
class Exported:
    """What an export did."""

    job: str
    to: Path | None
    format: Format
    table: str
    """What its rows are."""
    rows: int
    records: int
    """Each once."""
    duplicates: int
    """Records left out because a newer one has their key."""
    days_written: int
    days_kept: int
    """Days that were as they had to be."""
    missing: tuple[str, ...]
    """What of the job is not complete, and not in it."""
    names_from: tuple[str, ...] = ()
    unreadable: tuple[str, ...] = ()
    """Jobs in which names were not looked up, each with why."""


def export(
    home: JobFiles,
    request: ExportRequest,
    *,
    output: Output | None = None,
    private: Private | None = None,
    watching: Watching = unwatched,
) -> Exported:
    """Export a job; `output` takes the bytes where the request names no path, `private` follows its privacy rules.

    `watching` is told how far it is. What was at the path stays, whole, until the new export is. Raises Incomplete,
    UsageError, VerificationFailed where a part is not as recorded, StorageFailed, JobLocked where another process
    exports to the same path.
    """
    found = source.read(home, partial=request.partial)
    request = replace(request, zone=_zone(found, request))
    by_stay = request.table == INTERACTIONS and has_interactions(found.schema)
    named: Directory | None = None
    if request.names or by_stay:
        named = (id_names.read if request.names else id_names.look)(home.state, found.job)
    work = ExportWork(
        source=found,
        request=request,
        shape=_shape(found, request, named, by_stay=by_stay),
        made_as=_made_as(found, request, named),
        calendar=days_of(request.zone),
        scratch=home.folder,
        watching=watching,
        private=private,
    )
    if request.to is None:
        kept, receipt = _to_output(work, output)
    else:
        kept, receipt = _to_path(work, request.to)
    return Exported(
        job=found.job.name,
        to=request.to,
        format=request.format,
        table=request.table or found.root,
        rows=receipt.rows,
        records=receipt.records,
        duplicates=receipt.duplicates,
        days_written=len(work.counts),
        days_kept=kept,
        missing=tuple(found.missing),
        names_from=named.jobs if named else (),
        unreadable=tuple(f"{name}: {why}" for name, why in named.unreadable.items()) if named else (),
    )


def _zone(found: ExportSource, request: ExportRequest) -> str | None:
    """Return the zone that is named, or else that of the job's windows. Raises UsageError where it means nothing."""
    daily = request.format in (Format.PARQUET, Format.DELTA) and found.dated
    if not daily and request.table != INTERACTIONS:
        if request.zone is None:
            return None
        what = f"{request.format} has no days" if found.dated else f"{found.root} has none"
        raise UsageError(
            f"--tz says which days an export is cut into, and {what}.",
            hint="Leave it out, or export to a Parquet folder, a Delta table, or --table interactions.",
        )
    return found.job.spec.query.zone if request.zone is None else request.zone


def _made_as(found: ExportSource, request: ExportRequest, named: Directory | None) -> str:
    facts = [VERSION, request.format, request.table, found.schema.digest, named.digest if named else None]
    if request.table == INTERACTIONS or request.zone not in (None, "UTC"):
        facts.append(request.zone or "UTC")
    facts += [request.privacy.to_json()] if request.privacy is not None else []
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def _shape(found: ExportSource, request: ExportRequest, named: Directory | None, *, by_stay: bool) -> Shape:
    names = named.names if named else {}
    if by_stay:
        return interactions.make(found.schema, zone="UTC" if request.zone is None else request.zone, names=names)
    return shape.make(found.schema, found.root, table=request.table, names=names)


def _to_output(work: ExportWork, output: Output | None) -> tuple[int, Receipt]:
    if output is None:
        raise UsageError(
            "there is neither a path nor an output to export to.",
            hint="Name a path, or hand in a function that takes bytes.",
        )
    index = work.index()
    work.pour(index, index.days, _text(work, output))
    return 0, work.receipt(index, {})


def _to_path(work: ExportWork, path: Path) -> tuple[int, Receipt]:
    place = place_of(path, "an export")
    _needed(work.request.format)
    try:
        with destination.staged(place) as staging:
            work.scratch = staging
            return _staged(work, place, staging)
    except OSError as failure:
        raise durable.failed(path, failure) from failure


def _staged(work: ExportWork, path: Path, staging: Path) -> tuple[int, Receipt]:
    if work.request.format is Format.PARQUET:
        return _parquet(work, path, staging)
    if work.request.format is Format.DELTA:
        from resumable.export import delta_export

        return delta_export.write(work, path, staging)
    return _file(work, path, staging)


def _file(work: ExportWork, path: Path, staging: Path) -> tuple[int, Receipt]:
    old = destination.of_file(path, work.intent, replace_it=work.request.replace)
    if old is not None and (old.digest, old.made_as) == (work.source.digest, work.made_as):
        return 1, old
    index = work.index()
    made = staging / path.name
    if work.request.format is Format.DUCKDB:
        from resumable.export.database import Database

        name = work.request.table or work.source.root
        database = Database(made, name, work.shape.schema, staging, _meanings(work))
        with contextlib.ExitStack() as stack:
            stack.callback(database.abandon)
            work.pour(index, index.days, database)
    else:
        with durable.created(made) as file:
            work.pour(index, index.days, _text(work, file.write))
    return 0, destination.place_file(made, path, work.receipt(index, {}))


def _parquet(work: ExportWork, path: Path, staging: Path) -> tuple[int, Receipt]:
    from resumable.export.parquet import FILE, ParquetFolder

    old = destination.of_folder(path, work.intent, replace_it=work.request.replace)
    if (
        old is not None
        and old.made_as == work.made_as
        and old.digest == work.source.digest
        and destination.intact(path, old)
    ):
        return len(old.days), old
    index = work.index()
    made = ParquetFolder(staging / "made", _said(work), dated=work.source.dated)
    keep = {} if old is None or old.made_as != work.made_as else unchanged(index, old)
    keep = {day: facts for day, facts in keep.items() if destination.as_written(path, facts)}
    with contextlib.ExitStack() as stack:
        stack.callback(made.abandon)
        for day, facts in keep.items():
            if facts.file is not None:
                made.keep(day, path / facts.file)
        work.pour(index, [day for day in index.days if day not in keep], made)
    days = {day_name(day): facts for day, facts in keep.items()}
    for day in index.days:
        if day not in keep:
            days[day_name(day)] = _facts(work, index, day, staging / "made", made.path(day))
    if not any(facts.file for facts in days.values()):
        days[""] = _facts(work, index, NO_DAY, staging / "made", Path(FILE))
    receipt = work.receipt(index, dict(sorted(days.items())))
    destination.place_folder(staging / "made", path, receipt)
    return len(keep), receipt


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


def unchanged(index: Index, old: Receipt) -> dict[int, DayFacts]:
    """Return the days whose content is what an older export was made from."""
    found = {day: old.days.get(day_name(day)) for day in index.days}
    return {day: facts for day, facts in found.items() if facts is not None and facts.digest == index.digest(day)}


def _text(work: ExportWork, output: Output) -> RowSink:
    from resumable.export.text import Csv, JsonLines

    return Csv(output, work.shape) if work.request.format is Format.CSV else JsonLines(output, work.shape)


def _needed(wanted: Format) -> None:
    """Raise UsageError where a library is missing, before anything is read."""
    if wanted is Format.DUCKDB:
        from resumable.export import database

        database.needed()
    if wanted is Format.DELTA:
        from resumable.export import delta

        delta.needed()
