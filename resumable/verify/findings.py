"""What a verification finds: each fault with its place, a sentence and the command that mends it; and their sum."""

import enum
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from resumable.models import Interval, PageKey, iso


class Flaw(enum.StrEnum):
    """The kinds of faults."""

    MISSING = "missing"
    """A page is recorded done, and its part is not there."""
    SIZE = "size"
    """A part has another size than is recorded."""
    CONTENT = "content"
    """A part has other bytes than are recorded, or the disk does not give them."""
    TORN = "torn"
    """A file under a part's name is not a whole part, although its row fits it."""
    IDENTITY = "identity"
    """A part says of itself that it is another one: of another job, query, window, take, page or snapshot."""
    SCHEMA = "schema"
    """A part was written with another schema than its job has."""
    RECORD = "record"
    """A part proves itself whole and the right one, and its row in the manifest says otherwise."""
    NOT_A_FILE = "not-a-file"
    """A link, a folder or a device is in the place of a part, or of a folder of parts."""
    COVERAGE = "coverage"
    """What is recorded does not cover what it says: a page without a row, sums that differ, a hole in the range."""
    ORPHAN = "orphan"
    """A file that no row names, and that whoever reads `parts/` would take for data."""
    LEFTOVER = "leftover"
    """A temporary file."""
    DUPLICATE = "duplicate"
    """The records of a complete window are not those that its closing check counted."""
    RECEIPT = "receipt"
    """The receipt of a complete job is missing, or says otherwise than the manifest."""
    SERVER = "server"
    """The server counts otherwise now."""
    MANIFEST = "manifest"
    """The manifest is lost, damaged, or does not agree with itself."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One fault. Its place is as narrow as it is known: a page, a window, a file, or the job."""

    flaw: Flaw
    window: Interval | None = None
    take: int | None = None
    number: int | None = None
    file: str | None = None
    """The key in the job's store of what is wrong, where it is one file or folder."""
    place: str | None = None
    """Where that is: a path, or a URL in a bucket. A manifest has a place and no key."""
    text: str
    """One sentence for people."""
    mend: str
    """The command that mends it, or advice where no command does."""
    typed: bool = True
    """Whether that is a command."""

    @property
    def path(self) -> Path | None:
        """Where the file is, for a job in a folder."""
        return None if self.place is None else Path(self.place)

    @property
    def key(self) -> PageKey | None:
        """The page, where it is one."""
        if self.window is None or self.take is None or self.number is None:
            return None
        return PageKey(window=self.window, take=self.take, number=self.number)

    def to_json(self) -> dict[str, Any]:
        """Return the object that `verify --json` prints of it."""
        return {
            "flaw": self.flaw.value,
            "window": None if self.window is None else {"from": iso(self.window.start), "to": iso(self.window.end)},
            "take": self.take,
            "page": self.number,
            "path": self.place,
            "text": self.text,
            "mend": self.mend,
        }


@dataclass(kw_only=True)
class Report:
    """How far a verification is, and at its end what it looked at; it changes while the verification goes."""

    job: str
    quick: bool
    """Whether the parts' contents were left unread."""
    online: bool
    windows: int = 0
    windows_all: int = 0
    pages: int = 0
    pages_all: int = 0
    bytes: int = 0
    bytes_all: int = 0
    counted: int = 0
    """Windows that the server was asked about."""
    complete: bool = False
    """Whether the job is complete, so that nothing may be missing."""
    found: Counter[Flaw] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)
    """What is no fault and worth knowing."""
    unanswered: list[str] = field(default_factory=list)
    """Windows that the server did not answer for, each with why."""

    @property
    def faults(self) -> int:
        """How many were found."""
        return self.found.total()

    def to_json(self) -> dict[str, Any]:
        """Return the object that `verify --json` prints, without the findings."""
        return {
            "job": self.job,
            "quick": self.quick,
            "online": self.online,
            "complete": self.complete,
            "windows": self.windows,
            "pages": self.pages,
            "bytes": self.bytes,
            "counted": self.counted,
            "faults": self.faults,
            "flaws": {flaw.value: self.found[flaw] for flaw in Flaw if self.found[flaw]},
            "notes": list(self.notes),
            "unanswered": list(self.unanswered),
        }
