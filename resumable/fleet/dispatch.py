"""Runs the jobs of a fleet on an engine: one of an allowance at a time, again where it was lost or is incomplete."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Protocol

from resumable.clock import Stop
from resumable.errors import ExitCode
from resumable.fleet.fleet import FleetJob
from resumable.fleet.process import JobEnd, JobRun
from resumable.text import amount, span

AGAIN: Final = (ExitCode.INCOMPLETE, ExitCode.STORAGE)
"""Ends after which the same command may fare better by itself."""

LOSSES_MOST: Final = 5
"""So many times a job whose process or machine was lost is run again in one run of a fleet."""

LOSS_SECONDS: Final = 2.0
"""Before that, so that a lock or a machine that is just going is gone."""

LONGEST_WAIT_SECONDS: Final = 900.0

FARTHEST_SECONDS: Final = 3600.0
"""A job that may not ask again for longer than this is left to the next run of the fleet."""


class Engine(Protocol):
    """Where work is done."""

    def run(self, work: JobRun) -> JobEnd:
        """Run one piece of work to its end; called from a thread for each."""

    def stop(self) -> None:
        """Tell all work to finish what is in flight and to end."""

    def close(self) -> None:
        """Give back what the engine holds, once no work is left."""


@dataclass(frozen=True, kw_only=True)
class Tries:
    """How often a job is run in one run of a fleet."""

    most: int = 5
    first_wait_seconds: float = 30.0
    """Before the second; each later wait is twice as long, and at most a quarter of an hour."""

    def wait_seconds(self, tried: int) -> float:
        """Return how long to wait after so many runs."""
        return min(LONGEST_WAIT_SECONDS, self.first_wait_seconds * 2.0 ** (tried - 1))


@dataclass(kw_only=True)
class _Entry:
    """A job that is not over."""

    job: FleetJob
    work: JobRun
    not_before: float = float("-inf")
    """Monotonic seconds."""
    tried: int = 0
    lost: int = 0
    ended: JobEnd | None = None


@dataclass(kw_only=True)
class Dispatch:
    """One run of a fleet; `run` is called once."""

    engine: Engine
    stop: Stop
    tell: Callable[[str], None]
    tries: Tries = field(default_factory=Tries)
    ends: dict[str, JobEnd] = field(default_factory=dict)
    """How the jobs ended that are over, by name."""
    running: set[str] = field(default_factory=set)
    """The names of jobs that are being run."""

    def run(self, work: Sequence[tuple[FleetJob, JobRun]], allowances: Mapping[str, str], *, most: int) -> None:
        """Run all work, `most` at a time, and return when it is over or the stop flag is up and what ran has ended.

        `allowances` says by a client's name what it may not ask for twice at the same time.
        """
        self._allowances = allowances
        self._waiting = [_Entry(job=job, work=piece) for job, piece in work]
        self._busy: set[str] = set()
        names = [f"fleet-{number + 1}" for number in range(max(1, min(most, len(work))))]
        self.stop.clock.run_threads(self._attend, names)
        self.ends |= {entry.job.name: entry.ended for entry in self._waiting if entry.ended is not None}

    def _attend(self) -> None:
        """Take one job after the other until none is left."""
        while (entry := self._next()) is not None:
            self._back(entry, self.engine.run(entry.work))

    def _next(self) -> _Entry | None:
        """Wait for a job that may be run now; None when all are over, or the run is to end."""
        clock, condition = self.stop.clock, self.stop.condition
        with condition:
            while not self.stop.requested and (self._waiting or self.running):
                now = clock.monotonic()
                free = [entry for entry in self._waiting if self._allowance(entry) not in self._busy]
                entry = next((one for one in free if one.not_before <= now), None)
                if entry is not None:
                    self._waiting.remove(entry)
                    self._busy.add(self._allowance(entry))
                    self.running.add(entry.job.name)
                    return entry
                clock.wait(condition, min((one.not_before - now for one in free), default=None))
        return None

    def _back(self, entry: _Entry, ended: JobEnd) -> None:
        entry.ended = ended
        entry.tried += not ended.lost
        entry.lost += ended.lost
        wait = None if self.stop.requested else self._wait_seconds(entry, ended)
        with self.stop.condition:
            self._busy.discard(self._allowance(entry))
            self.running.discard(entry.job.name)
            if wait is None:
                self.ends[entry.job.name] = ended
            else:
                entry.not_before = self.stop.clock.monotonic() + wait
                self._waiting.append(entry)
            self.stop.condition.notify_all()
        name, code = entry.job.name, ended.code
        if wait is None:
            said = "complete" if code == ExitCode.COMPLETE else f"ended with exit {code}"
            self.tell(f"{name}: {said}; {amount(len(self.ends), 'job')} of the fleet done")
        else:
            said = "its process is lost" if ended.lost else f"ended with exit {code}"
            self.tell(f"{name}: {said}; it is run again in {span(wait)}")

    def _wait_seconds(self, entry: _Entry, ended: JobEnd) -> float | None:
        """Return how long to wait before a job is run again; None where it is over."""
        if ended.lost:
            return LOSS_SECONDS if entry.lost <= LOSSES_MOST else None
        if ended.code == ExitCode.LOCKED and entry.lost and entry.tried <= LOSSES_MOST:
            return LOSS_SECONDS * 2.0**entry.tried  # the lost one finishes what was in flight
        if ended.code not in AGAIN or entry.tried >= self.tries.most:
            return None
        wait = max(self.tries.wait_seconds(entry.tried), self._asked_seconds(ended))
        return wait if wait <= FARTHEST_SECONDS else None

    def _asked_seconds(self, ended: JobEnd) -> float:
        """Return how long the source asked to wait, by what the job said; 0 where it said nothing."""
        error = ended.answer.get("error")
        said = error.get("not_before") if isinstance(error, dict) else None
        if not isinstance(said, str):
            return 0.0
        return (datetime.fromisoformat(said) - self.stop.clock.now()).total_seconds()

    def _allowance(self, entry: _Entry) -> str:
        return self._allowances[entry.job.client.name]
