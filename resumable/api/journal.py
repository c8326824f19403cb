"""Where the mechanisms of asking report what they did."""

from datetime import datetime
from typing import Protocol

from resumable.errors import Fault
from resumable.models import Counter, EventKind


class Journal(Protocol):
    """Where mechanisms report what they did; the manifest is one."""

    def count(self, counter: Counter) -> None:
        """Add one to a lifetime counter; it is counted before the thing happens, so that a kill never undercounts."""

    def event(self, kind: EventKind, text: str) -> None:
        """Keep one line of history."""

    def failed(self, asked: str, fault: Fault) -> None:
        """Keep why the last exchange failed; `asked` is what it was for, in the words of a status line."""

    def outage(self, since: datetime | None, why: str) -> None:
        """Keep since when nobody is answered, and why; None once somebody is."""

    def answered(self, seconds: float, *, allowed: float, others: int | None = None) -> None:
        """Take in an answer: after so many seconds, requests a minute allowed, and used by others where it tells."""
