"""Makes a lost or damaged manifest again from the parts: each repeats, in its footer, what the manifest knew of it.

The new one is made under another name, closed, and renamed into place once the old one is aside: killed at any moment,
there is the old manifest, none, or the new one whole.
"""

from collections import Counter as Tally
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from typing import Final

from resumable.clock import Clock
from resumable.datasets.contract import AnyContract, taken_by
from resumable.datasets.limits import window_length
from resumable.datasets.resolve import of_job
from resumable.engine.closing import STILL_CHANGING, Verdict, judge
from resumable.engine.open_records import OpenCounts
from resumable.engine.windows import cut
from resumable.errors import ManifestUnusable, ResumableError
from resumable.manifest.rows import OpenRecords, PageRow, WindowRow
from resumable.manifest.store import Manifest
from resumable.models import EventKind, Interval, JobSpec, Organisation, PageKey, PartFact, Window, moment_of
from resumable.repair.takes import ProvenPart, Take, contract_of, take_of
from resumable.schema.identity import columns, identities
from resumable.storage import durable
from resumable.storage.job_files import PARTS, JobFiles
from resumable.storage.parts import Footer, Parts
from resumable.storage.reading import ahead, at_once

BESIDE = ("-wal", "-shm", "-journal", "")
"""Endings of a manifest's files, itself last: no log is ever left for another manifest to take for its own."""

ANY_SIZE: Final = 2**62
"""A part is read, however long it is: it is to prove itself."""

Look = Callable[[int], None]
"""Is told how many parts have been read."""


@dataclass(frozen=True, kw_only=True)
class Restored:
    """What a manifest was made of."""

    parts: int
    windows: int
    """Complete by what their parts prove."""
    others: int
    """Parts that prove nothing, or are of another job; a verification names them."""


def restore(
    home: JobFiles, clock: Clock, *, at: str, interval_max: timedelta | None = None, look: Look = lambda _: None
) -> Restored:
    """Put a manifest made from the parts in the place of what is there, which goes to aside/, into the folder `at`.

    The job's lock must be held. Raises ManifestUnusable where no part says whose it is, StorageFailed.
    """
    parts = Parts(home)
    with ThreadPoolExecutor(at_once(home.store), thread_name_prefix="rebuild") as pool:
        return _made(home, clock, parts, pool, at=at, interval_max=interval_max, look=look)


def _made(
    home: JobFiles,
    clock: Clock,
    parts: Parts,
    pool: ThreadPoolExecutor,
    *,
    at: str,
    interval_max: timedelta | None,
    look: Look,
) -> Restored:
    origin = _origin(home, parts, pool)
    spec = JobSpec.from_json(origin.spec)
    contract = _contract(home, spec, origin)
    clear(home)
    length = window_length(contract, spec.window, interval_max)
    manifest = Manifest.create(
        home.making,
        clock,
        name=home.name,
        spec=spec,
        schema_digest=origin.schema_digest,
        windows=iter(_windows(spec.interval, cut(spec.interval, length, spec.query.zone), parts.windows())),
        job_uuid=origin.job,
        columns=origin.columns,
    )
    with closing(manifest):
        if origin.origin is not None:
            whose = Organisation(origin=origin.origin, id=origin.organisation, client=origin.client)
            manifest.learned.organisation(whose)
        done = _Restoration(manifest, parts, contract, origin, look, pool).go()
        text = f"rebuilt from {done.parts:,} parts; its events, counts and drift until now are in {at}"
        manifest.event(EventKind.WARNING, text)
    _swap(home, at)
    return done


def clear(home: JobFiles) -> None:
    """Remove what a restoration that was killed left unfinished."""
    for ending in BESIDE:
        durable.remove(Path(f"{home.making}{ending}"))


