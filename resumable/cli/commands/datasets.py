"""`resumable datasets`: what can be downloaded, by which contract, with which permission, within which limits."""

from typing import Any

from resumable.cli.options import OutputOptions
from resumable.cli.session import Session
from resumable.datasets.catalogue import CATALOGUE, Listed
from resumable.datasets.contract import AnyContract
from resumable.datasets.facts import Excess, Paging
from resumable.datasets.resolve import get
from resumable.text import amount

PAGING = {
    Paging.NUMBERED: "pages by number, in any order",
    Paging.CURSOR: "pages along a cursor",
    Paging.BY_WINDOW: "a job on the server for a window that it has whole, and pages by number for any other",
    Paging.SERVER_JOB: "a job on the server for each window, its pages along a cursor",
}


def datasets(session: Session, options: OutputOptions) -> None:
    """List the datasets of the catalogue."""
    found = {name: get(name) for name in CATALOGUE}
    if session.json:
        session.give_json({"datasets": [_content(CATALOGUE[name], contract) for name, contract in found.items()]})
        return
    for name, contract in found.items():
        listed = CATALOGUE[name]
        session.give(f"{name}: {listed.line}")
        session.give(f"  endpoint    {listed.endpoint}")
        session.give(f"  permission  {listed.permission or 'none that is documented'}")
        session.give(f"  paging      {paging_of(contract)}")
        session.give(f"  windows     {_windows(contract)}")
        session.give(f"  key         {', '.join(contract.schema.named_by) or contract.schema.key}")
        if (ids := contract.filters.ids) is not None:
            session.give(f"  ids         those of {ids.dataset}, or --each; at most {ids.most:,}")


def paging_of(contract: AnyContract) -> str:
    """Return how the pages of a dataset follow each other, and how large they are."""
    if contract.filters.ids is not None:
        return f"id by id, {_sizes(contract)}"
    if contract.paging is Paging.CURSOR and contract.page_sizes.excess is Excess.IGNORED:
        return "one answer a window"
    return f"{PAGING[contract.paging]}; {_sizes(contract)}"


def _sizes(contract: AnyContract) -> str:
    sizes = contract.page_sizes
    most = "" if sizes.most == sizes.usual else f", at most {sizes.most:,}"
    return f"{sizes.usual:,} a page{most}"


def _windows(contract: AnyContract) -> str:
    if contract.timeless:
        return "none: the list as it is today"
    longest = contract.interval_max
    most = "of any length" if longest is None else f"of at most {amount(longest.days, 'day')}"
    return (
        most
        if contract.deep_limit is None
        else f"{most}, split where one has more than {contract.deep_limit:,} records"
    )


def _content(listed: Listed, contract: AnyContract) -> dict[str, Any]:
    longest = contract.interval_max
    return {
        "name": contract.name,
        "line": listed.line,
        "endpoint": listed.endpoint,
        "permission": listed.permission,
        "paging": contract.paging.value,
        "page_size": contract.page_sizes.usual,
        "page_size_max": contract.page_sizes.most,
        "interval_days_max": None if longest is None else longest.days,
        "records_max": contract.deep_limit,
        "timeless": contract.timeless,
        "key": contract.schema.key,
        "named_by": [*contract.schema.named_by],
        "ids_of": None if contract.filters.ids is None else contract.filters.ids.dataset,
        "schema": contract.schema.name,
    }
