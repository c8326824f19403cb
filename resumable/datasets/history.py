"""Conversations in the fewest requests: each window by jobs on the server or by the details query, whichever suits it.

Jobs bring a hundred times as many records in a page, with the attributes of participants, and know nothing of the last
hours; the query knows those. Both select the same conversations for a window (`startOfDayIntervalMatching`), and both
fill one schema.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from resumable.datasets.contract import JobContract, PagedContract
from resumable.datasets.details import CONVERSATIONS, DetailsCount
from resumable.datasets.details_job import DetailsJob
from resumable.datasets.details_query import DetailsQuery
from resumable.datasets.facts import Filters, PageSizes, Paging
from resumable.datasets.token_forms import TokenForm
from resumable.schema.schema import Schema

_SIZES = PageSizes(usual=10_000, most=10_000)
"""Of a job's results, of which what comes is believed; a page of the query has 100 at most, and is asked for those."""


@dataclass(frozen=True, kw_only=True)
class History:
    """The dataset `conversation-history`."""

    name: str
    bulk: JobContract
    recent: PagedContract
    paging: Literal[Paging.BY_WINDOW] = Paging.BY_WINDOW
    page_sizes: PageSizes = _SIZES
    timeless: bool = False
    token_form: TokenForm = TokenForm.BASIC
    description: None = None
    inferred: None = None
    by_id: None = None  # a window of jobs would lose its attributes; windows of the query are asked by their own

    @property
    def schema(self) -> Schema:
        """That of both."""
        return self.bulk.schema

    @property
    def documented_rate(self) -> float:
        """That of both: they share one allowance."""
        return self.recent.documented_rate

    @property
    def interval_max(self) -> timedelta | None:
        """The query's: any window may turn out to be taken by it."""
        return self.recent.interval_max

    @property
    def interval_min(self) -> timedelta | None:
        """That of both."""
        return self.recent.interval_min

    @property
    def deep_limit(self) -> int | None:
        """The query's."""
        return self.recent.deep_limit

    @property
    def end_key(self) -> str | None:
        """That of both."""
        return self.bulk.end_key

    @property
    def counting(self) -> DetailsCount:
        """What the windows of jobs are counted by: the query, which names a total."""
        return DetailsCount(subject=CONVERSATIONS)

    @property
    def table(self) -> str:
        """That of both."""
        return self.bulk.table

    @property
    def filters(self) -> Filters:
        """Those of both."""
        return self.bulk.filters


DATASETS = {
    "conversation-history": History(
        name="conversation-history",
        bulk=DetailsJob(name="conversation-jobs", subject=CONVERSATIONS),
        recent=DetailsQuery(name="conversations", subject=CONVERSATIONS),
    ),
}
