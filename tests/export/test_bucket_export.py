"""Exports into a bucket: on conditions, proven, whole in one step, and never over what they did not make."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pytest

import resumable
from resumable.errors import JobLocked, StorageFailed, UsageError
from resumable.export.export import Exported
from resumable.storage.address import Address
from resumable.storage.lease import HEAD
from resumable.storage.store import Exists, Moved, Tag
from tests.export.jobs import Make, Page, content, job_of, record, taken_again, three_days
from tests.support.memory_store import MemoryStore
from tests.support.object_stores import object_store

NAMES = ["out.parquet", "out.csv", "out.jsonl", "out.duckdb"]


class Killed(BaseException):
    """The process is gone."""


@dataclass
class Shelf:
    """A bucket in memory, which counts what is written into it."""

    objects: dict[str, bytes]
    writes: list[str]
    before: Callable[[str], None] = lambda _: None

    def at(self, address: Address) -> MemoryStore:
        """Return the store at an address: a view of the one bucket."""
        return _View(self, f"{address.prefix}/" if address.prefix else "")

    def export(self, job: resumable.Job, name: str, **more: Any) -> Exported:  # noqa: ANN401 - what export takes
        """Export a job to a name in the bucket."""
        job.settings.__dict__["store_at"] = self.at
        self.writes.clear()
        return job.export(f"s3://bucket/out/{name}", **more)

    def below(self, name: str) -> dict[str, bytes]:
        """Return what readers of an export see."""
        before = f"out/{name}"
        return {key.removeprefix(before).strip("/"): d for key, d in self.objects.items() if key.startswith(before)}


Done = TypeVar("Done")


class _View(MemoryStore):
    def __init__(self, shelf: Shelf, prefix: str) -> None:
        keys = [key for key in shelf.objects if key.startswith(prefix)]
        super().__init__(objects={key.removeprefix(prefix): shelf.objects[key] for key in keys}, contested=True)
        self._shelf, self._prefix = shelf, prefix

    def create(self, key: str, data: bytes | memoryview) -> Tag | Exists:
        return self._written(key, lambda: super(_View, self).create(key, data))

    def replace(self, key: str, data: bytes | memoryview, tag: Tag) -> Tag | Moved:
        return self._written(key, lambda: super(_View, self).replace(key, data, tag))

    def remove(self, key: str) -> None:
        self._shelf.objects.pop(self._prefix + key, None)
        super().remove(key)

    def _written(self, key: str, write: "Callable[[], Done]") -> "Done":
        if not key.startswith(".probe"):
            self._shelf.before(key)
            self._shelf.writes.append(key)
        if (changed := self._shelf.objects.get(self._prefix + key)) is not None:
            self.objects[key] = changed
        done = write()
        if not isinstance(done, Exists | Moved):
            self._shelf.objects[self._prefix + key] = self.objects[key]
        return done


@pytest.fixture
def shelf() -> Shelf:
    """An empty bucket."""
    return Shelf(objects={}, writes=[])


@pytest.mark.parametrize("name", NAMES)
def test_what_is_put_is_what_a_path_gets(make: Make, shelf: Shelf, tmp_path: Path, name: str) -> None:
    """The same bytes, of every format but a database's, with a receipt beside them; a second export writes nothing."""
    job = three_days(make)
    done = shelf.export(job, name)
    assert (done.rows, str(done.to)) == (6, f"s3://bucket/out/{name}")
    job.export(tmp_path / name)
    if name != "out.duckdb":
        assert shelf.below(name) == content(tmp_path / name)
    assert f"out/.{name}.export.json" in shelf.objects
    assert shelf.export(job, name).days_written == 0
    assert shelf.writes == []


def test_only_the_days_that_changed_are_put_again(make: Make, shelf: Shelf, tmp_path: Path) -> None:
    """One object, between two receipts; what is there then is what a first export would hold."""
    job = three_days(make)
    shelf.export(job, "out")
    taken_again(job, 1, [Page(records=[record("1-0", 1, 0, externalTag="new"), record("more", 1, 5)], taken=3)])
    done = shelf.export(job, "out")
    assert (done.days_written, done.days_kept, done.rows) == (1, 2, 6)
    assert shelf.writes == [".out.export.json", "out/day=2023-10-02/part-00000.parquet", ".out.export.json"]
    job.export(tmp_path / "fresh")
    assert shelf.below("out") == content(tmp_path / "fresh")


def test_a_day_that_is_gone_goes_from_the_bucket(make: Make, shelf: Shelf, tmp_path: Path) -> None:
    """Its object is removed before the receipt says that the export is whole."""
    job = three_days(make)
    shelf.export(job, "out")
    taken_again(job, 1, [])
    shelf.export(job, "out")
    job.export(tmp_path / "fresh")
    assert shelf.below("out") == content(tmp_path / "fresh")


