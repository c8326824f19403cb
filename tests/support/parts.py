"""Parts that a test can lay hands on: those of a job in a folder, by their paths."""

from pathlib import Path

import pyarrow as pa

from resumable.models import Interval, PageKey, PartFact
from resumable.storage.job_files import PARTS, JobFiles, part_key, window_key
from resumable.storage.parts import Footer, Parts


class FolderParts(Parts):
    """The parts in a job's folder."""

    def __init__(self, job_folder: Path) -> None:
        """The folder must exist before the first write."""
        super().__init__(JobFiles.at(job_folder))
        self.job_folder = job_folder

    def write(self, table: pa.Table, footer: Footer) -> PartFact:
        """Write one, where nothing can be in its place that others have put."""
        part = super().write(table, footer)
        assert isinstance(part, PartFact)
        return part

    @property
    def folder(self) -> Path:
        """The folder of all parts."""
        return self.job_folder / PARTS

    def path(self, page: PageKey) -> Path:
        """Return where the part of a page is."""
        return self.job_folder / part_key(page)

    def window_folder(self, window: Interval) -> Path:
        """Return the folder of a window."""
        return self.job_folder / window_key(window)
