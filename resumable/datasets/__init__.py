"""The catalogue: what can be downloaded, by name. Naming them costs nothing; a dataset is imported when it is used."""

import importlib

from resumable.datasets.contract import Answer, Dataset, checked
from resumable.errors import UsageError

CATALOGUE = {
    "conversations": "conversations with all their detail, by the public details query (100 a page)",
    "conversations-pagecount": "the same by the contract with pageCount (1000 a page)",
}
"""Names and a line each."""

_HOMES = {
    "conversations": ("resumable.datasets.conversations", "Conversations"),
    "conversations-pagecount": ("resumable.datasets.pagecount", "ConversationsPageCount"),
}

__all__ = ["CATALOGUE", "Answer", "Dataset", "checked", "get"]


def get(name: str) -> Dataset:
    """Return the dataset of that name. Raises UsageError, with the nearest known name."""
    if name not in _HOMES:
        raise UsageError(f"there is no dataset {name!r}.", hint=f"Known are: {', '.join(CATALOGUE)}.")
    module, made_by = _HOMES[name]
    dataset: Dataset = getattr(importlib.import_module(module), made_by)()
    return dataset
