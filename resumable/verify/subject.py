"""What a verification is about: one job's manifest, parts and contract, and how far it is."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

from resumable.datasets.contract import AnyContract, OneContract, taken_by
from resumable.manifest.reader import ManifestReader
from resumable.manifest.rows import JobRow, WindowRow
from resumable.models import PageKey, Window
from resumable.storage.job_files import JobFiles, part_key
from resumable.storage.parts import Parts
from resumable.storage.store import Store
from resumable.text import spoken
from resumable.verify.findings import Finding, Flaw, Report


class JobLike(Protocol):
    """Whatever has a name and a home; `job.Job` is one."""

    @property
    def name(self) -> str:
        """The job's name."""

    @property
    def home(self) -> JobFiles:
        """Where each thing of it lies."""


@dataclass(frozen=True, kw_only=True)
class Subject:
    """One job, opened to be looked at."""

    name: str
    home: JobFiles
    manifest: ManifestReader
    parts: Parts
    job: JobRow
    contract: AnyContract
    report: Report
    tell: Callable[[], None]
    """Is called whenever the report has changed."""

    @property
    def store(self) -> Store:
        """What the job's parts and its receipt lie in."""
        return self.home.store

    @property
    def repair(self) -> str:
        """The command that takes again what is damaged."""
        return f"resumable repair {self.name}"

    @property
    def resume(self) -> str:
        """The command that does what a run does anyway."""
        return f"resumable resume {self.name}"

    def taken_by(self, row: WindowRow) -> OneContract:
        """Return the contract by which a window was taken."""
        return taken_by(self.contract, row.contract)

    def page(self, flaw: Flaw, page: PageKey, text: str, *, file: str | None = None) -> Finding:
        """Make a finding about one page; `file` is what is wrong where that is not its part."""
        return replace(
            self.file(flaw, file or part_key(page), f"{page}: {text}."),
            window=page.window,
            take=page.take,
            number=page.number,
        )

    def file(self, flaw: Flaw, key: str, text: str) -> Finding:
        """Make a finding about a file, or a folder, that is of no page."""
        return Finding(flaw=flaw, file=key, place=self.store.place(key), text=text, mend=self.repair)

    def window(self, flaw: Flaw, window: Window, text: str, *, mend: str = "") -> Finding:
        """Make a finding about a whole window."""
        return Finding(
            flaw=flaw,
            window=window.interval,
            take=window.take,
            text=f"{spoken(window.interval)}: {text}.",
            mend=mend or self.repair,
        )
