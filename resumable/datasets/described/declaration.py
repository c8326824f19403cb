"""Reads and checks the TOML file that describes a paged endpoint; `tests/datasets/described/example.toml` is one.

A description is data and never code: its path stays on the configured API origin, its token is the name of an
environment variable, and what an answer says is only ever read, not followed.
"""

import json
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

from resumable.datasets.described.columns import declared_columns
from resumable.datasets.described.template import UNITS, Json, Keys, placeholders
from resumable.datasets.token_forms import GivenToken, TokenForm
from resumable.errors import UsageError
from resumable.schema.fields import Fields
from resumable.tomlfile import Table, TomlSource, nearest

LARGEST_BYTES: Final = 1_000_000
TABLES: Final = ("dataset", "request", "paging", "answer", "record", "schema")
STYLES: Final = ("page", "cursor")

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
_HEADER = re.compile(r"([A-Za-z][A-Za-z0-9-]{0,60}): ([\x20-\x7e]{0,60}\{token\}[\x20-\x7e]{0,60})")
_UNFIT = re.compile(r"[\x00-\x20\x7f-\x9f\\?#]")
_OUR_HEADERS = {"host", "content-length", "content-type", "transfer-encoding", "connection", "accept", "user-agent"}
_SECRETS = {"accesstoken", "apikey", "apitoken", "authtoken", "authorization", "clientsecret", "password", "secret"}


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


@dataclass(frozen=True, kw_only=True)
class Declaration:
    """A description that has been found good."""

    name: str
    title: str
    rate_per_minute: float
    token: TokenForm | GivenToken
    request: Requested
    paging: PagingDeclared
    answer: Answered
    key: str
    start: str | None
    columns: "Fields | None"
    """None where they are to be inferred."""
    used: frozenset[str]
    """The placeholders that its request has."""
    canonical: str
    """The description as JSON with every default, from which `from_canonical` makes it again."""


def from_file(path: str, *, reserved: frozenset[str]) -> Declaration:
    """Read a file. Raises UsageError naming file, line and key; `reserved` are names that it may not take."""
    try:
        with Path(path).open("rb") as file:
            content = file.read(LARGEST_BYTES + 1)
        text = content.decode("utf-8")
        raw = tomllib.loads(text)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.", hint="DATASET is a name or a file.") from None
    except UnicodeDecodeError:
        raise UsageError(f"{path} is not UTF-8 text.", hint="Save it as UTF-8.") from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise UsageError(f"{path} is not valid TOML: {error}.", hint="Correct it there.") from None
    if len(content) > LARGEST_BYTES:
        raise UsageError(
            f"{path} is longer than {LARGEST_BYTES:,} bytes.", hint="DATASET is a name, or a file that describes one."
        )
    source = TomlSource(name=path, text=text)
    found = _declaration(raw, source)
    if found.name in reserved:
        raise source.error(("dataset", "name"), f"is {found.name!a}, which is a dataset of its own")
    return found


def from_canonical(text: str) -> Declaration:
    """Make a description again from its canonical text. Raises UsageError for any other text."""
    return _declaration(json.loads(text), TomlSource(name="the description kept with the job"))


def _declaration(raw: dict[str, Any], source: TomlSource) -> Declaration:
    for name, value in raw.items():
        if name not in TABLES:
            raise source.error((name,), f"is not a table that is known here{nearest(name, TABLES)}")
        if not isinstance(value, dict):
            raise source.error((name,), f"is not a table; write [{name}]")
    tables = {name: Table(source=source, keys=(name,), raw=raw.get(name, {})) for name in TABLES[:-1]}
    dataset, record = tables["dataset"], tables["record"]
    request, paging = _request(tables["request"]), _paging(tables["paging"])
    used = _placeholders(request, paging, tables)
    columns = declared_columns(raw["schema"], source) if "schema" in raw else None
    known = Declaration(
        name=_name(dataset),
        title=dataset.text("title"),
        rate_per_minute=dataset.number("rate_per_minute", 60.0, least=0.01, most=1e6),
        token=_token(dataset),
        request=request,
        paging=paging,
        answer=_answer(tables["answer"], paging),
        key=record.required_text("key"),
        start=record.text("start") or None,
        columns=columns,
        used=used,
        canonical="",
    )
    canonical: dict[str, Any] = {name: table.done() for name, table in tables.items()}
    if columns is not None:
        canonical["schema"] = columns
    _check_columns(record, columns)
    return replace(known, canonical=json.dumps(canonical, separators=(",", ":")))


def _name(table: Table) -> str:
    name = table.required_text("name")
    if not _NAME.fullmatch(name):
        raise table.error("name", f"is {name!a}", hint="Use up to 40 small letters, digits and dashes.")
    return name


def _token(table: Table) -> TokenForm | GivenToken:
    """Read how requests are authorised; no complaint repeats the value, which may be a token put there by mistake."""
    token, header = table.text("token", "basic"), table.text("header", "Authorization: Bearer {token}")
    found = _HEADER.fullmatch(header)
    if found is None or found[1].lower() in _OUR_HEADERS or header.count("{token}") != 1:
        raise table.error("header", 'is not like "X-Api-Key: {token}"', hint="The token itself stays in a variable.")
    if token in ("basic", "fields"):
        return TokenForm(token)
    if token == "none":  # noqa: S105 - a word for having no token
        return GivenToken(variable=None, header=found[1], form=found[2])
    variable = token.removeprefix("env:")
    if variable.upper().startswith("GENESYS_CLIENT"):
        raise table.error("token", "names the secret of the OAuth client, which is for asking for tokens alone")
    if variable == token or not _VARIABLE.fullmatch(variable):
        raise table.error(
            "token",
            'is none of "basic", "fields", "none" and "env:NAME"',
            hint="Put the token into an environment variable, and its name here: a secret never stands in a file.",
        )
    return GivenToken(variable=variable, header=found[1], form=found[2])


