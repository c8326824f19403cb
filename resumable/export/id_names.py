"""Names of queues, users and wrap-up codes, from the jobs that listed them."""

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa

from resumable.errors import UsageError
from resumable.export import source
from resumable.export.shape import Names
from resumable.export.tables import NAMED
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


def read(state: StateFiles) -> Directory:
    """Read the names from the newest job of each list in a state folder. Raises UsageError where there is none."""
    unreadable: dict[str, str] = {}
    listed = {dataset: source.newest(state, dataset, unreadable) for dataset in LISTS}
    found = {dataset: newest for dataset, newest in listed.items() if newest is not None}
    if not found:
        passed_over = f" Not to be read: {', '.join(unreadable)}." if unreadable else ""
        raise UsageError(
            f"no job in {state.folder} has listed queues, users or wrap-up codes.{passed_over}",
            hint="Download them: resumable backfill queues; resumable backfill users; resumable backfill wrapupcodes",
        )
    return Directory(
        names={dataset: _names(each) for dataset, each in found.items()},
        digest=" ".join(f"{dataset}={each.digest}" for dataset, each in sorted(found.items())),
        jobs=tuple(each.job.name for each in found.values()),
        unreadable=unreadable,
    )


def _names(listed: source.ExportSource) -> tuple[pa.Array, pa.Array]:
    tables = [listed.proven.table(piece.key, piece.part, columns=["id", "name"]) for piece in listed.pieces]
    table = pa.concat_tables(tables).combine_chunks()
    ids, names = (pa.concat_arrays(table.column(name).chunks) for name in ("id", "name"))
    return ids, names
