"""An export from beginning to end."""

from dataclasses import dataclass, replace
from pathlib import Path

from resumable.errors import UsageError
from resumable.export import destination, made
from resumable.export.id_names import Directory
from resumable.export.preparation import Private, prepared
from resumable.export.receipt import Receipt
from resumable.export.request import ExportRequest, ExportStoreAt, Format, Output
from resumable.export.spread import Crew, Recipe, Spread
from resumable.export.work import ExportWork
from resumable.storage import durable
from resumable.storage.address import Address
from resumable.storage.job_files import JobFiles
from resumable.storage.targets import place_of
from resumable.text import Watching, unwatched


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
    worker_bytes: int | None = None
    """The most memory that a worker of an engine has had."""


def export(
    home: JobFiles,
    request: ExportRequest,
    *,
    output: Output | None = None,
    private: Private | None = None,
    bucket: ExportStoreAt | None = None,
    crew: Crew | None = None,
    watching: Watching = unwatched,
) -> Exported:
    """Export a job; `output` takes the bytes where the request names no path, `private` follows its privacy rules.

    `bucket` opens the store of a target in one; a `crew` does the work elsewhere, for Parquet; `watching` is told how
    far it is. What was at the path stays, whole,
    until the new export is. Raises Incomplete, UsageError, VerificationFailed where a part is not as recorded,
    StorageFailed, JobLocked where another process exports to the same path.
    """
    work, named = prepared(home, request, private=private, watching=watching)
    by = None if crew is None else _spread(home, work, crew)
    if request.to is None:
        kept, receipt = _to_output(work, output)
    elif isinstance(request.to, Address):
        kept, receipt = _to_bucket(work, request.to, bucket, by)
    else:
        kept, receipt = _to_path(work, request.to, by)
    return _exported(work, named, receipt, kept=kept, by=by)


def _exported(work: ExportWork, named: Directory | None, receipt: Receipt, *, kept: int, by: Spread | None) -> Exported:
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
        worker_bytes=None if by is None else by.peak_bytes,
    )


def _spread(home: JobFiles, work: ExportWork, crew: Crew) -> Spread:
    request = work.request
    if request.format is not Format.PARQUET or request.to is None:
        raise UsageError(
            f"an engine writes Parquet, and not {request.format}.", hint="Leave out --engine, or export Parquet."
        )
    if isinstance(request.to, Path):
        request = replace(request, to=request.to.absolute())
    state = home.state.place if home.state.bucket is not None else str(home.state.folder.absolute())
    recipe = Recipe(
        state=state,
        job=home.name,
        request=request,
        digest=work.source.digest,
        made_as=work.made_as,
        opened=crew.opened,
    )
    return Spread(recipe=recipe, workers=crew.workers, crew=crew.count)


def _to_output(work: ExportWork, output: Output | None) -> tuple[int, Receipt]:
    if output is None:
        raise UsageError(
            "there is neither a path nor an output to export to.",
            hint="Name a path, or hand in a function that takes bytes.",
        )
    index = work.index()
    work.pour(index, index.days, made.text(work, output))
    return 0, work.receipt(index, {})


def _to_bucket(
    work: ExportWork, address: Address, bucket: ExportStoreAt | None, by: Spread | None
) -> tuple[int, Receipt]:
    from resumable.export import bucket_export, bucket_target

    _needed(work.request.format)
    if bucket is None:
        raise UsageError(f"nothing tells how {address} is reached.", hint="Export by Job.export.")
    return bucket_export.write(work, bucket_target.opened(address, bucket), by)


def _to_path(work: ExportWork, path: Path, by: Spread | None) -> tuple[int, Receipt]:
    place = place_of(path, "an export")
    _needed(work.request.format)
    try:
        with destination.staged(place) as staging:
            work.scratch = staging
            return _staged(work, place, staging, by)
    except OSError as failure:
        raise durable.failed(path, failure) from failure


def _staged(work: ExportWork, path: Path, staging: Path, by: Spread | None) -> tuple[int, Receipt]:
    if work.request.format is Format.PARQUET:
        return _parquet(work, path, staging, by)
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


def _parquet(work: ExportWork, path: Path, staging: Path, by: Spread | None) -> tuple[int, Receipt]:
    old = destination.of_folder(path, work.intent, replace_it=work.request.replace)
    if old is not None and work.is_as(old) and destination.intact(path, old):
        return len(old.days), old
    index = work.index() if by is None else by.index(work)
    keep = made.unchanged(work, index, old, lambda facts: destination.as_written(path, facts))
    folder = staging / "made"
    elsewhere = None if by is None else by.into_folder(work, index, folder)
    days = made.day_files(work, index, folder, keep, old=path, elsewhere=elsewhere)
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
