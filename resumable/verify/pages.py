"""One part against its row: is it there, is it what was recorded, and does it say that it is this page?"""

import errno
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import pyarrow as pa

from resumable.engine.recovery import foreign_part
from resumable.errors import StorageFailed
from resumable.manifest.rows import PageRow, WindowRow
from resumable.models import JobSpec, PageKey
from resumable.schema.identity import columns, identities
from resumable.storage.durable import FILE, FOLDER
from resumable.storage.job_files import part_key, window_key
from resumable.storage.parts import Footer, Look
from resumable.verify.findings import Finding, Flaw
from resumable.verify.subject import Subject

UNREADABLE = frozenset({errno.EIO, errno.EUCLEAN, errno.ENODATA})
"""What a disk says of bytes that it has lost."""

READ_ANYWAY = 16 * 2**20
"""Bytes; so long a file is read, whatever is recorded, to see whether it proves itself."""


@dataclass(frozen=True, kw_only=True)
class Checked:
    """A page that was looked at: what is wrong with it, or its record keys where its content was read."""

    finding: Finding | None
    keys: pa.ChunkedArray | None = None


def check(subject: Subject, row: WindowRow, key: PageKey, page: PageRow, *, folder: str | None) -> Checked:
    """Look at one part; `folder` is what kind of thing its window's folder is. Raises StorageFailed."""
    if folder not in (FOLDER, None):
        text = f"{folder} is in the place of the folder of its window"
        return Checked(finding=subject.page(Flaw.NOT_A_FILE, key, text, file=window_key(key.window)))
    quick = subject.report.quick
    schema = subject.contract.schema
    most, wanted = (0, []) if quick else (max(page.part.size, READ_ANYWAY), columns(schema))
    try:
        look = subject.parts.look(key, most=most, columns=wanted)
    except FileNotFoundError:
        return Checked(finding=_absent(subject, key))
    except StorageFailed as failure:
        cause = failure.__cause__
        if isinstance(cause, OSError) and cause.errno in UNREADABLE:
            return Checked(
                finding=subject.page(Flaw.CONTENT, key, f"the disk does not give its part ({cause.strerror})")
            )
        if isinstance(cause, FileNotFoundError):
            return Checked(finding=_absent(subject, key))
        raise
    flaw, text = _judge(subject, row, key, page, look) or _unreadable(subject, look)
    return Checked(
        finding=None if flaw is None else subject.page(flaw, key, text),
        keys=None if look.table is None else identities(look.table, schema),
    )


def _absent(subject: Subject, key: PageKey) -> Finding:
    kind = subject.store.kind(part_key(key))
    if kind in (None, FILE):  # a file that has come in between is as good as none: nobody should be writing
        return subject.page(Flaw.MISSING, key, "it is recorded done, and its part is not there")
    return subject.page(Flaw.NOT_A_FILE, key, f"{kind} is in the place of its part")


def _judge(subject: Subject, row: WindowRow, key: PageKey, page: PageRow, look: Look) -> tuple[Flaw, str] | None:
    """Say what is wrong; the most telling of what can be said, since one damage shows in many ways."""
    read, part = look.sha256 is not None, page.part
    same = look.size == part.size and look.sha256 in (None, part.sha256)
    if look.footer is not None and (look.whole or not read):
        stranger = _stranger(subject, row, key, look.footer)
        if stranger is not None:
            return stranger
        if look.whole and (not same or look.footer.rows != part.rows):
            return Flaw.RECORD, "its part proves itself, and rows, size or hash are recorded otherwise"
    if look.size != part.size:
        return Flaw.SIZE, f"its part has {look.size:,} bytes, and {part.size:,} are recorded"
    if not same:
        return Flaw.CONTENT, "its part has other bytes than are recorded"
    if look.footer is None or (read and not look.whole):
        return Flaw.TORN, "its part has the recorded size, and is not whole"
    if look.footer.rows != part.rows:
        return Flaw.IDENTITY, f"its part says that it has {look.footer.rows} rows, and {part.rows} are recorded"
    return None


def _unreadable(subject: Subject, look: Look) -> tuple[Flaw | None, str]:
    if look.whole and look.table is None:
        return Flaw.TORN, f"its part has no readable column {subject.contract.schema.key}"
    return None, ""


def _stranger(subject: Subject, row: WindowRow, key: PageKey, footer: Footer) -> tuple[Flaw, str] | None:
    """Say in what a part's own words differ from the page that it is in the place of."""
    job = subject.job
    if footer.job != job.uuid:
        return Flaw.IDENTITY, f"its part says that it belongs to another job ({footer.job_name})"
    if foreign_part(footer, job):
        return Flaw.IDENTITY, f"its part says that it holds data of another organisation ({footer.organisation})"
    if footer.key != key:
        return Flaw.IDENTITY, f"its part says that it is {_named(footer.key)}"
    if footer.query_digest != job.spec.digest or not _same_query(footer, job.spec):
        return Flaw.IDENTITY, "its part says that it was asked for with another query"
    if (footer.schema_digest, footer.columns) != (job.schema_digest, job.columns):
        return Flaw.SCHEMA, "its part was written with another schema than the job has"
    if key.take == row.window.take and (text := "; ".join(_other_snapshot(subject, row, footer))):
        return Flaw.IDENTITY, text
    return None


def _named(key: PageKey) -> str:
    return f"{key}, take {key.take}"


def _same_query(footer: Footer, spec: JobSpec) -> bool:
    # Dataset, query and page size are in the digest; the range of a job may have grown since.
    try:
        digest, said = _spec(footer.spec)
    except (ValueError, KeyError, TypeError, AttributeError):
        return False
    same = (digest, said.window, said.interval.start) == (spec.digest, spec.window, spec.interval.start)
    return same and said.interval.end <= spec.interval.end


@lru_cache(maxsize=8)
def _spec(text: str) -> tuple[str, JobSpec]:
    """Read a spec with its digest: nearly all parts of a job repeat one text."""
    spec = JobSpec.from_json(text)
    return spec.digest, spec


def _other_snapshot(subject: Subject, row: WindowRow, footer: Footer) -> Iterator[str]:
    snapshot = row.window.snapshot
    if snapshot is None:
        return
    planned = (footer.snapshot_page_count, footer.snapshot_total, footer.snapshot_page_size)
    if footer.contract != row.contract:
        yield f"its part was taken by another contract ({footer.contract}, not {row.contract})"
    if not subject.taken_by(row).paging.counts_pages:
        if footer.snapshot_page_count != footer.number + (footer.cursor is not None):
            yield "its part contradicts itself about a next page"
        elif footer.cursor is None and footer.number < snapshot.page_count:
            yield f"its part says that it is the last, and {snapshot.page_count} pages are recorded"
        return
    # Where it was settled, or more pages came than were named, it has another number of pages than was planned.
    pages = footer.snapshot_page_count if row.settled or row.moved else snapshot.page_count
    if planned != (pages, snapshot.total, snapshot.page_size):
        counts = _counts(footer.snapshot_page_count, footer.snapshot_total)
        yield f"its part was planned from another snapshot ({counts})"
    elif not (row.moved or row.settled) and (footer.page_count, footer.total) != (snapshot.page_count, snapshot.total):
        yield f"its answer named {_counts(footer.page_count, footer.total)}, and that is not recorded"


def _counts(pages: int, total: int | None) -> str:
    return f"{pages} pages" + ("" if total is None else f" of {total} records")
