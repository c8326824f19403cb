"""A whole job of each kind, made once and copied for every test, to plant flaws in."""

import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

import resumable
from resumable import Finding, Flaw, Report
from resumable.manifest.reader import ManifestReader
from resumable.models import PageKey
from resumable.simulator.settings import SimSettings, Style
from resumable.simulator.simulator import Simulator
from resumable.storage.parts import Footer
from tests.support.builders import days, make_job
from tests.support.clock import VirtualClock
from tests.support.parts import FolderParts

REPAIR = "resumable repair job"
RESUME = "resumable resume job"
FIRST, SECOND = days(2)


@dataclass(frozen=True, kw_only=True)
class Planted:
    """A job on the disk, and how to harm it."""

    job: resumable.Job

    @property
    def folder(self) -> Path:
        """The job's folder."""
        return self.job.folder

    @property
    def parts(self) -> FolderParts:
        """Its parts."""
        return FolderParts(self.folder)

    def path(self, number: int, *, day: int = 0, take: int = 1) -> Path:
        """Return where a part is."""
        return self.parts.path(PageKey(window=(FIRST, SECOND)[day], take=take, number=number))

    def change(self, statement: str, *parameters: object) -> None:
        """Change the manifest behind the product's back, against its own constraints too."""
        with closing(sqlite3.connect(self.folder / "manifest.sqlite", isolation_level=None)) as database:
            database.execute("PRAGMA ignore_check_constraints=ON")
            assert database.execute(statement, parameters).rowcount > 0

    def update(self, table: str, change: str, which: str) -> None:
        """Change some rows of it."""
        self.change(f"UPDATE {table} SET {change} WHERE {which}")  # noqa: S608 - a test's own words

    def verify(self, **how: Any) -> tuple[list[Finding], Report]:  # noqa: ANN401 - as Job.verify takes them
        """Verify it."""
        reports: list[Report] = []
        found = list(self.job.verify(watch=reports.append, **how))
        assert reports[-1].faults == len(found)
        return found, reports[-1]

    def only(self, flaw: Flaw, **how: Any) -> Finding:  # noqa: ANN401 - as Job.verify takes them
        """Verify it, and return the one finding that there must be, of this kind."""
        found, _ = self.verify(**how)
        assert [finding.flaw for finding in found] == [flaw], [finding.text for finding in found]
        return found[0]

    def clean(self, **how: Any) -> Report:  # noqa: ANN401 - as Job.verify takes them
        """Verify it; there must be nothing."""
        found, report = self.verify(**how)
        assert [finding.text for finding in found] == []
        return report


@pytest.fixture(scope="session")
def sim() -> Simulator:
    """Two days of 59 conversations: no last page is full, so that none is asked for behind it."""
    return Simulator(SimSettings(records=59, style=Style.SMALL))


@pytest.fixture(scope="session")
def whole(sim: Simulator, tmp_path_factory: pytest.TempPathFactory) -> resumable.Job:
    """A complete job of two days of three pages; nobody changes it."""
    job = make_job(sim, VirtualClock(), tmp_path_factory.mktemp("whole"))
    job.run()
    return job


@pytest.fixture
def planted(whole: resumable.Job, tmp_path: Path) -> Planted:
    """A copy of the complete job."""
    shutil.copytree(whole.folder, tmp_path / "job")
    return Planted(job=replace(whole, settings=replace(whole.settings, state=tmp_path), clock=VirtualClock()))


def rows_of(planted: Planted) -> dict[PageKey, tuple[int, bytes]]:
    """Return what is recorded of every page that counts."""
    manifest = ManifestReader.open_to_read(planted.folder / "manifest.sqlite")
    assert manifest is not None
    with closing(manifest):
        return {
            PageKey(window=row.window.interval, take=row.window.take, number=page.number): (
                page.part.size,
                page.part.sha256,
            )
            for row in manifest.windows()
            for page in manifest.pages(row.window)
        }


def flipped(path: Path, place: int) -> None:
    """Flip a bit of a byte; negative places count from the end."""
    data = bytearray(path.read_bytes())
    data[place] ^= 4
    path.write_bytes(data)


def footer_of(planted: Planted, number: int) -> Footer:
    """Return what a part of the first day says of itself."""
    footer = planted.parts.footer(PageKey(window=FIRST, take=1, number=number))
    assert footer is not None
    return footer


def rewritten(planted: Planted, page: int, **changes: Any) -> None:  # noqa: ANN401 - any field of a footer
    """Write a part of the first day anew, whole, with other words about itself."""
    key = PageKey(window=FIRST, take=1, number=page)
    footer = replace(footer_of(planted, page), **changes)
    elsewhere = FolderParts(planted.folder / "elsewhere")
    elsewhere.folder.parent.mkdir()
    elsewhere.write(planted.parts.table(key), footer)
    elsewhere.path(footer.key).replace(planted.path(page))
    shutil.rmtree(elsewhere.folder.parent)
