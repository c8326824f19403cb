"""A small request of the kind that a job's pages are: whether it is answered tells an outage from pages that fail."""

from datetime import timedelta

from resumable.datasets.contract import AnyContract, Contract
from resumable.datasets.facts import Paging
from resumable.errors import UsageError
from resumable.manifest.store import Manifest
from resumable.models import Interval, Query, Request

SECOND = timedelta(seconds=1)


def small_request(contract: AnyContract, query: Query, manifest: Manifest) -> Request | None:
    """Return a request for one record of a slice of a window that is known to be answered, or else of the last one.

    It is none of the job's pages, which are never asked for again, and nothing is kept of its answer. Through jobs on
    the server it is the question up to when there is data. None where there is nothing to ask for.
    """
    if contract.paging is Paging.SERVER_JOB:
        return contract.availability()
    if contract.paging is Paging.BY_WINDOW:
        return contract.bulk.availability()
    row = manifest.likely_answered()
    if row is None:
        return None
    piece = _slice(row.window.interval, contract)
    try:
        if contract.paging is Paging.CURSOR:
            return contract.page(query, piece, None, 1)
        return contract.request(query, piece, 1, 1)
    except UsageError:
        return None


def _slice(window: Interval, contract: Contract) -> Interval:
    """Return the end of a window, of the least length that can be asked for, or half of it where it is no longer."""
    least = contract.interval_min
    if least is None:
        return window
    if window.length <= least:
        half = window.length / 2
        least = half - half % SECOND or window.length
    return Interval(start=window.end - least, end=window.end)
