"""Stands between a fleet and a job, so that the job ends in good order whatever becomes of the fleet.

    python -m resumable.fleet.child PARENT backfill ...

Linux only: elsewhere a job outlives a fleet that was killed, and its lock tells the next run so.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
from types import FrameType

_PR_SET_PDEATHSIG = 1
"""From <sys/prctl.h>: the signal comes when the parent dies, also after an exec."""


def main() -> None:
    """Run the command, pass SIGTERM on to it once, and end as it ended.

    The system may send it more than once, for each thread of a parent that dies; the job would take a second one for
    an order to drop what is in flight.
    """
    parent, *arguments = sys.argv[1:]
    job: subprocess.Popen[bytes] | None = None
    told = False

    def tell(number: int, frame: FrameType | None) -> None:
        nonlocal told
        if job is not None and not told:
            job.send_signal(signal.SIGTERM)
        told = True

    signal.signal(signal.SIGTERM, tell)
    _die_with(int(parent))
    job = subprocess.Popen(  # noqa: S603 - this very interpreter, no shell
        [sys.executable, "-m", "resumable", *arguments],
        preexec_fn=lambda: _die_with(None),  # safe: this process has one thread
    )
    if told:  # before there was anybody to pass it on to
        job.send_signal(signal.SIGTERM)
    code = job.wait()
    if code < 0:  # killed: whoever waits is to see that
        with contextlib.suppress(OSError):
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    sys.exit(code)


def _die_with(parent: int | None) -> None:
    """Ask for SIGTERM at the parent's death; where it, known by its id, died before that, end at once."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)
    if parent is not None and os.getppid() != parent:
        sys.exit(128 + signal.SIGTERM)


if __name__ == "__main__":
    main()
