"""Makes a query of the flags, and refuses what a dataset would silently leave out of it."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from resumable.cli.parse import canonical
from resumable.errors import UsageError
from resumable.models import Query

if TYPE_CHECKING:
    from resumable.datasets.contract import Contract

FLAGS = {
    "queues": "--queue",
    "divisions": "--division",
    "media_types": "--media-type",
    "directions": "--direction",
    "group_by": "--group-by",
    "metrics": "--metric",
}


def query_of(contract: "Contract", lists: Mapping[str, Sequence[str] | None], free: Mapping[str, Any] | None) -> Query:
    """Return the query. Raises UsageError for a flag that this dataset does not know, or a filter of a wrong form."""
    known = contract.filters.fields
    given = {name: tuple(values) for name, values in lists.items() if values}
    for name in given:
        if name not in known:
            usable = ", ".join(FLAGS[n] for n in FLAGS if n in known) or "none of these"
            raise UsageError(f"{contract.name} cannot be narrowed by {FLAGS[name]}.", hint=f"It understands: {usable}.")
        for value in given[name]:
            if not value.strip() or not value.isprintable() or len(value) > 200:
                raise UsageError(f"{FLAGS[name]} {value[:40]!a} cannot be right.", hint="Check what was pasted there.")
    # In one order, so that the same ids are the same query however they were typed.
    chosen = {name: tuple(sorted(set(given.get(name, ())))) for name in FLAGS}
    return Query(
        queues=chosen["queues"],
        divisions=chosen["divisions"],
        media_types=chosen["media_types"],
        directions=chosen["directions"],
        group_by=chosen["group_by"],
        metrics=chosen["metrics"],
        filter=_free(contract, free),
        declaration=contract.description,
    )


def _free(contract: "Contract", free: Mapping[str, Any] | None) -> str | None:
    parts = contract.filters.free
    if not free:
        return None
    if not parts:
        raise UsageError(f"{contract.name} cannot be narrowed by --filter.", hint="Leave it out.")
    for part, content in free.items():
        if part not in parts or not isinstance(content, list):
            raise UsageError(
                f"--filter holds {part[:40]!a}, which is no list of filters of {contract.name}.",
                hint=f"""It may hold {", ".join(parts)}, each a list: --filter '{{"{parts[0]}": [...]}}'.""",
            )
    return canonical(dict(free))
