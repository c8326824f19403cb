"""What a server says of a query that is wrong itself, in words that help."""

from resumable.datasets.contract import Contract
from resumable.errors import Fault, StatusFault, UsageError

REFUSALS = frozenset({400, 404, 405, 413, 415, 422})
"""Statuses that say the request itself is wrong, so that no other page would fare better."""


def refusal_of(fault: Fault, contract: Contract) -> UsageError | None:
    """Return the error for a query that the server refuses; None where something else is the matter."""
    if not isinstance(fault, StatusFault) or fault.status not in REFUSALS:
        return None
    return UsageError(f"the server refuses this query ({fault.reason}).", hint=_advice(fault, contract))


def _advice(fault: Fault, contract: Contract) -> str:
    if "size" in fault.reason.lower():
        return f"A page of {contract.name} holds {contract.page_size_max} records at most: see --page-size."
    if "interval" in fault.reason.lower():
        return "Cut the range into shorter windows with --window (one day is the default)."
    return "Check the filters, the ids and the range of the command."
