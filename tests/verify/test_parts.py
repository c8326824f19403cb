"""Every way in which a part can be other than its row is found, with its page and with what mends it."""

import contextlib
import errno
import hashlib
import json
import os
import shutil
import socket
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from resumable import Flaw
from resumable.models import PageKey
from resumable.storage import durable
from tests.support.machine import AS_ROOT
from tests.support.planted import FIRST, REPAIR, SECOND, Planted, flipped, rewritten


def recorded_anew(planted: Planted, number: int) -> None:
    """Let row, window and receipt say what the part of a page of the first day is now."""
    path = planted.path(number)
    data = path.read_bytes()
    rows = pq.read_metadata(path).num_rows
    planted.change(
        "UPDATE page SET size = ?, sha256 = ?, rows = ? WHERE window = 1 AND number = ?",
        len(data),
        hashlib.sha256(data).digest(),
        rows,
        number,
    )
    planted.change("UPDATE window SET bytes = (SELECT sum(size) FROM page WHERE window = 1) WHERE id = 1")
    receipt = json.loads((planted.folder / "receipt.json").read_text())
    receipt["bytes"] = sum(path.stat().st_size for path in planted.parts.folder.rglob("*.parquet"))
    (planted.folder / "receipt.json").write_text(json.dumps(receipt))


@pytest.mark.parametrize("quick", [False, True])
def test_a_whole_job_has_no_fault(planted: Planted, quick: bool) -> None:
    """Nothing is found, and all of it was looked at."""
    report = planted.clean(quick=quick)
    assert (report.windows, report.pages, report.complete) == (2, 6, True)
    assert (report.windows_all, report.pages_all) == (2, 6)
    assert report.bytes == report.bytes_all == sum(path.stat().st_size for path in planted.folder.rglob("*.parquet"))
    assert report.notes == []


@pytest.mark.parametrize("quick", [False, True])
def test_a_part_that_is_gone_is_found(planted: Planted, quick: bool) -> None:
    """Its page, its path and the command are named."""
    planted.path(2, day=1).unlink()
    finding = planted.only(Flaw.MISSING, quick=quick)
    assert finding.key == PageKey(window=SECOND, take=1, number=2)
    assert finding.path == planted.path(2, day=1)
    assert finding.text == "2023-10-02 page 2: it is recorded done, and its part is not there."
    assert finding.mend == REPAIR


@pytest.mark.parametrize("quick", [False, True])
def test_a_window_folder_that_is_gone_is_found_page_by_page(planted: Planted, quick: bool) -> None:
    """Every page of it is named."""
    shutil.rmtree(planted.path(1).parent)
    found, _ = planted.verify(quick=quick)
    assert [(finding.flaw, finding.number) for finding in found] == [(Flaw.MISSING, n) for n in (1, 2, 3)]


@pytest.mark.parametrize("quick", [False, True])
@pytest.mark.parametrize("length", [0, 3, 11, 100, -1])
def test_a_cut_is_found(planted: Planted, length: int, quick: bool) -> None:
    """However much is left of it, the sizes are named."""
    good = planted.path(1).read_bytes()
    planted.path(1).write_bytes(good[:length])
    finding = planted.only(Flaw.SIZE, quick=quick)
    assert finding.key == PageKey(window=FIRST, take=1, number=1)
    assert f"{len(good[:length]):,} bytes, and {len(good):,} are recorded" in finding.text


@pytest.mark.parametrize("quick", [False, True])
def test_what_was_added_to_a_part_is_found(planted: Planted, quick: bool) -> None:
    """One byte more is another size."""
    with planted.path(1).open("ab") as file:
        file.write(b"x")
    assert planted.only(Flaw.SIZE, quick=quick).number == 1


@pytest.mark.parametrize("place", [0, 4, 5000, -9, -1])
def test_a_flipped_bit_is_found(planted: Planted, place: int) -> None:
    """Wherever it is."""
    flipped(planted.path(3), place)
    finding = planted.only(Flaw.CONTENT)
    assert finding.key == PageKey(window=FIRST, take=1, number=3)
    assert finding.text == "2023-10-01 page 3: its part has other bytes than are recorded."


