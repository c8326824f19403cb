"""How a job was begun: what its next run does too, unless something else is typed."""

import contextlib
import json
from dataclasses import asdict, dataclass, fields
from typing import Any

from resumable.errors import ManifestUnusable
from resumable.job.job import Job
from resumable.manifest.copies import copy
from resumable.manifest.reader import reader
from resumable.manifest.store import Manifest
from resumable.storage.job_files import JobFiles


@dataclass(frozen=True, kw_only=True)
class Begun:
    """What was typed when a job was begun, as it was typed; None for what was not."""

    rate: str | None = None
    workers: int | None = None
    patience: str | None = None
    on_drift: str | None = None
    no_count: bool | None = None
    config: str | None = None
    """The job file, as an absolute path."""
    profile: str | None = None
    hash_key: str | None = None
    """Where the key of hashes is, and never what it is."""

    def to_json(self) -> str:
        """Return what a manifest keeps."""
        return json.dumps({name: value for name, value in asdict(self).items() if value is not None}, sort_keys=True)

    @classmethod
    def from_json(cls, text: str | None) -> "Begun":
        """Read what a manifest keeps; what a newer version has added, or nobody can read, was not typed."""
        try:
            found = json.loads(text or "{}")
        except ValueError:
            return cls()
        return (
            cls(**{field.name: _fit(field.name, found) for field in fields(cls)}) if isinstance(found, dict) else cls()
        )


def _fit(name: str, found: dict[str, Any]) -> Any:  # noqa: ANN401 - of the field's type
    kind = {"workers": int, "no_count": bool}.get(name, str)
    return found.get(name) if type(found.get(name)) is kind else None


def recall(home: JobFiles) -> Begun:
    """Return how a job was begun; nothing where there is none, or where its manifest cannot be read."""
    with contextlib.suppress(ManifestUnusable), reader(home) as manifest:
        if manifest is not None:
            return Begun.from_json(manifest.job().settings)
    return Begun()


def remember(job: Job, begun: Begun) -> None:
    """Keep how a job was begun. Raises JobLocked while another process runs it."""
    if recall(job.home) == begun:
        return
    with job.home.hold(now=job.clock.now(), copy=copy) as keeper:
        manifest = Manifest.open(job.home.manifest, job.clock, keeper=keeper)
        if manifest is None:
            raise job.home.missing()
        with contextlib.closing(manifest):
            manifest.learned.settings(begun.to_json())
