"""The request that a description makes: its method, its path on the API host, and what is filled in."""

from collections.abc import Iterator
from dataclasses import dataclass

from resumable.datasets.described.content import check_content, check_params, check_path
from resumable.datasets.described.template import UNITS, Json, Keys, placeholders
from resumable.tomlfile import Table


@dataclass(frozen=True, kw_only=True)
class Requested:
    """How a page is asked for."""

    method: str
    path: str
    params: dict[str, Json]
    body: dict[str, Json]
    time: str
    """One of `template.UNITS`."""
    inclusive: bool
    """Whether the server counts the end of a range to it."""


def read_request(table: Table) -> Requested:
    """Read `[request]`. Raises UsageError."""
    method = table.text("method", "GET", choices=("GET", "POST"))
    path = table.required_text("path")
    check_path(table, "path", path)
    params, body = table.table("params"), table.table("body")
    check_params(table.source, params, ("request", "params"))
    if body and method == "GET":
        raise table.error("body", "goes with a POST only", hint='Use [request.params], or method = "POST".')
    for kind, content in (("params", params), ("body", body)):
        check_content(table.source, content, ("request", kind))
    return Requested(
        method=method,
        path=path,
        params=params,
        body=body,
        time=table.text("time", "iso", choices=UNITS),
        inclusive=table.text("end", "exclusive", choices=("exclusive", "inclusive")) == "inclusive",
    )


def all_placeholders(request: Requested) -> Iterator[tuple[Keys, str]]:
    """Yield every placeholder of a request, with the keys of the text that it stands in."""
    yield from placeholders(request.path, ("request", "path"))
    yield from placeholders(request.params, ("request", "params"))
    yield from placeholders(request.body, ("request", "body"))
