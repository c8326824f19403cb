"""The engine `local`: each job is a process of this machine."""

import threading
from collections.abc import Callable, Mapping

from resumable.fleet.process import JobEnd, JobProcess, JobRun


class LocalEngine:
    """Runs work as processes; they stop when this process is told to, or dies."""

    def __init__(self, environment: Mapping[str, str], tell: Callable[[str], None]) -> None:
        """`environment` has what the clients' names stand for; `tell` gets a line of a job after its name."""
        self._environment = environment
        self._tell = tell
        self._lock = threading.Lock()
        self._running: set[JobProcess] = set()
        self._stopping = False

    def run(self, work: JobRun) -> JobEnd:
        """Run one piece of work to its end; from any thread."""
        process = JobProcess(work, self._environment, lambda line: self._tell(f"{work.job}: {line}"))
        with self._lock:
            self._running.add(process)
            if self._stopping:
                process.stop()
        try:
            return process.run()
        finally:
            with self._lock:
                self._running.discard(process)

    def stop(self) -> None:
        """Tell all jobs to finish what is in flight and to end."""
        with self._lock:
            self._stopping = True
            for process in self._running:
                process.stop()

    def close(self) -> None:
        """Do nothing: no process outlives its `run`."""
