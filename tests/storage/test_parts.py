"""Parts prove themselves: what their footer says, what they notice, and who can read them."""

import random
import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import duckdb
import pandas as pd
import polars as pl
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from resumable.errors import StorageFailed
from resumable.manifest.store import Manifest
from resumable.models import Interval, PageKey
from resumable.schema.registry import pinned
from resumable.storage.parts import Footer
from tests.support.builders import START, days, footer, make_manifest, table
from tests.support.clock import VirtualClock
from tests.support.parts import FolderParts


@pytest.fixture
def manifest(tmp_path: Path) -> Manifest:
    """A manifest of two days."""
    return make_manifest(tmp_path / "manifest.sqlite", VirtualClock())


@pytest.fixture
def parts(tmp_path: Path) -> FolderParts:
    """The parts beside it."""
    return FolderParts(tmp_path)


def written(manifest: Manifest, parts: FolderParts, number: int = 1, *, rows: int = 3, day: int = 0) -> Footer:
    """Write a part, and return what it says of itself."""
    window = manifest.unfinished()[day].window
    said = footer(manifest, window, number, rows, page_count=2, total=2 * rows)
    parts.write(table(*(f"{day}-{number}-{n}" for n in range(rows))), said)
    return said


def test_a_part_repeats_what_the_manifest_knows(manifest: Manifest, parts: FolderParts) -> None:
    """Footer and file read back are what was written: every fact, and the size and hash of the bytes."""
    said = written(manifest, parts)
    window = manifest.unfinished()[0].window
    fact = parts.write(table("a", "b", "c"), said)
    found = parts.inspect(said.key)
    assert found is not None
    assert found[1] == fact
    assert replace(found[0], sha256=said.sha256) == said
    assert (found[0].window, found[0].take, found[0].number, found[0].rows) == (window.interval, 1, 1, 3)
    assert fact.size == parts.path(said.key).stat().st_size
    assert parts.identities(said.key, pinned("conversation")).to_pylist() == ["a", "b", "c"]
    assert parts.table(said.key).num_rows == 3


def test_a_cursor_comes_back_from_the_footer(manifest: Manifest, parts: FolderParts) -> None:
    """What only a cursor names is in the part too, whatever the cursor's characters."""
    window = manifest.unfinished()[0].window
    said = replace(footer(manifest, window, 1, 1, page_count=2, total=2), cursor='a"b\\c ü\n', total=None)
    parts.write(table("x"), said)
    found = parts.inspect(said.key)
    assert found is not None
    assert found[0].cursor == 'a"b\\c ü\n'
    assert found[0].total is None


def test_any_flipped_bit_is_noticed(manifest: Manifest, parts: FolderParts, seed: int) -> None:
    """One bit in any byte, of content, footer or frame, and the part is refused."""
    said = written(manifest, parts, rows=20)
    path, dice = parts.path(said.key), random.Random(seed)
    good = path.read_bytes()
    whole = parts.inspect(said.key)
    assert whole is not None
    content = len(good) - 8 - int.from_bytes(good[-8:-4], "little")
    assert 0 < content < len(good)
    places = {0, 3, 4, content - 1, content, len(good) - 8, len(good) - 5, len(good) - 4, len(good) - 1}
    places |= {dice.randrange(content) for _ in range(150)} | {dice.randrange(content, len(good)) for _ in range(150)}
    for place in sorted(places):
        bad = bytearray(good)
        bad[place] ^= 1 << dice.randrange(8)
        path.write_bytes(bad)
        assert parts.inspect(said.key) is None, f"byte {place}"
    path.write_bytes(good)
    assert parts.inspect(said.key) == whole
    assert parts.footer(said.key) == whole[0]


@pytest.mark.parametrize("damage", ["cut", "longer", "empty", "other bytes", "not ours", "a folder", "a link", "gone"])
def test_a_part_that_is_not_whole_is_refused(
    damage: str, manifest: Manifest, parts: FolderParts, tmp_path: Path
) -> None:
    """Cut short, replaced by anything else, or gone: there is no part."""
    said = written(manifest, parts)
    path = parts.path(said.key)
    good = path.read_bytes()
    if damage in ("a folder", "a link", "gone"):
        path.unlink()
    if damage == "cut":
        path.write_bytes(good[:-1])
    elif damage == "longer":
        path.write_bytes(good + b"\0")
    elif damage == "empty":
        path.write_bytes(b"")
    elif damage == "other bytes":
        path.write_bytes(b"PAR1" + bytes(100) + b"PAR1")
    elif damage == "not ours":
        pq.write_table(table("a", "b", "c"), path)
    elif damage == "a folder":
        path.mkdir()
    elif damage == "a link":
        (tmp_path / "elsewhere").write_bytes(good)
        path.symlink_to(tmp_path / "elsewhere")
    assert parts.inspect(said.key) is None