def _request(table: Table) -> Requested:
    method = table.text("method", "GET", choices=("GET", "POST"))
    path = table.required_text("path")
    _check_path(table, path)
    params, body = table.table("params"), table.table("body")
    for key, value in params.items():
        if type(value) not in (str, int, float, bool):
            raise table.source.error(("request", "params", key), "is not a text, a number, true or false")
    if body and method == "GET":
        raise table.error("body", "goes with a POST only", hint='Use [request.params], or method = "POST".')
    for kind, content in (("params", params), ("body", body)):
        _check_content(table.source, content, ("request", kind))
    return Requested(
        method=method,
        path=path,
        params=params,
        body=body,
        time=table.text("time", "iso", choices=UNITS),
        inclusive=table.text("end", "exclusive", choices=("exclusive", "inclusive")) == "inclusive",
    )


def _check_path(table: Table, path: str) -> None:
    if "://" in path or not path.startswith("/") or path.startswith("//"):
        raise table.error(
            "path",
            "is not a path on the API host, such as /api/v1/tickets",
            hint="The host is set by GENESYS_API_URL alone, so that no file can send a token elsewhere.",
        )
    if _UNFIT.search(path) or any(part in (".", "..") for part in unquote(path).split("/")):
        raise table.error("path", "holds what a path cannot: spaces, ?, #, \\ or ..", hint="Use [request.params].")


def _check_content(source: TomlSource, value: Json, keys: Keys) -> None:
    """Refuse what JSON has no form for, and constants that look like a secret."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if re.sub("[-_ ]", "", name.lower()) in _SECRETS and not list(placeholders(inner)):
                raise source.error((*keys, name), "looks like a secret", hint='Use token = "env:NAME" and header.')
            _check_content(source, inner, (*keys, name))
    elif isinstance(value, list):
        for inner in value:
            _check_content(source, inner, keys)
    elif type(value) not in (str, int, float, bool) or (type(value) is float and value - value != 0):
        raise source.error(keys, "is a time, NaN or infinity, which JSON does not have", hint="Write it as a text.")


def _paging(table: Table) -> PagingDeclared:
    size = table.whole("page_size", 100, least=1, most=1_000_000)
    return PagingDeclared(
        style=table.text("style", "page", choices=STYLES),
        first=table.whole("first", 1, least=0, most=1),
        page_size=size,
        page_size_max=table.whole("page_size_max", size, least=size, most=1_000_000),
        longest_window=table.duration("longest_window"),
        records_max=table.optional_whole("records_max", least=1, most=10**12),
    )


def _placeholders(request: Requested, paging: PagingDeclared, tables: dict[str, Table]) -> frozenset[str]:
    """Return the placeholders of a request, all known and none missing that pages depend on."""
    by_page = paging.style == "page"
    known = {"from", "to", "page_size", *(("page", "offset") if by_page else ("cursor",))}
    used = set()
    for keys, name in _all_placeholders(request):
        if name not in known:
            names = ", ".join(f"{{{each}}}" for each in sorted(known))
            raise tables["request"].source.error(
                keys,
                f"has the placeholder {{{name}}}; known are {names}{nearest(name, known)}",
                hint=f"{{{{{name}}}}} stands for the text {{{name}}} itself.",
            )
        used.add(name)
    where = tables["request"]
    if by_page and not used & {"page", "offset"}:
        raise where.missing(
            "params", ": no {page} or {offset} is in the request, so that every page would be the first"
        )
    if "{cursor}" in request.path:
        raise where.error("path", "holds {cursor}, which the first page has none of", hint="Use [request.params].")
    if not by_page and "cursor" not in used:
        raise where.missing("params", ": no {cursor} is in the request, so that every page would be the first")
    if len(used & {"from", "to"}) == 1:
        raise where.missing("params", ": {from} and {to} go together, or windows would overlap")
    if request.time == "date" and paging.records_max is not None:
        raise tables["paging"].error("records_max", 'cannot be with time = "date": days cannot be split')
    return frozenset(used)


def _all_placeholders(request: Requested) -> Iterator[tuple[Keys, str]]:
    yield from placeholders(request.path, ("request", "path"))
    yield from placeholders(request.params, ("request", "params"))
    yield from placeholders(request.body, ("request", "body"))


def _answer(table: Table, paging: PagingDeclared) -> Answered:
    names = ("records", "page_count", "total", "page", "page_size", "next_cursor")
    answer = Answered(**{name: table.path(name) for name in names})
    if not answer.records:
        raise table.missing("records")
    if paging.style == "cursor" and not answer.next_cursor:
        raise table.missing("next_cursor", ': with style = "cursor" it alone tells the end')
    if paging.style == "cursor":
        for name in names[1:5]:
            if table.taken[name]:
                raise table.error(name, 'goes with style = "page" only')
        return answer
    if answer.next_cursor:
        raise table.error("next_cursor", 'goes with style = "cursor" only')
    if not answer.page_count and not answer.total:
        raise table.missing("page_count", ", and so is answer.total: nothing would tell that all has come")
    return answer


def _check_columns(table: Table, columns: "Fields | None") -> None:
    if columns is None:
        return
    key, start = table.taken["key"], table.taken["start"]
    if columns.get(key) not in ("text", "integer"):
        raise table.error("key", f"is {key!a}, which [schema] does not declare as text or integer")
    if start and columns.get(start) != "instant":
        raise table.error("start", f"is {start!a}, which [schema] does not declare as instant")
