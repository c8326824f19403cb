"""How the pages of a described endpoint follow each other, and where an answer says so."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from resumable.datasets.described.forms import Each, ServerJob
from resumable.datasets.described.records import read_place
from resumable.datasets.described.request import Requested, all_placeholders
from resumable.datasets.described.template import Keys, placeholders
from resumable.tomlfile import Table, nearest

PLACEHOLDERS: Final[Mapping[str, frozenset[str]]] = {
    "page": frozenset({"page", "offset"}),
    "cursor": frozenset({"cursor"}),
    "next": frozenset(),
    "whole": frozenset(),
}
"""By style: what of the request tells one page from another."""

_TOLD: Final[Mapping[str, tuple[str, ...]]] = {
    "page": ("page_count", "total", "page", "page_size"),
    "cursor": ("next_cursor",),
    "next": ("next_uri",),
    "whole": (),
}
"""By style: what an answer may say of paging."""


@dataclass(frozen=True, kw_only=True)
class PagingDeclared:
    """How pages follow each other."""

    style: str
    first: int
    page_size: int
    page_size_max: int
    longest_window: timedelta | None
    records_max: int | None


@dataclass(frozen=True, kw_only=True)
class Answered:
    """Where things are in an answer, as the names that lead to them; empty where the answer does not have it."""

    records: Keys
    page_count: Keys
    total: Keys
    page: Keys
    page_size: Keys
    next_cursor: Keys
    next_uri: Keys
    may_lack: bool
    """Whether an answer without its list has no record, by the API's documents."""


def read_paging(table: Table) -> PagingDeclared:
    """Read `[paging]`. Raises UsageError."""
    size = table.whole("page_size", 100, least=1, most=1_000_000)
    return PagingDeclared(
        style=table.text("style", "page", choices=PLACEHOLDERS),
        first=table.whole("first", 1, least=0, most=1),
        page_size=size,
        page_size_max=table.whole("page_size_max", size, least=size, most=1_000_000),
        longest_window=table.duration("longest_window"),
        records_max=table.optional_whole("records_max", least=1, most=10**12),
    )


def read_answered(table: Table, style: str) -> Answered:
    """Read `[answer]`. Raises UsageError for what its style of paging has no use for, and for what it cannot lack."""
    told = ("page_count", "total", "page", "page_size", "next_cursor", "next_uri")
    answer = Answered(
        records=read_place(table), **{name: table.path(name) for name in told}, may_lack=table.flag("may_lack")
    )
    if style == "cursor" and not answer.next_cursor:
        raise table.missing("next_cursor", ': with style = "cursor" it alone tells the end')
    if style == "next" and not answer.next_uri:
        raise table.missing("next_uri", ': with style = "next" it alone tells the end')
    if style == "page" and not answer.page_count and not answer.total:
        raise table.missing("page_count", ", and so is answer.total: nothing would tell that all has come")
    for name in told:
        if table.taken[name] and name not in _TOLD[style]:
            fits = " or ".join(f'"{each}"' for each, names in _TOLD.items() if name in names)
            raise table.error(name, f"goes with style = {fits} only")
    return answer


def check_placeholders(
    request: Requested,
    paging: PagingDeclared,
    tables: Mapping[str, Table],
    *,
    each: Each | None,
    server_job: ServerJob | None,
) -> frozenset[str]:
    """Return the placeholders of a request, all known and none missing that pages depend on. Raises UsageError."""
    paged, where = PLACEHOLDERS[paging.style], tables["request"]
    known = {"from", "to"} | ({"each"} if each is not None else set())
    known |= set() if server_job is not None else {"page_size", *paged}
    used = set()
    for keys, name in all_placeholders(request):
        _check_known(where, keys, name, known)
        used.add(name)
    if each is not None and "each" not in used:
        raise where.missing("params", ": no {each} is in the request, so that every id would get the same answer")
    if "{cursor}" in request.path:
        raise where.error("path", "holds {cursor}, which the first page has none of", hint="Use [request.params].")
    if server_job is not None:
        used |= _of_results(tables, server_job, paging, each)
    if paged and not used & paged:
        names = " or ".join(f"{{{name}}}" for name in sorted(paged, reverse=True))
        raise where.missing("params", f": no {names} is in the request, so that every page would be the first")
    if len(used & {"from", "to"}) == 1:
        raise where.missing("params", ": {from} and {to} go together, or windows would overlap")
    if paging.style == "next" and request.method != "GET":
        raise where.error("method", 'must be GET with style = "next": an address is all that an answer gives')
    if request.time == "date" and paging.records_max is not None:
        raise tables["paging"].error("records_max", 'cannot be with time = "date": days cannot be split')
    return frozenset(used)


def _of_results(
    tables: Mapping[str, Table], server_job: ServerJob, paging: PagingDeclared, each: Each | None
) -> set[str]:
    if each is not None:
        raise tables["each"].missing("of", ": [each] and [server_job] cannot be in one description")
    if paging.style not in ("cursor", "whole"):
        raise tables["paging"].error("style", 'must be "cursor" or "whole" with [server_job]')
    used = set()
    for keys, name in placeholders(server_job.params, ("server_job", "params")):
        _check_known(tables["server_job"], keys, name, {"page_size", *PLACEHOLDERS[paging.style]})
        used.add(name)
    return used


def _check_known(table: Table, keys: Keys, name: str, known: set[str]) -> None:
    if name not in known:
        names = ", ".join(f"{{{each}}}" for each in sorted(known))
        raise table.source.error(
            keys,
            f"has the placeholder {{{name}}}; known are {names}{nearest(name, known)}",
            hint=f"{{{{{name}}}}} stands for the text {{{name}}} itself.",
        )