def _origin(home: JobFiles, parts: Parts, pool: ThreadPoolExecutor) -> Footer:
    """Return the newest footer of the job that most of the parts say they are of."""
    votes: Tally[str] = Tally()
    newest: dict[str, Footer] = {}
    keys = (key for window in parts.windows() for key in parts.found(window)[0])

    def said(key: PageKey) -> Footer | None:
        footer = parts.footer(key)
        return footer if footer is not None and footer.key == key and _sensible(footer) else None

    for footer in ahead(pool, said, keys, most=4 * at_once(parts.store)):
        if footer is None:
            continue
        votes[footer.job] += 1
        if footer.job not in newest or footer.taken_at > newest[footer.job].taken_at:
            newest[footer.job] = footer
    if not votes:
        raise ManifestUnusable(
            f"no part in {home.store.place(PARTS)} says of itself which job it is of.",
            hint=f"Move {home.store.place('')} away, and begin the job again.",
        )
    return newest[votes.most_common(1)[0][0]]


def _sensible(footer: Footer) -> bool:
    try:
        moment_of(footer.taken_at)
        contract_of(footer)
        return _digest(footer.spec) == footer.query_digest
    except (ValueError, KeyError, TypeError, AttributeError):
        return False


@lru_cache(maxsize=8)
def _digest(spec: str) -> str:
    """Return the digest of a spec: nearly all parts of a job repeat one text."""
    return JobSpec.from_json(spec).digest


def _contract(home: JobFiles, spec: JobSpec, origin: Footer) -> AnyContract:
    try:
        return of_job(spec, origin.columns)
    except ResumableError as error:
        where = home.store.place(PARTS)
        raise ManifestUnusable(
            f"the parts in {where} name a job that makes no sense: {error.message}",
            hint="Put back a copy of the manifest, or download it again under another --job.",
        ) from error


def _windows(whole: Interval, cuts: Iterable[Interval], found: Iterable[Interval]) -> list[Interval]:
    """Return windows that cover the range: those with parts, the shorter where two overlap, and what is between."""
    chosen: list[Interval] = []
    for window in sorted(found, key=lambda w: (w.length, w.start)):
        inside = whole.start <= window.start and window.end <= whole.end
        if inside and all(window.end <= other.start or other.end <= window.start for other in chosen):
            chosen.append(window)
    chosen.sort()
    known = set(chosen)
    for planned in cuts:
        start = planned.start
        for other in (w for w in chosen if w.start < planned.end and planned.start < w.end):
            if start < other.start:
                known.add(Interval(start=start, end=other.start))
            start = max(start, other.end)
        if start < planned.end:
            known.add(Interval(start=start, end=planned.end))
    return sorted(known)