def test_a_broken_end_is_found_without_reading_the_rest(planted: Planted) -> None:
    """The quick way sees a footer that is none."""
    flipped(planted.path(3), -1)
    assert planted.only(Flaw.TORN, quick=True).number == 3


@pytest.mark.parametrize("quick", [False, True])
def test_parts_that_changed_places_are_found(planted: Planted, quick: bool) -> None:
    """Both pages are named, each with what it holds."""
    one, two, spare = planted.path(1), planted.path(2, day=1), planted.folder / "spare"
    one.rename(spare)
    two.rename(one)
    spare.rename(two)
    found, _ = planted.verify(quick=quick)
    assert [finding.flaw for finding in found] == [Flaw.IDENTITY, Flaw.IDENTITY]
    assert found[0].text == "2023-10-01 page 1: its part says that it is 2023-10-02 page 2, take 1."
    assert found[1].text == "2023-10-02 page 2: its part says that it is 2023-10-01 page 1, take 1."
    assert {finding.mend for finding in found} == {REPAIR}


OTHER_WORDS = [
    ({"job": "another"}, Flaw.IDENTITY, "belongs to another job"),
    ({"take": 2}, Flaw.IDENTITY, "take 2"),
    ({"number": 7}, Flaw.IDENTITY, "2023-10-01 page 7"),
    ({"query_digest": "0" * 64}, Flaw.IDENTITY, "another query"),
    ({"spec": "{}"}, Flaw.IDENTITY, "another query"),
    ({"snapshot_total": 61}, Flaw.IDENTITY, "another snapshot (3 pages of 61 records)"),
    ({"snapshot_page_count": 4}, Flaw.IDENTITY, "another snapshot (4 pages of 59 records)"),
    ({"snapshot_page_size": 7}, Flaw.IDENTITY, "another snapshot"),
    ({"total": 61}, Flaw.IDENTITY, "its answer named 3 pages of 61 records"),
    ({"schema_digest": "0" * 64}, Flaw.SCHEMA, "another schema"),
    ({"columns": "[]"}, Flaw.SCHEMA, "another schema"),
]


@pytest.mark.parametrize(("changes", "flaw", "said"), OTHER_WORDS, ids=lambda value: str(value)[:30])
def test_a_part_that_says_otherwise_of_itself_is_found(
    planted: Planted, changes: dict[str, object], flaw: Flaw, said: str
) -> None:
    """Whole, recorded with its own size and hash, and yet another part than its row wants: what differs is named."""
    rewritten(planted, 2, **changes)
    recorded_anew(planted, 2)
    for quick in (False, True):
        finding = planted.only(flaw, quick=quick)
        assert finding.key == PageKey(window=FIRST, take=1, number=2)
        assert said in finding.text
        assert finding.mend == REPAIR


def test_a_part_that_counts_its_rows_otherwise_is_found(planted: Planted) -> None:
    """The quick way goes by what the footer says, the other by the proof that it says so."""
    rewritten(planted, 2, rows=19)
    recorded_anew(planted, 2)
    assert "it has 19 rows, and 20 are recorded" in planted.only(Flaw.IDENTITY, quick=True).text
    assert planted.only(Flaw.RECORD).number == 2


def test_a_part_that_its_own_hash_does_not_prove_is_found(planted: Planted) -> None:
    """A part that was changed together with its row still has its own hash against it."""
    flipped(planted.path(2), 5000)
    recorded_anew(planted, 2)
    assert planted.only(Flaw.TORN).number == 2


@pytest.mark.parametrize(
    "change", ["rows = 21", "size = size + 1", "sha256 = zeroblob(32)", "size = 9000000000, sha256 = zeroblob(32)"]
)
def test_a_row_that_is_wrong_about_a_good_part_is_told_from_a_bad_part(planted: Planted, change: str) -> None:
    """The part proves itself: the row is what is damaged."""
    planted.update("page", change, "window = 2 AND number = 1")
    planted.change(
        "UPDATE window SET (bytes, records) = (SELECT sum(size), sum(rows) FROM page WHERE window = 2) WHERE id = 2"
    )
    found, _ = planted.verify()
    assert (found[0].flaw, found[0].key) == (Flaw.RECORD, PageKey(window=SECOND, take=1, number=1))
    assert {finding.flaw for finding in found[1:]} <= {Flaw.RECEIPT}


