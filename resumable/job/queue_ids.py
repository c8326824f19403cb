"""Finds the id of a queue by its name, in the newest list of queues that was downloaded."""

import re
from typing import Final

from resumable.api.organisation import told_locally
from resumable.config import Settings
from resumable.datasets.contract import Contract
from resumable.datasets.token_forms import GivenToken
from resumable.errors import UsageError
from resumable.export import source
from resumable.manifest.rows import JobRow
from resumable.tomlfile import nearest

_ID: Final = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")

QUEUES: Final = "queues"


def is_id(value: str) -> bool:
    """Tell whether a text has the form of an id of Genesys Cloud."""
    return _ID.fullmatch(value) is not None


def queue_id(name: str, contract: Contract, settings: Settings) -> str | None:
    """Return the id of the queue of that name, whatever its case; None where no list of queues was downloaded.

    Raises UsageError for a name that no queue has, or more than one.
    """
    found = source.newest(settings.files, QUEUES, {}, lambda job: may_be_asked(job, contract, settings))
    if found is None:
        return None
    known: dict[str, list[tuple[str, str]]] = {}
    for piece in found.pieces:
        table = found.proven.table(piece.key, piece.part, columns=["id", "name"])
        for row in table.to_pylist():
            known.setdefault(str(row["name"]).casefold(), []).append((str(row["id"]), str(row["name"])))
    ids = known.get(name.casefold(), [])
    if len(ids) == 1:
        return ids[0][0]
    if ids:
        raise UsageError(
            f"{len(ids)} queues are called {name[:60]!a}.",
            hint=f"Name one by its id: {', '.join(id_ for id_, _ in ids)}.",
        )
    names = [entry[0][1] for entry in known.values()]
    raise UsageError(
        f"no queue is called {name[:60]!a}{nearest(name, names)}.",
        hint=f"It is looked up in the job {found.job.name}. Download the list again with:",
        command="resumable backfill queues",
    )


def may_be_asked(listed: JobRow, contract: Contract, settings: Settings) -> bool:
    """Tell whether a list may be of the organisation that is going to be asked."""
    if settings.endpoints is None or not settings.client_id or isinstance(contract.token_form, GivenToken):
        return True
    told, known = told_locally(contract, settings), listed.organisation
    return known is None or known.origin == told.origin
