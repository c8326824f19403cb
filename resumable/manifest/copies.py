"""A copy of a manifest that others go on changing: whole, and of one moment."""

import contextlib
import sqlite3
from pathlib import Path

from resumable.errors import StorageFailed
from resumable.manifest.sqlite_words import said


def copy(path: Path) -> bytes:
    """Return the bytes of a manifest as it is now, its write-ahead log folded in. Raises StorageFailed."""
    try:
        with (
            contextlib.closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as source,
            contextlib.closing(sqlite3.connect(":memory:")) as target,
        ):
            source.backup(target)
            return target.serialize()
    except sqlite3.Error as failure:
        raise StorageFailed(
            f"the manifest {path} cannot be copied: {said(failure)}.",
            hint="What is in the bucket is safe. Run it again.",
        ) from failure
