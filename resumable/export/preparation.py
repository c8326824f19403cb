"""What is found out before an export is made: its source, the shape of its rows, and by what it is known again."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Final

import pyarrow as pa

from resumable.errors import UsageError
from resumable.export import id_names, interactions, shape, source
from resumable.export.days import days_of
from resumable.export.id_names import Directory
from resumable.export.request import ExportRequest, Format
from resumable.export.shape import Shape
from resumable.export.source import ExportSource
from resumable.export.tables import INTERACTIONS, has_interactions
from resumable.export.work import ExportWork
from resumable.schema.schema import Schema
from resumable.storage.job_files import JobFiles
from resumable.text import Watching, unwatched

VERSION: Final = 1
"""Of what an export looks like; another one leaves nothing of the old that could stay."""


Private = Callable[[pa.Table, Schema, Schema], pa.Table]
"""Makes records private, by the schema of what is read of them and of the whole."""


def prepared(
    home: JobFiles, request: ExportRequest, *, private: Private | None = None, watching: Watching = unwatched
) -> tuple[ExportWork, Directory | None]:
    """Return the work of an export, and from where its names are. Raises Incomplete, UsageError."""
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
    return work, named


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
