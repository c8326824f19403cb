"""The closing statement of a job: what was asked for, what came, and what was done about what did not agree."""

import hashlib
import json
import platform
from array import array
from collections import Counter as Tally
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any, Final

import pyarrow as pa

from resumable.datasets.contract import Contract
from resumable.engine.count_distinct import Distinct
from resumable.engine.record_keys import RecordKeys, hashes
from resumable.manifest.reader import ManifestReader
from resumable.manifest.rows import NONE_OPEN, OpenRecords, WindowRow
from resumable.manifest.store import Manifest
from resumable.models import Counter, EventKind, PageKey, iso
from resumable.status import MANY_PAGES
from resumable.storage.job_files import RECEIPT
from resumable.storage.parts import Parts
from resumable.version import __version__

FORMAT: Final = 1

SINCE_0_2: Final = frozenset({"organisation", "open_records", "counted", "contracts"})
"""What receipts of version 0.1.0 do not say."""
WINDOWS_SINCE_0_2: Final = frozenset({"page_size", "open_records", "counted", "contract"})
"""The same of each window."""


def write(manifest: Manifest, parts: Parts, contract: Contract, kept: RecordKeys) -> None:
    """Write the receipt of a job whose windows are all complete, durably; `kept` spares it many looks at the parts."""
    unknown = sum(row.done for row in manifest.windows() if not kept.has(row.window))
    if unknown >= MANY_PAGES:
        manifest.event(EventKind.CLOSING, f"looking at {unknown:,} pages that earlier runs took, to write the receipt")
    distinct = Distinct(kept.scratch, total=manifest.totals().records)
    keyed = 0
    for some in _hashes(manifest, parts, contract, kept):
        distinct.add(some)
        keyed += len(some)
    text = json.dumps(_receipt(manifest, contract, distinct.count(), keyed), indent=2, ensure_ascii=False)
    parts.store.save(RECEIPT, text.encode())


def _receipt(manifest: Manifest, contract: Contract, distinct: int, keyed: int) -> dict[str, Any]:
    job, counters = manifest.job(), manifest.counters()
    known = facts(manifest)
    records, within = known["records"], known["duplicates"]["within_windows"]
    twice = {"within_windows": within, "across_windows": keyed - within - distinct}
    return {
        **known,
        "records_distinct": distinct,
        # Whether they are different ones nobody can tell.
        "records_without_key": records - keyed,
        "duplicates": twice,
        **{counter.value: counters[counter] for counter in Counter},
        "drift": manifest.drift(),
        "created_at": iso(job.created_at),
        "started_at": iso(job.started_at) if job.started_at else None,
        "completed_at": iso(job.updated_at),
        "versions": _versions(contract),
        "windows": [window_facts(row) for row in manifest.windows()],
    }


def facts(manifest: ManifestReader) -> dict[str, Any]:
    """Return what a receipt says and the manifest tells at any time, apart from the windows."""
    job, totals = manifest.job(), manifest.totals()
    rows = list(manifest.windows())
    return {
        "format": FORMAT,
        "job": job.name,
        "uuid": job.uuid,
        "dataset": job.spec.dataset,
        "organisation": None if job.organisation is None else asdict(job.organisation),
        "query": json.loads(job.spec.query.to_json()),
        "from": iso(job.spec.interval.start),
        "to": iso(job.spec.interval.end),
        "page_size": job.spec.page_size,
        "records": totals.records,
        "duplicates": {"within_windows": sum(row.duplicates for row in rows)},
        "keys_sha256": hashlib.sha256(b"".join(row.window.fingerprint or b"" for row in rows)).hexdigest(),
        "pages": totals.pages_done,
        "bytes": totals.bytes,
        "retakes": sum(row.window.take - 1 for row in rows),
        "settled_windows": sum(row.settled for row in rows),
        "contracts": _contracts(rows),
        "provisional_windows": sum(row.provisional for row in rows),
        "open_records": _open(manifest.open_records()),
        "counted": _counted(rows),
    }


def window_facts(row: WindowRow) -> dict[str, Any]:
    """Return what a receipt says of a window."""
    window, snapshot = row.window, row.window.snapshot
    return {
        "from": iso(window.interval.start),
        "to": iso(window.interval.end),
        "served": {"pages": snapshot.page_count, "total": snapshot.total} if snapshot else None,
        "stored": {"pages": row.done, "records": window.records, "duplicates": row.duplicates},
        "page_size": window.asked_size,
        "take": window.take,
        "settled": row.settled,
        "provisional": row.provisional,
        "contract": row.contract,
        "open_records": _open(row.open or NONE_OPEN),
        "counted": row.counted,
        "keys_sha256": (window.fingerprint or b"").hex(),
    }


def _open(found: OpenRecords) -> dict[str, Any]:
    return {"count": found.count, "since": None if found.since is None else iso(found.since)}


def _contracts(rows: Sequence[WindowRow]) -> dict[str, int] | None:
    """Count the windows of each contract; None where the dataset has but one."""
    found = Tally(row.contract.value for row in rows if row.contract is not None)
    return dict(sorted(found.items())) or None


def _counted(rows: Sequence[WindowRow]) -> dict[str, int] | None:
    """Sum up the independent counts; None where no window has one."""
    known = [row for row in rows if row.counted is not None]
    if not known:
        return None
    differ = [(row.counted or 0) - row.distinct for row in known]
    return {
        "windows": len(known),
        "records": sum(row.counted or 0 for row in known),
        "windows_with_more": sum(more > 0 for more in differ),
        "windows_with_fewer": sum(more < 0 for more in differ),
    }


def _versions(contract: Contract) -> dict[str, str]:
    schema = contract.schema
    return {
        "resumable": __version__,
        "python": platform.python_version(),
        "pyarrow": pa.__version__,
        "schema": f"{schema.name} {schema.version}",
        "schema_digest": schema.digest,
    }


def _hashes(manifest: Manifest, parts: Parts, contract: Contract, kept: RecordKeys) -> "Iterator[array[int]]":
    """Yield the hashes of all record keys, from the parts where they are not kept."""
    for row in manifest.windows():
        known = kept.hashes_of(row.window)
        if known is not None:
            yield known
            continue
        for page in manifest.pages(row.window):
            key = PageKey(window=row.window.interval, take=row.window.take, number=page.number)
            yield hashes([parts.identities(key, contract.schema)])
