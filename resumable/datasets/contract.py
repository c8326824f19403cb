"""What a dataset is to the rest of the product: how to ask for a page, and how to read the answer."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol, TypeAlias

from resumable.datasets.beside import ById, Counting
from resumable.datasets.facts import CursorStep, Filters, PageSizes, Paging
from resumable.datasets.remote_status import RemoteStatus
from resumable.datasets.token_forms import GivenToken, TokenForm
from resumable.errors import Failure, NoRecords, PageBeyondEnd, ProtocolFault
from resumable.models import MOST_COUNTED, MOST_PAGES, Interval, Query, Request, Said, WindowContract, moment_of
from resumable.redaction import Redactor
from resumable.schema.schema import Schema
from resumable.schema.strict_json import NotJson, strict_json

if TYPE_CHECKING:
    import pyarrow as pa

LONGEST_CURSOR: Final = 4096
"""Characters; it travels in the address of a request, of which servers take 8 KB."""
_ID: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:~=+@-]{0,199}")


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A page as it was served: one table row a record (None where none came), and what it said of paging."""

    table: "pa.Table | None"
    said: Said
    drift: Mapping[str, int] = field(default_factory=dict)
    """What the schema had no place for, counted by path."""
    emptiness: str = ""
    """Where no record came: how the answer said so, and its start, scrubbed."""
    may_be_empty: bool = False
    """Whether it may have no records though a next one is named: that is of another id."""

    @property
    def rows(self) -> int:
        """How many records came."""
        return 0 if self.table is None else self.table.num_rows


class Contract(Protocol):
    """What all contracts have in common. Frozen; it keeps nothing between pages."""

    @property
    def name(self) -> str:
        """The name on the command line."""

    @property
    def paging(self) -> Paging:
        """How its pages follow each other: what the union of contracts is told apart by."""

    @property
    def schema(self) -> Schema:
        """The pinned schema of its parts."""

    @property
    def documented_rate(self) -> float:
        """Requests a minute until the server tells otherwise."""

    @property
    def page_sizes(self) -> PageSizes:
        """How many records a page may be asked for."""

    @property
    def interval_max(self) -> timedelta | None:
        """The longest window that one request may cover; None where there is no such limit."""

    @property
    def interval_min(self) -> timedelta | None:
        """Down to what length a window can be cut, where it is too heavy; None where it cannot be cut."""

    @property
    def deep_limit(self) -> int | None:
        """How many records of one window can be paged through; a window with more is split."""

    @property
    def end_key(self) -> str | None:
        """The column that a record lacks until it has ended; None where its records have no end."""

    @property
    def by_id(self) -> ById | None:
        """Asks for single records, as its pages have them; None where there is no way to."""

    @property
    def counting(self) -> Counting | None:
        """Counts a window by other means than its pages; None where their answers tell how much there is."""

    @property
    def token_form(self) -> TokenForm | GivenToken:
        """How its tokens are asked for."""

    @property
    def timeless(self) -> bool:
        """Whether it has no range of time: a list as it is on the day it is asked for."""

    @property
    def table(self) -> str:
        """Names the table that its records are in an export."""

    @property
    def filters(self) -> Filters:
        """What narrows a query of it."""

    @property
    def description(self) -> str | None:
        """The description that it was made of, canonical, so that a job needs no file; None where it is code."""

    @property
    def inferred(self) -> "Inferred | None":
        """Infers its columns from a page; None where they are known before one has come."""


class Inferred(Protocol):
    """A contract of which nobody has said the columns."""

    def first_page(self, query: Query, window: Interval, page_size: int) -> Request:
        """Build the request for the first page of a window. Raises UsageError for a window it cannot ask for."""

    def sample(self, body: bytes, redactor: Redactor) -> str:
        """Return the columns that hold a page, as text for `resolve.of_job`; empty where it has no records.

        Raises ProtocolFault.
        """


