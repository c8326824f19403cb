"""`resumable datasets`: what can be downloaded, by which contract, with which permission, within which limits."""

from typing import Any

from resumable.cli.options import OutputOptions
from resumable.cli.session import Session
from resumable.datasets.catalogue import CATALOGUE, Listed
from resumable.datasets.contract import AnyContract
from resumable.datasets.facts import Paging
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
        session.give(f"  paging      {PAGING[contract.paging]}; {_sizes(contract)}")
        session.give(f"  windows     {_windows(contract)}")
        session.give(f"  key         {contract.schema.key}")


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
        "schema": contract.schema.name,
    }
