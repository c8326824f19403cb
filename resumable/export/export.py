"""An export from beginning to end."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import pyarrow as pa

from resumable.errors import UsageError
from resumable.export import destination, id_names, interactions, made, shape, source
from resumable.export.days import days_of
from resumable.export.id_names import Directory
from resumable.export.receipt import Receipt
from resumable.export.request import ExportRequest, ExportStoreAt, Format, Output
from resumable.export.shape import Shape
from resumable.export.source import ExportSource
from resumable.export.tables import INTERACTIONS, has_interactions
from resumable.export.work import ExportWork
from resumable.schema.schema import Schema
from resumable.storage import durable
from resumable.storage.address import Address
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
    to: Path | Address | None
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
    bucket: ExportStoreAt | None = None,
    watching: Watching = unwatched,
) -> Exported:
    """Export a job; `output` takes the bytes where the request names no path, `private` follows its privacy rules.

    `bucket` opens the store of a target in one; `watching` is told how far it is. What was at the path stays, whole,
    until the new export is. Raises Incomplete, UsageError, VerificationFailed where a part is not as recorded,
    StorageFailed, JobLocked where another process exports to the same path.
    """
    found = source.read(home, partial=request.partial)
    request = replace(request, zone=_zone(found, request))
    by_stay = request.table == INTERACTIONS and has_interactions(found.schema)
    named = _directory(home, found, request, by_stay=by_stay)
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
    elif isinstance(request.to, Address):
        kept, receipt = _to_bucket(work, request.to, bucket)
    else:
        kept, receipt = _to_path(work, request.to)
    return _exported(work, named, receipt, kept=kept)


def _exported(work: ExportWork, named: Directory | None, receipt: Receipt, *, kept: int) -> Exported:
    found, request = work.source, work.request
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


def _directory(home: JobFiles, found: ExportSource, request: ExportRequest, *, by_stay: bool) -> Directory | None:
    """Return the names of ids where they are asked for, or where rows by stay can do with those that are there."""
    if request.names:
        return id_names.read(home.state, found.job)
    return id_names.look(home.state, found.job) if by_stay else None


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
    work.pour(index, index.days, made.text(work, output))
    return 0, work.receipt(index, {})


def _to_bucket(work: ExportWork, address: Address, bucket: ExportStoreAt | None) -> tuple[int, Receipt]:
    from resumable.export import bucket_export

    _needed(work.request.format)
    if bucket is None:
        raise UsageError(f"nothing was told of how {address} is reached.")
    return bucket_export.write(work, bucket_export.opened(address, bucket))


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
    if old is not None and work.is_as(old):
        return 1, old
    index = made.one_file(work, staging / path.name, staging)
    return 0, destination.place_file(staging / path.name, path, work.receipt(index, {}))


def _parquet(work: ExportWork, path: Path, staging: Path) -> tuple[int, Receipt]:
    old = destination.of_folder(path, work.intent, replace_it=work.request.replace)
    if old is not None and work.is_as(old) and destination.intact(path, old):
        return len(old.days), old
    index = work.index()
    keep = made.unchanged(work, index, old, lambda facts: destination.as_written(path, facts))
    days = made.day_files(work, index, staging / "made", keep, old=path)
    receipt = work.receipt(index, days)
    destination.place_folder(staging / "made", path, receipt)
    return len(keep), receipt


def _needed(wanted: Format) -> None:
    """Raise UsageError where a library is missing, before anything is read."""
    if wanted is Format.DUCKDB:
        from resumable.export import database

        database.needed()
    if wanted is Format.DELTA:
        from resumable.export import delta

        delta.needed()
