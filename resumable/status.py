"""How a job stands, read from its manifest without disturbing who works on it."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from resumable.datasets.catalogue import cheaper
from resumable.errors import ManifestUnusable
from resumable.manifest.expected import Expected, expected
from resumable.manifest.inventory import check_there, lacks
from resumable.manifest.ownership import check_own, check_receipt
from resumable.manifest.reader import ManifestReader, reader
from resumable.manifest.rows import NONE_OPEN, Behind, JobRow, LastFailure, OpenRecords, Quarantined, Totals, WindowRow
from resumable.models import Counter, Event, JobState, Shortfall, WindowContract, iso, label
from resumable.storage.job_files import RECEIPT, JobFiles

MANY_PAGES = 1000
"""So many to look at, at 1.5 ms each, are told of before the look that closes a job."""


@dataclass(frozen=True, kw_only=True)
class Status:
    """One job, as it stands now; counters are over its whole life, all runs together."""

    job: JobRow
    state: JobState
    totals: Totals
    expected: Expected
    """Pages of all windows, as far as they have named theirs."""
    counters: dict[Counter, int]
    drift: dict[str, int]
    """What the schema had no place for, by path: it is in `_unmapped`."""
    quarantined: tuple[Quarantined, ...]
    events: tuple[Event, ...]
    receipt: dict[str, Any] | None
    """The closing statement of a complete job."""
    shortfalls: Mapping[Shortfall, int] = field(default_factory=dict)
    """Windows that are not complete although no page of them failed, by why."""
    short: tuple[str, ...] = ()
    """Those, a line each."""
    open_records: OpenRecords = NONE_OPEN
    """Those without an end."""
    missing: tuple[str, ...] = ()
    """What is recorded and not there as it was recorded, where that was looked at: then the job is not complete."""
    behind: Behind | None = None
    """Since when it has not been complete, and in how many runs; None for one that is, or never ran."""
    last_failure: LastFailure | None = None
    """The last exchange that failed."""
    used_by_others: int | None = None
    """Requests of the server's newest minute that others made with the same client; None where it never told."""
    smaller_pages: int = 0
    """Windows that are asked for in smaller pages than the job's, because those were too heavy."""
    contracts: Mapping[WindowContract, int] = field(default_factory=dict)
    """Windows by their contract, of a dataset with two."""

    @property
    def complete_to(self) -> datetime:
        """Up to when the range has no gap."""
        return self.expected.gap or self.job.spec.interval.end

    @property
    def outage(self) -> dict[str, str] | None:
        """Since when the source has answered nobody, and in what way it does not; None where it has."""
        since = self.job.outage_since
        return None if since is None else {"since": iso(since), "why": self.job.outage_why}

    @property
    def problems(self) -> tuple[str, ...]:
        """The quarantined pages, the windows that wait, and what is recorded and not there, a line each."""
        return (*map(str, self.quarantined), *self.short, *self.missing)

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
                "expected": self.expected.pages,
                "done": totals.pages_done,
                "quarantined": totals.pages_quarantined,
            },
            "contracts": {contract.value: count for contract, count in self.contracts.items()} or None,
            "shortfalls": {why.value: count for why, count in self.shortfalls.items()},
            "records": totals.records,
            "open_records": self.open_records.count,
            "open_since": _when(self.open_records.since),
            "bytes": totals.bytes,
            **{counter.value: self.counters[counter] for counter in Counter},
            "used_by_others": self.used_by_others,
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


_SHORT = {
    Shortfall.CUT_OFF: "the source does not have it whole yet",
    Shortfall.FEWER: "fewer records came than the source named",
    Shortfall.FAILED: "the source's own job for it failed",
    Shortfall.UNSETTLED: "it changed each time it was downloaded",
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
        if state is JobState.RUNNING and not home.running():
            state = JobState.INTERRUPTED  # it was killed: nobody holds the lock any more
        missing = tuple(lack.text for lack in lacks(manifest, home)) if look and state is JobState.COMPLETE else ()
        if missing:
            state = JobState.INCOMPLETE
        return Status(
            job=job,
            state=state,
            totals=totals,
            expected=expected(manifest, totals),
            counters=manifest.counters(),
            drift=manifest.drift(),
            quarantined=tuple(manifest.quarantined()),
            events=tuple(manifest.events(events)),
            receipt=_receipt(home) if state is JobState.COMPLETE else None,
            shortfalls=manifest.shortfalls(),
            short=tuple(map(_short, manifest.short_windows())),
            open_records=manifest.open_records(),
            missing=missing,
            behind=None if state is JobState.COMPLETE else manifest.behind(),
            last_failure=manifest.last_failure(),
            used_by_others=manifest.used_by_others(),
            smaller_pages=manifest.smaller_pages(),
            contracts=manifest.contracts(),
        )


def _short(row: WindowRow) -> str:
    """Say of a window why it is not complete, although no page of it failed."""
    if row.shortfall is Shortfall.FEWER and row.counted is not None:
        why = f"{row.counted:,} are counted at the source, and {row.window.records:,} came"
    elif row.shortfall is Shortfall.CUT_OFF and row.cut_at is not None:
        why = f"the source's data ends at {row.cut_at:%Y-%m-%d %H:%M} UTC"
    else:
        why = _SHORT[row.shortfall] if row.shortfall else ""
    return f"{label(row.window.interval)}: {why}"


def check_complete(manifest: ManifestReader, home: JobFiles, *, closed: bool) -> None:
    """Raise what keeps a job whose windows are complete from being called complete: nobody says so without looking.

    `closed`: it has its receipt already.

    ManifestUnusable where the manifest is another job's, or does not agree with itself; VerificationFailed where not
    every recorded part is there; StorageFailed. Costs one pass over the manifest, and a listing a window.
    """
    check_own(manifest.job(), home)
    if closed:
        check_receipt(manifest.job(), home)
    check_sound(manifest)
    check_there(manifest, home)


def check_sound(manifest: ManifestReader) -> None:
    """Raise ManifestUnusable where a manifest does not agree with itself; costs one pass over it."""
    if flaws := manifest.flaws():
        raise ManifestUnusable(
            f"all windows are there, and the manifest does not agree with itself: {'; '.join(flaws[:3])}.",
            hint="The job is not called complete. Repair it with:",
            command=f"resumable repair {manifest.job().name}",
        )


def cheaper_contract(status: Status) -> tuple[str, int] | None:
    """Return the dataset that brings the same in far fewer requests, and how many; None where there is none."""
    spec, totals = status.job.spec, status.totals
    pages = totals.pages_known
    return cheaper(spec.dataset, requests=pages, records=pages * spec.page_size, windows=totals.windows)


def requests_left(totals: Totals) -> int | None:
    """Return about how many requests a job still takes, by what its windows had so far; None where none is begun."""
    if totals.windows_done == totals.windows:
        return 0
    if not totals.windows_begun:
        return None
    each = max(1.0, totals.pages_known / totals.windows_begun)
    return totals.pages_known - totals.pages_done + round(each * (totals.windows - totals.windows_begun))


def _receipt(home: JobFiles) -> dict[str, Any] | None:
    try:
        receipt = json.loads(home.store.read(RECEIPT))
    except (FileNotFoundError, ValueError):
        return None
    # The name is the folder's: it may have been moved since.
    return {**receipt, "job": home.name} if isinstance(receipt, dict) else None


def _when(moment: datetime | None) -> str | None:
    return None if moment is None else iso(moment)
