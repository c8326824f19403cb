"""What every store promises, whether a folder, a bucket or the memory of a test."""

import hashlib
import threading
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from resumable.storage.bucket import BucketStore
from resumable.storage.durable import FILE, FOLDER
from resumable.storage.folder import FolderStore
from resumable.storage.store import Exists, Moved, Store
from tests.support.memory_store import MemoryStore
from tests.support.object_stores import object_store

KEY = "parts/window=20231001T000000Z/page-00001.parquet"
OTHER = "parts/window=20231001T000000Z/page-00002.parquet"
ABOVE = "parts/window=20231001T000000Z"
DATA = bytes(range(256)) * 100

STORES: dict[str, Callable[[Path], Store]] = {
    "folder": FolderStore,
    "memory": lambda _folder: MemoryStore(),
}
BUCKETS = [
    pytest.param("seaweed"),
    pytest.param("moto", marks=pytest.mark.long),
    pytest.param("azurite", marks=pytest.mark.long),
]


@pytest.fixture(params=[*STORES, *BUCKETS])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """An empty store of each kind."""
    if request.param in STORES:
        return STORES[request.param](tmp_path)
    return object_store(request.param).store()


def everything(store: Store, prefix: str = "") -> list[str]:
    """Return the keys of all files of a store; some name a prefix for a while of which nothing is left."""
    found: list[str] = []
    for key in store.list(prefix):
        kind = store.kind(key)
        found += everything(store, key) if kind == FOLDER else [key] if kind == FILE else []
    return found


def test_what_is_saved_is_read_back(store: Store) -> None:
    """Every byte, its size and its hash, under a key of any depth; a view of bytes is as good as bytes."""
    saved = store.save(KEY, memoryview(DATA))
    assert (saved.size, saved.sha256) == (len(DATA), hashlib.sha256(DATA).digest())
    assert store.read(KEY) == DATA
    assert store.size(KEY) == len(DATA)
    assert store.save("receipt.json", b"").size == 0
    assert (store.read("receipt.json"), store.size("receipt.json")) == (b"", 0)
    assert everything(store) == [KEY, "receipt.json"]


def test_what_is_saved_again_replaces_the_whole(store: Store) -> None:
    """The longer and the shorter alike; nothing else is left."""
    for data in (DATA, DATA * 2, b"short"):
        store.save(KEY, data)
        assert store.read(KEY) == data
    assert everything(store) == [KEY]


def test_the_end_of_it_can_be_read_alone(store: Store) -> None:
    """The last bytes, or all where there are not so many."""
    store.save(KEY, DATA)
    assert store.read(KEY, last=10) == DATA[-10:]
    assert store.read(KEY, last=len(DATA) + 1) == DATA
    assert store.read(KEY, last=0) == b""


def test_it_opens_at_any_place(store: Store) -> None:
    """As Parquet wants it: from the end, then from the middle, one column of many."""
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({"a": [1, 2, 3], "b": ["x", "y", "z"]}), sink)
    store.save(KEY, sink.getvalue().to_pybytes())
    with store.opened(KEY) as file, pq.ParquetFile(file) as parquet:
        assert parquet.read(columns=["b"]).column(0).to_pylist() == ["x", "y", "z"]


@pytest.mark.parametrize("key", [KEY, "parts", ABOVE, f"{KEY}/below"])
def test_what_is_no_file_is_not_found(store: Store, key: str) -> None:
    """Nothing at all, a prefix, and what would be below a file."""
    store.save(KEY if key in ("parts", ABOVE) else OTHER, DATA)
    for read in (store.read, store.tagged, lambda key: store.read(key, last=4)):
        with pytest.raises(FileNotFoundError):
            read(key)
    with pytest.raises(FileNotFoundError), store.opened(key):
        pass
    assert store.size(key) is None


def test_a_key_has_a_kind(store: Store) -> None:
    """A file, a folder where it is a prefix of others, or nothing: a prefix that only looks like one is none."""
    store.save(KEY, DATA)
    assert [store.kind(key) for key in (KEY, ABOVE, "parts")] == [FILE, FOLDER, FOLDER]
    assert [store.kind(key) for key in (OTHER, "part", f"{KEY}/below", "receipt.json")] == [None] * 4


