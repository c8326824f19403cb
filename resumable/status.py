"""How a job stands, read from its manifest without disturbing who works on it."""

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from resumable.datasets.catalogue import cheaper
from resumable.errors import ManifestUnusable
from resumable.manifest.inventory import check_there, lacks
from resumable.manifest.ownership import check_own, check_receipt
from resumable.manifest.reader import ManifestReader, reader
from resumable.manifest.rows import NONE_OPEN, JobRow, OpenRecords, Quarantined, Totals
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
    open_records: OpenRecords = NONE_OPEN
    """Those without an end."""
    missing: tuple[str, ...] = ()
    """What is recorded and not there as it was recorded, where that was looked at: then the job is not complete."""

    @property
    def problems(self) -> tuple[str, ...]:
        """The quarantined pages, and what is recorded and not there, a line each."""
        return (*map(str, self.quarantined), *self.missing)

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
            "open_records": self.open_records.count,
            "open_since": _when(self.open_records.since),
            "bytes": totals.bytes,
            **{counter.value: self.counters[counter] for counter in Counter},
            "started_at": _when(self.job.started_at),
            "updated_at": _when(self.job.updated_at),
            "drift": self.drift,
            "problems": list(self.problems),
            "events": [{"at": iso(e.at), "kind": e.kind.value, "text": e.text} for e in self.events],
            "receipt": self.receipt,
        }


def read(home: JobFiles, *, events: int = 20, look: bool = False) -> Status | None:
    """Read the status of a job; None where there is none. Raises ManifestUnusable or StorageFailed.

    `look`: look for the parts of a job that its manifest calls complete, by their sizes; where some are not there, its
    state is incomplete.
    """
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
        missing = tuple(lack.text for lack in lacks(manifest, home)) if look and state is JobState.COMPLETE else ()
        if missing:
            state = JobState.INCOMPLETE
        return Status(
            job=job,
            state=state,
            totals=totals,
            counters=manifest.counters(),
            drift=manifest.drift(),
            quarantined=tuple(manifest.quarantined()),
            events=tuple(manifest.events(events)),
            receipt=_receipt(home) if state is JobState.COMPLETE else None,
            open_records=manifest.open_records(),
            missing=missing,
        )


def check_complete(manifest: ManifestReader, home: JobFiles) -> None:
    """Raise what keeps a job whose windows are complete from being called complete: nobody says so without looking.

    ManifestUnusable where the manifest is another job's, or does not agree with itself; VerificationFailed where not
    every recorded part is there; StorageFailed. Costs one pass over the manifest, and a listing a window.
    """
    check_own(manifest.job(), home)
    check_receipt(manifest.job(), home)
    check_sound(manifest)
    check_there(manifest, home)


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
    return receipt if isinstance(receipt, dict) else None


def _when(moment: datetime | None) -> str | None:
    return None if moment is None else iso(moment)