class _Restoration:
    """Goes through the windows of a new manifest, and records what their parts prove."""

    def __init__(
        self,
        manifest: Manifest,
        parts: Parts,
        contract: AnyContract,
        origin: Footer,
        look: Look,
        pool: ThreadPoolExecutor,
    ) -> None:
        self._manifest = manifest
        self._parts = parts
        self._contract = contract
        self._origin = origin
        self._look = look
        self._pool = pool
        names = [*columns(contract.schema), contract.end_key, contract.schema.start]
        self._columns = [*dict.fromkeys(name for name in names if name is not None)]
        self._read = self._proven = self._complete = 0

    def go(self) -> Restored:
        for row in self._manifest.windows():
            self._window(row)
        found = sum(len(self._parts.found(window)[0]) for window in self._parts.windows())
        return Restored(parts=self._proven, windows=self._complete, others=found - self._proven)

    def _window(self, row: WindowRow) -> None:
        takes = [*self._takes(row.window.interval)]
        if not takes:
            return
        current, earlier = takes[0], [take for take in takes[1:] if take.whole]
        before = next(((take, self._judge(row, take, None)) for take in earlier), None)
        number = current.placed.snapshot.number
        if current.whole or current.by_number:
            same = before is not None and before[0].placed.snapshot.number == number - 1
            fingerprint = before[1].fingerprint if before and same else None
            self._manifest.mending.place(row.window, current.placed, fingerprint=fingerprint)
            self._proven += len(current.placed.pages)
            if current.whole and self._close(row, current, fingerprint):
                return
        if not current.by_number:
            # What stood behind its cursors went with the manifest: the window is taken from its beginning.
            if current.whole:
                self._proven -= len(current.placed.pages)
                self._manifest.mending.begin_again(self._manifest.window(row.window.id).window)
            number += 1
        kept = before[0].placed if before and before[1].complete else None
        self._proven += len(kept.pages) if kept else 0
        self._manifest.mending.place_before(row.window, number, kept)

    def _close(self, row: WindowRow, take: Take, fingerprint: bytes | None) -> bool:
        """Let the closing check judge a take that is all there; False where the source has to be asked again."""
        verdict = self._judge(row, take, fingerprint)
        if not verdict.complete:
            return False
        window, taken_at = self._manifest.window(row.window.id).window, take.placed.taken_at
        self._manifest.complete(
            window,
            verdict.fingerprint,
            duplicates=verdict.duplicates,
            settled=verdict.settled,
            young=taken_at - window.interval.end < STILL_CHANGING and not self._contract.timeless,
            open_records=self._open(window, take),
        )
        self._manifest.mending.taken_at(window, taken_at)
        self._complete += 1
        return True

    def _open(self, window: Window, take: Take) -> OpenRecords:
        counts = OpenCounts(self._contract, self._parts)
        for page in take.placed.pages:
            counts.keep(window, page.number, take.tables[page.number])
        return counts.settle(window, (page.number for page in take.placed.pages))

    def _judge(self, row: WindowRow, take: Take, fingerprint: bytes | None) -> Verdict:
        snapshot = take.placed.snapshot
        window = replace(row.window, snapshot=snapshot, take=snapshot.number, fingerprint=fingerprint)
        keys = (identities(take.tables[page.number], self._contract.schema) for page in take.placed.pages)
        size = self._manifest.job().spec.page_size if take.by_number else None
        whole = replace(row, window=window, moved=take.placed.moved, done=len(take.placed.pages))
        return judge(whole, keys, self._contract.schema, page_size=size)

    def _takes(self, window: Interval) -> Iterator[Take]:
        """Yield what proves itself of each take, the newest first."""
        keys, _ = self._parts.found(window)
        for number in sorted({key.take for key in keys}, reverse=True):
            found = [*self._prove(key for key in keys if key.take == number)]
            if found:
                which = contract_of(found[0].footer)
                by_number = taken_by(self._contract, which).paging.counts_pages
                found = [one for one in found if one.footer.contract == which]
                yield take_of(number, sorted(found, key=lambda one: one.page.number), by_number=by_number)

    def _prove(self, keys: Iterable[PageKey]) -> Iterator[ProvenPart]:
        """Yield the parts that are whole, are what their names say, and are of this job."""
        mine = (self._origin.job, self._origin.query_digest, self._origin.schema_digest, self._origin.columns)
        for found in ahead(self._pool, self._looked_at, keys, most=4 * at_once(self._parts.store)):
            self._read += 1
            self._look(self._read)
            if found is None:
                continue
            footer = found.footer
            same_data = None in (footer.organisation, self._origin.organisation) or (
                footer.organisation == self._origin.organisation
            )
            if (footer.job, footer.query_digest, footer.schema_digest, footer.columns) == mine and same_data:
                yield found

    def _looked_at(self, key: PageKey) -> ProvenPart | None:
        """Read a part once; None where it does not prove itself, or says that it is another page."""
        try:
            look = self._parts.look(key, most=ANY_SIZE, columns=self._columns)
        except FileNotFoundError:
            return None
        footer, table = look.footer, look.table
        if footer is None or table is None or look.sha256 is None or footer.key != key:
            return None
        if footer.rows != table.num_rows or not _sensible(footer):
            return None
        part = PartFact(rows=footer.rows, size=look.size, sha256=look.sha256)
        return ProvenPart(footer=footer, page=PageRow(number=key.number, part=part), table=table)


def _swap(home: JobFiles, at: str) -> None:
    """Move the old manifest away and the new one into its place."""
    aside = home.aside_folder(at)
    durable.make_folder(aside.absolute(), within=home.folder.absolute())
    for ending in BESIDE:
        old = Path(f"{home.manifest}{ending}")
        if durable.kind_of(old) is not None:
            durable.move(old, aside / old.name)
    durable.move(home.making, home.manifest)