def test_a_listing_names_what_is_directly_below(store: Store) -> None:
    """Files and folders, sorted, by their whole keys; of what is no folder it is empty."""
    for key in (OTHER, KEY, "parts/window=2/page-00001.parquet", "parts/.hidden", "receipt.json", "parts2/x"):
        store.save(key, DATA)
    assert [*store.list("")] == ["parts", "parts2", "receipt.json"]
    assert [*store.list("parts")] == ["parts/.hidden", "parts/window=2", ABOVE]
    assert [*store.list(ABOVE)] == [KEY, OTHER]
    assert [[*store.list(key)] for key in ("part", "nowhere/at/all", KEY)] == [[], [], []]


def test_what_is_removed_is_gone(store: Store) -> None:
    """A second time there is nothing to do, and what is beside it stays; settling is fine with or without a folder."""
    store.save(KEY, DATA)
    store.save(OTHER, DATA)
    for _ in range(2):
        store.remove(KEY)
        store.settle(ABOVE)
        assert everything(store) == [OTHER]
    store.settle("nowhere/at/all")


def test_a_file_moves(store: Store) -> None:
    """Its bytes are under the new key alone, whose folders nobody made; what was there is replaced."""
    store.save(KEY, DATA)
    store.save("aside/1/x", b"old")
    store.move(KEY, f"aside/20240101T000000Z/{KEY}")
    assert everything(store) == ["aside/1/x", f"aside/20240101T000000Z/{KEY}"]
    store.move(f"aside/20240101T000000Z/{KEY}", "aside/1/x")
    assert (store.read("aside/1/x"), everything(store)) == (DATA, ["aside/1/x"])
    with pytest.raises(FileNotFoundError):
        store.move(KEY, "aside/2/x")


def test_a_folder_moves_with_all_below_it(store: Store) -> None:
    """And with no other that only begins alike."""
    store.save(KEY, DATA)
    store.save(OTHER, b"other")
    store.save(f"{ABOVE}-20231001T010000Z/page-00001.parquet", b"alike")
    store.move(ABOVE, f"aside/1/{ABOVE}")
    wanted = [f"aside/1/{KEY}", f"aside/1/{OTHER}", f"{ABOVE}-20231001T010000Z/page-00001.parquet"]
    assert everything(store) == wanted
    assert store.read(f"aside/1/{OTHER}") == b"other"


def test_what_exists_is_not_created(store: Store) -> None:
    """The first has it, and the second is told; a folder is in the way, too, where there are any."""
    assert not isinstance(store.create(KEY, DATA), Exists)
    assert store.create(KEY, b"other") == Exists()
    if not isinstance(store, BucketStore):
        assert store.create(ABOVE, b"other") == Exists()
    assert (store.read(KEY), everything(store)) == (DATA, [KEY])
    store.remove(KEY)
    assert not isinstance(store.create(KEY, b"other"), Exists)


def test_only_what_was_seen_is_replaced(store: Store) -> None:
    """By the tag of the last write or of the last look; with an older one, or of what is gone, nothing is written."""
    first = store.create("head.json", b"one")
    assert not isinstance(first, Exists)
    assert store.tagged("head.json").tag == first
    second = store.replace("head.json", b"two", first)
    assert not isinstance(second, Moved)
    assert store.replace("head.json", b"three", first) == Moved()
    assert store.read("head.json") == b"two"
    seen = store.tagged("head.json")
    assert (seen.data, seen.tag) == (b"two", second)
    store.save("head.json", b"four")
    assert store.replace("head.json", b"five", seen.tag) == Moved()
    store.remove("head.json")
    assert store.replace("head.json", b"six", seen.tag) == Moved()
    assert everything(store) == []


@pytest.mark.parametrize("how", ["create", "replace"])
def test_of_many_writers_one_gets_through(store: Store, how: str) -> None:
    """Each is told how it ended, and what is there is what that one wrote."""
    seen = None if how == "create" else store.create("head.json", b"before")
    gate, won = threading.Barrier(8), []

    def write(number: int) -> None:
        gate.wait()
        data = f"writer {number}".encode() * 1000
        if seen is None:
            answer: object = store.create("head.json", data)
        else:
            assert not isinstance(seen, Exists)
            answer = store.replace("head.json", data, seen)
        if not isinstance(answer, Exists | Moved):
            won.append(data)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [store.read("head.json")] == won


def test_a_place_names_its_key(store: Store) -> None:
    """People are told where a key is, and two keys are at two places."""
    assert store.place(KEY).endswith(KEY)
    assert store.place(KEY) != store.place(OTHER)
    assert store.place(KEY).startswith(store.place(""))
    free = store.free()
    assert free is None or free > 0