def test_every_cut_is_noticed(manifest: Manifest, parts: FolderParts) -> None:
    """A part that ends after any number of its bytes is refused."""
    said = written(manifest, parts, rows=1)
    path = parts.path(said.key)
    good = path.read_bytes()
    for length in range(0, len(good), max(1, len(good) // 200)):
        path.write_bytes(good[:length])
        assert parts.inspect(said.key) is None, f"{length} bytes"


def test_parts_that_changed_places_are_refused(manifest: Manifest, parts: FolderParts) -> None:
    """A part under the name of another page, take or window does not pass for it."""
    first, second, other_day = written(manifest, parts, 1), written(manifest, parts, 2), written(manifest, parts, day=1)
    one, two = parts.path(first.key), parts.path(second.key)
    good = one.read_bytes()
    one.write_bytes(two.read_bytes())
    two.write_bytes(good)
    assert parts.inspect(first.key) is None
    assert parts.inspect(second.key) is None
    two.write_bytes(parts.path(other_day.key).read_bytes())
    assert parts.inspect(second.key) is None
    later = replace(first.key, take=2)
    shutil.copy(parts.path(other_day.key), parts.path(later))
    assert parts.inspect(later) is None


def test_names_tell_window_page_and_take(parts: FolderParts) -> None:
    """Days are named by their start, other windows by their end too; later takes say so; a listing reads all back."""
    day = next(days(1))
    hour = Interval(start=START, end=START + timedelta(hours=1, milliseconds=5))
    names = [
        (PageKey(window=day, take=1, number=1), "window=20231001T000000Z/page-00001.parquet"),
        (PageKey(window=day, take=12, number=7), "window=20231001T000000Z/page-00007.take-12.parquet"),
        (PageKey(window=day, take=1, number=123456), "window=20231001T000000Z/page-123456.parquet"),
        (PageKey(window=hour, take=1, number=1), "window=20231001T000000Z-20231001T010000.005Z/page-00001.parquet"),
    ]
    for key, name in names:
        assert str(parts.path(key).relative_to(parts.folder)) == name
        parts.path(key).parent.mkdir(parents=True, exist_ok=True)
        parts.path(key).touch()
    assert sorted(parts.found(day)[0], key=lambda key: key.number) == [names[0][0], names[1][0], names[2][0]]
    assert parts.found(hour) == ([names[3][0]], [])


def test_a_listing_keeps_apart_what_is_no_part(parts: FolderParts, tmp_path: Path) -> None:
    """Temporary and foreign files are listed as strange; a linked folder is not looked into."""
    day, other = days(2)
    folder = parts.window_folder(day)
    folder.mkdir(parents=True)
    for name in (".page-00001.parquet.tmp", "notes.txt", "page-1.parquet", "page-00001.take-.parquet"):
        (folder / name).touch()
    keys, strange = parts.found(day)
    assert keys == []
    assert len(strange) == 4
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "page-00001.parquet").touch()
    parts.window_folder(other).symlink_to(tmp_path / "elsewhere")
    assert parts.found(other) == ([], [])


def test_nothing_is_written_through_a_link(manifest: Manifest, parts: FolderParts, tmp_path: Path) -> None:
    """A link in the place of a window's folder stops the write."""
    (tmp_path / "elsewhere").mkdir()
    parts.folder.mkdir()
    parts.window_folder(next(days(1))).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StorageFailed):
        written(manifest, parts)
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_the_folder_opens_whole_with_one_schema_everywhere(manifest: Manifest, parts: FolderParts) -> None:
    """pyarrow, pandas, DuckDB and Polars read `parts/` as one table with the pinned columns."""
    written(manifest, parts, 1)
    written(manifest, parts, 2)
    written(manifest, parts, 1, day=1)
    wanted = sorted(f"{day}-{number}-{n}" for day, number in ((0, 1), (0, 2), (1, 1)) for n in range(3))
    arrow = pinned("conversation").arrow
    opened = ds.dataset(str(parts.folder), format="parquet")
    assert opened.schema == arrow
    assert sorted(opened.to_table().column("conversationId").to_pylist()) == wanted
    assert sorted(pd.read_parquet(parts.folder)["conversationId"]) == wanted
    with duckdb.connect() as database:
        frame = database.read_parquet(f"{parts.folder}/**/*.parquet", hive_partitioning=False)
        assert sorted(row[0] for row in frame.select("conversationId").fetchall()) == wanted
        assert frame.columns == arrow.names
    polars = pl.read_parquet(f"{parts.folder}/**/*.parquet", hive_partitioning=False)
    assert polars.columns == arrow.names
    assert sorted(polars["conversationId"]) == wanted


def test_every_part_has_the_same_schema(manifest: Manifest, parts: FolderParts) -> None:
    """A part of one sparse record has all the columns of any other."""
    keys = [written(manifest, parts, 1).key, written(manifest, parts, 2, rows=1).key]
    schemas = [pq.read_schema(parts.path(key)).remove_metadata() for key in keys]
    assert schemas == [pinned("conversation").arrow.remove_metadata()] * 2
