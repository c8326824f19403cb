"""The Parquet files of a job, one a page.

A part proves itself: its footer repeats what the manifest knows of the page and of the job, and holds the SHA-256 of
the whole file, in which its own digits count as zeros. Parquet alone does not notice most flipped bits.
"""

import contextlib
import hashlib
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, BinaryIO, Final

import pyarrow as pa
import pyarrow.parquet as pq

from resumable.errors import StorageFailed, VerificationFailed
from resumable.models import MOST_COUNTED, MOST_ON_A_PAGE, MOST_PAGES, Interval, PageKey, PartFact, iso, moment_of
from resumable.schema.identity import columns, identities
from resumable.schema.schema import Schema
from resumable.storage.claims import ENTRY, entry_at_end, place_of_hash
from resumable.storage.compression import Compression
from resumable.storage.encoding import written
from resumable.storage.job_files import PARTS, JobFiles, part_key, take_and_number, window_key, window_of
from resumable.storage.part_file import PathsOnce, some_columns
from resumable.storage.store import Exists

FORMAT = 1
"""Of the footer's own entry."""

_NO_HASH: Final = "0" * 64
_TRIES = 5

_COUNTS: Final = (
    ("take", 1, MOST_PAGES),
    ("number", 1, MOST_PAGES),
    ("rows", 1, MOST_COUNTED),
    ("page_count", 0, MOST_PAGES),
    ("total", 0, MOST_COUNTED),
    ("snapshot_page_count", 0, MOST_PAGES),
    ("snapshot_total", 0, MOST_COUNTED),
    ("snapshot_page_size", 1, MOST_ON_A_PAGE),
)
"""What a footer counts, with the least and the most that it may say."""


@dataclass(frozen=True, kw_only=True)
class Footer:
    """What a part says of itself; `total` and `page_count` are what its own answer named."""

    job: str
    """The job's uuid."""
    job_name: str
    spec: str
    """The job's spec as `JobSpec.to_json` writes it: enough to make its manifest again."""
    columns: str | None = None
    """What the schema was inferred to be, where it was."""
    query_digest: str
    schema_digest: str
    window: Interval
    take: int
    number: int
    rows: int
    page_count: int
    total: int | None
    snapshot_page_count: int
    snapshot_total: int | None
    snapshot_page_size: int | None = None
    taken_at: str
    cursor: str | None = None
    """Stands for the page after this one, where the contract counts none."""
    cut_at: str | None = None
    """Where its answer said that the source's data ends, inside of the window or before it."""
    origin: str | None = None
    """Of the API that served it; None in parts of versions that kept no organisation."""
    organisation: str | None = None
    """The id of the organisation whose data it is, where the server named one."""
    client: str | None = None
    """A digest of the client id that asked for it."""
    contract: str | None = None
    """By which of two its window was taken, as a `WindowContract`; None where the dataset has but one."""
    sha256: str = _NO_HASH
    """Of every byte of the file, these 64 digits taken as zeros; filled in by `write`."""

    @property
    def key(self) -> PageKey:
        """The page it is."""
        return PageKey(window=self.window, take=self.take, number=self.number)


@dataclass(frozen=True, kw_only=True)
class Look:
    """What was seen of the file of a part."""

    size: int
    footer: Footer | None
    """What it says of itself; None where it does not end as a part does."""
    sha256: bytes | None = None
    """None where the content was not read."""
    whole: bool = False
    """Whether its own hash proves every byte of it; False where the content was not read."""
    table: pa.Table | None = None
    """The columns that were asked for, of a part that is whole."""


@dataclass(frozen=True, kw_only=True)
class PartThere:
    """A part that was in the place of a page already, and proves itself: another process of the job has put it."""

    footer: Footer
    part: PartFact
    table: pa.Table


