"""A folder as a store: which calls reach the disk, who keeps whom out, and links that lead nowhere."""

import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

from resumable.errors import StorageFailed
from resumable.storage.durable import LINK
from resumable.storage.folder import FolderStore
from resumable.storage.store import Exists
from tests.storage.calls import spied

KEY = "parts/window=1/page-00001.parquet"

CREATE = """
import sys
from pathlib import Path
from resumable.storage.folder import FolderStore
print(FolderStore(Path(sys.argv[1])).create("head", b"theirs"))
"""


def test_a_part_costs_no_call_more_than_its_durable_save(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Folders are made and synced once; then it is write, fsync, read back, rename, fsync of the folder."""
    store, calls = FolderStore(tmp_path), spied(monkeypatch)
    save = ["fsync file", "read back", "rename .page-00001.parquet.tmp page-00001.parquet", "fsync folder"]
    store.save(KEY, b"one")
    assert calls == ["mkdir parts", "fsync folder", "mkdir window=1", "fsync folder", *save]
    calls.clear()
    store.save(KEY, b"two")
    assert [call for call in calls if not call.startswith("mkdir")] == save


def test_what_is_put_aside_is_durable_in_both_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """New folders first, then the name, then the folder that it came to and the one that it left."""
    store = FolderStore(tmp_path)
    store.save(KEY, b"one")
    calls = spied(monkeypatch)
    store.move(KEY, "aside/x")
    assert calls == ["mkdir aside", "fsync folder", "rename page-00001.parquet x", "fsync folder", "fsync folder"]
    calls.clear()
    store.remove("aside/x")
    store.settle("aside")
    assert calls == ["unlink x", "fsync folder"]


def test_another_process_waits_until_it_is_alone(tmp_path: Path) -> None:
    """Who creates a key holds its folder: another process looks only after it, and finds what was made."""
    descriptor = os.open(tmp_path, os.O_RDONLY | os.O_DIRECTORY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    argv = [sys.executable, "-c", CREATE, str(tmp_path)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as other:
        with pytest.raises(subprocess.TimeoutExpired):
            other.wait(2)
        (tmp_path / "head").write_bytes(b"ours")
        os.close(descriptor)
        assert other.communicate(timeout=60)[0].strip() == str(Exists())
    assert (tmp_path / "head").read_bytes() == b"ours"


def test_links_lead_nowhere(tmp_path: Path) -> None:
    """Neither out of the folder nor within it: nothing is read, listed or written through one."""
    store, elsewhere = FolderStore(tmp_path / "job"), tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "file").write_bytes(b"theirs")
    store.root.mkdir()
    (store.root / "file").symlink_to(elsewhere / "file")
    (store.root / "folder").symlink_to(elsewhere)
    assert [store.kind(key) for key in ("file", "folder")] == [LINK, LINK]
    assert [store.size(key) for key in ("file", "folder")] == [None, None]
    assert [*store.list("folder")] == []
    with pytest.raises(FileNotFoundError):
        store.read("file")
    assert store.create("file", b"ours") == Exists()
    for write in (store.save, store.create):
        with pytest.raises(StorageFailed):
            write("folder/other", b"ours")
    store.save("file", b"ours")
    assert (store.read("file"), (elsewhere / "file").read_bytes()) == (b"ours", b"theirs")
    assert [path.name for path in elsewhere.iterdir()] == ["file"]
