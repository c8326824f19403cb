"""What is exported: the parts that the manifest of a job names, window by window, of takes that are whole."""

import functools
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from resumable import status as status_of
from resumable.datasets.contract import Contract
from resumable.datasets.resolve import of_job
from resumable.errors import Incomplete, ResumableError
from resumable.export.checked_parts import Proven
from resumable.manifest.reader import ManifestReader, reader, required_reader
from resumable.manifest.rows import JobRow, WindowRow
from resumable.models import PageKey, PartFact, Shortfall, WindowState, iso, label
from resumable.schema.schema import Schema
from resumable.storage.job_files import JobFiles, StateFiles
from resumable.storage.parts import Parts

NAMED = 5
"""Windows that are missing and are named; the rest is counted."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Piece:
    """One part that is exported."""

    key: PageKey
    part: PartFact


@dataclass(frozen=True, kw_only=True)
class ExportSource:
    """A job as far as it can be exported."""

    job: JobRow
    parts: Parts
    contract: Contract
    pieces: list[Piece]
    """By window and page."""
    missing: list[str]
    """What is not complete, in words, at most so many as are worth reading."""

    @functools.cached_property
    def proven(self) -> Proven:
        """What reads its parts."""
        return Proven(self.parts)

    @property
    def schema(self) -> Schema:
        """The pinned schema of its parts."""
        return self.contract.schema

    @property
    def root(self) -> str:
        """What its records are called, together."""
        return self.contract.table

    @property
    def dated(self) -> bool:
        """Whether its records belong to days: by their start, or else by their window."""
        return not self.contract.timeless

    @property
    def digest(self) -> str:
        """Identify job, schema and every byte of every part in 64 hex digits."""
        sha256 = hashlib.sha256(f"{self.job.uuid} {self.schema.digest}".encode())
        for piece in self.pieces:
            sha256.update(piece.part.sha256)
        return sha256.hexdigest()

    def taken_at(self, piece: Piece) -> str:
        """Return when a part's page was taken, as its footer says; texts that sort as the times do."""
        footer = self.parts.look(piece.key).footer
        return "" if footer is None else footer.taken_at


def read(home: JobFiles, *, partial: bool, loading: bool = False) -> ExportSource:
    """Find what a job has to export, or to load. Raises Incomplete naming what is missing, unless `partial`."""
    with required_reader(home) as manifest:
        status_of.check_sound(manifest)
        job = manifest.job()
        rows = list(manifest.windows())
        missing = _missing(manifest, rows)
        if missing and not partial:
            raise _incomplete(job.name, rows, missing, loading=loading)
        pieces = [
            Piece(key=PageKey(window=row.window.interval, take=take, number=page.number), part=page.part)
            for row in rows
            # Of a window that was never whole, the pages that are there.
            for take in (row.whole_take or row.window.take,)
            for page in manifest.pages(row.window, take=take)
        ]
        if job.columns is None and not pieces and job.spec.query.declaration is not None:
            raise _incomplete(
                job.name, rows, missing, loading=loading
            )  # its columns are not known before the first page
        contract = of_job(job.spec, job.columns)
    return ExportSource(job=job, parts=Parts(home), contract=contract, pieces=pieces, missing=missing)


def newest(
    state: StateFiles, dataset: str, unreadable: dict[str, str], suits: Callable[[JobRow], bool] = lambda _: True
) -> ExportSource | None:
    """Return the newest job of a dataset in a state folder that suits and has anything whole; None for none.

    A job that cannot be read is passed over, and why is put into `unreadable` by its name.
    """
    found: list[tuple[datetime, ExportSource]] = []
    for home in state.jobs():
        try:
            with reader(home) as manifest:
                job = None if manifest is None else manifest.job()
            if job is not None and job.spec.dataset == dataset and suits(job):
                source = read(home, partial=True)
                found += [(job.updated_at, source)] if source.pieces else []
        except ResumableError as error:
            unreadable[home.name] = error.message
    return max(found, key=lambda each: each[0], default=(None, None))[1]


def _missing(manifest: ManifestReader, rows: list[WindowRow]) -> list[str]:
    behind = [row for row in rows if row.window.state is not WindowState.COMPLETE]
    said = [f"{label(row.window.interval)}: {_what_is_missing(manifest, row)}" for row in behind[:NAMED]]
    return said + ([f"and {len(behind) - NAMED:,} windows more"] if len(behind) > NAMED else [])


def _what_is_missing(manifest: ManifestReader, row: WindowRow) -> str:
    again = " (its take before is whole)" if row.whole_take is not None else ""
    if row.shortfall is Shortfall.CUT_OFF and row.cut_at is not None:
        return f"cut off, the source's data ends at {iso(row.cut_at)}{again}"
    if row.window.snapshot is None:
        return f"not begun{again}"
    count = row.window.snapshot.page_count
    done = {page.number for page in manifest.pages(row.window)}
    lacks = [*islice((number for number in range(1, count + 1) if number not in done), NAMED + 1)]
    names = ", ".join(map(str, lacks[:NAMED])) + (", ..." if len(lacks) > NAMED else "")
    return f"{row.done:,} of {count:,} pages" + (f", without page {names}" if lacks else "") + again


def _incomplete(name: str, rows: list[WindowRow], missing: list[str], *, loading: bool) -> Incomplete:
    done = sum(row.window.state is WindowState.COMPLETE for row in rows)
    return Incomplete(
        f"{done:,} of {len(rows):,} windows of {name} are complete; nothing was {'loaded' if loading else 'exported'}."
        f" Missing: {'; '.join(missing)}.",
        hint="Resume the job with:" if loading else "Export what is whole with --partial, or resume the job with:",
        command=f"resumable resume {name}",
    )
