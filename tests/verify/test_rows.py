"""What the manifest says is checked against itself, the receipt and the files that no row names."""

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from resumable import Finding, Flaw
from resumable.errors import UsageError
from resumable.models import PageKey
from resumable.verify import windows
from tests.support.planted import FIRST, REPAIR, RESUME, SECOND, Planted


def changed_receipt(planted: Planted, change: Callable[[dict[str, object]], object]) -> None:
    """Let the receipt say something else."""
    path = planted.folder / "receipt.json"
    receipt = json.loads(path.read_text())
    change(receipt)
    path.write_text(json.dumps(receipt))


def killed(planted: Planted, *, state: str) -> None:
    """Make the job what a kill right after the last part of the first day leaves: the part is there, its row is not."""
    planted.change("DELETE FROM page WHERE window = 1 AND number = 3")
    planted.change(
        "UPDATE window SET (done, records, bytes) = (SELECT count(*), sum(rows), sum(size) FROM page WHERE window = 1),"
        " state = 'open', whole_take = NULL WHERE id = 1"
    )
    planted.change("UPDATE job SET state = ?", state)


def of(found: list[Finding], flaw: Flaw) -> list[Finding]:
    """Return the findings of one kind."""
    return [finding for finding in found if finding.flaw is flaw]


@pytest.mark.parametrize("quick", [False, True])
def test_a_page_without_a_row_is_found(planted: Planted, quick: bool) -> None:
    """Of a complete window every page has a row: the page is named, the sums that differ, and its part as an orphan."""
    planted.change("DELETE FROM page WHERE window = 1 AND number = 2")
    found, _ = planted.verify(quick=quick)
    page, sums = of(found, Flaw.COVERAGE)
    assert page.key == PageKey(window=FIRST, take=1, number=2)
    assert page.text == "2023-10-01 page 2: the window is complete, and this page is not recorded done."
    assert (sums.window, sums.number, sums.mend) == (FIRST, None, REPAIR)
    assert "2 pages, not 3" in sums.text
    assert "39 records, not 59" in sums.text
    assert [finding.path for finding in of(found, Flaw.ORPHAN)] == [planted.path(2)]
    assert len(found) == 3


def test_a_page_count_that_flips_to_something_enormous_is_named_within_bounds(planted: Planted) -> None:
    """A thousand missing pages are named, and how many more there are."""
    planted.change("UPDATE window SET page_count = 1099511627779 WHERE id = 1")
    found, report = planted.verify(quick=True)
    pages = [finding for finding in of(found, Flaw.COVERAGE) if finding.key]
    assert [finding.number for finding in pages] == [*range(4, windows.GAPS_NAMED + 4)]
    assert any(f"{2**40 - 1000:,} more pages" in finding.text for finding in found)
    assert report.faults == len(found)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("records = records + 1", "59 records, not 60"),
        ("bytes = bytes - 1", " bytes, not "),
        ("done = 4", "3 pages, not 4"),
    ],
)
def test_sums_that_differ_from_the_pages_are_found(planted: Planted, change: str, said: str) -> None:
    """Pages, records and bytes of a window are those of its rows."""
    planted.update("window", change, "id = 2")
    found, _ = planted.verify()
    (finding,) = of(found, Flaw.COVERAGE)
    assert (finding.window, finding.key) == (SECOND, None)
    assert said in finding.text
    assert {finding.flaw for finding in found} <= {Flaw.COVERAGE, Flaw.RECEIPT}


def test_a_page_past_the_count_is_found(planted: Planted) -> None:
    """A window of three pages has no fourth."""
    planted.change(
        "INSERT INTO page (window, take, number, state, rows, size, sha256)"
        " SELECT window, take, 4, state, rows, size, sha256 FROM page"
        " WHERE window = 1 AND number = 3"
    )
    found, _ = planted.verify(quick=True)
    assert any("page 4 is recorded, and it has 3 pages" in finding.text for finding in of(found, Flaw.COVERAGE))
    assert [finding.number for finding in of(found, Flaw.MISSING)] == [4]