@pytest.mark.parametrize("name", ["out", "out.jsonl"])
def test_what_no_export_made_is_left_alone(make: Make, shelf: Shelf, tmp_path: Path, name: str) -> None:
    """A stranger's object, an export that was changed since, one of another job, and what a job has: exit 2."""
    job = three_days(make)
    shelf.objects[f"out/{name}"] = b"mine"
    with pytest.raises(UsageError, match="left alone"):
        shelf.export(job, name)
    assert shelf.objects == {f"out/{name}": b"mine"}
    del shelf.objects[f"out/{name}"]
    shelf.export(job, name)
    with pytest.raises(UsageError, match="was exported from"):
        shelf.export(job_of(tmp_path / "other", [[Page(records=[record("x")])]]), name)
    shelf.objects[f"out/{name}/mine"] = b"mine"
    with pytest.raises(UsageError, match="left alone"):
        shelf.export(job, name)
    shelf.objects[f"out/{HEAD}"] = b"{}"
    with pytest.raises(UsageError, match="is in the job out"):
        shelf.export(job, "free")


def test_a_file_that_was_changed_is_replaced_only_when_told_so(make: Make, shelf: Shelf) -> None:
    """Its bytes are not those of the receipt."""
    job = three_days(make)
    shelf.export(job, "out.jsonl")
    whole = shelf.objects["out/out.jsonl"]
    shelf.objects["out/out.jsonl"] = whole.replace(b"0-0", b"0-9")
    with pytest.raises(UsageError, match="as it was written"):
        shelf.export(job, "out.jsonl")
    shelf.export(job, "out.jsonl", replace=True)
    assert shelf.objects["out/out.jsonl"] == whole


@pytest.mark.parametrize("name", ["out", "out.csv"])
def test_killed_at_any_write_the_next_one_finishes(make: Make, shelf: Shelf, tmp_path: Path, name: str) -> None:
    """What readers see is whole days, old or new, and no receipt says more than is there."""
    job = three_days(make)
    shelf.export(job, name)
    before, old = dict(shelf.objects), shelf.below(name)
    for day in range(3):
        taken_again(job, day, [Page(records=[record(f"{day}-new", day)], taken=3)])
    job.export(tmp_path / name)
    new = content(tmp_path / name)
    for number in range(5 if name == "out" else 3):

        def kill(_: str, number: int = number) -> None:
            if len(shelf.writes) == number:
                raise Killed

        shelf.objects, shelf.before = dict(before), kill
        with pytest.raises(Killed):
            shelf.export(job, name)
        assert all(data in (old[key], new[key]) for key, data in shelf.below(name).items()), number
        shelf.before = lambda _: None
        shelf.export(job, name)
        assert shelf.below(name) == new, number


@pytest.mark.parametrize(("key", "error"), [(".out.export.json", JobLocked), ("out", StorageFailed)])
def test_two_that_export_at_once_do_not_mix(make: Make, shelf: Shelf, key: str, error: type[Exception]) -> None:
    """Who finds that another has written meanwhile ends, and leaves what that wrote."""
    job, theirs = three_days(make), b"theirs"

    def other(written: str) -> None:
        if written.startswith(key):
            shelf.objects[f"out/{written}"] = theirs

    shelf.before = other
    with pytest.raises(error):
        shelf.export(job, "out")
    assert theirs in shelf.objects.values()


def test_a_store_that_keeps_other_bytes_is_found_out(make: Make, shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was put is read back: the export fails, and its receipt does not call the bad bytes its own."""
    job = three_days(make)
    upload = MemoryStore.upload

    def flipped(self: MemoryStore, key: str, path: Path, tag: Tag | None) -> Tag | Exists | Moved:
        done = upload(self, key, path, tag)
        self.objects[key] = self.objects[key][:-1] + b"?"
        return done

    monkeypatch.setattr(MemoryStore, "upload", flipped)
    with pytest.raises(StorageFailed, match="is not what was put there"):
        shelf.export(job, "out.csv")


def test_a_delta_table_is_refused(make: Make, shelf: Shelf) -> None:
    """In words, and nothing is put."""
    with pytest.raises(UsageError, match="not written to a bucket"):
        shelf.export(three_days(make), "out.delta")
    assert shelf.writes == []


def test_large_files_go_in_pieces_and_on_the_same_conditions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a real store: what is over the bound of one request is whole, and is not put over what came meanwhile."""
    monkeypatch.setattr("resumable.storage.bucket.IN_ONE_PUT", 2**20)
    store = object_store("seaweed").store()
    path = tmp_path / "large"
    path.write_bytes(bytes(range(256)) * 2**10 * 36)
    made = store.upload("large", path, None)
    assert made == store.below("large")["large"].tag
    assert store.size("large") == path.stat().st_size
    assert store.upload("large", path, None) == Exists()
    assert store.upload("large", path, Tag('"stale"')) == Moved()
    path.write_bytes(path.read_bytes() + b"more")
    store.upload("large", path, store.below("large")["large"].tag)
    with store.opened("large") as file:
        assert file.read() == path.read_bytes()


@pytest.mark.parametrize("name", NAMES)
def test_a_real_store_holds_every_format(make: Make, tmp_path: Path, name: str) -> None:
    """What the store gives back is what a path gets, and it is known again by its tags: nothing is read twice."""
    store, job = object_store("seaweed"), three_days(make)
    job.settings.__dict__["bucket"] = store.client()
    address = store.address()
    job.export(f"{address}/{name}")
    job.export(tmp_path / name)
    there = job.settings.store_at(address)
    if name != "out.duckdb":
        found = {key.removeprefix(name).strip("/"): there.read(key) for key in there.below(name)}
        assert found == content(tmp_path / name)
    assert job.export(f"{address}/{name}").days_written == 0
