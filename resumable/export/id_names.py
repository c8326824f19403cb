"""Names of queues, users and wrap-up codes, from the jobs that listed them."""

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa

from resumable.errors import UsageError
from resumable.export import source
from resumable.export.shape import Names
from resumable.export.tables import NAMED
from resumable.manifest.rows import JobRow
from resumable.storage.job_files import StateFiles

LISTS = tuple(sorted(set(NAMED.values())))


@dataclass(frozen=True, kw_only=True)
class Directory:
    """What ids are called."""

    names: Names
    digest: str
    """Identifies every name."""
    jobs: tuple[str, ...]
    """Which they are from."""
    unreadable: Mapping[str, str]
    """Jobs that were passed over, by name, each with why."""


def read(state: StateFiles, of: JobRow) -> Directory:
    """Read the names from the newest job of each list in a state folder, of the organisation of the job to be named.

    Raises UsageError where there is none, or only another organisation's.
    """
    found = look(state, of)
    if not found.jobs:
        foreign = any(source.newest(state, dataset, {}) is not None for dataset in LISTS)
        passed_over = f" Not to be read: {', '.join(found.unreadable)}." if found.unreadable else ""
        raise UsageError(
            f"the lists in {state.place} are of another organisation than {of.name}: their names would be wrong."
            if foreign
            else f"no job in {state.place} has listed queues, users or wrap-up codes.{passed_over}",
            hint="Download queues, users and wrapupcodes, each as this:",
            command="resumable backfill queues",
        )
    return found


def look(state: StateFiles, of: JobRow) -> Directory:
    """Read such names as there are."""
    unreadable: dict[str, str] = {}
    newest = {dataset: source.newest(state, dataset, unreadable, lambda job: _may_name(job, of)) for dataset in LISTS}
    found = {dataset: each for dataset, each in newest.items() if each is not None}
    return Directory(
        names={dataset: _names(each) for dataset, each in found.items()},
        digest=" ".join(f"{dataset}={each.digest}" for dataset, each in sorted(found.items())),
        jobs=tuple(each.job.name for each in found.values()),
        unreadable=unreadable,
    )


def _may_name(listed: JobRow, of: JobRow) -> bool:
    """Tell whether a list may be of a job's organisation; one of a version that kept none may."""
    known, other = of.organisation, listed.organisation
    if known is None or other is None:
        return True
    return known.id == other.id if None not in (known.id, other.id) else known.origin == other.origin


def _names(listed: source.ExportSource) -> tuple[pa.Array, pa.Array]:
    tables = [listed.proven.table(piece.key, piece.part, columns=["id", "name"]) for piece in listed.pieces]
    table = pa.concat_tables(tables).combine_chunks()
    ids, names = (pa.concat_arrays(table.column(name).chunks) for name in ("id", "name"))
    return ids, names
