"""What a backfill would take, asked of the server before anything is downloaded: hits, pages, requests, time, disk."""

import math
import statistics
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from resumable.api.client import Asked, Client
from resumable.api.session import open_session
from resumable.clock import Clock, Stop
from resumable.config import Settings
from resumable.datasets.catalogue import RECORDS_A_JOB_PAGE, REQUESTS_A_JOB, cheaper, counted_by
from resumable.datasets.contract import (
    Answer,
    AnyContract,
    OneContract,
    PagedContract,
    checked,
    taken_by,
)
from resumable.datasets.facts import Paging
from resumable.datasets.limits import deep_limit, longest_window, window_length
from resumable.datasets.refusals import refusal_of
from resumable.datasets.resolve import get, resolve
from resumable.engine.belonging import NoJournal
from resumable.engine.closing import STILL_CHANGING
from resumable.engine.windows import cut
from resumable.errors import Fault, Incomplete, Interrupted
from resumable.models import Interval, JobSpec, WindowContract, iso, label
from resumable.storage.encoding import part_bytes
from resumable.storage.file_systems import free_bytes, nearest_folder
from resumable.text import Watching, unwatched
from resumable.transport.http import Reply

SAMPLE = 24
"""Windows asked where not all are: one from each stretch of the range."""

_NORMAL = 1.96
"""Standard errors on each side of an estimate, so that 19 of 20 hold the truth."""


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """What is to be expected; everything but the windows is an estimate unless all of them were asked."""

    spec: JobSpec
    windows: int
    asked: int
    """Windows whose first page was asked for."""
    hits: int | None
    """Records; None where the contract does not tell before the end."""
    plus_minus: float
    """Half of the interval that 19 of 20 times holds the truth, as a share of the hits; 0 where all were asked."""
    pages: int | None
    requests: int | None
    per_minute: float
    """Requests that the server and the settings allow."""
    seconds: float | None
    disk_bytes: int | None
    free_bytes: int | None
    """Of the disk; None where the state lies in a bucket."""
    cheaper: tuple[str, int] | None
    """The dataset that would need far fewer requests, and how many."""
    saves: tuple[str, int] | None
    """The dataset that would bring the same in pages by number, and how many more requests it would need."""
    warnings: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the object that `plan --json` prints."""
        return {
            "dataset": self.spec.dataset,
            "from": iso(self.spec.interval.start),
            "to": iso(self.spec.interval.end),
            "windows": {"total": self.windows, "asked": self.asked},
            "hits": self.hits,
            "plus_minus_percent": round(self.plus_minus * 100, 1),
            "page_size": self.spec.page_size,
            "pages": self.pages,
            "requests": self.requests,
            "requests_a_minute": self.per_minute,
            "seconds": self.seconds,
            "disk_bytes": self.disk_bytes,
            "free_bytes": self.free_bytes,
            "cheaper": {"dataset": self.cheaper[0], "requests": self.cheaper[1]} if self.cheaper else None,
            "saves": {"dataset": self.saves[0], "requests": self.saves[1]} if self.saves else None,
            "warnings": list(self.warnings),
        }


@dataclass(frozen=True, kw_only=True)
class _Look:
    """The first page of one window."""

    window: Interval
    hits: int
    table: Any
    """Its records as an Arrow table; None where there are none."""


def forecast(
    spec: JobSpec,
    settings: Settings,
    *,
    clock: Clock,
    stop: Stop | None = None,
    exact: bool = False,
    watching: Watching = unwatched,
) -> Forecast:
    """Ask for the first page of some windows, or of all where `exact`, and reckon with what they say.

    `watching` is told how many of them were asked, from any thread. Nothing is written. Raises what a run raises:
    AuthenticationFailed names what the client lacks.
    """
    spec, contract = resolve(spec)
    asked_by, asked_spec = _asking(spec, contract)
    windows = list(cut(spec.interval, window_length(asked_by, spec.window, settings.interval_max), spec.query.zone))
    stop = stop or Stop(clock)
    with open_session(asked_by, settings, stop=stop, journal=NoJournal(), query=spec.query) as client:
        chosen = windows if exact or len(windows) <= SAMPLE else _sampled(windows, clock)
        looks = _looks(client, asked_by, asked_spec, chosen, stop, watching)
        per_minute = client.pacer.per_minute
        ready = _available(client, contract)
    return _reckoned(spec, contract, windows, looks, settings, per_minute=per_minute, now=clock.now(), ready=ready)


def _asking(spec: JobSpec, contract: AnyContract) -> tuple[AnyContract, JobSpec]:
    """Return which contract tells how much there is: for jobs on the server the query beside them."""
    beside = counted_by(contract.name)
    if beside is None:
        return contract, spec
    other = get(beside)
    return other, replace(spec, dataset=beside, page_size=other.page_sizes.usual)


def _sampled(windows: Sequence[Interval], clock: Clock) -> list[Interval]:
    """Pick one window from each stretch, anywhere in it: at even distances all might be Sundays."""
    width = len(windows) / SAMPLE
    return [windows[int(width * turn + clock.uniform(0.0, 0.999) * width)] for turn in range(SAMPLE)]


def _looks(
    client: Client,
    contract: AnyContract,
    spec: JobSpec,
    windows: Sequence[Interval],
    stop: Stop,
    watching: Watching,
) -> list[_Look]:
    """Ask for the first page of each window, some at once; nothing where the contract cannot tell how much there is."""
    if contract.paging is not Paging.NUMBERED:
        return []
    paged, left, lock = contract, iter(windows), threading.Lock()
    found: list[_Look] = []
    failed: list[Exception] = []

    def work() -> None:
        while not failed and not stop.requested:
            with lock:
                window = next(left, None)
            if window is None:
                return
            try:
                found.append(_look(client, paged, spec, window))
                watching(len(found), len(windows), "windows asked")
            except Exception as failure:  # noqa: BLE001 - raised again below, in the thread that called
                failed.append(failure)

    names = [f"plan-{number}" for number in range(1, min(client.concurrency.size, len(windows)) + 1)]
    stop.clock.run_threads(work, names)
    if stop.requested:
        raise Interrupted("interrupted: nothing was downloaded or changed.", hint="Run the same command again.")
    for failure in failed:
        if isinstance(failure, Fault):
            raise refusal_of(failure, contract) or Incomplete(
                f"the server did not say how much there is: {failure.reason}.", hint="Run the same command again."
            ) from None
        raise failure
    return sorted(found, key=lambda look: look.window.start)


def _look(client: Client, contract: PagedContract, spec: JobSpec, window: Interval) -> _Look:
    asked = Asked(what=f"{label(window)} page 1", request=contract.request(spec.query, window, 1, spec.page_size))

    def read(reply: Reply) -> Answer:
        return checked(contract.read(reply.body, spec.page_size, client.redactor), 1)

    answer = client.exchange(asked, read)
    pages, size = answer.said.page_count or 0, answer.said.page_size or spec.page_size
    # A page count alone leaves open how full the last page is: half, on the whole.
    counted = pages * size - size // 2 if pages > 1 else answer.rows
    hits = answer.said.total if answer.said.total is not None else counted
    return _Look(window=window, hits=hits, table=answer.table)


def _available(client: Client, contract: AnyContract) -> datetime | None:
    """Ask up to when the server has data for jobs; None for other contracts."""
    if contract.paging not in (Paging.SERVER_JOB, Paging.BY_WINDOW):
        return None
    jobs = contract.bulk if contract.paging is Paging.BY_WINDOW else contract
    request = jobs.availability()
    if request is None:
        return None
    asked = Asked(what="the availability of data", request=request)
    return client.exchange(asked, lambda reply: jobs.read_availability(reply.body))


def _reckoned(
    spec: JobSpec,
    contract: AnyContract,
    windows: Sequence[Interval],
    looks: Sequence[_Look],
    settings: Settings,
    *,
    per_minute: float,
    now: datetime,
    ready: datetime | None,
) -> Forecast:
    scale = len(windows) / len(looks) if looks else 0.0
    hits = round(sum(look.hits for look in looks) * scale) if looks else None
    costs = [_cost(look, contract, spec, ready) for look in looks]
    pages = round(sum(cost.pages for cost in costs) * scale) if looks else None
    extra = round(sum(cost.beside for cost in costs) * scale)
    requests = None if pages is None else pages + extra
    return Forecast(
        spec=spec,
        windows=len(windows),
        asked=len(looks),
        hits=hits,
        plus_minus=_spread([look.hits for look in looks], len(windows)),
        pages=pages,
        requests=requests,
        per_minute=per_minute,
        seconds=None if requests is None else requests / per_minute * 60,
        disk_bytes=None if pages is None or hits is None else _disk(looks, pages, hits, spec.page_size),
        free_bytes=free_bytes(nearest_folder(settings.state)) if isinstance(settings.state, Path) else None,
        cheaper=None
        if requests is None or hits is None
        else cheaper(spec.dataset, requests=requests, records=hits, windows=len(windows)),
        saves=_saved(spec, looks, scale, requests),
        warnings=tuple(_warnings(spec, contract, windows, looks, settings, now=now, ready=ready)),
    )


@dataclass(frozen=True, kw_only=True)
class _Cost:
    """What a window takes."""

    pages: int
    beside: int
    """Requests beside those for its pages."""


def _cost(look: _Look, contract: AnyContract, spec: JobSpec, ready: datetime | None) -> _Cost:
    """Reckon with what a window is taken by: of a job's larger pages nobody says whether they come."""
    one, size = _taken_by(look, contract, ready), spec.page_size
    if contract.paging is Paging.BY_WINDOW:
        size = min(size, RECORDS_A_JOB_PAGE if one.paging is Paging.SERVER_JOB else one.page_sizes.most)
    beside = REQUESTS_A_JOB if one.paging is Paging.SERVER_JOB else int(look.hits == 0)
    return _Cost(pages=-(-look.hits // size), beside=beside)


def _taken_by(look: _Look, contract: AnyContract, ready: datetime | None) -> OneContract:
    whole = ready is not None and look.window.end <= ready
    return taken_by(contract, WindowContract.JOBS if whole else WindowContract.QUERY)


def _saved(spec: JobSpec, looks: Sequence[_Look], scale: float, requests: int | None) -> tuple[str, int] | None:
    """Return how many requests more the dataset would need that was asked how much there is; None where it is its own.

    None too where it would not need more.
    """
    beside = counted_by(spec.dataset)
    if beside is None or requests is None:
        return None
    size = get(beside).page_sizes.usual
    more = round(sum(max(1, -(-look.hits // size)) for look in looks) * scale) - requests
    return (beside, more) if more > 0 else None


def _disk(looks: Sequence[_Look], pages: int, hits: int, page_size: int) -> int:
    """Reckon with a page made of what came: with what its part takes for its footer, and what each record adds."""
    tables = [look.table for look in looks if look.table is not None and look.table.num_rows]
    if not tables:
        return 0
    page = pa.concat_tables(tables).slice(0, page_size).combine_chunks()
    least, whole = part_bytes(page.slice(0, 1)), part_bytes(page)
    return int(pages * least + hits * (whole - least) / max(1, page.num_rows - 1))


def _spread(hits: Sequence[int], windows: int) -> float:
    """Return half of the 95 % interval of the sum over all windows, as a share of it."""
    count, total = len(hits), sum(hits)
    if count < 2 or count >= windows or total == 0:
        return 0.0
    error = statistics.stdev(hits) / math.sqrt(count) * math.sqrt(1 - count / windows)
    return _NORMAL * error / (total / count)


def _warnings(
    spec: JobSpec,
    contract: AnyContract,
    windows: Sequence[Interval],
    looks: Sequence[_Look],
    settings: Settings,
    *,
    now: datetime,
    ready: datetime | None,
) -> Iterable[str]:
    longest = longest_window(contract, settings.interval_max)
    if longest is not None and spec.window > longest:
        yield f"windows are cut to {longest.days} days: the server takes no longer interval"
    if not contract.timeless:
        future = sum(window.end > now for window in windows)
        young = sum(now - STILL_CHANGING < window.end <= now for window in windows)
        if future:
            yield f"{future} of the windows end in the future: what is not there yet is not downloaded"
        if young:
            yield f"{young} of the windows are less than 48 h old; Genesys still rewrites them (see --look-back)"
    if ready is not None and (waiting := sum(window.end > ready for window in windows)):
        then = "come by the query" if contract.paging is Paging.BY_WINDOW else "wait for theirs"
        yield f"data for jobs is there up to {iso(ready)}: {waiting} of the windows {then}"
    limit = deep_limit(contract, settings.deep_limit)
    walled = [look for look in looks if _taken_by(look, contract, ready).paging.counts_pages]
    if limit is not None and (deep := [look for look in walled if look.hits > limit]):
        yield f"{label(deep[0].window)} holds {deep[0].hits:,} records; windows over {limit:,} are split"
    first = next((number for number, look in enumerate(looks) if look.hits), None)
    if first is not None and first > max(2, len(looks) // 10):
        when = label(looks[first].window)
        yield f"nothing was found before {when}: the organisation may not have kept what is older"
    if looks and first is None:
        yield "nothing was found: check range, filters, and the divisions that the client's roles are granted for"
