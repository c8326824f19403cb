"""What a part must be, told from its bytes alone: which page it says it is, and that every byte of it is there."""

import hashlib
import json
import re
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

_SHA256_IN_FOOTER = re.compile(rb'"sha256":"([0-9a-f]{64})"')
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Broken(AssertionError):
    """A promise of the design does not hold."""


@dataclass(frozen=True, kw_only=True, order=True)
class PageName:
    """One page of one take; the window by its ends in milliseconds."""

    start_ms: int
    end_ms: int
    take: int
    number: int

    @property
    def path(self) -> str:
        """Where its part must be, from the job's folder on."""
        name = f"parts/window={_compact(self.start_ms)}"
        if self.end_ms - self.start_ms != 86_400_000:
            name += f"-{_compact(self.end_ms)}"
        take = "" if self.take == 1 else f".take-{self.take}"
        return f"{name}/page-{self.number:05d}{take}.parquet"

    @property
    def interval(self) -> str:
        """The window as a request names it."""
        return f"{iso(self.start_ms)}/{iso(self.end_ms)}"


def whole_part(path: Path) -> PageName:
    """Return which page a part says it is; raise Broken unless all of its bytes are there and agree with its footer."""
    data = path.read_bytes()
    try:
        with closing(pq.ParquetFile(pa.BufferReader(data))) as file:
            table = file.read()
            said = json.loads((file.metadata.metadata or {})[b"resumable"])
    except (pa.ArrowException, OSError, ValueError, KeyError) as failure:
        raise Broken(f"is torn ({failure})") from None
    table.validate(full=True)
    places = [match for match in _SHA256_IN_FOOTER.finditer(data) if match[1].decode() == said["sha256"]]
    if len(places) != 1:
        raise Broken("does not say its own hash just once")
    start, end = places[0].span(1)
    if hashlib.sha256(data[:start] + b"0" * 64 + data[end:]).hexdigest() != said["sha256"]:
        raise Broken("is not of the hash that it says")
    if table.num_rows != said["rows"]:
        raise Broken(f"says that it has {said['rows']} rows and has {table.num_rows}")
    first, last = (to_ms(text) for text in said["window"])
    return PageName(start_ms=first, end_ms=last, take=said["take"], number=said["number"])


def normal(interval: str) -> str:
    """Write an interval of any spelling in one."""
    return "/".join(iso(to_ms(text)) for text in interval.split("/")) if interval else ""


def to_ms(text: str) -> int:
    """Return the milliseconds of a moment; one without a zone is UTC."""
    moment = datetime.fromisoformat(text)
    return (moment.replace(tzinfo=moment.tzinfo or UTC) - _EPOCH) // timedelta(milliseconds=1)


def iso(at_ms: int) -> str:
    """Write a moment as Genesys does."""
    return _moment(at_ms).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at_ms % 1000:03d}Z"


def _compact(at_ms: int) -> str:
    return _moment(at_ms).strftime("%Y%m%dT%H%M%S") + (f".{at_ms % 1000:03d}" if at_ms % 1000 else "") + "Z"


def _moment(at_ms: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=at_ms)
