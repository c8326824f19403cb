"""The closing check of a window: is what was stored what the source said it has?"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

import pyarrow as pa
import pyarrow.compute as pc

from resumable.manifest.rows import WindowRow
from resumable.schema.identity import all_documents
from resumable.schema.schema import Schema

STILL_CHANGING = timedelta(hours=48)
"""Genesys processes data again each night once it is so old; a window taken younger is provisional."""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What the check found; `why` says in words what did not agree, or how it was settled."""

    complete: bool
    settled: bool = False
    """The answers did not agree with each other, but two takes brought the same records."""
    fingerprint: bytes
    """Of the set of record keys."""
    duplicates: int
    """Records whose identity had come before."""
    why: str = ""


def judge(row: WindowRow, keys: Iterable[pa.ChunkedArray], schema: Schema, *, page_size: int | None) -> Verdict:
    """Judge a window whose pages are all done; `keys` holds the identities of the records of every page.

    `page_size` is None where the contract names neither total nor page count, so that nothing has to add up.

    Complete: every answer of the take named the same count, no record came twice, and the records add up to it. Else,
    complete all the same if the take before brought the same set of records, since totals are only approximate; but
    never where records came twice throughout.
    """
    chunks = [chunk for column in keys for chunk in column.chunks]
    column = pa.chunked_array(chunks, type=chunks[0].type if chunks else pa.string())
    repeated = len(column) - column.null_count - len(pc.unique(pc.drop_null(column)))
    # Of bundles, what comes twice may do so in two that differ.
    known = pc.drop_null(all_documents(column, schema))
    distinct = pc.unique(known)
    came_twice = len(known) - len(distinct)
    # Totals of bundles count something else than records: documents, it seems, and nobody says so.
    doubts = [*_doubts(row, len(column), page_size, sums=not schema.bundles)]
    if came_twice:
        doubts.append(f"{came_twice} {'documents' if schema.bundles else 'records'} came twice")
    fingerprint = _fingerprint(distinct)
    if pages_repeat := came_twice >= len(distinct) > 0:
        doubts.append("pages repeat each other, as if their numbers were ignored")
    # Records without any key are the same set in every take, whatever they are: that proves nothing.
    told_apart = len(known) > 0 or len(column) == 0
    settled = bool(doubts) and fingerprint == row.window.fingerprint and not pages_repeat and told_apart
    return Verdict(
        complete=settled or not doubts,
        settled=settled,
        fingerprint=fingerprint,
        duplicates=repeated,
        why="; ".join(doubts),
    )


def _doubts(row: WindowRow, records: int, page_size: int | None, *, sums: bool) -> Iterable[str]:
    snapshot = row.window.snapshot
    if snapshot is None:
        raise ValueError("a window without a snapshot has nothing to check")
    if row.moved:
        yield "answers named different counts"
    if row.done < snapshot.page_count:
        yield f"{snapshot.page_count - row.done} of {snapshot.page_count} pages that were named are empty"
    if not sums:
        return
    if snapshot.total is not None and records != snapshot.total:
        yield f"{records} records came, {snapshot.total} were named"
    elif snapshot.total is None and page_size is not None:
        size = snapshot.page_size or page_size
        if not _fills(records, snapshot.page_count, size):
            yield f"{records} records do not fill {snapshot.page_count} pages of {size}"


def _fills(records: int, page_count: int, page_size: int) -> bool:
    """Tell whether so many records make just so many pages."""
    return -(-records // page_size) == page_count


def _fingerprint(keys: pa.Array) -> bytes:
    digest = hashlib.sha256()
    for key in sorted(keys.to_pylist()):
        digest.update(str(key).encode())
        digest.update(b"\0")
    return digest.digest()
