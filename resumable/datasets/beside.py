"""What some contracts have beside their pages: a count of a window, and records by their ids."""

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

from resumable.models import Interval, Query, Request
from resumable.redaction import Redactor

if TYPE_CHECKING:
    import pyarrow as pa


class Counting(Protocol):
    """Counts what a window holds, beside the contract that brings it."""

    @property
    def what(self) -> str:
        """What it counts, in the plural, and by which means."""

    @property
    def interval_max(self) -> timedelta | None:
        """The longest window that one request may cover; None where there is no such limit."""

    @property
    def of_records(self) -> bool:
        """Whether it counts the records themselves; else something that lies in them, of which one may hold many."""

    def request(self, query: Query, window: Interval) -> Request:
        """Build the request for the count."""

    def read(self, body: bytes, redactor: Redactor) -> int:
        """Read it. Raises ProtocolFault."""


class ById(Protocol):
    """Asks for records by what names them."""

    @property
    def at_once(self) -> int:
        """So many by one request."""

    def request(self, ids: Sequence[str]) -> Request:
        """Build the request for some."""

    def read(self, body: bytes, redactor: Redactor) -> "pa.Table | None":
        """Read those that there are, one row each; None for none. Raises ProtocolFault."""
