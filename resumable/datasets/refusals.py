"""What a server says of a query that is wrong itself, in words that help."""

from resumable.datasets.contract import Contract
from resumable.errors import Failure, Fault, StatusFault, UsageError, Wall


def refusal_of(fault: Fault, contract: Contract) -> UsageError | None:
    """Return the error for a query that the server refuses; None where something else is the matter."""
    if fault.failure is Failure.NOT_THE_API:
        return UsageError(
            f"what answers there is not the API ({fault.reason}).",
            hint="Check the address: GENESYS_REGION, or GENESYS_API_URL and the gateway that it leads through.",
        )
    if fault.failure is not Failure.QUERY_REFUSED:
        return None
    wall = fault.wall if isinstance(fault, StatusFault) else None
    return UsageError(f"the server refuses this query ({fault.reason}).", hint=_advice(wall, contract))


def _advice(wall: Wall | None, contract: Contract) -> str:
    if wall is Wall.PAGE_SIZE:
        return f"A page of {contract.name} holds {contract.page_sizes.most} records at most: see --page-size."
    if wall is Wall.INTERVAL:
        return "Cut the range into shorter windows with --window (one day is the default)."
    return "Check the filters, the ids and the range of the command."
