"""A paged endpoint that a file describes: the contract is made of the description, and of nothing that is code."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cached_property
from typing import Any, Literal

from resumable.datasets.contract import (
    Answer,
    next_cursor,
    no_json,
    whole_number,
)
from resumable.datasets.described.columns import declared_columns, inferred_columns
from resumable.datasets.described.declaration import Declaration, from_canonical, from_file
from resumable.datasets.described.template import UNITS as TIME_UNITS
from resumable.datasets.described.template import as_parameter, filled, filled_path, object_at, written
from resumable.datasets.facts import NO_FILTERS, Excess, Filters, PageSizes, Paging
from resumable.datasets.page_bodies import Envelope, read_answer
from resumable.datasets.token_forms import GivenToken, TokenForm
from resumable.errors import ManifestUnusable, UsageError
from resumable.models import MOST_COUNTED, MOST_ON_A_PAGE, MOST_PAGES, Interval, Query, Request, Said
from resumable.redaction import Redactor
from resumable.schema.fields import Fields
from resumable.schema.schema import Schema, build
from resumable.schema.strict_json import NotJson
from resumable.text import spoken
from resumable.tomlfile import TomlSource


@dataclass(frozen=True, kw_only=True)
class Declared:
    """What described endpoints have in common, whatever the style of their paging."""

    declaration: Declaration
    columns: "Fields | None"
    """None where they are to be inferred and have not been yet: then the key alone is a column."""

    @property
    def name(self) -> str:
        """The name that the description gives."""
        return self.declaration.name

    @cached_property
    def schema(self) -> Schema:
        """The columns as declared, or as inferred."""
        key, start = self.declaration.key, self.declaration.start
        columns = inferred_columns([], key, start) if self.columns is None else self.columns
        return build(self.name, 1, columns, key, start)

    @property
    def documented_rate(self) -> float:
        """`rate_per_minute`."""
        return self.declaration.rate_per_minute

    @property
    def page_sizes(self) -> PageSizes:
        """`page_size` and `page_size_max`; where its request has no place for one, the server alone decides."""
        asked = "page_size" in self.declaration.used
        paging = self.declaration.paging
        excess = Excess.REFUSED if asked else Excess.IGNORED
        return PageSizes(usual=paging.page_size, most=paging.page_size_max, excess=excess)

    @property
    def interval_max(self) -> timedelta | None:
        """`longest_window`."""
        return self.declaration.paging.longest_window

    @property
    def interval_min(self) -> timedelta | None:
        """An hour, or a day where its request names days."""
        by_day = self.declaration.request.time == "date"
        return None if self.timeless else timedelta(days=1) if by_day else timedelta(hours=1)

    @property
    def deep_limit(self) -> int | None:
        """`records_max`."""
        return self.declaration.paging.records_max

    @property
    def token_form(self) -> TokenForm | GivenToken:
        """`token` and `header`."""
        return self.declaration.token

    @property
    def timeless(self) -> bool:
        """Whether its request has no place for a range."""
        return "from" not in self.declaration.used

    @property
    def end_key(self) -> None:
        """Return None: a description says nothing of an end."""
        return None

    @property
    def by_id(self) -> None:
        """Return None: a description has no other request."""
        return None

    @property
    def counting(self) -> None:
        """Return None: a description has no other request."""
        return None

    @property
    def table(self) -> str:
        """Its name."""
        return self.name

    @property
    def filters(self) -> Filters:
        """Nothing: what narrows it is in the description."""
        return NO_FILTERS

    @property
    def description(self) -> str:
        """The description with every default."""
        return self.declaration.canonical

    def sample(self, body: bytes, redactor: Redactor) -> str:
        """Return the columns that hold a page, as text for `with_columns`; empty where it has no records.

        Raises ProtocolFault.
        """
        from resumable.schema.decode import records_of

        try:
            _, _, records = records_of(body, self.declaration.answer.records)
        except NotJson as error:
            raise no_json(error, body, redactor) from None
        if not records:
            return ""
        return json.dumps(inferred_columns(records, self.declaration.key, self.declaration.start))

    def _values(self, window: Interval, page_size: int) -> dict[str, str | int]:
        form, inclusive = self.declaration.request.time, self.declaration.request.inclusive
        end = window.end - TIME_UNITS[form] if inclusive else window.end
        try:
            return {"page_size": page_size, "from": written(window.start, form), "to": written(end, form)}
        except ValueError as error:
            raise UsageError(
                f"{self.name} cannot be asked for the window {spoken(window)}: {error}.",
                hint='With time = "date" the range and its windows are whole UTC days; with "epoch_s", whole seconds.',
            ) from None

    def _request(self, values: Mapping[str, str | int]) -> Request:
        made = self.declaration.request
        return Request(
            method=made.method,
            path=filled_path(made.path, values),
            params={name: as_parameter(filled(value, values)) for name, value in made.params.items()},
            body=filled(made.body, values) if made.method == "POST" else None,
        )

    def _envelope(self, members: Iterable[str]) -> Envelope:
        where = self.declaration.answer.records
        return Envelope(
            records_key=where[-1],
            within=where[:-1],
            members={*members},
            # A count of 0 where the description has one says that there is nothing, as the missing list does.
            may_lack=lambda said, _: 0 in (said.total, said.page_count),
            documented=False,
        )

    def _whole(self, answer: Mapping[str, Any], keys: tuple[str, ...], *, most: int = MOST_COUNTED) -> int | None:
        return whole_number(object_at(answer, keys[:-1]), keys[-1], most=most) if keys else None


@dataclass(frozen=True, kw_only=True)
class DeclaredPages(Declared):
    """A described endpoint whose pages have numbers."""

    paging: Literal[Paging.NUMBERED] = Paging.NUMBERED
    open_end: bool = False

    @property
    def inferred(self) -> "DeclaredPages | None":
        """This, as long as nobody has said the columns and no page has shown them."""
        return self if self.columns is None else None

    def first_page(self, query: Query, window: Interval, page_size: int) -> Request:
        """Build the request for the first page of a window. Raises UsageError for one it cannot ask for."""
        return self.request(query, window, 1, page_size)

    def request(self, query: Query, window: Interval, number: int, page_size: int) -> Request:
        """Build the request for page `number`. Raises UsageError for a window that it cannot ask for."""
        first = self.declaration.paging.first
        pages: dict[str, str | int] = {"page": number - 1 + first, "offset": (number - 1) * page_size}
        return self._request({**self._values(window, page_size), **pages})

    def read(self, body: bytes, page_size: int, redactor: Redactor) -> Answer:
        """Read the records and what the answer says of paging, each from where the description has it.

        Raises ProtocolFault.
        """
        where = self.declaration.answer
        asked = (where.page_count, where.total, where.page, where.page_size)
        return read_answer(
            body,
            self.schema,
            envelope=self._envelope(keys[0] for keys in asked if keys),
            redactor=redactor,
            said=lambda envelope: self._said(envelope, page_size),
        )

    def _said(self, envelope: Mapping[str, Any], page_size: int) -> Said:
        where = self.declaration.answer
        total = self._whole(envelope, where.total)
        page_count = self._whole(envelope, where.page_count, most=MOST_PAGES)
        page = self._whole(envelope, where.page, most=MOST_PAGES)
        size = self._whole(envelope, where.page_size, most=MOST_ON_A_PAGE)
        by_offset = "offset" in self.declaration.used
        used = size if size is not None and 0 < size < page_size and not by_offset else page_size
        if not where.page_count and total is not None:
            page_count = -(-total // used)
        elif total == 0 and page_count == 1:
            page_count = 0  # some count an empty answer as a page
        return Said(
            page_count=page_count,
            total=total,
            page_number=None if page is None else page - self.declaration.paging.first + 1,
            page_size=None if used == page_size else used,
            # Pages are then where we reckon them to be: a server that uses smaller ones would be read with gaps.
            page_rows=page_size if by_offset else None if where.page_count else used,
        )


@dataclass(frozen=True, kw_only=True)
class DeclaredWalk(Declared):
    """A described endpoint where each page names the next one by a cursor."""

    paging: Literal[Paging.CURSOR] = Paging.CURSOR

    @property
    def inferred(self) -> "DeclaredWalk | None":
        """This, as long as nobody has said the columns and no page has shown them."""
        return self if self.columns is None else None

    def first_page(self, query: Query, window: Interval, page_size: int) -> Request:
        """Build the request for the first page of a window. Raises UsageError for one it cannot ask for."""
        return self.page(query, window, None, page_size)

    def page(self, query: Query, window: Interval, cursor: str | None, page_size: int) -> Request:
        """Build the request for the page that a cursor stands for; None is the first, which has no cursor member.

        Raises UsageError for a window that it cannot ask for.
        """
        values = {**self._values(window, page_size), "cursor": _NOWHERE if cursor is None else cursor}
        made = self._request(values)
        return replace(made, params=_without(made.params), body=_without(made.body))

    def read_results(self, body: bytes, redactor: Redactor) -> Answer:
        """Read a page; `said.cursor` stands for the next one, None after the last. Raises ProtocolFault."""
        where = self.declaration.answer

        def said(envelope: Mapping[str, Any]) -> Said:
            return Said(cursor=next_cursor(object_at(envelope, where.next_cursor[:-1]), where.next_cursor[-1]))

        return read_answer(
            body, self.schema, envelope=self._envelope([where.next_cursor[0]]), redactor=redactor, said=said
        )


_NOWHERE = "\0"
"""Stands in a request for a cursor that there is none of, and for nothing else."""


def _without(body: Any) -> Any:  # noqa: ANN401 - JSON
    if isinstance(body, dict):
        return {name: _without(value) for name, value in body.items() if not _is_nowhere(value)}
    if isinstance(body, list):
        return [_without(value) for value in body if not _is_nowhere(value)]
    return body


def _is_nowhere(value: object) -> bool:
    return isinstance(value, str) and _NOWHERE in value


def load(path: str, *, reserved: frozenset[str]) -> DeclaredPages | DeclaredWalk:
    """Return the endpoint that a file describes. Raises UsageError naming file, line and key."""
    return _contract(from_file(path, reserved=reserved), "")


def rebuilt(canonical: str, columns: str) -> DeclaredPages | DeclaredWalk:
    """Return the endpoint of a job, from what its manifest keeps: the description, and the columns where inferred.

    Raises ManifestUnusable.
    """
    try:
        return _contract(from_canonical(canonical), columns)
    except (ValueError, UsageError) as error:
        raise ManifestUnusable(
            f"the description of the job's dataset cannot be used: {error}.",
            hint="Use the version that began the job, or begin it again under another --job.",
        ) from None


def _contract(declaration: Declaration, columns: str) -> DeclaredPages | DeclaredWalk:
    known = declaration.columns
    if known is None and columns:
        known = declared_columns(json.loads(columns), TomlSource(name="the columns kept with the job"))
    made = DeclaredPages if declaration.paging.style == "page" else DeclaredWalk
    return made(declaration=declaration, columns=known)
