"""What an export leaves beside what it wrote: from what it was made, so that the next one writes only what changed."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from resumable.export.days import NO_DAY

FORMAT: Final = 1


@dataclass(frozen=True, kw_only=True)
class DayFacts:
    """What was written of one day."""

    digest: str
    """Of what it was made from, as `Index.digest` has it."""
    rows: int
    file: str | None = None
    """Its path within the target; None where there is none, because it has no rows."""
    size: int = 0
    """Bytes of the file."""
    changed_ns: int = 0
    """When the file was last changed, by the disk's clock."""
    sha256: str = ""
    """In a bucket: of its bytes, ..."""
    tag: str = ""
    """... and what stood for them there when it had been put."""


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """What an export was made from, and what came of it."""

    job: str
    uuid: str
    made_as: str
    """Identifies format, table, schema and names: another one leaves nothing that could stay."""
    format: str | None = None
    table: str | None = None
    """What was asked for, "" for whole records; both None in receipts of older versions."""
    privacy: str | None = None
    """What was left out or hashed at the export, as `PrivacyRules` write it; what the job left out is in its query."""
    digest: str
    """Of every part."""
    rows: int
    records: int
    duplicates: int
    days: Mapping[str, DayFacts] = field(default_factory=dict)
    """By their partition's name; one of "" where records have no day."""
    size: int = 0
    changed_ns: int = 0
    sha256: str = ""
    tag: str = ""
    """Of an export that is one file, as of a day's."""

    def of_same(self, other: "Receipt") -> bool:
        """Tell whether another export is the same thing made anew: of the same job, in the same format and table."""
        if self.format is None or other.format is None:
            return (self.uuid, self.made_as) == (other.uuid, other.made_as)
        return (self.uuid, self.format, self.table) == (other.uuid, other.format, other.table)

    @property
    def what(self) -> str:
        """Say in words what was exported."""
        return f"the table {self.table} of the job {self.job}" if self.table else f"the job {self.job}"

    def to_json(self) -> str:
        """Return the text that `from_json` reads."""
        facts = asdict(self, dict_factory=_without_what_only_buckets_have)
        return json.dumps({"resumable_export": FORMAT, **facts}, indent=1, ensure_ascii=False)


def _without_what_only_buckets_have(members: list[tuple[str, Any]]) -> dict[str, Any]:
    """Leave out what says nothing, so that older versions read the receipts of folders."""
    return {name: value for name, value in members if value != "" or name not in ("sha256", "tag")}


def from_json(text: "str | bytes | Mapping[str, Any]") -> Receipt | None:
    """Read a receipt; None for anything else."""
    try:
        facts = json.loads(text) if isinstance(text, str | bytes) else dict(text)
        if facts.pop("resumable_export") != FORMAT:
            return None
        days = {day: DayFacts(**each) for day, each in facts.pop("days").items()}
        return Receipt(days=days, **facts)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def several(text: bytes) -> list[Receipt]:
    """Read the receipts that a file holds, the newest first; those that make no sense are passed over."""
    try:
        found = json.loads(text)
    except ValueError:
        return []
    receipts = map(from_json, found) if isinstance(found, list) else ()
    return [receipt for receipt in receipts if receipt is not None]


def joined(receipts: Iterable[Receipt]) -> bytes:
    """Return the text that `several` reads."""
    return f"[{','.join(receipt.to_json() for receipt in receipts)}]\n".encode()


def day_name(day: int) -> str:
    """Write a day since 1970 as its date; "" for no day."""
    if day == NO_DAY:
        return ""
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=day)).strftime("%Y-%m-%d").rjust(10, "0")