class PagedContract(Contract, Protocol):
    """A contract whose pages have numbers, and can be asked for in any order."""

    @property
    def paging(self) -> Literal[Paging.NUMBERED]:
        """By numbers."""

    @property
    def open_end(self) -> bool:
        """Whether a last page that is full may have another one behind it: its total is only approximate."""

    def request(self, query: Query, window: Interval, number: int, page_size: int) -> Request:
        """Build the request for page `number` (from 1) of a window."""

    def read(self, body: bytes, page_size: int, redactor: Redactor) -> Answer:
        """Read the body of an answer to a request for `page_size` records. Raises ProtocolFault."""


class JobContract(Contract, Protocol):
    """A contract by asynchronous jobs on the server: one a window, its pages strictly one after the other."""

    @property
    def paging(self) -> Literal[Paging.SERVER_JOB]:
        """Through a job on the server."""

    def submit(self, query: Query, window: Interval) -> Request:
        """Build the request that makes a job. Sending it twice makes two."""

    def read_id(self, body: bytes) -> str:
        """Read the job's id. Raises ProtocolFault."""

    def poll(self, remote: str) -> Request:
        """Build the request for a job's state."""

    def read_status(self, body: bytes, redactor: Redactor) -> RemoteStatus:
        """Read a job's state. Raises ProtocolFault."""

    def results(self, remote: str, cursor: str | None, page_size: int) -> Request:
        """Build the request for the page that a cursor stands for; None is the first."""

    def read_results(self, body: bytes, redactor: Redactor) -> Answer:
        """Read a page; `said.cursor` stands for the next one, None after the last. Raises ProtocolFault."""

    def delete(self, remote: str) -> Request | None:
        """Build the request that deletes a job and frees its place; None where there is none."""

    def availability(self) -> Request | None:
        """Build the request for the time up to which data is there; None where nobody can be asked."""

    def read_availability(self, body: bytes) -> datetime | None:
        """Read that time; None where the server says nothing. Raises ProtocolFault."""


class CursorContract(Contract, Protocol):
    """A contract where each page names the next one, with no job on the server behind it."""

    @property
    def paging(self) -> Literal[Paging.CURSOR]:
        """Along a cursor."""

    @property
    def skips_missing(self) -> bool:
        """Whether a 404 says of what was asked for that there is nothing."""

    def page(self, query: Query, window: Interval, cursor: str | None, page_size: int) -> Request:
        """Build the request for the page that a cursor stands for; None is the first."""

    def read_page(self, body: bytes, redactor: Redactor, step: CursorStep) -> Answer:
        """Read a page; `said.cursor` stands for the next one, None after the last. Raises ProtocolFault."""

    def read_missing(self, body: bytes, step: CursorStep) -> Answer:
        """Read a 404 as a page without records. Raises ProtocolFault where it is not the API's."""


class MixedContract(Contract, Protocol):
    """A contract that takes each window by one of two others, with one schema; the manifest says by which."""

    @property
    def paging(self) -> Literal[Paging.BY_WINDOW]:
        """As that of the window's own contract."""

    @property
    def bulk(self) -> JobContract:
        """Takes windows that the source has whole for jobs on the server, in far fewer requests."""

    @property
    def recent(self) -> PagedContract:
        """Takes the windows after those."""


def checked(answer: Answer, number: int) -> Answer:
    """Return an answer that can be believed as page `number`, or raise ProtocolFault or PageBeyondEnd.

    Never lets a page pass with no records where there should be some.
    """
    said = answer.said
    if said.page_count is None:
        why = "the answer names no page count"
        raise ProtocolFault(f"{why}, and {answer.emptiness}" if answer.emptiness else why)
    if said.page_count > MOST_PAGES:
        raise ProtocolFault(f"the answer names {said.page_count} pages")
    if number > max(said.page_count, 1):
        raise PageBeyondEnd(f"the window has {said.page_count} pages now", page_count=said.page_count)
    if said.page_number is not None and said.page_number != number:
        raise ProtocolFault(f"asked for page {number}, and the answer says it is page {said.page_number}")
    if answer.rows == 0 and said.page_count > 0:
        why = f"a page count of {said.page_count}, and {answer.emptiness or 'no records'}"
        raise NoRecords(why, page_count=said.page_count, total=said.total, page_size=said.page_size)
    if said.page_rows is not None and number < said.page_count and answer.rows < said.page_rows:
        raise ProtocolFault(f"page {number} of {said.page_count} has {answer.rows} records, not {said.page_rows}")
    if answer.rows > 0 and said.page_count == 0:
        raise ProtocolFault(f"{answer.rows} records, beside a page count of 0")
    return answer


