"""Makes the spec of a job of what was typed: dataset, range, filters, window, page size."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from resumable.cli import parse
from resumable.cli.parse import date_range
from resumable.cli.query import query_of
from resumable.cli.session import Session
from resumable.datasets.contract import Contract
from resumable.datasets.limits import page_size
from resumable.datasets.resolve import get
from resumable.errors import UsageError
from resumable.models import Interval, JobSpec


@dataclass(frozen=True, kw_only=True)
class TypedQuery:
    """What was typed, as it was typed."""

    dataset: str | None
    start: str | None
    end: str | None
    lists: Mapping[str, Sequence[str] | None]
    """Values of the flags that narrow a query, by the names of its fields."""
    filters: str | None
    window: str
    page_size: int | None


def spec_of(asked: TypedQuery, session: Session) -> JobSpec:
    """Return the spec. Raises UsageError for what the dataset does not know or allow."""
    if asked.dataset is None:
        raise UsageError(
            "no dataset is named.",
            hint="For example: resumable backfill conversations --from 2025-01-01 --to 2025-02-01",
        )
    contract = get(asked.dataset)
    interval = _range(contract, asked.start, asked.end, session)
    return JobSpec(
        dataset=contract.name,
        interval=interval,
        query=query_of(contract, asked.lists, parse.filter_text(asked.filters)),
        window=parse.window(asked.window, interval) if not contract.timeless else timedelta(days=1),
        page_size=_page_size(contract, asked.page_size, session),
    )


def _range(contract: Contract, start: str | None, end: str | None, session: Session) -> Interval:
    now = session.clock.now()
    if contract.timeless:
        if start is not None or end is not None:
            raise UsageError(
                f"{contract.name} is a list as it is today, and has no range.",
                hint=f"Leave out --from and --to: resumable backfill {contract.name}",
            )
        today = now.replace(hour=0, minute=0, second=0, microsecond=0)
        return Interval(start=today, end=today + timedelta(days=1))
    if start is None or end is None:
        raise UsageError(
            f"{contract.name} needs a range: {'--from' if start is None else '--to'} is missing.",
            hint=f"For example: resumable backfill {contract.name} --from 2025-01-01 --to 2025-02-01",
        )
    return date_range(start, end, now=now)


def _page_size(contract: Contract, given: int | None, session: Session) -> int:
    size, most = page_size(contract, given), contract.page_sizes.most
    if given is not None and given > most:
        session.tell(f"a page of {contract.name} holds {most} records at most: asking for {size}, not {given}")
    return size
