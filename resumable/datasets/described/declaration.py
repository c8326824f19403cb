"""Reads and checks the TOML file that describes a paged endpoint; `tests/datasets/described/example.toml` is one.

A description is data and never code: its path stays on the configured API origin, its token is the name of an
environment variable, and what an answer says is only ever read, not followed.
"""

import json
import re
import tomllib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from resumable.datasets.described.columns import declared_columns
from resumable.datasets.described.forms import Each, ServerJob, read_each, read_server_job
from resumable.datasets.described.paging import Answered, PagingDeclared, check_placeholders, read_answered, read_paging
from resumable.datasets.described.records import COMPOSED, KeyPart, read_key
from resumable.datasets.described.request import Requested, read_request
from resumable.datasets.token_forms import GivenToken, TokenForm
from resumable.errors import UsageError
from resumable.schema.fields import ColumnKind, Fields
from resumable.tomlfile import Table, TomlSource, nearest

LARGEST_BYTES: Final = 1_000_000
TABLES: Final = ("dataset", "request", "paging", "each", "server_job", "answer", "record", "schema")
LATER: Final = ("permission", "strict", "next_uri", "may_lack")
"""Keys that came later: left out of the canonical text where they say nothing, so that older jobs stay the same."""

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
_HEADER = re.compile(r"([A-Za-z][A-Za-z0-9-]{0,60}): ([\x20-\x7e]{0,60}\{token\}[\x20-\x7e]{0,60})")
_OUR_HEADERS = {"host", "content-length", "content-type", "transfer-encoding", "connection", "accept", "user-agent"}


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
    """The column that names a record."""
    key_parts: tuple[KeyPart, ...]
    """What that column is made of, where no member of the record alone names it."""
    start: str | None
    permission: str
    """What the client's role needs, as Genesys names it."""
    strict: bool
    """Whether answers hold nothing but what is described: then a word of an error is one, and each record has a key."""
    each: Each | None
    """What a request is for, where there is one for each id of a list."""
    server_job: ServerJob | None
    """The job on the server that the request makes, where the records are its results."""
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
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.", hint="DATASET is a name or a file.") from None
    except UnicodeDecodeError:
        raise UsageError(f"{path} is not UTF-8 text.", hint="Save it as UTF-8.") from None
    if len(content) > LARGEST_BYTES:
        raise UsageError(
            f"{path} is longer than {LARGEST_BYTES:,} bytes.", hint="DATASET is a name, or a file that describes one."
        )
    return from_text(text, path, reserved=reserved)


def from_text(text: str, name: str, *, reserved: frozenset[str] = frozenset()) -> Declaration:
    """Read the text of a file of that name. Raises UsageError naming file, line and key."""
    source = TomlSource(name=name, text=text)
    try:
        raw = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise UsageError(f"{name} is not valid TOML: {error}.", hint="Correct it there.") from None
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
    request, paging = read_request(tables["request"]), read_paging(tables["paging"])
    each = read_each(tables["each"]) if "each" in raw else None
    server_job = read_server_job(tables["server_job"]) if "server_job" in raw else None
    used = check_placeholders(request, paging, tables, each=each, server_job=server_job)
    key, key_parts = read_key(record)
    columns = _columns(raw, source, composed=bool(key_parts), each=each, server_job=server_job)
    known = Declaration(
        name=_name(dataset),
        title=dataset.text("title"),
        rate_per_minute=dataset.number("rate_per_minute", 60.0, least=0.01, most=1e6),
        token=_token(dataset),
        request=request,
        paging=paging,
        answer=read_answered(tables["answer"], paging.style),
        key=key,
        key_parts=key_parts,
        start=record.text("start") or None,
        permission=dataset.text("permission"),
        strict=dataset.flag("strict"),
        each=each,
        server_job=server_job,
        columns=columns,
        used=used,
        canonical="",
    )
    said = (name for name in tables if name in raw or name not in ("each", "server_job"))
    canonical = {name: _told(tables[name]) for name in said}
    if columns is not None:
        canonical["schema"] = raw["schema"]
    _check_columns(record, key, columns)
    return replace(known, canonical=json.dumps(canonical, separators=(",", ":")))


def _told(table: Table) -> dict[str, Any]:
    return {key: value for key, value in table.done().items() if key not in LATER or value}


def _columns(
    raw: dict[str, Any], source: TomlSource, *, composed: bool, each: Each | None, server_job: ServerJob | None
) -> "Fields | None":
    """Read the columns; those that a description adds to each record come with it."""
    added = ([COMPOSED] if composed else []) + ([each.column] if each is not None and each.column else [])
    if "schema" not in raw:
        if added or server_job is not None:
            raise source.error(("schema",), "is missing, and columns are inferred of plain pages only")
        return None
    declared = declared_columns(raw["schema"], source)
    return {**{name: ColumnKind.TEXT for name in added if name not in declared}, **declared}


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


def _check_columns(table: Table, key: str, columns: "Fields | None") -> None:
    if columns is None:
        return
    start = table.taken["start"]
    if columns.get(key) not in ("text", "integer"):
        raise table.error("key", f"is {key!a}, which [schema] does not declare as text or integer")
    if start and columns.get(start) != "instant":
        raise table.error("start", f"is {start!a}, which [schema] does not declare as instant")
