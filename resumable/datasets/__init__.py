"""The catalogue: what can be downloaded, by name. Naming them costs nothing; a dataset is imported when it is used."""

from resumable.datasets.contract import Answer, Contract, JobContract, PagedContract, RemoteState, RemoteStatus, checked
from resumable.errors import UsageError

CATALOGUE = {
    "conversations": "conversations with all their detail, by the public details query (100 a page)",
    "conversation-jobs": "the same by asynchronous jobs, meant for bulk (1000 a page; with participant attributes)",
    "conversations-pagecount": "the same by the contract with pageCount (1000 a page)",
    "user-details": "presence and routing status of users over time, by the details query (100 a page)",
    "user-detail-jobs": "the same by asynchronous jobs (1000 a page)",
    "users": "the list of users as it is today, whatever their state",
    "queues": "the list of queues as it is today",
    "wrapupcodes": "the list of wrap-up codes as it is today",
}
"""Names and a line each."""

__all__ = [
    "CATALOGUE",
    "Answer",
    "Contract",
    "JobContract",
    "PagedContract",
    "RemoteState",
    "RemoteStatus",
    "checked",
    "get",
]


def get(name: str) -> PagedContract | JobContract:
    """Return the dataset of that name. Raises UsageError with the known ones."""
    if name not in CATALOGUE:
        raise UsageError(f"there is no dataset {name!a}.", hint=f"Known are: {', '.join(CATALOGUE)}.")
    # Imported where they are used: a status needs none of them, and pyarrow comes with them.
    if name == "conversations-pagecount":
        from resumable.datasets.pagecount import ConversationsPageCount

        return ConversationsPageCount()
    if name in ("users", "queues", "wrapupcodes"):
        from resumable.datasets.entities import entity_list

        return entity_list(name)
    from resumable.datasets.details import CONVERSATIONS, USERS
    from resumable.datasets.detailsjob import DetailsJob
    from resumable.datasets.detailsquery import DetailsQuery

    subject = USERS if name.startswith("user") else CONVERSATIONS
    return (DetailsJob if name.endswith("-jobs") else DetailsQuery)(name=name, subject=subject)
