"""The engine `ray`: the same work as tasks of a Ray cluster, of this machine's own or one that is joined.

No secret goes through Ray: what a task is handed names variables and files, and the worker looks them up where it is.
"""

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from typing import Any, Final

import ray
from ray.exceptions import RayError, RayTaskError, TaskCancelledError

from resumable.errors import ExitCode, StorageFailed
from resumable.fleet.process import JobEnd, JobProcess, JobRun

CORES: Final = 0.1
"""What a job is counted as: it waits for the server nearly all the time."""


def do(work: JobRun) -> JobEnd:
    """Run a piece of work in a worker of Ray; its words go to that worker's log."""
    return JobProcess(work, os.environ, lambda line: print(f"{work.job}: {line}", file=sys.stderr)).run()


class RayEngine:
    """Runs work as Ray tasks. A worker, a node or the driver that dies takes its processes with it."""

    def __init__(self, address: str | None) -> None:
        """Start Ray on this machine, or join the cluster at an address. Raises StorageFailed where that fails."""
        self._lock = threading.Lock()
        self._running: set[Any] = set()
        self._stopping = False
        _start(address)
        self._do = ray.remote(num_cpus=CORES, max_retries=0)(do)

    def run(self, work: JobRun) -> JobEnd:
        """Run one piece of work to its end; from any thread."""
        with self._lock:
            if self._stopping:
                return JobEnd(code=int(ExitCode.TERMINATED))
            reference = self._do.remote(work)
            self._running.add(reference)
        try:
            ended: JobEnd = ray.get(reference)
        except TaskCancelledError:
            return JobEnd(code=int(ExitCode.TERMINATED))
        except RayTaskError:  # a bug of ours, which running it again would only repeat
            raise
        except RayError as failure:  # its worker or its node is gone
            return JobEnd.lost_by(f"its worker is gone ({type(failure).__name__}).")
        finally:
            with self._lock:
                self._running.discard(reference)
        return ended

    def stop(self) -> None:
        """Tell all jobs to finish what is in flight and to end."""
        with self._lock:
            self._stopping = True
            for reference in self._running:
                ray.cancel(reference, force=False)

    def close(self) -> None:
        """Leave the cluster, and end it where it was started here."""
        _leave()


def _start(address: str | None) -> None:
    with _aside(), _signals_kept():
        try:
            ray.init(
                address=address,
                include_dashboard=None if address else False,
                log_to_driver=False,
                logging_level="error",
            )
        except (ConnectionError, RuntimeError, ValueError, OSError) as failure:
            raise StorageFailed(
                f"the engine ray could not be started: {str(failure).splitlines()[0][:200]}.",
                hint="Nothing was begun. Check --address, or use --engine local.",
            ) from None


def _leave() -> None:
    with _aside():
        ray.shutdown()


@contextlib.contextmanager
def started(address: str | None) -> Iterator[None]:
    """Be a driver of Ray: started on this machine, or joined at an address. Raises StorageFailed where that fails."""
    _start(address)
    try:
        yield
    finally:
        _leave()


@contextlib.contextmanager
def _aside() -> Iterator[None]:
    """Let what Ray and its processes print on stdout go to stderr."""
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        sys.stdout.flush()
        os.dup2(kept, 1)
        os.close(kept)


@contextlib.contextmanager
def _signals_kept() -> Iterator[None]:
    """Keep our handlers of signals: Ray sets its own for SIGTERM."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
