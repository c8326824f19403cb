"""Files that survive: the order of the calls, what a failing disk leaves behind, and links that lead nowhere."""

import errno
import hashlib
import os
from pathlib import Path
from typing import Any

import pytest

from resumable.errors import ExitCode, StorageFailed
from resumable.storage import durable
from tests.storage.calls import failing, spied

DATA = bytes(range(256)) * 1000


def test_a_file_is_synced_and_read_back_before_it_has_its_name_and_the_folder_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Write, fsync, read back, rename, fsync of the folder: in that order and no other."""
    calls = spied(monkeypatch)
    saved = durable.save(tmp_path / "part", DATA)
    assert calls == ["fsync file", "read back", "rename .part.tmp part", "fsync folder"]
    assert saved == durable.Saved(size=len(DATA), sha256=hashlib.sha256(DATA).digest())
    assert (tmp_path / "part").read_bytes() == DATA
    assert os.listdir(tmp_path) == ["part"]


def test_a_new_folder_is_synced_into_its_parent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each folder made is made durable before anything is put into it."""
    calls = spied(monkeypatch)
    durable.make_folder(tmp_path / "parts" / "window", within=tmp_path)
    assert calls == ["mkdir parts", "fsync folder", "mkdir window", "fsync folder"]
    calls.clear()
    durable.make_folder(tmp_path / "parts" / "window", within=tmp_path)
    assert [call for call in calls if call.startswith("fsync")] == []