@pytest.mark.parametrize("which", [1, 2])
def test_a_hole_in_the_range_is_found(planted: Planted, which: int) -> None:
    """A window that is gone leaves a hole, at the end too."""
    planted.change("DELETE FROM page WHERE window = ?", which)
    planted.change("DELETE FROM window WHERE id = ?", which)
    found, _ = planted.verify()
    day = (FIRST, SECOND)[which - 1]
    assert [finding.window for finding in of(found, Flaw.COVERAGE)] == [day]
    assert [finding.path for finding in of(found, Flaw.ORPHAN)] == [planted.path(n, day=which - 1) for n in (1, 2, 3)]


def test_a_job_that_is_called_complete_too_early_is_found(planted: Planted) -> None:
    """Its windows say otherwise, and a run does what is left."""
    killed(planted, state="complete")
    planted.path(3).unlink()
    finding = planted.only(Flaw.COVERAGE)
    assert finding.text == "the job is called complete, and 1 of 2 windows are not."
    assert finding.mend == RESUME


def test_a_window_that_is_complete_without_agreement_is_found(planted: Planted) -> None:
    """The closing check is made again: a total that the records do not add up to was never agreed."""
    planted.change("UPDATE window SET total = 61 WHERE id = 1")
    found, _ = planted.verify()
    assert {finding.flaw for finding in found} == {Flaw.IDENTITY, Flaw.RECEIPT}
    planted.change("UPDATE window SET total = 59, moved = 1 WHERE id = 1")
    finding = planted.only(Flaw.COVERAGE)
    assert "it is called complete, although answers named different counts" in finding.text


@pytest.mark.parametrize("change", ["duplicates = 3", "fingerprint = zeroblob(32)", "fingerprint = NULL"])
def test_records_are_counted_again(planted: Planted, change: str) -> None:
    """How many came twice, and which there are, is taken from the parts and compared."""
    planted.update("window", change, "id = 2")
    found, _ = planted.verify()
    (finding,) = of(found, Flaw.DUPLICATE)
    assert (finding.window, finding.mend) == (SECOND, REPAIR)
    assert of(planted.verify(quick=True)[0], Flaw.DUPLICATE) == []


@pytest.mark.parametrize("state", ["complete", "unfinished"])
def test_a_part_that_no_row_names_is_found(planted: Planted, state: str) -> None:
    """Readers of the folder would take it for data; who mends it depends on whether a run looks there."""
    number = 3 if state == "unfinished" else 4
    if state == "unfinished":
        killed(planted, state="interrupted")
    else:
        shutil.copy(planted.path(1), planted.path(4))
    finding = planted.only(Flaw.ORPHAN)
    assert finding.key == PageKey(window=FIRST, take=1, number=number)
    assert finding.path == planted.path(number)
    assert finding.text.startswith(f"2023-10-01 page {number}: page-0000{number}.parquet is a file that no row names")
    assert finding.mend == (RESUME if state == "unfinished" else REPAIR)


STRANGE: list[tuple[str, Flaw | None]] = [
    ("window=20231001T000000Z/notes.txt", Flaw.ORPHAN),
    ("window=20231001T000000Z/page-00001.take-2.parquet", Flaw.ORPHAN),
    ("window=20231001T000000Z/page-1.parquet", Flaw.ORPHAN),
    ("window=20231001T000000Z/.page-00004.parquet.tmp", Flaw.LEFTOVER),
    ("window=20231001T000000Z/.DS_Store", None),
    ("window=20231001T000000Z/_SUCCESS", None),
    ("window=20231001T000000Z/._page-00001.parquet", Flaw.ORPHAN),
    ("window=20231001T000000Z/_page-00001.parquet", Flaw.ORPHAN),
    ("window=20231001T000000Z/.AppleDouble/page-00001.parquet", Flaw.ORPHAN),
    ("window=20231001T000000Z/.AppleDouble/notes", None),
    ("._page-00001.parquet", Flaw.ORPHAN),
    (".AppleDouble/page-00001.parquet", Flaw.ORPHAN),
    ("window=20231005T000000Z/._page-00001.parquet", Flaw.ORPHAN),
    ("window=20231005T000000Z/page-00001.parquet", Flaw.ORPHAN),
    ("window=20231005T000000Z/.page-00001.parquet.tmp", Flaw.LEFTOVER),
    ("elsewhere/page-00001.parquet", Flaw.ORPHAN),
    ("page-00001.parquet", Flaw.ORPHAN),
    (".page-00001.parquet.tmp", Flaw.LEFTOVER),
    ("../.receipt.json.tmp", Flaw.LEFTOVER),
]


