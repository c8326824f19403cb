"""Whose a part says that it is, read off its end without Arrow.

Enough to see that a manifest lies beside the parts of another job.
"""

import json
import struct
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import BinaryIO, Final

from resumable.models import Interval, PageKey, moment_of
from resumable.storage.job_files import PARTS, JobFiles, take_and_number, window_of

ENTRY: Final = b"resumable"
"""The key of our entry in a Parquet footer."""

MAGIC: Final = b"PAR1"

SAMPLED: Final = 5
"""Windows of a job whose parts are asked: a manifest of another job agrees with none of them."""

_ENTRY_KEY: Final = b"\x18\x09" + ENTRY + b"\x18"


@dataclass(frozen=True, kw_only=True)
class Claim:
    """What a part says that it is, unproven."""

    job: str
    """The job's uuid."""
    job_name: str
    page: PageKey


def entry_at_end(file: BinaryIO, size: int) -> bytes | None:
    """Return our entry of a part's footer, found by its bytes: Arrow takes a hundred times as long, over all columns.

    None where the file does not end as a part does.
    """
    file.seek(max(0, size - 8))
    tail = file.read(8)
    length = int(struct.unpack("<I", tail[:4])[0]) if tail[4:] == MAGIC else size
    if length + 12 > size:
        return None
    file.seek(size - 8 - length)
    return _entry_in(file.read(length))


def claim_of(home: JobFiles, key: str) -> Claim | None:
    """Return what the part under a key says that it is; None where there is none, or nothing that ends as a part does.

    Raises StorageFailed.
    """
    try:
        with home.store.opened(key) as file:
            entry = entry_at_end(file, file.seek(0, 2))
    except FileNotFoundError:
        return None
    if entry is None:
        return None
    with suppress(KeyError, ValueError, TypeError, AttributeError):
        said = json.loads(entry)
        start, end = said["window"]
        page = PageKey(
            window=Interval(start=moment_of(start), end=moment_of(end)), take=said["take"], number=said["number"]
        )
        return Claim(job=str(said["job"]), job_name=str(said["job_name"]), page=page)
    return None


def sampled(home: JobFiles) -> list[Claim]:
    """Return what some parts of a job say that they are: of a few windows from all over it, one part each."""
    windows = [key for key in home.store.list(PARTS) if window_of(key) is not None]
    step = max(1, len(windows) // SAMPLED)
    return [found for key in windows[::step][: SAMPLED + 1] if (found := next(_claims(home, key), None))]


def _claims(home: JobFiles, window: str) -> Iterator[Claim]:
    for key in home.store.list(window):
        if take_and_number(key) is not None and (found := claim_of(home, key)) is not None:
            yield found


def _entry_in(footer: bytes) -> bytes | None:
    """Cut our entry out of a Parquet footer: a key and a value in Thrift's compact form, each after its length."""
    if footer.count(_ENTRY_KEY) != 1:
        return None
    place, length, shift = footer.index(_ENTRY_KEY) + len(_ENTRY_KEY), 0, 0
    for byte in footer[place : place + 5]:
        place, length, shift = place + 1, length | (byte & 0x7F) << shift, shift + 7
        if byte < 0x80:
            return footer[place : place + length]
    return None


def place_of_hash(data: memoryview, digits: str) -> int | None:
    """Return where the file's own hash stands in it: in the footer, and there once."""
    if len(data) < 12 or bytes(data[:4]) != MAGIC or bytes(data[-4:]) != MAGIC:
        return None
    start = len(data) - 8 - int(struct.unpack("<I", data[-8:-4])[0])
    end = bytes(data[max(0, start) :])
    wanted = f'"sha256":"{digits}"'.encode()
    return None if end.count(wanted) != 1 else max(0, start) + end.index(wanted) + len('"sha256":"')
