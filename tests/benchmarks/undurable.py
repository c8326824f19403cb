"""The product with every fsync left out, to see what they cost: `python -m tests.benchmarks.undurable backfill ...`."""

import contextlib
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager

from resumable.manifest.connection import Connection
from resumable.storage import durable

_atomic = Connection.atomic


def _hasty(self: Connection, *, durable: bool = True, carried: int | None = None) -> AbstractContextManager[None]:
    return _atomic(self, durable=False, carried=carried)


@contextlib.contextmanager
def hasty() -> Iterator[None]:
    """Leave out every fsync of this process within the block."""
    syncing = durable._sync
    durable._sync = lambda descriptor: None
    Connection.atomic = _hasty  # type: ignore[method-assign,assignment]  # on purpose, for any context manager will do
    try:
        yield
    finally:
        durable._sync = syncing
        Connection.atomic = _atomic  # type: ignore[method-assign]  # as it was


if __name__ == "__main__":
    from resumable.cli.main import run

    with hasty():
        sys.exit(run(sys.argv[1:]))