@pytest.mark.parametrize(("name", "flaw"), STRANGE)
def test_what_does_not_belong_is_found_where_a_reader_would_see_it(
    planted: Planted, name: str, flaw: Flaw | None
) -> None:
    """Orphans and temporary files, wherever they lie; what readers pass over is left in peace."""
    path = planted.parts.folder / name
    path.parent.mkdir(exist_ok=True, parents=True)
    path.write_bytes(b"something")
    if flaw is None:
        planted.clean()
        return
    finding = planted.only(flaw)
    assert finding.mend == REPAIR
    assert finding.path is not None
    assert finding.path.resolve() in (path.resolve(), path.parent.resolve())
    assert planted.only(flaw, quick=True) == finding


def test_links_beside_the_parts_are_named_and_not_followed(planted: Planted, tmp_path: Path) -> None:
    """A link to a folder of Parquet would be read as if its files were the job's."""
    (tmp_path / "elsewhere").mkdir()
    (planted.parts.folder / "window=20231005T000000Z").symlink_to(tmp_path / "elsewhere")
    assert "is a link that no row names" in planted.only(Flaw.ORPHAN).text


def test_an_empty_folder_is_no_fault(planted: Planted) -> None:
    """A window that was split leaves one."""
    (planted.parts.folder / "window=20231005T000000Z").mkdir()
    planted.clean()


@pytest.mark.parametrize("take", [None, "a link", "a folder", "nonsense", "a list"])
def test_a_receipt_that_is_none_is_found(planted: Planted, take: str | None) -> None:
    """A complete job has one, a file, and it can be read."""
    path = planted.folder / "receipt.json"
    text = path.read_text()
    path.unlink()
    if take == "a link":
        (planted.folder / "other.json").write_text(text)
        path.symlink_to("other.json")
    elif take == "a folder":
        path.mkdir()
    elif take is not None:
        path.write_text("nonsense" if take == "nonsense" else "[1, 2]")
    finding = planted.only(Flaw.RECEIPT)
    assert (finding.path, finding.mend, finding.key) == (path, REPAIR, None)
    assert "receipt" in finding.text


RECEIPTS: list[tuple[Callable[[dict[str, object]], object], str]] = [
    (lambda receipt: receipt.update(records=119), "records"),
    (lambda receipt: receipt.update(bytes=0), "bytes"),
    (lambda receipt: receipt.update(uuid="x"), "uuid"),
    (lambda receipt: receipt.update(keys_sha256="0"), "keys_sha256"),
    (lambda receipt: receipt.update(records_distinct=7), "records_distinct"),
    (lambda receipt: receipt["duplicates"].update(within_windows=7), "duplicates"),  # type: ignore[attr-defined]  # JSON
    (lambda receipt: receipt["windows"].pop(), "the windows 2023-10-02"),  # type: ignore[attr-defined]  # JSON
    (lambda receipt: receipt["windows"][0].update(take=2), "the windows 2023-10-01"),  # type: ignore[index]  # JSON
    (lambda receipt: receipt.update({"from": "2023-09-01T00:00:00.000Z"}), "from"),
    (lambda receipt: receipt.pop("pages"), "cannot be read"),
]


@pytest.mark.parametrize(("change", "said"), RECEIPTS, ids=[said for _, said in RECEIPTS])
def test_a_receipt_that_says_otherwise_is_found(
    planted: Planted, change: Callable[[dict[str, object]], object], said: str
) -> None:
    """What differs is named."""
    changed_receipt(planted, change)
    assert said in planted.only(Flaw.RECEIPT).text


def test_a_lost_manifest_is_one_finding(planted: Planted) -> None:
    """Nothing else can be said without it, and what mends it is named."""
    (planted.folder / "manifest.sqlite").unlink()
    finding = planted.only(Flaw.MANIFEST)
    assert "no manifest" in finding.text
    assert finding.mend == REPAIR


