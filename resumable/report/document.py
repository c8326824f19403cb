"""One file that tells of a job, for people: it opens offline, on a phone, in the dark, and obeys nothing in it.

Its last line says of which job it is, with the hash of all before it: so a report is known from other files, and from
one that somebody has edited, without another file beside it.
"""

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from resumable.errors import UsageError
from resumable.report.facts import gather
from resumable.report.page import page
from resumable.storage import durable
from resumable.storage.job_files import REPORT, JobFiles
from resumable.storage.targets import not_ours, path_of, place_of

_LAST_LINE: Final = re.compile(rb"<!-- resumable report of ([0-9a-f-]{36}), sha256 ([0-9a-f]{64}) -->\n")
_LAST_BYTES: Final = len("<!-- resumable report of , sha256  -->\n") + 36 + 64


@dataclass(frozen=True, kw_only=True)
class Written:
    """A report that was written: where it is, and its bytes."""

    path: Path
    size: int


def write(home: JobFiles, to: Path | str | None, *, now: datetime, replace: bool = False) -> Written | None:
    """Write the report of a job, whole or not at all; into the job's folder where no other place is named.

    None where there is no job. Raises UsageError where the place is none, where something else than a report of this
    job is there and not to be replaced, or what draws is not installed; ManifestUnusable, StorageFailed.
    """
    facts = gather(home, now=now)
    if facts is None:
        return None
    uuid = facts.status.job.uuid
    path = _place(home, to, uuid, replace=replace)
    text = page(facts).encode()
    sealed = b"%s<!-- resumable report of %s, sha256 %s -->\n" % (text, uuid.encode(), _sha256(text).encode())
    return Written(path=path, size=durable.save(path, sealed, public=path.parent != home.folder.resolve()).size)


def _place(home: JobFiles, to: Path | str | None, uuid: str, *, replace: bool) -> Path:
    """Return where a report goes. Raises UsageError where nothing can be written there."""
    if to is None and home.state.bucket is not None:
        raise UsageError(f"the job is in {home.place}, and its report goes to this machine.", hint="Name it with --to.")
    own = home.report.parent.resolve() / REPORT
    if to is None or _ends(to) == own:
        if durable.kind_of(own) not in (None, durable.FILE, durable.LINK):
            raise UsageError(
                f"{own} is {durable.kind_of(own)}, and no report is written over it.", hint="Move it away."
            )
        return own
    path = place_of(_ends(to), "a report")
    kind = durable.kind_of(path)
    if kind not in (None, durable.FILE):
        raise UsageError(f"{path} is {kind}, and no report is written over it.", hint="Name another place with --to.")
    if kind is not None and not replace and _job_of(path) != uuid:
        raise not_ours(path, "is not a report of this job that is as it was written")
    return path


def _writable(path: Path) -> Path:
    """Return a path with nothing there, or a file. Raises UsageError for anything else."""
    kind = durable.kind_of(path)
    if kind not in (None, durable.FILE, durable.LINK):
        raise UsageError(f"{path} is {kind}, and no report is written over it.", hint="Name another place with --to.")
    return path


def _ends(to: Path | str) -> Path:
    """Return the file that a place stands for: in a folder it has the usual name."""
    path = path_of(str(to), "a report").absolute()
    return (path / REPORT if durable.is_folder(path) else path).resolve()


def _job_of(path: Path) -> str | None:
    """Return the job of which a file is a report as it was written; None for any other file."""
    data = durable.read(path)
    text, line = data[:-_LAST_BYTES], data[-_LAST_BYTES:]
    said = _LAST_LINE.fullmatch(line)
    return said[1].decode() if said is not None and said[2].decode() == _sha256(text) else None


def _sha256(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()
