"""What is found out before an export is made: its source, the shape of its rows, and by what it is known again."""

import hashlib
import json
from collections.abc import Callable
from typing import Final

import pyarrow as pa

from resumable.errors import UsageError
from resumable.export import id_names, interactions, shape, source
from resumable.export.id_names import Directory
from resumable.export.request import ExportRequest
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
    by_stay = request.table == INTERACTIONS and has_interactions(found.schema)
    named: Directory | None = None
    if request.names or by_stay:
        named = (id_names.read if request.names else id_names.look)(home.state, found.job)
    work = ExportWork(
        source=found,
        request=request,
        shape=_shape(found, request, named, by_stay=by_stay),
        made_as=_made_as(found, request, named),
        scratch=home.folder,
        watching=watching,
        private=private,
    )
    return work, named


def _made_as(found: ExportSource, request: ExportRequest, named: Directory | None) -> str:
    facts = [VERSION, request.format, request.table, found.schema.digest, named.digest if named else None]
    facts += [request.zone or "UTC"] if request.table == INTERACTIONS else []
    facts += [request.privacy.to_json()] if request.privacy is not None else []
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def _shape(found: ExportSource, request: ExportRequest, named: Directory | None, *, by_stay: bool) -> Shape:
    names = named.names if named else {}
    if by_stay:
        return interactions.make(found.schema, zone="UTC" if request.zone is None else request.zone, names=names)
    if request.zone is not None:
        raise UsageError("--tz is for --table interactions alone.", hint="Leave it out, or export that table.")
    return shape.make(found.schema, found.root, table=request.table, names=names)
