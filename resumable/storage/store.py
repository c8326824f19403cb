"""What a job's parts, receipt and aside/ lie in: bytes under keys, in a folder or in a bucket.

A key is a relative POSIX name such as `parts/window=20231001T000000Z/page-00001.parquet`. What a store has acknowledged
survives a kill and a power cut, and a key has all of its bytes or none. Every method raises StorageFailed where the
store refuses; what a method returns in place of that is said there.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NewType, Protocol

from resumable.storage.durable import Saved

Tag = NewType("Tag", str)
"""Stands for what a key held when it was looked at. Opaque: two tags are equal or they are not, and that is all."""


@dataclass(frozen=True)
class Exists:
    """Nothing was written: the key is taken. Whether by this very write, whose answer was lost, its bytes tell."""


@dataclass(frozen=True)
class Moved:
    """Nothing was written: the key no longer holds what the tag stands for."""


@dataclass(frozen=True, kw_only=True)
class Tagged:
    """What a key holds, and the tag by which just that can be replaced."""

    data: bytes
    tag: Tag


@dataclass(frozen=True, kw_only=True)
class StoredFile:
    """A file as a listing has it."""

    size: int
    tag: Tag


class Store(Protocol):
    """The bytes of one job, by key.

    `create` and `replace` decide between any number of writers, each of which is told how it ended. The other methods
    that write are for the one process that holds the job.
    """

    @property
    def contested(self) -> bool:
        """Whether a process that has lost the job may still write, as one of another machine may.

        Then nothing is put in the place of what was not looked at, and nothing is removed whose key may come again.
        """

    def create(self, key: str, data: bytes | memoryview) -> Tag | Exists:
        """Make a key that is not there, durably, whoever else may be doing so at the same time."""

    def replace(self, key: str, data: bytes | memoryview, tag: Tag) -> Tag | Moved:
        """Make bytes the content of a key, durably, if it still holds what the tag stands for."""

    def save(self, key: str, data: bytes | memoryview) -> Saved:
        """Make bytes the whole, durable content of a key, whatever was there: all of it, or the key is as it was."""

    def read(self, key: str, last: int | None = None) -> bytes:
        """Return what a key holds, or the last bytes of it. Raises FileNotFoundError where there is no file."""

    def tagged(self, key: str) -> Tagged:
        """Return what a key holds and its tag. Raises FileNotFoundError where there is no file."""

    def opened(self, key: str) -> AbstractContextManager[BinaryIO]:
        """Open a key for reading, from any place of it. Raises FileNotFoundError where there is no file."""

    def kind(self, key: str) -> str | None:
        """Name what a key itself is: `durable.FILE`, `durable.FOLDER` where it is a prefix of others; None: nothing."""

    def size(self, key: str) -> int | None:
        """Return the bytes of a file; None where a key is none."""

    def sizes(self, prefix: str) -> Mapping[str, int]:
        """Return the bytes of each file directly below a prefix, by its key, from one listing; links are no files."""

    def remove(self, key: str) -> None:
        """Remove a file; one that is gone already is fine. That it stays away after a power cut `settle` sees to."""

    def settle(self, prefix: str) -> None:
        """Make what was removed directly below a prefix stay away."""

    def move(self, key: str, target: str) -> None:
        """Give a file, or all that is below a prefix, another key, durably; what has it already is replaced.

        Raises FileNotFoundError where there is nothing.
        """

    def free(self) -> int | None:
        """Return how many bytes may still be written; None where nobody can say."""

    def place(self, key: str) -> str:
        """Say where a key is, to people and to other programs: a path or a URL."""

    def list(self, prefix: str) -> Sequence[str]:
        """Return the keys of the files and folders directly below a prefix, sorted; none where it is no folder."""


class ExportStore(Store, Protocol):
    """A store that exports are put into: it takes files of any size, and lists what is there with tags."""

    def below(self, prefix: str) -> Mapping[str, StoredFile]:
        """Return all files below a prefix, however deep, and the file whose key the prefix itself is."""

    def upload(self, key: str, path: Path, tag: Tag | None) -> Tag | Exists | Moved:
        """Make a file of this machine the content of a key: of a new one, or of one that still holds what was seen."""
