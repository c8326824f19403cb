"""What an export is asked for: which shape, which format, where to."""

import enum
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from resumable.errors import UsageError
from resumable.schema.privacy import PrivacyRules
from resumable.storage.address import Address
from resumable.storage.store import ExportStore


class Format(enum.StrEnum):
    """What an export is written as."""

    PARQUET = "parquet"
    """A folder with a partition a day."""
    CSV = "csv"
    """One file; lists and objects are JSON text."""
    JSONL = "jsonl"
    """One file, a record a line, as the server sent it."""
    DUCKDB = "duckdb"
    """A database file with one table."""
    DELTA = "delta"
    """A Delta Lake table with a partition a day."""


SUFFIXES = {
    "": Format.PARQUET,
    ".parquet": Format.PARQUET,
    ".csv": Format.CSV,
    ".jsonl": Format.JSONL,
    ".ndjson": Format.JSONL,
    ".duckdb": Format.DUCKDB,
    ".db": Format.DUCKDB,
    ".delta": Format.DELTA,
}
STREAMS = (Format.CSV, Format.JSONL)
"""What can go to stdout."""

ExportStoreAt = Callable[[Address], ExportStore]
"""Opens the store at an address."""

Output = Callable[[bytes], object]
"""Takes the bytes of an export that has no file."""


@dataclass(frozen=True, kw_only=True)
class ExportRequest:
    """One export."""

    to: Path | Address | None
    """A path, or the name of what is to be made in a bucket; None where it goes to an output instead."""
    format: Format
    table: str | None = None
    """One of the relational shape; None for whole records."""
    zone: str | None = None
    """Whose half hours interactions are in; None for UTC's."""
    privacy: PrivacyRules | None = None
    """What is left out of the records, or hashed."""
    names: bool = False
    """Whether ids get names from jobs of users, queues and wrap-up codes."""
    partial: bool = False
    """Whether a job that is not complete is exported as far as it is."""
    replace: bool = False
    """Whether what is there goes: a file of whoever it is, an export of another job or table."""


def format_of(to: str, given: str | None) -> Format:
    """Return the format that is named, or else the one that the suffix of a path stands for. Raises UsageError."""
    known = ", ".join(Format)
    if given is not None:
        if given not in list(Format):
            raise UsageError(
                f"--format is one of {known}, not {given[:20]!a}.", hint="Leave it out: the suffix of the path says it."
            )
        chosen = Format(given)
    elif to == "-":
        chosen = Format.JSONL
    elif Path(to).suffix.lower() in SUFFIXES:
        chosen = SUFFIXES[Path(to).suffix.lower()]
    else:
        raise UsageError(
            f"the suffix of {Path(to).name[:100]!a} stands for no format.", hint=f"Name one with --format: {known}."
        )
    if to == "-" and chosen not in STREAMS:
        raise UsageError(f"{chosen} cannot go to stdout.", hint="Use --format jsonl or csv, or name a path.")
    return chosen
