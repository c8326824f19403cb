"""The closing statement of a job: what was asked for, what came, and what was done about what did not agree."""

import hashlib
import importlib.metadata
import json
import platform
from array import array
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from resumable import durable
from resumable.datasets import Contract
from resumable.keys import KeptKeys, hashes
from resumable.manifest import Manifest, ManifestReader, WindowRow
from resumable.models import Counter, PageKey, iso
from resumable.parts import Parts
from resumable.status import RECEIPT

FORMAT: Final = 1

KEYS_AT_ONCE: Final = 2_000_000
"""Record keys held at once, as 8 bytes each, while duplicates across windows are counted."""


def write(folder: Path, manifest: Manifest, parts: Parts, contract: Contract, kept: KeptKeys) -> None:
    """Write the receipt of a job whose windows are all complete, durably; `kept` spares it many looks at the parts."""
    text = json.dumps(_receipt(manifest, parts, contract, kept), indent=2, ensure_ascii=False)
    durable.save(folder.absolute() / RECEIPT, text.encode())


def _receipt(manifest: Manifest, parts: Parts, contract: Contract, kept: KeptKeys) -> dict[str, Any]:
    job, counters = manifest.job(), manifest.counters()
    known = facts(manifest)
    records, within = known["records"], known["duplicates"]["within_windows"]
    distinct = _distinct(lambda: _hashes(manifest, parts, contract, kept), records)
    twice = {"within_windows": within, "across_windows": records - within - distinct}
    return {
        **known,
        "records_distinct": distinct,
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
        "provisional_windows": sum(row.provisional for row in rows),
    }


def window_facts(row: WindowRow) -> dict[str, Any]:
    """Return what a receipt says of a window."""
    window, snapshot = row.window, row.window.snapshot
    return {
        "from": iso(window.interval.start),
        "to": iso(window.interval.end),
        "served": {"pages": snapshot.page_count, "total": snapshot.total} if snapshot else None,
        "stored": {"pages": row.done, "records": window.records, "duplicates": row.duplicates},
        "take": window.take,
        "settled": row.settled,
        "provisional": row.provisional,
        "keys_sha256": (window.fingerprint or b"").hex(),
    }


def _versions(contract: Contract) -> dict[str, str]:
    schema = contract.schema
    return {
        "resumable": importlib.metadata.version("resumable"),
        "python": platform.python_version(),
        "pyarrow": pa.__version__,
        "schema": f"{schema.name} {schema.version}",
        "schema_digest": schema.digest,
    }


def _hashes(manifest: Manifest, parts: Parts, contract: Contract, kept: KeptKeys) -> "Iterator[array[int]]":
    """Yield the hashes of all record keys, from the parts where they are not kept."""
    for row in manifest.windows():
        known = kept.hashes_of(row.window)
        if known is not None:
            yield known
            continue
        for page in manifest.pages(row.window):
            key = PageKey(window=row.window.interval, take=row.window.take, number=page.number)
            yield hashes([parts.column(key, contract.schema.key)])


def _distinct(found: "Callable[[], Iterator[array[int]]]", total: int) -> int:
    """Count the different hashes, in as many passes over them as memory asks for."""
    passes = max(1, -(-total // KEYS_AT_ONCE))
    distinct = 0
    for turn in range(passes):
        numbers = array("Q")
        for some in found():
            numbers.extend(some if passes == 1 else (number for number in some if number % passes == turn))
        column = pa.Array.from_buffers(pa.uint64(), len(numbers), [None, pa.py_buffer(numbers)])
        # Sorted they take 16 bytes each; Arrow's own count of what is distinct takes 113 MB from 200,000 on.
        ranked = column.take(pc.array_sort_indices(column))
        distinct += len(ranked) and 1 + (pc.sum(pc.not_equal(ranked[1:], ranked[:-1])).as_py() or 0)
    return distinct
