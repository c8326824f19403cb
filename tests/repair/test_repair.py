"""Repair: after any damage one call makes the job what it was, and asks the server for just what nothing proves."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import resumable
from resumable import Flaw, VerificationFailed
from resumable.models import PageKey
from resumable.simulator.simulator import Simulator
from resumable.storage import durable
from resumable.storage.job_files import LOCK
from resumable.storage.lock import hold
from tests.repair.repaired import ids, pages_asked, repaired
from tests.support.planted import FIRST, SECOND, Planted, flipped, rewritten

Harm = Callable[[Planted], Any]


def in_place(planted: Planted, number: int, make: Callable[[Path], object]) -> None:
    """Put something else in the place of a part of the first day."""
    path = planted.path(number)
    path.unlink()
    make(path)


def linked(path: Path) -> None:
    """Make a link to a whole part."""
    path.symlink_to(path.with_name("page-00001.parquet"))


def linked_away(folder: Path, to: Path) -> None:
    """Move a window's folder elsewhere, and leave a link to it."""
    folder.rename(to)
    folder.symlink_to(f"../{to.name}")


def each_of(*harms: Harm) -> Harm:
    """Put more than one harm together."""

    def harm(planted: Planted) -> None:
        for one in harms:
            one(planted)

    return harm


PARTS: dict[str, tuple[Harm, int]] = {
    "gone": (lambda p: p.path(2).unlink(), 1),
    "a bit flipped": (lambda p: flipped(p.path(2), 1000), 1),
    "its footer flipped": (lambda p: flipped(p.path(3), -100), 1),
    "cut": (lambda p: os.truncate(p.path(1), 500), 1),
    "empty": (lambda p: os.truncate(p.path(1), 0), 1),
    "a link": (lambda p: in_place(p, 2, linked), 1),
    "a folder": (lambda p: in_place(p, 2, Path.mkdir), 1),
    "a pipe": (lambda p: in_place(p, 2, os.mkfifo), 1),
    "another page": (lambda p: shutil.copy(p.path(1), p.path(2)), 1),
    "another day": (lambda p: shutil.copy(p.path(1, day=1), p.path(1)), 1),
    "another job": (lambda p: rewritten(p, 2, job="b0d0"), 1),
    "two of them": (each_of(lambda p: p.path(1).unlink(), lambda p: flipped(p.path(2, day=1), 77)), 2),
    "its folder": (lambda p: shutil.rmtree(p.path(1).parent), 3),
    "its folder a link": (lambda p: linked_away(p.path(1).parent, p.folder / "x"), 3),
    "all": (lambda p: shutil.rmtree(p.parts.folder), 6),
    "its row wrong": (lambda p: p.update("page", "size = size + 1", "window = 1 AND number = 2"), 0),
    "its hash wrong": (lambda p: p.update("page", "sha256 = zeroblob(32)", "window = 1 AND number = 2"), 0),
    "its row gone": (lambda p: p.change("DELETE FROM page WHERE window = 1 AND number = 2"), 0),
    "row and part gone": (
        each_of(
            lambda p: p.change("DELETE FROM page WHERE window = 1 AND number = 3"),
            lambda p: p.path(3).unlink(),
        ),
        1,
    ),
    "sums wrong": (lambda p: p.update("window", "records = records + 1", "id = 1"), 0),
    "keys unknown": (lambda p: p.update("window", "fingerprint = zeroblob(32)", "id = 1"), 0),
    "duplicates wrong": (lambda p: p.update("window", "duplicates = 5", "id = 1"), 0),
    "job not closed": (lambda p: p.update("job", "state = 'running'", "id = 1"), 0),
    "a window not closed": (
        each_of(
            lambda p: p.update("window", "state = 'open', whole_take = NULL", "id = 1"),
            lambda p: p.update("job", "state = 'incomplete'", "id = 1"),
        ),
        0,
    ),
    "a window gone": (
        each_of(
            lambda p: p.change("DELETE FROM page WHERE window = 2"),
            lambda p: p.change("DELETE FROM window WHERE id = 2"),
        ),
        3,
    ),
    "a stranger": (lambda p: (p.path(1).parent / "notes.txt").write_text("mine"), 0),
    "a strange page": (lambda p: shutil.copy(p.path(1), p.path(9)), 0),
    "a strange folder": (lambda p: shutil.copytree(p.path(1).parent, p.parts.folder / "window=20240101T000000Z"), 0),
    "a leftover": (lambda p: (p.path(1).parent / ".page-00001.parquet.tmp").write_text("torn"), 0),
    "the receipt gone": (lambda p: (p.folder / "receipt.json").unlink(), 0),
    "the receipt wrong": (lambda p: (p.folder / "receipt.json").write_text("{}"), 0),
    "nothing": (lambda p: None, 0),
}


@pytest.mark.parametrize("what", PARTS)
def test_damage_is_mended_by_asking_for_just_what_it_took(what: str, planted: Planted, sim: Simulator) -> None:
    """The job is whole again, has the same records, and only the pages named were asked for."""
    harm, pages = PARTS[what]
    before = ids(planted.job)
    harm(planted)
    _, asked = repaired(planted, sim)
    assert asked == pages
    assert ids(planted.job) == before


