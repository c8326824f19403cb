"""How a job stands, read from its manifest without disturbing who works on it."""

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from resumable.datasets.catalogue import cheaper
from resumable.errors import ManifestUnusable
from resumable.manifest.reader import ManifestReader, reader
from resumable.manifest.rows import Behind, JobRow, LastFailure, Quarantined, Totals
from resumable.models import Counter, Event, JobState, iso
from resumable.storage.job_files import RECEIPT, JobFiles
from resumable.storage.lock import held

MANY_PAGES = 1000
"""So many to look at, at 1.5 ms each, are told of before the look that closes a job."""


@dataclass(frozen=True, kw_only=True)
class Status:
    """One job, as it stands now; counters are over its whole life, all runs together."""

    job: JobRow
    state: JobState
    totals: Totals
    counters: dict[Counter, int]
    drift: dict[str, int]
    """What the schema had no place for, by path: it is in `_unmapped`."""
    quarantined: tuple[Quarantined, ...]
    events: tuple[Event, ...]
    receipt: dict[str, Any] | None
    """The closing statement of a complete job."""
    behind: Behind | None = None
    """Since when it has not been complete, and in how many runs; None for one that is, or never ran."""
    last_failure: LastFailure | None = None
    """The last exchange that failed."""

    smaller_pages: int = 0
    """Windows that are asked for in smaller pages than the job's, because those were too heavy."""

    @property
    def outage(self) -> dict[str, str] | None:
        """Since when the source has answered nobody, and in what way it does not; None where it has."""
        since = self.job.outage_since
        return None if since is None else {"since": iso(since), "why": self.job.outage_why}

    @property
    def problems(self) -> tuple[str, ...]:
        """The quarantined pages, a line each."""
        return tuple(map(str, self.quarantined))

    def to_json(self) -> dict[str, Any]:
        """Return the object that `status --json` prints."""
        totals, spec = self.totals, self.job.spec
        return {
            "job": self.job.name,
            "dataset": spec.dataset,
            "organisation": None if self.job.organisation is None else asdict(self.job.organisation),
            "state": self.state.value,
            "from": iso(spec.interval.start),
            "to": iso(spec.interval.end),
            "windows": {"total": totals.windows, "done": totals.windows_done},
            "pages": {
                "known": totals.pages_known,
                "done": totals.pages_done,
                "quarantined": totals.pages_quarantined,
            },
            "records": totals.records,
            "bytes": totals.bytes,
            **{counter.value: self.counters[counter] for counter in Counter},
            "started_at": _when(self.job.started_at),
            "updated_at": _when(self.job.updated_at),
            "incomplete": None if self.behind is None else {"since": iso(self.behind.since), "runs": self.behind.runs},
            "last_failure": self._failure(),
            "outage": self.outage,
            "learned": {"records_paged_through": self.job.deep_limit, "windows_in_smaller_pages": self.smaller_pages},
            "drift": self.drift,
            "problems": list(self.problems),
            "events": [{"at": iso(e.at), "kind": e.kind.value, "text": e.text} for e in self.events],
            "receipt": self.receipt,
        }

    def _failure(self) -> dict[str, Any] | None:
        last = self.last_failure
        return None if last is None else {**asdict(last), "at": iso(last.at)}


def read(home: JobFiles, *, events: int = 20) -> Status | None:
    """Read the status of a job; None where there is none. Raises ManifestUnusable or StorageFailed."""
    with reader(home) as manifest:
        if manifest is None:
            if (error := home.lost()) is not None:
                raise error
            return None
        job, totals = manifest.job(), manifest.totals()
        state = job.state
        if state is JobState.COMPLETE and totals.windows_done < totals.windows:
            state = JobState.INCOMPLETE  # never a false complete, whatever has become of the manifest
        if state is JobState.RUNNING and not held(home.lock):
            state = JobState.INTERRUPTED  # it was killed: nobody holds the lock any more
        return Status(
            job=job,
            state=state,
            totals=totals,
            counters=manifest.counters(),
            drift=manifest.drift(),
            quarantined=tuple(manifest.quarantined()),
            events=tuple(manifest.events(events)),
            receipt=_receipt(home) if state is JobState.COMPLETE else None,
            behind=None if state is JobState.COMPLETE else manifest.behind(),
            last_failure=manifest.last_failure(),
            smaller_pages=manifest.smaller_pages(),
        )


def check_sound(manifest: ManifestReader) -> None:
    """Raise ManifestUnusable where a manifest does not agree with itself; costs one pass over it."""
    if flaws := manifest.flaws():
        raise ManifestUnusable(
            f"all windows are there, and the manifest does not agree with itself: {'; '.join(flaws[:3])}.",
            hint="The job is not called complete. Mend it with:",
            command=f"resumable repair {manifest.job().name}",
        )


def cheaper_contract(status: Status) -> tuple[str, int] | None:
    """Return the dataset that brings the same in far fewer requests, and how many; None where there is none."""
    spec, totals = status.job.spec, status.totals
    pages = totals.pages_known
    return cheaper(spec.dataset, requests=pages, records=pages * spec.page_size, windows=totals.windows)


def _receipt(home: JobFiles) -> dict[str, Any] | None:
    try:
        receipt = json.loads(home.store.read(RECEIPT))
    except (FileNotFoundError, ValueError):
        return None
    # The name is the folder's: it may have been moved since.
    return {**receipt, "job": home.name} if isinstance(receipt, dict) else None


def _when(moment: datetime | None) -> str | None:
    return None if moment is None else iso(moment)
