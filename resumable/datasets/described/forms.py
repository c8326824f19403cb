"""The tables of a description for what takes more than one request: one for each id, and jobs on the server."""

from dataclasses import dataclass
from typing import Any, Final

from resumable.datasets.described.content import check_params, check_path
from resumable.datasets.described.template import Json, Keys
from resumable.tomlfile import Table

MOST_IDS: Final = 1000
"""Of one job, times those of a request: they are in its query, which each part repeats for a manifest that is lost."""


@dataclass(frozen=True, kw_only=True)
class Each:
    """One request, or one row of pages, for each id of another job."""

    of: str
    """The dataset whose records name the ids, where the user names no job."""
    member: str
    """The column of that dataset that holds them."""
    column: str
    """Added to each record, with the id that was asked for; empty where records name it themselves."""
    at_once: int
    """So many ids go into one request, with commas between."""
    skips_missing: bool
    """Whether a 404 says of an id that there is nothing: what is in a list may be gone since."""


@dataclass(frozen=True, kw_only=True)
class ServerJob:
    """A job on the server: submitted by the request, polled, and read page by page."""

    id: Keys
    poll: str
    """A path with `{job}`, as the next two."""
    results: str
    delete: str
    """Empty where the server forgets its jobs by itself."""
    params: dict[str, Json]
    state: Keys
    message: Keys
    waiting: tuple[str, ...]
    ready: tuple[str, ...]
    failed: tuple[str, ...]


def read_each(table: Table) -> Each:
    """Read `[each]`. Raises UsageError."""
    at_once = table.whole("at_once", 1, least=1, most=100)
    column = table.text("column")
    if column and at_once > 1:
        raise table.error("column", "cannot be with at_once: an answer does not tell which id a record is of")
    return Each(
        of=table.text("of"),
        member=table.text("member", "id"),
        column=column,
        at_once=at_once,
        skips_missing=table.text("missing", "fails", choices=("fails", "skipped")) == "skipped",
    )


def read_server_job(table: Table) -> ServerJob:
    """Read `[server_job]`. Raises UsageError."""
    words = {name: _words(table, name) for name in ("waiting", "ready", "failed")}
    if not words["ready"]:
        raise table.missing("ready")
    twice = [word for word in words["ready"] if word in (*words["waiting"], *words["failed"])]
    if twice:
        raise table.error("ready", f"holds {twice[0]!a}, which another list has too")
    params = table.table("params")
    check_params(table.source, params, ("server_job", "params"))
    paths = {name: table.required_text(name) for name in ("poll", "results")} | {"delete": table.text("delete")}
    for name, path in paths.items():
        if path:
            check_path(table, name, path)
            if path.count("{job}") != 1:
                raise table.error(name, "does not hold {job} once, the id that the server gave")
    found = {name: table.path(name) for name in ("id", "state", "message")}
    for name in ("id", "state"):
        if not found[name]:
            raise table.missing(name)
    facts: dict[str, Any] = {**paths, **found, **words}
    return ServerJob(params=params, **facts)


def _words(table: Table, key: str) -> tuple[str, ...]:
    raw = table.raw.get(key, [])
    if not isinstance(raw, list) or not all(isinstance(word, str) and word for word in raw):
        raise table.error(key, "is not a list of the server's words for it", hint='Write ["Queued", "Running"].')
    table.taken[key] = raw
    return tuple(raw)