def test_a_damaged_manifest_is_one_finding(planted: Planted) -> None:
    """Whether SQLite cannot open it, cannot read it or finds it wrong."""
    path = planted.folder / "manifest.sqlite"
    good = path.read_bytes()
    for start, length in ((0, 100), (100, 4000), (4096, 4096), (8192, len(good) - 8192)):
        path.write_bytes(good[:start] + bytes(length) + good[start + length :])
        finding = planted.only(Flaw.MANIFEST)
        assert "damaged" in finding.text or "no manifest" in finding.text or "not a manifest" in finding.text
    path.write_bytes(good[: len(good) // 2])
    assert planted.only(Flaw.MANIFEST).mend == REPAIR


def test_rows_that_belong_to_nothing_are_damage(planted: Planted) -> None:
    """SQLite's own check does not look at that."""
    planted.change("UPDATE page SET take = 7 WHERE window = 1 AND number = 1")
    assert "1 pages are recorded of no window, or of a take that never was" in planted.only(Flaw.MANIFEST).text


@pytest.mark.parametrize("change", ["rows = -1", "size = 0", "sha256 = x'00'"])
def test_a_row_that_makes_no_sense_is_damage(planted: Planted, change: str) -> None:
    """Values that the product never writes are not believed."""
    planted.update("page", change, "window = 1 AND number = 1")
    assert planted.only(Flaw.MANIFEST).mend == REPAIR


def test_a_manifest_of_a_newer_version_says_what_to_do(planted: Planted) -> None:
    """There is no command for that, and none is made up."""
    with closing(sqlite3.connect(planted.folder / "manifest.sqlite")) as database:
        database.execute("PRAGMA user_version=99")
    finding = planted.only(Flaw.MANIFEST)
    assert "newer version" in finding.text
    assert "Use that version" in finding.mend


def test_there_must_be_a_job(planted: Planted) -> None:
    """A name that nobody has is a usage error, and nothing is made for it."""
    nobody = Planted(job=replace(planted.job, name="nobody"))
    with pytest.raises(UsageError, match="no job nobody"):
        nobody.verify()
    assert not nobody.folder.exists()


def test_findings_become_json(planted: Planted) -> None:
    """All that a program needs is there: flaw, window, take, page, path, text and what mends it."""
    planted.path(2).unlink()
    assert planted.only(Flaw.MISSING).to_json() == {
        "flaw": "missing",
        "window": {"from": "2023-10-01T00:00:00.000Z", "to": "2023-10-02T00:00:00.000Z"},
        "take": 1,
        "page": 2,
        "path": str(planted.path(2)),
        "text": "2023-10-01 page 2: it is recorded done, and its part is not there.",
        "mend": REPAIR,
    }


RECEIPT_0_1_0 = {
    *("format", "job", "uuid", "dataset", "query", "from", "to", "page_size", "records", "duplicates", "keys_sha256"),
    *("pages", "bytes", "retakes", "settled_windows", "provisional_windows", "records_distinct", "requests", "retries"),
    *("rate_limited", "token_refreshes", "drift", "created_at", "started_at", "completed_at", "versions", "windows"),
}
WINDOW_0_1_0 = {"from", "to", "served", "stored", "take", "settled", "provisional", "keys_sha256"}
"""What receipts of version 0.1.0 say, and of each window."""


def test_a_receipt_of_version_0_1_0_is_read_as_it_was_written(planted: Planted) -> None:
    """What it did not tell is no difference; what it tells is compared as ever."""
    path = planted.folder / "receipt.json"
    today = json.loads(path.read_text())
    windows = [{name: window[name] for name in WINDOW_0_1_0} for window in today["windows"]]
    path.write_text(json.dumps({**{name: today[name] for name in RECEIPT_0_1_0}, "windows": windows}))
    planted.clean()
    changed_receipt(planted, lambda receipt: receipt["windows"][0].update(settled=True))  # type: ignore[index]  # JSON
    assert "the windows 2023-10-01" in planted.only(Flaw.RECEIPT).text
