"""One file that tells of a job, for people: it opens offline, on a phone, in the dark, and obeys nothing in it."""

from datetime import datetime
from pathlib import Path

from resumable.errors import UsageError
from resumable.report.facts import gather
from resumable.report.page import page
from resumable.storage import durable
from resumable.storage.job_files import REPORT, JobFiles


def write(home: JobFiles, to: Path | None, *, now: datetime) -> durable.Saved | None:
    """Write the report of a job, whole or not at all; into the job's folder where no other place is named.

    None where there is no job. Raises UsageError where the place is none, or what draws is not installed;
    ManifestUnusable, StorageFailed.
    """
    facts = gather(home, now=now)
    if facts is None:
        return None
    return durable.save(place(home, to), page(facts).encode())


def place(home: JobFiles, to: Path | None) -> Path:
    """Return where a report goes. Raises UsageError where nothing can be written there."""
    path = (to or home.report).absolute()
    if durable.is_folder(path):
        path /= REPORT
    if not durable.is_folder(path.parent):
        raise UsageError(
            f"there is no folder {path.parent} to write the report into.", hint="Make it, or name another."
        )
    kind = durable.kind_of(path)
    if kind not in (None, durable.FILE, durable.LINK):
        raise UsageError(f"{path} is {kind}, and no report is written over it.", hint="Name another place with --to.")
    # Links to the folder are followed, since the user named it; one in the place of the file is replaced.
    return path.parent.resolve() / path.name