class Parts:
    """The parts of a job, in its store."""

    def __init__(self, home: JobFiles) -> None:
        """Nothing is read, and nothing is made, until then."""
        self.store = home.store
        self._job = home.name
        self._paths = PathsOnce()
        self._compression = Compression()

    def write(self, table: pa.Table, footer: Footer) -> "PartFact | PartThere":
        """Make a table the durable part of its page. Raises StorageFailed; then there is no part.

        Where others may write too, what stands there decides: a part of the same job and page that proves itself is
        never replaced, and anything else only as it was when it was judged.
        """
        data = _encode(table, footer, self._compression)
        key = part_key(footer.key)
        if not self.store.contested:
            saved = self.store.save(key, data)
            return PartFact(rows=table.num_rows, size=saved.size, sha256=saved.sha256)
        fact = PartFact(rows=table.num_rows, size=len(data), sha256=hashlib.sha256(data).digest())
        for _ in range(_TRIES):
            if not isinstance(self.store.create(key, data), Exists):
                return fact
            try:
                held = self.store.tagged(key)
            except FileNotFoundError:
                continue
            if held.data == data:  # ours, of a put whose answer was lost
                return fact
            if (there := _part_there(held.data, footer)) is not None:
                return there
            self.store.replace(key, data, held.tag)  # whether that was done, the next look tells
        raise StorageFailed(f"{self.store.place(key)} is being changed by others.", hint="Run the same command again.")

    def inspect(self, page: PageKey) -> tuple[Footer, PartFact] | None:
        """Return what the part of a page says of itself and what it is, or None unless it is whole and says it is that.

        Reads all of it: the footer's hash is checked against the bytes.
        """
        try:
            data = self.store.read(part_key(page))
        except FileNotFoundError:
            return None
        footer = _checked_footer(data)
        if footer is None or footer.key != page:
            return None
        return footer, PartFact(rows=footer.rows, size=len(data), sha256=hashlib.sha256(data).digest())

    def footer(self, page: PageKey) -> Footer | None:
        """Return what the part of a page says of itself, unproven: only the end of the file is read.

        None where there is no regular file, or one that does not end as a part does. Raises StorageFailed.
        """
        with contextlib.suppress(FileNotFoundError), self.store.opened(part_key(page)) as file:
            return _said_at_end(file, file.seek(0, io.SEEK_END))
        return None

    def look(self, page: PageKey, *, most: int = 0, columns: Sequence[str] = ()) -> Look:
        """Look at the file of a part: at its end only, or at all of it where it has no more than `most` bytes.

        Raises FileNotFoundError where there is no regular file, StorageFailed.
        """
        with self.store.opened(part_key(page)) as file:
            size = file.seek(0, io.SEEK_END)
            if size > most:
                return Look(size=size, footer=_said_at_end(file, size))
            file.seek(0)
            data = file.read()
        return _looked_through(data, columns, self._paths)

    def windows(self) -> Iterator[Interval]:
        """Yield the windows that have a folder, by its name; what has another name is passed over."""
        for key in self.store.list(PARTS):
            if (window := window_of(key)) is not None:
                yield window

    def found(self, window: Interval) -> tuple[list[PageKey], list[str]]:
        """List what lies below a window: the pages that have a part by name, and the keys of every other file."""
        pages: list[PageKey] = []
        strange: list[str] = []
        for key in self.store.list(window_key(window)):
            named = take_and_number(key)
            if named is not None:
                pages.append(PageKey(window=window, take=named[0], number=named[1]))
            else:
                strange.append(key)
        return pages, strange

    def remove(self, page: PageKey) -> None:
        """Remove the part of a page; one that is gone already is fine."""
        self.store.remove(part_key(page))

    def settle(self, window: Interval) -> None:
        """Make what was removed from a window stay away, after a power cut too."""
        self.store.settle(window_key(window))

    def identities(self, page: PageKey, schema: Schema) -> pa.ChunkedArray:
        """Read what names each record of a part. Raises VerificationFailed where that cannot be, StorageFailed."""
        with self._to_read(page) as file:
            return identities(file.read(columns=columns(schema)), schema)

    def some_columns(self, page: PageKey, names: Sequence[str]) -> pa.Table:
        """Read some columns of a part. Raises VerificationFailed where it is gone or damaged, StorageFailed."""
        with self._to_read(page) as file:
            return file.read(columns=list(names))

    def table(self, page: PageKey) -> pa.Table:
        """Read a part, whole. Raises VerificationFailed where it is gone or damaged, StorageFailed."""
        with self._to_read(page) as file:
            return file.read()

    @contextlib.contextmanager
    def _to_read(self, page: PageKey) -> Iterator[pq.ParquetFile]:
        try:
            with self.store.opened(part_key(page)) as source:
                try:
                    with contextlib.closing(pq.ParquetFile(source)) as file:
                        yield file
                except (OSError, pa.ArrowInvalid, pa.ArrowNotImplementedError) as failure:
                    # Arrow has OSError for bytes that it cannot make sense of, too: without a number.
                    if isinstance(failure, OSError) and failure.errno is not None:
                        raise
                    raise self.fault(page, f"is damaged ({failure})") from failure
        except FileNotFoundError as failure:
            raise self.fault(page, "is gone") from failure

    def fault(self, page: PageKey, what: str) -> VerificationFailed:
        """Return the error that says what is wrong with a part."""
        return VerificationFailed(
            f"the part {self.store.place(part_key(page))} {what}.",
            hint="Download it again with:",
            command=f"resumable repair {self._job}",
        )