def no_json(error: NotJson, body: bytes, redactor: Redactor | None) -> ProtocolFault:
    """Return the fault for a body that is not JSON, with its start, scrubbed, where there is who can do that."""
    answer = None if redactor is None else redactor.whole(body)
    return ProtocolFault(quoting(error.reason, body, redactor), failure=Failure.NOT_JSON, answer=answer)


def quoting(reason: str, body: bytes, redactor: Redactor | None) -> str:
    """Return a reason with the start of the answer that it is about, scrubbed."""
    start = redactor.answer_start(body, 80) if redactor else None
    return reason if start is None else f"{reason} (starts with {start!r})"


def whole_number(answer: Mapping[str, Any], name: str, *, most: int = MOST_COUNTED) -> int | None:
    """Return a member that must be a count, None where it is absent. Raises ProtocolFault for anything else.

    A count is a whole number from 0 to `most`: what is stored, added up and put into names is read here, and bounded.
    """
    value = answer.get(name)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool):
        raise ProtocolFault(f"{name} is not a whole number")
    if not 0 <= value <= most:
        raise ProtocolFault(f"{name} is out of range ({_few_digits(value)})")
    return value


def _few_digits(value: int) -> str:
    # Of thousands of digits a count has none to be shown, and Python makes no text.
    return str(value) if abs(value) < 10**20 else "more than 20 digits"


def identifier(answer: Mapping[str, Any], name: str) -> str:
    """Return a member that must be an id of the server's. Raises ProtocolFault for anything else."""
    value = text(answer, name)
    if not value:
        raise ProtocolFault(f"the answer names no {name}")
    if not usable_id(value):
        raise ProtocolFault(f"{name} is no id that a path could hold")
    return value


def usable_id(value: str) -> bool:
    """Tell whether a text can be an id: it becomes a piece of a path, a row and a word in messages."""
    return _ID.fullmatch(value) is not None


def next_cursor(answer: Mapping[str, Any], name: str) -> str | None:
    """Return the member that stands for the next page; None after the last. Raises ProtocolFault for anything else."""
    value = text(answer, name)
    if value and (len(value) > LONGEST_CURSOR or not value.isprintable()):
        raise ProtocolFault(f"{name} is no cursor that a request could hold")
    return value or None


def text(answer: Mapping[str, Any], name: str) -> str | None:
    """Return a member that must be text, None where it is absent or null. Raises ProtocolFault for anything else."""
    value = answer.get(name)
    if value is None or (isinstance(value, str) and _writable(value)):
        return value
    raise ProtocolFault(f"{name} is not text")


def _writable(value: str) -> bool:
    """Tell whether a text can be written down: JSON may hold half a character, which no encoding can."""
    return not any("\ud800" <= character <= "\udfff" for character in value)


def instant(answer: Mapping[str, Any], name: str) -> datetime | None:
    """Return a member that must be a time, None where it is absent or null. Raises ProtocolFault for anything else."""
    value = text(answer, name)
    if value is None:
        return None
    try:
        return moment_of(value)
    except (ValueError, OverflowError):  # the latter for a year that another zone's time takes out of the calendar
        raise ProtocolFault(f"{name} is not a time") from None


def members(body: bytes, redactor: Redactor | None = None) -> dict[str, Any]:
    """Read a body that must be a JSON object. Raises ProtocolFault."""
    try:
        answer = strict_json(body)
    except NotJson as error:
        raise no_json(error, body, redactor) from None
    if not isinstance(answer, dict):
        raise ProtocolFault("the answer is not a JSON object")
    return answer


OneContract: TypeAlias = PagedContract | JobContract | CursorContract
"""By which a window is taken."""

AnyContract: TypeAlias = OneContract | MixedContract


def taken_by(contract: AnyContract, which: WindowContract | None) -> OneContract:
    """Return the contract of a window; `which` is what the manifest or a footer says of it, None for a lone one."""
    if contract.paging is not Paging.BY_WINDOW:
        return contract
    return contract.recent if which is WindowContract.QUERY else contract.bulk
