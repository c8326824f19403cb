"""A described endpoint read one page after the other: along a cursor or an address, in one piece, or id by id."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from resumable.datasets.contract import Answer, members, next_cursor, text
from resumable.datasets.described.addresses import next_address
from resumable.datasets.described.declared import Declared
from resumable.datasets.described.template import object_at
from resumable.datasets.facts import CursorStep, Paging
from resumable.errors import NoRecords, ProtocolFault, UsageError
from resumable.models import MOST_PAGES, Interval, Query, Request, Said
from resumable.redaction import Redactor

NOWHERE = "\0"
"""Stands in a request for a cursor that there is none of, and for nothing else."""


@dataclass(frozen=True, kw_only=True)
class DeclaredWalk(Declared):
    """Pages one after the other. Where there is a request for each id, a cursor is the place of the id and the page."""

    paging: Literal[Paging.CURSOR] = Paging.CURSOR

    @property
    def inferred(self) -> "DeclaredWalk | None":
        """This, as long as nobody has said the columns and no page has shown them."""
        return self if self.columns is None else None

    @property
    def skips_missing(self) -> bool:
        """Whether a 404 says that there is nothing of an id."""
        return self.declaration.each is not None and self.declaration.each.skips_missing

    def first_page(self, query: Query, window: Interval, page_size: int) -> Request:
        """Build the request for the first page of a window. Raises UsageError for one it cannot ask for."""
        return self.page(query, window, None, page_size)

    def page(self, query: Query, window: Interval, cursor: str | None, page_size: int) -> Request:
        """Build the request for the page that a cursor stands for; None is the first, which has no cursor member.

        Raises UsageError for a window that it cannot ask for.
        """
        declaration, (index, inner) = self.declaration, self._place(cursor)
        if declaration.paging.style == "next" and inner is not None:
            return Request(method="GET", path=inner)
        values = {**self._values(window, page_size), "cursor": NOWHERE if inner is None else inner}
        if declaration.paging.style == "page":
            number = int(inner or 1)
            values |= {"page": number - 1 + declaration.paging.first, "offset": (number - 1) * page_size}
        if declaration.each is not None:
            values["each"] = ",".join(self._ids(query, index))
        made = self._request(values)
        return replace(made, params=without_nowhere(made.params), body=without_nowhere(made.body))

    def read_page(self, body: bytes, redactor: Redactor, step: CursorStep) -> Answer:
        """Read a page; `said.cursor` stands for the next one, None after the last. Raises ProtocolFault."""
        where, (index, inner) = self.declaration.answer, self._place(step.cursor)
        members = (where.page_count, where.total, where.page, where.page_size, where.next_cursor, where.next_uri)
        answer = self._answer(
            body,
            redactor,
            members,
            lambda envelope: Said(cursor=self._following(envelope, inner, step)),
            self._added(step.query, index),
        )
        following = answer.said.cursor
        if following is not None and not answer.rows:
            raise NoRecords(f"it names a next page, and {answer.emptiness}")
        return answer if self.declaration.each is None else self._then(answer, step.query, index, following)

    def read_missing(self, body: bytes, step: CursorStep) -> Answer:
        """Read a 404 as what it says of an id: that there is nothing. Raises ProtocolFault for one of a gateway's."""
        if text(members(body), "code") is None:
            raise ProtocolFault("a 404 that does not say what is missing")
        index, _ = self._place(step.cursor)
        gone = f"the server knows no {', '.join(self._ids(step.query, index))}"
        return self._then(Answer(table=None, said=Said(), emptiness=gone), step.query, index, None)

    def _then(self, answer: Answer, query: Query, index: int, following: str | None) -> Answer:
        """Return an answer with the place of what comes next: a page of the same ids, or the first of the next."""
        place: tuple[int, str | None] | None = None
        if following is not None:
            place = (index, following)
        elif self._ids(query, index + 1):
            place = (index + 1, None)
        cursor = None if place is None else json.dumps(place, separators=(",", ":"))
        return replace(answer, said=replace(answer.said, cursor=cursor), may_be_empty=following is None)

    def _place(self, cursor: str | None) -> tuple[int, str | None]:
        if self.declaration.each is None or cursor is None:
            return 0, cursor
        index, inner = json.loads(cursor)
        return int(index), inner

    def _ids(self, query: Query, index: int) -> tuple[str, ...]:
        each = self.declaration.each
        if each is None:
            return ()
        if not query.each:
            raise UsageError(f"{self.name} has no ids to ask for.", hint="Name the job that holds them: --each JOB.")
        return query.each[index * each.at_once : (index + 1) * each.at_once]

    def _added(self, query: Query, index: int) -> dict[str, str]:
        each = self.declaration.each
        return {each.column: self._ids(query, index)[0]} if each is not None and each.column else {}

    def _following(self, envelope: Mapping[str, Any], inner: str | None, step: CursorStep) -> str | None:
        where = self.declaration.answer
        if where.next_cursor:
            return next_cursor(object_at(envelope, where.next_cursor[:-1]), where.next_cursor[-1])
        if where.next_uri:
            return next_address(object_at(envelope, where.next_uri[:-1]), where.next_uri[-1], step.origin)
        return self._following_number(envelope, int(inner or 1), step) if where.page_count or where.total else None

    def _following_number(self, envelope: Mapping[str, Any], number: int, step: CursorStep) -> str | None:
        where = self.declaration.answer
        count, total = self._whole(envelope, where.page_count, most=MOST_PAGES), self._whole(envelope, where.total)
        echoed = self._whole(envelope, where.page, most=MOST_PAGES)
        if echoed is not None and (told := echoed - self.declaration.paging.first + 1) != number:
            raise ProtocolFault(f"asked for page {number}, and the answer says it is page {told}")
        if count is None and total is not None:
            size = self._whole(envelope, where.page_size, most=MOST_PAGES) or step.page_size
            count = -(-total // min(size, step.page_size))
        if count is None:
            raise ProtocolFault("the answer names no page count")
        return str(number + 1) if number < count else None


def without_nowhere(content: Any) -> Any:  # noqa: ANN401 - JSON
    """Return what goes into a request without the members that have no cursor to hold."""
    if isinstance(content, dict):
        return {name: without_nowhere(value) for name, value in content.items() if not _is_nowhere(value)}
    if isinstance(content, list | tuple):
        return type(content)(without_nowhere(value) for value in content if not _is_nowhere(value))
    return content


def _is_nowhere(value: object) -> bool:
    return isinstance(value, str) and NOWHERE in value