def linked(path: Path) -> None:
    """A link to the very bytes."""
    path.symlink_to(path.parent.parent / ".good")


def astray(path: Path) -> None:
    """A link to nothing."""
    path.symlink_to("nowhere")


def bound(path: Path) -> None:
    """A socket; its address has no more than 108 characters."""
    with contextlib.chdir(path.parent), contextlib.closing(socket.socket(socket.AF_UNIX)) as endpoint:
        endpoint.bind(path.name)


KINDS: list[tuple[Callable[[Path], object], str]] = [
    (linked, "a link"),
    (astray, "a link"),
    (Path.mkdir, "a folder"),
    (os.mkfifo, "a pipe"),
    (bound, "a socket"),
]


@pytest.mark.parametrize("quick", [False, True])
@pytest.mark.parametrize(("make", "kind"), KINDS, ids=[make.__name__ for make, _ in KINDS])
def test_what_is_no_file_is_named_and_not_followed(
    planted: Planted, make: Callable[[Path], object], kind: str, quick: bool
) -> None:
    """A link to the very bytes, a folder, a pipe that would hang whoever opens it, a socket."""
    planted.path(1).rename(planted.parts.folder / ".good")
    make(planted.path(1))
    finding = planted.only(Flaw.NOT_A_FILE, quick=quick)
    assert finding.key == PageKey(window=FIRST, take=1, number=1)
    assert finding.text == f"2023-10-01 page 1: {kind} is in the place of its part."


@AS_ROOT
def test_a_device_is_named_and_not_read(planted: Planted) -> None:
    """/dev/zero under a part's name has no end."""
    planted.path(1).unlink()
    os.mknod(planted.path(1), 0o600 | 0o020000, os.makedev(1, 5))
    assert "a device is in the place of its part" in planted.only(Flaw.NOT_A_FILE).text


@pytest.mark.parametrize("quick", [False, True])
def test_a_window_folder_that_is_a_link_is_not_followed(planted: Planted, quick: bool) -> None:
    """Every page of it is named, though its files would be right."""
    folder = planted.path(1).parent
    folder.rename(planted.folder / "moved")
    folder.symlink_to(planted.folder / "moved")
    found, _ = planted.verify(quick=quick)
    assert [(finding.flaw, finding.number, finding.path) for finding in found] == [
        (Flaw.NOT_A_FILE, number, folder) for number in (1, 2, 3)
    ]
    assert "a link is in the place of the folder of its window" in found[0].text


def test_a_parts_folder_that_is_a_link_is_not_followed(planted: Planted) -> None:
    """One finding says it all."""
    planted.parts.folder.rename(planted.folder / "moved")
    planted.parts.folder.symlink_to("moved")
    finding = planted.only(Flaw.NOT_A_FILE)
    assert finding.path == planted.parts.folder
    assert finding.mend == REPAIR


def test_a_huge_file_in_the_place_of_a_part_is_not_read(planted: Planted) -> None:
    """A terabyte of nothing has another size, and that is enough."""
    with planted.path(1).open("r+b") as file:
        file.truncate(2**40)
    assert planted.only(Flaw.SIZE).number == 1


def test_bytes_that_the_disk_has_lost_are_a_fault_of_the_part(
    planted: Planted, monkeypatch: pytest.MonkeyPatch
) -> None:
    """EIO is a finding with its page, and the others are looked at all the same."""
    real, bad = durable.opened, planted.path(2)

    def failing(path: Path) -> object:
        if path == bad:
            failure = OSError(errno.EIO, "Input/output error")
            raise durable.failed(path, failure) from failure
        return real(path)

    monkeypatch.setattr(durable, "opened", failing)
    finding = planted.only(Flaw.CONTENT)
    assert finding.number == 2
    assert finding.text == "2023-10-01 page 2: the disk does not give its part (Input/output error)."


def test_what_these_tests_record_anew_is_no_fault_by_itself(planted: Planted) -> None:
    """A part that is written again as it was, and recorded so, verifies: what they find is what they change."""
    rewritten(planted, 2, taken_at="2024-01-01T00:00:00.000Z")
    assert planted.only(Flaw.RECORD).number == 2
    recorded_anew(planted, 2)
    planted.clean()