def _part_there(data: bytes, wanted: Footer) -> PartThere | None:
    """Return what stands in the place of a page, if it is a whole part of just that page; None for anything else."""
    footer = _checked_footer(data)
    if footer is None or footer.key != wanted.key or not same_job(footer, wanted):
        return None
    table = pq.read_table(pa.BufferReader(data))
    part = PartFact(rows=footer.rows, size=len(data), sha256=hashlib.sha256(data).digest())
    return PartThere(footer=footer, part=part, table=table)


def same_job(one: Footer, other: Footer) -> bool:
    """Tell whether two parts are of one job, and not of two organisations: by ids, for clients and addresses change."""
    same = (one.job, one.query_digest, one.schema_digest) == (other.job, other.query_digest, other.schema_digest)
    return same and (None in (one.organisation, other.organisation) or one.organisation == other.organisation)


def _encode(table: pa.Table, footer: Footer, kept: Compression) -> memoryview:
    data = written(table, _footer_json(replace(footer, sha256=_NO_HASH)), kept.of(table))
    place = place_of_hash(data, _NO_HASH)
    if place is None:
        raise ValueError("the footer does not say its hash in plain digits")
    data[place : place + len(_NO_HASH)] = hashlib.sha256(data).hexdigest().encode()
    return data


def _footer_json(footer: Footer) -> str:
    facts = asdict(footer) | {"format": FORMAT, "window": [iso(footer.window.start), iso(footer.window.end)]}
    return json.dumps(facts, sort_keys=True, separators=(",", ":"))


def _checked_footer(data: bytes) -> Footer | None:
    """Return the footer of a part that is whole, as its own hash tells; None for anything else."""
    footer, rows = _said(pa.BufferReader(data))
    if footer is None or footer.rows != rows:
        return None
    place = place_of_hash(memoryview(data), footer.sha256)
    if place is None:
        return None
    digest = hashlib.sha256(memoryview(data)[:place])
    digest.update(_NO_HASH.encode())
    digest.update(memoryview(data)[place + len(_NO_HASH) :])
    return footer if digest.hexdigest() == footer.sha256 else None


def _looked_through(data: bytes, wanted: Sequence[str], paths: PathsOnce) -> Look:
    footer = _said_at_end(io.BytesIO(data), len(data))
    place = None if footer is None else place_of_hash(memoryview(data), footer.sha256)
    before = hashlib.sha256(memoryview(data)[: place or 0])
    own = before.copy()
    before.update(memoryview(data)[place or 0 :])
    look = Look(size=len(data), footer=footer, sha256=before.digest())
    if footer is None or place is None:
        return look
    own.update(_NO_HASH.encode())
    own.update(memoryview(data)[place + len(_NO_HASH) :])
    if own.hexdigest() != footer.sha256:
        return look
    return replace(look, whole=True, table=_table(data, wanted, footer, paths))


def _table(data: bytes, names: Sequence[str], footer: Footer, paths: PathsOnce) -> pa.Table | None:
    return some_columns(data, names, f"{footer.schema_digest} {footer.columns}", paths) if names else None


def _said_at_end(file: BinaryIO, size: int) -> Footer | None:
    """Return what a footer says, found by its bytes."""
    entry = entry_at_end(file, size)
    try:
        return None if entry is None else _footer(json.loads(entry))
    except (KeyError, ValueError, TypeError, AttributeError):
        return None


def _said(source: pa.BufferReader) -> tuple[Footer | None, int]:
    """Return what a file's footer says, and its rows as Parquet counts them."""
    try:
        metadata = pq.read_metadata(source)
        return _footer(json.loads((metadata.metadata or {})[ENTRY])), metadata.num_rows
    except (KeyError, ValueError, TypeError, OSError, pa.ArrowException):
        return None, 0


def _footer(facts: dict[str, Any]) -> Footer:
    if facts.pop("format") != FORMAT:
        raise ValueError("written by another version")
    start, end = facts.pop("window")
    footer = Footer(window=Interval(start=moment_of(start), end=moment_of(end)), **facts)
    _check_counts(footer)
    return footer


def _check_counts(footer: Footer) -> None:
    """Raise ValueError or TypeError for numbers that no row could hold: an older version let a server choose them."""
    for name, least, most in _COUNTS:
        value = getattr(footer, name)
        if value is not None and not least <= value <= most:
            raise ValueError(f"{name} is out of range")
