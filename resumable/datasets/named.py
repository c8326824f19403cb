"""The list of queues, whole or those of one name: what `--queue NAME` is looked up in."""

from dataclasses import replace
from typing import Final

from resumable.datasets.contract import PagedContract
from resumable.datasets.entities import DATASETS

QUEUES: Final = "queues"


def queues_named(name: str | None) -> PagedContract:
    """Return the list of the queues that the server finds by a name, or of all.

    Its filter takes `*` as any text, and nobody documents whether case counts: what comes may be more, or less.
    """
    queues = DATASETS[QUEUES]
    return queues if name is None else replace(queues, params=(*queues.params, ("name", name)))
