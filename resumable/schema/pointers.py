"""Where a value stands in its record: as a JSON Pointer for one, as a pattern for the drift count."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, kw_only=True, eq=False)
class Record:
    """The records of a page themselves."""

    def pattern(self) -> str:
        """Return the pattern of a record, which is empty."""
        return ""

    def find(self, index: int) -> tuple[int, str]:
        """Return the number of the record and the pointer into it."""
        return index, ""


@dataclass(frozen=True, kw_only=True, eq=False)
class Member:
    """The values of one member of the objects at `parent`, one for each object."""

    parent: "Place"
    name: str
    free: bool = False
    """Whether the name is one of many that data makes up; the pattern then is `*`."""

    def pattern(self) -> str:
        """Return the path as `participants[].sessions[].ani`."""
        before = self.parent.pattern()
        name = "*" if self.free else self.name
        return f"{before}.{name}" if before else name

    def find(self, index: int) -> tuple[int, str]:
        """Return the number of the record and the pointer of value `index`."""
        record, pointer = self.parent.find(index)
        return record, f"{pointer}/{escape(self.name)}"


@dataclass(frozen=True, kw_only=True, eq=False)
class Element:
    """The elements of the lists at `parent`, laid end to end; `starts` holds the number of each list's first."""

    parent: "Place"
    starts: Sequence[int]

    def pattern(self) -> str:
        """Return the path of the list with `[]` behind it."""
        return f"{self.parent.pattern()}[]"

    def find(self, index: int) -> tuple[int, str]:
        """Return the number of the record and the pointer of element `index`."""
        owner = bisect_right(self.starts, index) - 1
        record, pointer = self.parent.find(owner)
        return record, f"{pointer}/{index - self.starts[owner]}"


Place: TypeAlias = Record | Member | Element


def escape(name: str) -> str:
    """Write a name as a token of a JSON Pointer (RFC 6901)."""
    return name.replace("~", "~0").replace("/", "~1")


def tokens(pointer: str) -> list[str]:
    """Split a JSON Pointer into its names and list positions."""
    return [token.replace("~1", "/").replace("~0", "~") for token in pointer.split("/")[1:]]
