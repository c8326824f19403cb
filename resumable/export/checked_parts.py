"""Reads parts whose bytes are as the manifest has them, and no others."""

import contextlib
import hashlib

import pyarrow as pa

from resumable.models import PageKey, PartFact
from resumable.storage.job_files import part_key
from resumable.storage.part_file import PartFile, PathsOnce
from resumable.storage.parts import Parts


class Proven:
    """The parts of one job, to be read by many threads, each part by one."""

    def __init__(self, parts: Parts) -> None:
        """Read nothing yet."""
        self._parts = parts
        self._paths = PathsOnce()

    def table(self, key: PageKey, fact: PartFact, *, columns: list[str] | None = None) -> pa.Table:
        """Read a part, or some of its columns. Raises VerificationFailed, StorageFailed."""
        try:
            data = self._parts.store.read(part_key(key))
        except FileNotFoundError as failure:
            raise self._parts.fault(key, "is gone") from failure
        if len(data) != fact.size or hashlib.sha256(data).digest() != fact.sha256:
            raise self._parts.fault(key, "has other bytes than are recorded")
        with contextlib.closing(PartFile(pa.BufferReader(data), self._paths, "the job's")) as file:
            return file.read(columns=columns, use_threads=False)
