"""Bits flipped in parts and manifests: `verify` finds every one, and says which page it is.

`--flips N` is how many in parts, and as many again in manifests. A failure names its seed and the number of the flip:
`RESUMABLE_SEED=... RESUMABLE_INPUT=...` repeats just it.
"""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from resumable import Finding, Flaw
from resumable.simulator.simulator import Simulator
from tests.torture.flips import flip, made, pages, sim
from tests.torture.trials import Tally, Trials, each, repeat

__all__ = ["sim"]
pytestmark = pytest.mark.torture

MATTERS = {
    "job": "uuid, dataset, schema_digest, columns, start_ms, end_ms, query, digest, window_ms, page_size, state",
    "window": "id, start_ms, end_ms, state, take, page_count, total, page_size, moved, fingerprint, duplicates,"
    " settled, whole_take, provisional, done, records, bytes",
    "page": '"window", take, number, state, rows, size, sha256',
}
"""What of a manifest a wrong value of could lose data, or pass for it."""

SEES = frozenset({Flaw.CONTENT, Flaw.TORN})


@pytest.mark.timeout(900)
@pytest.mark.parametrize("dataset", ["conversations", "conversation-jobs"])
def test_every_flipped_bit_of_a_part_is_found(
    dataset: str, sim: Simulator, seed: int, trials: Trials, tally: Tally, tmp_path: Path
) -> None:
    """In content, footer or frame: just this page is named, and whole again, the job verifies."""
    job = made(sim, dataset, tmp_path)
    keys = pages(job)
    done = 0
    for number, dice in each(seed, -(-trials("flips") // 2)):
        path = dice.choice([*keys])
        good, bit = flip(path, dice)
        found = list(job.verify())
        said = f"bit {bit} of {path.name} of {path.parent.name}: {[finding.text for finding in found]}"
        line = repeat(seed, number, test_every_flipped_bit_of_a_part_is_found, dataset)
        assert [(finding.key, finding.path) for finding in found] == [(keys[path], path)], f"{said}\n{line}"
        assert found[0].flaw in SEES, f"{said}\n{line}"
        path.write_bytes(good)
        done += 1
    assert list(job.verify()) == []
    tally("bits of parts flipped, each found by verify", done)


def rows(path: Path) -> list[list[tuple[Any, ...]]] | None:
    """Return what matters of a manifest; None where it cannot be read."""
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
            return [
                database.execute(f"SELECT {columns} FROM {table} ORDER BY 1, 2, 3").fetchall()  # noqa: S608 - our own
                for table, columns in MATTERS.items()
            ]
    except (sqlite3.Error, UnicodeDecodeError, OverflowError):
        return None


@pytest.mark.timeout(900)
@pytest.mark.parametrize("dataset", ["conversations", "conversation-jobs"])
def test_every_flipped_bit_of_a_manifest_that_matters_is_found(
    dataset: str, sim: Simulator, seed: int, trials: Trials, tally: Tally, tmp_path: Path
) -> None:
    """A flip is found, or it has changed nothing that data depends on; SQLite itself does not notice all of them."""
    job = made(sim, dataset, tmp_path)
    manifest = job.folder / "manifest.sqlite"
    good = rows(manifest)
    done = matter = 0
    for number, dice in each(seed, -(-trials("flips") // 2)):
        bytes_before, bit = flip(manifest, dice)
        now = rows(manifest)
        found: list[Finding] = list(job.verify())
        if now != good:
            matter += 1
            line = repeat(seed, number, test_every_flipped_bit_of_a_manifest_that_matters_is_found, dataset)
            assert found, f"bit {bit} of the manifest ({difference(good, now)})\n{line}"
        for beside in ("manifest.sqlite-wal", "manifest.sqlite-shm", "manifest.sqlite-journal"):
            (job.folder / beside).unlink(missing_ok=True)
        manifest.write_bytes(bytes_before)
        done += 1
    assert list(job.verify()) == []
    tally("bits of manifests flipped", done)
    tally("bits of manifests flipped that changed what matters, each found by verify", matter)


def difference(good: list[list[tuple[Any, ...]]] | None, now: list[list[tuple[Any, ...]]] | None) -> str:
    """Show the rows that differ."""
    if good is None or now is None:
        return "cannot be read"
    pairs = zip(good, now, strict=True)
    return "; ".join(f"{sorted(map(repr, {*before} ^ {*after}))}" for before, after in pairs if before != after)