@pytest.mark.parametrize("after", [0, 1], ids=["of the file", "of the folder"])
@pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC, errno.EDQUOT, errno.EROFS])
def test_an_fsync_that_failed_is_never_repeated(
    code: int, after: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It ends the save with exit code 5: a second try might succeed over pages that the kernel has dropped."""
    calls = failing(monkeypatch, "fsync", code, after=after)
    with pytest.raises(StorageFailed) as caught:
        durable.save(tmp_path / "part", DATA)
    assert len(calls) == after + 1
    assert caught.value.exit_code == ExitCode.STORAGE
    assert caught.value.hint
    assert (tmp_path / "part").exists() is (after == 1)


@pytest.mark.parametrize("name", ["open", "fsync", "rename"])
@pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC, errno.EACCES, errno.EMFILE])
def test_a_failure_anywhere_leaves_the_old_file_and_one_temporary_at_most(name: str, code: int, tmp_path: Path) -> None:
    """Whatever call fails, the file under the name is the old one, whole; the next save replaces what is left."""
    path = tmp_path / "part"
    durable.save(path, b"before")
    for after in range(2):
        with pytest.MonkeyPatch.context() as patch:
            failing(patch, name, code, after=after)
            try:
                durable.save(path, DATA)
            except StorageFailed:
                assert path.read_bytes() in (b"before", DATA)
        assert set(os.listdir(tmp_path)) <= {"part", ".part.tmp"}
    durable.save(path, DATA)
    assert os.listdir(tmp_path) == ["part"]
    assert path.read_bytes() == DATA


def test_a_full_disk_is_told_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No space left names the folder and how much was needed."""
    failing(monkeypatch, "fsync", errno.ENOSPC)
    with pytest.raises(StorageFailed, match=r"no space left .* \(needed 256,000 bytes\)"):
        durable.save(tmp_path / "part", DATA)


class _ShortFile:
    """A file whose writes take less than they are given, or say that they took more than they did."""

    def __init__(self, file: Any, *, lies: bool) -> None:  # noqa: ANN401 - an open file
        self._file, self._lies = file, lies

    def __enter__(self) -> "_ShortFile":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def write(self, data: memoryview) -> int:
        written = int(self._file.write(data[:777]))
        return len(data) if self._lies else written

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the file has
        return getattr(self._file, name)


@pytest.mark.parametrize("lies", [False, True], ids=["short", "lying"])
def test_short_writes_are_carried_on_and_lying_ones_found(
    lies: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A write that takes less is continued; one that reports more than it took never gets the final name."""
    monkeypatch.setattr(
        durable,
        "open",
        lambda *args, **kwargs: _ShortFile(open(*args, **kwargs), lies=lies),  # noqa: SIM115 - the caller closes it
        raising=False,
    )
    if lies:
        with pytest.raises(StorageFailed, match="read back"):
            durable.save(tmp_path / "part", DATA)
        assert not (tmp_path / "part").exists()
    else:
        durable.save(tmp_path / "part", DATA)
        assert (tmp_path / "part").read_bytes() == DATA


@pytest.mark.parametrize("data", [b"", memoryview(b"view")], ids=["nothing", "a view"])
def test_any_bytes_can_be_saved(data: bytes | memoryview, tmp_path: Path) -> None:
    """Nothing at all, and a view, are saved as they are."""
    assert durable.save(tmp_path / "part", data).size == len(data)
    assert durable.read(tmp_path / "part") == bytes(data)


def test_a_linked_folder_is_refused(tmp_path: Path) -> None:
    """A link in the place of a folder leads nowhere: nothing is written, read or removed behind it."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "part").write_bytes(b"theirs")
    (tmp_path / "parts").symlink_to(elsewhere)
    for act in (
        lambda: durable.save(tmp_path / "parts" / "part", DATA),
        lambda: durable.read(tmp_path / "parts" / "part"),
        lambda: durable.remove(tmp_path / "parts" / "part"),
        lambda: durable.sync_folder(tmp_path / "parts"),
        lambda: durable.make_folder(tmp_path / "parts" / "window", within=tmp_path),
    ):
        with pytest.raises(StorageFailed):
            act()
    assert {path.name: path.read_bytes() for path in elsewhere.iterdir()} == {"part": b"theirs"}


def test_a_linked_file_is_replaced_and_never_followed(tmp_path: Path) -> None:
    """A link in the place of a file: saving replaces the link, reading finds no file, removing takes the link away."""
    target = tmp_path / "theirs"
    target.write_bytes(b"theirs")
    (tmp_path / "part").symlink_to(target)
    with pytest.raises(FileNotFoundError):
        durable.read(tmp_path / "part")
    durable.save(tmp_path / "part", DATA)
    assert not (tmp_path / "part").is_symlink()
    (tmp_path / "other").symlink_to(target)
    durable.remove(tmp_path / "other")
    assert not (tmp_path / "other").is_symlink()
    assert target.read_bytes() == b"theirs"


def test_a_link_under_the_temporary_name_is_not_followed(tmp_path: Path) -> None:
    """A link planted where the temporary file goes is refused."""
    (tmp_path / "theirs").write_bytes(b"theirs")
    (tmp_path / ".part.tmp").symlink_to(tmp_path / "theirs")
    with pytest.raises(StorageFailed):
        durable.save(tmp_path / "part", DATA)
    assert (tmp_path / "theirs").read_bytes() == b"theirs"


def test_what_is_no_regular_file_is_not_read(tmp_path: Path) -> None:
    """A pipe or a folder under the name counts as no file, and does not hang."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    for name in ("pipe", "folder", "absent"):
        with pytest.raises(FileNotFoundError):
            durable.read(tmp_path / name)


def test_removing_what_is_gone_is_fine(tmp_path: Path) -> None:
    """A file, or its folder, that does not exist needs no removing; a folder cannot be removed."""
    durable.remove(tmp_path / "gone")
    durable.remove(tmp_path / "gone" / "too")
    (tmp_path / "folder").mkdir()
    with pytest.raises(StorageFailed):
        durable.remove(tmp_path / "folder")


def test_a_file_in_the_place_of_a_folder_is_named(tmp_path: Path) -> None:
    """What is in the way is named, with what to do."""
    (tmp_path / "parts").write_bytes(b"")
    with pytest.raises(StorageFailed, match="is not a folder") as caught:
        durable.make_folder(tmp_path / "parts" / "window", within=tmp_path)
    assert caught.value.hint == "Move it away."
