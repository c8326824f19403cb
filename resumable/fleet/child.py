"""Becomes a command of `resumable` that ends in good order when the process that started it dies.

    python -m resumable.fleet.child PARENT backfill ...

Linux only: elsewhere the command outlives its parent, and the job's lock tells the next run so.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1
"""From <sys/prctl.h>: the signal comes when the parent dies, also after an exec."""


def main() -> None:
    """Ask for SIGTERM at the parent's death, then become the command."""
    parent, *arguments = sys.argv[1:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)
    if os.getppid() != int(parent):  # it died before it could be asked for
        sys.exit(128 + signal.SIGTERM)
    os.execv(sys.executable, [sys.executable, "-m", "resumable", *arguments])  # noqa: S606 - this very interpreter


if __name__ == "__main__":
    main()
