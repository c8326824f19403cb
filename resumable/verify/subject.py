"""What a verification is about: one job's manifest, parts and contract, and how far it is."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from resumable.datasets.contract import AnyContract
from resumable.manifest.reader import ManifestReader
from resumable.manifest.rows import JobRow
from resumable.models import PageKey, Window
from resumable.storage.parts import Parts
from resumable.verify.findings import Finding, Flaw, Report


class JobLike(Protocol):
    """Whatever has a name and a folder; `backfill.Job` is one."""

    @property
    def name(self) -> str:
        """The job's name."""

    @property
    def folder(self) -> Path:
        """Where its manifest and its parts are."""


@dataclass(frozen=True, kw_only=True)
class Subject:
    """One job, opened to be looked at."""

    name: str
    folder: Path
    manifest: ManifestReader
    parts: Parts
    job: JobRow
    contract: AnyContract
    report: Report
    tell: Callable[[], None]
    """Is called whenever the report has changed."""

    @property
    def repair(self) -> str:
        """The command that takes again what is damaged."""
        return f"resumable repair {self.name}"

    @property
    def resume(self) -> str:
        """The command that does what a run does anyway."""
        return f"resumable resume {self.name}"

    def page(self, flaw: Flaw, key: PageKey, text: str, *, path: Path | None = None) -> Finding:
        """Make a finding about one page."""
        where = path or self.parts.path(key)
        said = f"{key}: {text}."
        return Finding(
            flaw=flaw, window=key.window, take=key.take, number=key.number, path=where, text=said, mend=self.repair
        )

    def window(self, flaw: Flaw, window: Window, text: str, *, mend: str = "") -> Finding:
        """Make a finding about a whole window."""
        return Finding(
            flaw=flaw,
            window=window.interval,
            take=window.take,
            text=f"{window.interval}: {text}.",
            mend=mend or self.repair,
        )
