"""Mends a job in place: takes back what is recorded and not true, so that a run asks for just that again.

Rows go first, durably; then what lies in the place of a part is put aside, never thrown away. Killed in between, the
next repair, or a run, finds a part that no row names, and adopts it or removes it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta

from resumable.clock import Clock
from resumable.datasets.contract import AnyContract, taken_by
from resumable.datasets.limits import window_length
from resumable.datasets.resolve import of_job
from resumable.engine.windows import cut
from resumable.errors import ManifestDamaged, ManifestUnusable, VerificationFailed
from resumable.manifest.connection import NOBODY
from resumable.manifest.rows import WindowRow
from resumable.manifest.store import Manifest
from resumable.models import Interval, PageKey, WindowState, label
from resumable.repair import rebuild
from resumable.storage.bucket_state import Changed
from resumable.storage.job_files import PARTS, Keeper, compact
from resumable.text import amount
from resumable.verify.findings import Finding, Flaw
from resumable.verify.subject import JobLike
from resumable.verify.verification import LookOn, verify

KEPT = frozenset({Flaw.RECORD, Flaw.COVERAGE, Flaw.DUPLICATE, Flaw.MISSING})
"""Flaws whose file, if there is one, stays where it is: only the row is wrong."""

Say = Callable[[str], None]


@dataclass(kw_only=True)
class Repaired:
    """What a repair did before it let the job run."""

    faults: int = 0
    """That were found."""
    pages: int = 0
    """Whose rows were taken back."""
    windows: int = 0
    """That are to be checked or taken again."""
    aside: list[str] = field(default_factory=list)
    """Where the files are that were moved: their paths, or URLs in a bucket."""
    removed: int = 0
    """Temporary files."""
    restored: int | None = None
    """Parts from which the manifest was made again; None where it was sound."""
    receipt: bool = False
    """The receipt is to be written again."""

    def to_json(self) -> dict[str, object]:
        """Return the object that `repair --json` prints beside the status."""
        return {
            "faults": self.faults,
            "pages": self.pages,
            "windows": self.windows,
            "aside": list(self.aside),
            "removed": self.removed,
            "restored": self.restored,
            "receipt": self.receipt,
        }


@dataclass(kw_only=True)
class _Damage:
    """What is wrong with one window."""

    pages: set[tuple[int, int]] = field(default_factory=set)
    """Take and number."""
    whole: bool = False
    """Its own row is not to be trusted."""
    files: list[str] = field(default_factory=list)
    """By their keys."""


@dataclass(kw_only=True)
class Survey:
    """What a verification found, as far as a repair has to do something about it."""

    faults: int = 0
    windows: dict[Interval, _Damage] = field(default_factory=dict)
    strays: list[tuple[str, PageKey | None]] = field(default_factory=list)
    """Keys of files that no row names, each with the page that its name says it is."""
    leftovers: list[str] = field(default_factory=list)
    holes: list[Interval] = field(default_factory=list)
    receipt: bool = False
    manifest: Finding | None = None
    blocked: Finding | None = None
    """A fault that only a person can mend."""

    def add(self, finding: Finding) -> None:
        """Take in one finding."""
        self.faults += 1
        if finding.flaw is Flaw.MANIFEST:
            self.manifest = finding
        elif finding.flaw is Flaw.RECEIPT:
            self.receipt = True
        elif finding.flaw is Flaw.LEFTOVER and finding.file is not None:
            self.leftovers.append(finding.file)
        elif finding.file == PARTS:
            self.blocked = finding
        elif finding.window is not None and finding.flaw is not Flaw.ORPHAN and finding.take is not None:
            self._window(finding, finding.window)
        elif finding.flaw is Flaw.COVERAGE and finding.window is not None:
            self.holes.append(finding.window)
        elif finding.file is not None:
            self.strays.append((finding.file, finding.key))

    def _window(self, finding: Finding, window: Interval) -> None:
        damage = self.windows.setdefault(window, _Damage())
        if finding.key is None:
            damage.whole = True
        else:
            damage.pages.add((finding.key.take, finding.key.number))
        if finding.flaw not in KEPT and finding.file is not None and finding.file not in damage.files:
            damage.files.append(finding.file)


def mended(
    job: JobLike,
    *,
    clock: Clock,
    interval_max: timedelta | None = None,
    watch: LookOn | None = None,
    say: Say = lambda _: None,
    keeper: Keeper = NOBODY,
) -> tuple[Manifest, Repaired]:
    """Mend a job whose lock is held, so that a run takes just what is missing; return its manifest, open.

    Raises UsageError where there is no such job, ManifestUnusable where its manifest is not this program's to mend,
    VerificationFailed where only a person can, StorageFailed.
    """
    done, at = Repaired(), compact(clock.now())
    rebuild.clear(job.home)
    manifest, found = _looked_at(job, clock, watch, keeper)
    if manifest is None:
        keeper.check()
        restored = rebuild.restore(job.home, clock, at=at, interval_max=interval_max)
        keeper.committed(Changed(carried=None))
        done.restored = restored.parts
        text = f"the manifest is rebuilt from {amount(restored.parts, 'part')}, which make"
        text = f"{text} {amount(restored.windows, 'window')} complete; what was left of the old one is in"
        say(f"{text} {job.home.aside_folder(at)}")
        manifest, found = _looked_at(job, clock, watch, keeper)
    if manifest is None:
        text = f"the manifest of {job.name} was rebuilt, and cannot be read."
        raise ManifestUnusable(text, hint="See to the disk.")
    try:
        if found.blocked is not None:
            hint = f"Put the folder itself there, then: {found.blocked.mend}"
            raise VerificationFailed(found.blocked.text, hint=hint)
        row = manifest.job()
        mender = Mender(job, manifest, of_job(row.spec, row.columns), done, say, interval_max=interval_max)
        mender.mend(found, at=at)
    except BaseException:
        manifest.close()
        raise
    return manifest, done


def _looked_at(job: JobLike, clock: Clock, watch: LookOn | None, keeper: Keeper) -> tuple[Manifest | None, Survey]:
    """Open a manifest and survey its job; None for one that is lost or damaged. Raises for one that is not ours."""
    try:
        manifest = Manifest.open(job.home.manifest, clock, keeper=keeper)
    except ManifestDamaged:
        return None, Survey()
    if manifest is None:
        if job.home.lost() is None:
            raise job.home.missing()
        return None, Survey()
    try:
        found = survey(job, watch=watch)
    except BaseException:
        manifest.close()
        raise
    if found.manifest is not None:
        manifest.close()
        return None, found
    return manifest, found


def survey(job: JobLike, *, watch: LookOn | None = None) -> Survey:
    """Verify a job whose lock is held, every byte of it, and sum up what is to be mended. Raises StorageFailed."""
    found = Survey()
    for finding in verify(job, watch=watch):
        found.add(finding)
    return found


class Mender:
    """Mends what a survey found."""

    def __init__(
        self,
        job: JobLike,
        manifest: Manifest,
        contract: AnyContract,
        done: Repaired,
        say: Say,
        *,
        interval_max: timedelta | None = None,
    ) -> None:
        """`say` is told, in a sentence each, what is done; `interval_max` is the settings' own."""
        self._interval_max = interval_max
        self._job = job
        self._manifest = manifest
        self._contract = contract
        self._done = done
        self._say = say
        self._at = ""

    def mend(self, found: Survey, *, at: str) -> None:
        """Do all of it; `at` names the folder that takes what is put aside."""
        self._at = at
        self._done.faults += found.faults
        for row in [row for row in self._manifest.windows() if row.window.interval in found.windows]:
            self._window(row, found.windows[row.window.interval])
        self._cover(found.holes)
        for key in found.leftovers:
            self._job.home.store.remove(key)
            self._done.removed += 1
        complete = {row.window.interval for row in self._manifest.windows() if row.window.state is WindowState.COMPLETE}
        for key, page in found.strays:
            # An orphan of a window that is not complete is a run's to adopt or to remove.
            if page is None or page.window in complete:
                self._put_aside(key)
        self._done.receipt |= found.receipt

    def _window(self, row: WindowRow, damage: _Damage) -> None:
        window, mending = row.window, self._manifest.mending
        numbers = {number for take, number in damage.pages if take == window.take}
        if any(take != window.take for take, _ in damage.pages):
            mending.disown(window)
        beyond = window.snapshot is not None and any(n > window.snapshot.page_count for n in self._numbers(row))
        if numbers or damage.whole:
            again = window.snapshot is None or beyond or not taken_by(self._contract, row.contract).paging.counts_pages
            if again:
                mending.begin_again(window)
            else:
                mending.reopen(window, numbers, forget_keys=damage.whole)
            self._done.windows += 1
            self._done.pages += len(numbers)
            what = f"{amount(len(numbers), 'page')} taken back" if numbers else "to be checked again"
            self._say(f"{label(window.interval)}: {what}{', and all of it is downloaded again' if again else ''}.")
        for key in damage.files:
            self._put_aside(key)

    def _numbers(self, row: WindowRow) -> Iterator[int]:
        return (page.number for page in self._manifest.pages(row.window))

    def _cover(self, holes: list[Interval]) -> None:
        spec = self._manifest.job().spec
        length = window_length(self._contract, spec.window, self._interval_max)
        for hole in holes:
            self._manifest.mending.cover(cut(hole, length, spec.query.zone))
            self._done.windows += 1
            self._say(f"{label(hole)}: it was in no window, and is planned.")

    def _put_aside(self, key: str) -> None:
        home = self._job.home
        if home.store.kind(key) is None:
            return
        target = f"{home.aside(self._at)}/{key}"
        home.store.move(key, target)
        self._done.aside.append(home.store.place(target))
        self._say(f"moved: {home.store.place(target)}")
