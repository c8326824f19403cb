"""Whether a manifest is that of the job in whose folder it lies: its parts say so, or its receipt where there are none.

A folder may have been given another name: that alone says nothing. What the parts say of themselves decides.
"""

import json
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from resumable.errors import ManifestUnusable
from resumable.manifest.rows import JobRow
from resumable.models import JobState
from resumable.storage.claims import Claim, sampled
from resumable.storage.job_files import RECEIPT, JobFiles


def check_own(job: JobRow, home: JobFiles) -> None:
    """Raise ManifestUnusable where a manifest is another job's, as far as a few parts tell, or else the receipt.

    Costs the ends of up to six parts. Raises StorageFailed.
    """
    claims = sampled(home)
    _refuse(foreign(job, claims) if claims else _receipt_of_another(job, home), home)


def check_receipt(job: JobRow, home: JobFiles) -> None:
    """Raise ManifestUnusable where a job that is called complete has another job's receipt. Raises StorageFailed."""
    _refuse(_receipt_of_another(job, home), home)


def _refuse(why: str | None, home: JobFiles) -> None:
    if why is not None:
        raise ManifestUnusable(
            f"the manifest {home.manifest} is not of the job that is there: {why}.",
            hint="Nothing was changed. Let the parts decide with:",
            command=f"resumable repair {home.name}",
        )


def foreign(job: JobRow, claims: Sequence[Claim]) -> str | None:
    """Say whose the parts are, where none of them is of the manifest's job; None where one is, or there are none."""
    if not claims or any(claim.job == job.uuid for claim in claims):
        return None
    other = claims[0]
    return f"it is of the job {job.uuid}, and the parts beside it are of {other.job_name} ({other.job})"


def _receipt_of_another(job: JobRow, home: JobFiles) -> str | None:
    """Say whose the receipt is, where it is not that of the manifest's job; one that is no receipt is not told here."""
    if job.state is not JobState.COMPLETE:
        return None  # what it has is of a job that was here before, and is written over when this one is complete
    with suppress(FileNotFoundError, ValueError, RecursionError):
        said: Any = json.loads(home.store.read(RECEIPT))
        told = said.get("uuid") if isinstance(said, dict) else None
        if isinstance(told, str) and told != job.uuid:
            return f"it is of the job {job.uuid}, and the receipt beside it is of {told}"
    return None
