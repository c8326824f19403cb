"""Paths that a user names for what a command writes: where they lead, and what may be there.

One rule for every command: links that the user named are followed, nothing is written over that the command did not
make for the same job, unless it is told to replace it, and a job's own files are never written over at all.
"""

import os
import re
from pathlib import Path
from typing import Final

from resumable.errors import UsageError
from resumable.storage import durable
from resumable.storage.job_files import JobFiles

_ADDRESS: Final = re.compile(
    r"([A-Za-z][A-Za-z0-9+.-]+(?=:/)|(?i:s3a?|az|gs|gcs|abfss?|wasbs?|https?|file|ftp)(?=:)).*", re.DOTALL
)
"""What begins as an address does, or with the scheme of one: `s3:bucket` is a slip, and no folder."""


def path_of(text: str, what: str) -> Path:
    """Return the path that a text names, `~` being the home folder; `what` is how a message calls it.

    Raises UsageError for an address such as `s3://bucket/x`, and for what no path can be.
    """
    if not text.strip() or "\0" in text or "\n" in text:
        raise UsageError(f"{text[:40]!a} cannot be {what}.", hint="Give the path of one on this machine.")
    address = _ADDRESS.fullmatch(text)
    if address is not None:
        raise UsageError(
            f"{text[:60]!a} is an address, and {what} is a path on this machine: {address[1]} is not supported.",
            hint="Name a path. One that has such a name begins with ./",
        )
    try:
        os.fsencode(text).decode()
    except UnicodeDecodeError:
        raise UsageError(f"{text[:60]!a} is not UTF-8.", hint="Name another path.") from None
    try:
        path = Path(text).expanduser()
        if not path.is_absolute():
            os.getcwd()
    except RuntimeError:
        raise UsageError(f"{text[:60]!a} names a user without a home folder.", hint="Name the whole path.") from None
    except FileNotFoundError:
        raise UsageError(
            f"{text[:60]!a} is in the working folder of this command, which is gone.", hint="Name the whole path."
        ) from None
    return path


def place_of(named: Path | str, what: str) -> Path:
    """Return the absolute path that something is to be written to: past every link, in a folder that is there.

    Raises UsageError where it leads into the folder of a job, where there is no folder to write into, and for what
    `path_of` refuses; StorageFailed.
    """
    path = path_of(str(named), what).absolute()
    try:
        path = path.resolve()
    except (OSError, RuntimeError):  # links that lead in a circle
        raise UsageError(f"{path} leads nowhere: its links are a circle.", hint="Name another path.") from None
    if path.name == "":
        raise UsageError(f"{path} cannot be written to.", hint="Name a file or a folder to be made.")
    if (job := job_around(path)) is not None:
        raise UsageError(
            f"{path} is in the folder of the job {job.name}; nothing is written there by this command.",
            hint="Name a path outside of the state folder.",
        )
    if not durable.is_folder(path.parent):
        raise UsageError(f"there is no folder {path.parent}.", hint=f"Make it: mkdir -p {path.parent}")
    return path


def job_around(path: Path) -> Path | None:
    """Return the folder of the job that a path is in, or is; None where it is in none. Raises StorageFailed."""
    return next((folder for folder in (path, *path.parents) if _is_job(folder)), None)


def _is_job(folder: Path) -> bool:
    """Tell whether a folder is a job's: by its manifest, or where that was lost by the parts of its windows."""
    if durable.kind_of(folder) != durable.FOLDER:
        return False
    home = JobFiles.at(folder)
    return durable.kind_of(home.manifest) is not None or home.lost() is not None


def not_ours(path: Path | str, what: str) -> UsageError:
    """Return the error for a path with something that the command may not write over; `what` says why."""
    return UsageError(
        f"{path} is there, and {what}; it was left alone.",
        hint="Name another path, or let it be replaced with --replace.",
    )
