"""The product with a watch on each stage of a page: `python -m tests.benchmarks.staged backfill ...`.

Counts the processor's time of the thread at work, so that waiting is none; what was inside a stage is taken off it.
"""

import functools
import json
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from resumable.datasets import page_bodies
from resumable.engine.record_keys import RecordKeys
from resumable.manifest.store import Manifest
from resumable.storage import durable, parts
from resumable.transport import http

STAGES: dict[str, list[tuple[Any, str]]] = {
    "request and answer": [(http.HttpTransport, "send")],
    "JSON to columns": [(page_bodies, "decode")],
    "columns to Parquet": [(parts, "_encode")],
    "file, hash, fsync, rename": [(durable, "save")],
    "row in the manifest": [(Manifest, "page_done"), (Manifest, "first_page_done")],
    "keys for the closing check": [(RecordKeys, "keep"), (RecordKeys, "of")],
}
"""What is timed, in the order in which a page meets it."""

MARK = "stages: "

_inside = threading.local()
_took: Counter[str] = Counter()
_lock = threading.Lock()


def _watched(stage: str, real: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(real)
    def timed(*given: object, **named: object) -> object:
        outer, _inside.took = getattr(_inside, "took", 0.0), 0.0
        begun = time.thread_time()
        try:
            return real(*given, **named)
        finally:
            took = time.thread_time() - begun
            with _lock:
                _took[stage] += took - _inside.took
            _inside.took = outer + took

    return timed


def _main() -> int:
    from resumable.cli.main import run

    for stage, places in STAGES.items():
        for home, name in places:
            setattr(home, name, _watched(stage, getattr(home, name)))
    try:
        return run(sys.argv[1:])
    finally:
        sys.stderr.write(f"{MARK}{json.dumps({**_took, 'all': time.process_time()})}\n")


if __name__ == "__main__":
    sys.exit(_main())
