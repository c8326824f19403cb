"""What is put down in a spool is what comes back, or it is a storage error; and nothing is left of it."""

import io
import resource
from array import array
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from resumable.errors import StorageFailed
from resumable.storage.scratch import Scratch

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

NUMBERS = array("Q", [2**64 - 1, 0, 5, 2**63, 9])
OTHERS = array("Q", range(1000))


class Slow(io.FileIO):
    """Takes three bytes at a time, as a kernel may."""

    def write(self, data: "ReadableBuffer", /) -> int:
        """Write the first three."""
        return super().write(memoryview(data)[:3])


class Lying(io.FileIO):
    """Says of the first write that a byte of it was taken, and takes none."""

    lied = False

    def write(self, data: "ReadableBuffer", /) -> int:
        """Write, but for the first time."""
        if not self.lied:
            self.lied = True
            return 1
        return super().write(data)


class Shrinking(io.FileIO):
    """Gives back a byte less than it is asked for."""

    def read(self, size: int | None = -1, /) -> bytes:
        """Read all but the last."""
        return super().read(size)[:-1]


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[type[io.FileIO]], None]:
    """Return how to put the spool's file on a disk with a fault."""

    def put(kind: type[io.FileIO]) -> None:
        def made(**_: Any) -> io.FileIO:  # noqa: ANN401 - as the library's own
            return kind(tmp_path / "numbers", "w+")

        monkeypatch.setattr("resumable.storage.scratch.tempfile.TemporaryFile", made)

    return put


def test_what_was_put_comes_back_whole_and_in_parts(tmp_path: Path) -> None:
    """In any order, and the file has no name."""
    with Scratch(tmp_path) as scratch:
        first, second = scratch.put(NUMBERS), scratch.put(OTHERS)
        nothing = scratch.put(array("Q"))
        assert [*tmp_path.iterdir()] == []
        assert scratch.get(second) == OTHERS
        assert scratch.get(first) == NUMBERS
        assert scratch.get(second.part(10, 20)) == OTHERS[10:20]
        assert scratch.get(nothing) == array("Q")


def test_a_write_that_takes_a_part_is_gone_on_with(disk: Callable[[type[io.FileIO]], None], tmp_path: Path) -> None:
    """The rest is written too."""
    disk(Slow)
    with Scratch(tmp_path) as scratch:
        assert [scratch.get(scratch.put(numbers)) for numbers in (NUMBERS, OTHERS)] == [NUMBERS, OTHERS]


@pytest.mark.parametrize("kind", [Lying, Shrinking])
def test_a_disk_that_gives_back_something_else_is_a_storage_error(
    kind: type[io.FileIO], disk: Callable[[type[io.FileIO]], None], tmp_path: Path
) -> None:
    """It is seen at once, for what is put down is read back: no receipt is made of it."""
    disk(kind)
    with Scratch(tmp_path) as scratch, pytest.raises(StorageFailed, match="it has other bytes than were written"):
        scratch.put(NUMBERS)


@pytest.mark.parametrize("many", [500, 100_000])
@pytest.mark.usefixtures("small_files")
def test_a_disk_that_is_full_is_one_error_not_two(many: int, tmp_path: Path) -> None:
    """What could not be written cannot be when the file is closed either: that is not told instead."""
    with Scratch(tmp_path) as scratch, pytest.raises(StorageFailed, match="too large"):
        scratch.put(array("Q", range(many)))
    assert [*tmp_path.iterdir()] == []


@pytest.fixture
def small_files() -> Iterator[None]:
    """Let no file grow beyond 1,000 bytes, for real."""
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, usual[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, usual)