def test_what_is_damaged_is_kept_aside(planted: Planted) -> None:
    """The bytes that were in the place of a part can still be looked at."""
    flipped(planted.path(2), 1000)
    damaged = planted.path(2).read_bytes()
    _, done = planted.job.repair()
    assert [Path(place).read_bytes() for place in done.aside] == [damaged]
    assert Path(done.aside[0]).is_relative_to(planted.folder / "aside")
    assert (done.pages, done.windows, done.faults) == (1, 1, 1)


def test_nothing_to_repair_is_said(planted: Planted) -> None:
    """Nothing is found, nothing is changed."""
    before = (planted.folder / "receipt.json").read_bytes()
    _, done = planted.job.repair()
    assert (done.faults, done.restored, done.aside) == (0, None, [])
    assert (planted.folder / "receipt.json").read_bytes() == before


def test_a_link_in_the_place_of_the_parts_is_a_persons_to_mend(planted: Planted, sim: Simulator) -> None:
    """What it leads to is not thrown away by taking everything again."""
    planted.parts.folder.rename(planted.folder / "elsewhere")
    planted.parts.folder.symlink_to("elsewhere")
    before = pages_asked(sim)
    with pytest.raises(VerificationFailed, match="link"):
        planted.job.repair()
    assert pages_asked(sim) == before
    assert len([*(planted.folder / "elsewhere").rglob("*.parquet")]) == 6


def test_a_repair_holds_the_lock(planted: Planted) -> None:
    """Two at once would mend each other's work away."""
    with hold(planted.folder / LOCK, job="job", now=planted.job.clock.now()), pytest.raises(resumable.JobLocked):
        planted.job.repair()


class Cut(Exception):
    """The power went."""


@pytest.mark.parametrize(
    "what",
    [
        "another page",
        pytest.param("all", marks=pytest.mark.long),
        "its row gone",
        pytest.param("a window gone", marks=pytest.mark.long),
        "manifest",
    ],
)
def test_a_repair_that_is_cut_short_anywhere_can_be_run_again(
    what: str, planted: Planted, sim: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After any of its changes to files or rows, the next one mends the rest."""
    before = ids(planted.job)
    harm: Harm = (lambda p: (p.folder / "manifest.sqlite").unlink()) if what == "manifest" else PARTS[what][0]
    harm(planted)
    kept = planted.folder.with_name("kept")
    shutil.copytree(planted.folder, kept, symlinks=True)
    for allowed in range(200):
        shutil.rmtree(planted.folder)
        shutil.copytree(kept, planted.folder, symlinks=True)
        with monkeypatch.context() as patched:
            if not _cut_after(allowed, planted, patched):
                break
        planted.job.repair()
        planted.clean()
        assert ids(planted.job) == before
    assert allowed > 2


def _cut_after(allowed: int, planted: Planted, patched: pytest.MonkeyPatch) -> bool:
    """Repair until so many changes were made; tell whether it came to that."""
    left = iter(range(allowed))

    def counting(name: str, home: Any) -> None:  # noqa: ANN401 - a module or a class
        real = getattr(home, name)

        def call(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - as the function it stands for
            if next(left, None) is None:
                raise Cut
            return real(*arguments, **named)

        patched.setattr(home, name, call)

    for name in ("move", "remove", "make_folder"):
        counting(name, durable)
    for name in ("reopen", "begin_again", "cover", "place", "taken_at"):
        counting(name, resumable.manifest.repairs.Mending)
    try:
        planted.job.repair()
    except Cut:
        return True
    return False


def test_the_orphan_of_a_lost_row_is_adopted(planted: Planted, sim: Simulator) -> None:
    """A valid part that no row names is worth a request."""
    planted.change("DELETE FROM page WHERE window = 2")
    assert repaired(planted, sim)[1] == 0
    kinds = [event.kind.value for event in planted.job.status(events=100).events]
    assert kinds.count("adopted") == 3


def test_a_part_of_an_older_take_is_put_aside(planted: Planted, sim: Simulator) -> None:
    """In a complete window it belongs to nothing."""
    key = PageKey(window=SECOND, take=7, number=1)
    shutil.copy(planted.path(1, day=1), planted.parts.path(key))
    assert planted.only(Flaw.ORPHAN).key == key
    done, asked = repaired(planted, sim)
    assert (len(done.aside), asked) == (1, 0)
    assert planted.parts.path(PageKey(window=FIRST, take=1, number=1)).exists()


@pytest.mark.parametrize(
    "name", ["window=20231001T000000Z/._page-00001.parquet", "._page-00002.parquet", ".AppleDouble/page-00001.parquet"]
)
def test_what_another_system_lays_beside_parts_is_moved_aside(planted: Planted, name: str) -> None:
    """DuckDB cannot read the parts with it there, and can afterwards; nothing is asked for again."""
    duckdb = pytest.importorskip("duckdb")
    path = planted.parts.path(PageKey(window=FIRST, take=1, number=1)).parent.parent / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"\0\x05\x16\x07 of another system")
    query = f"select count(*) from '{planted.folder}/parts/**/*.parquet'"  # noqa: S608 - a test's own folder
    with pytest.raises(duckdb.Error):
        duckdb.execute(query).fetchall()
    status, done = planted.job.repair()
    assert len(done.aside) == 1
    assert not path.exists()
    assert duckdb.execute(query).fetchall() == [(status.totals.records,)]
    planted.clean()
