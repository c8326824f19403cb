"""Whatever happens to parts and manifest, one repair ends with the records that there were, and asks for no page twice.

`--flips N` is how many bits are flipped in parts, and a fifth as often a manifest is damaged, in one of many ways.
"""

import contextlib
import random
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

import resumable
from resumable import JobState, ManifestUnusable, ResumableError
from resumable.manifest.store import Manifest
from resumable.models import EventKind
from resumable.simulator.simulator import Simulator
from tests.support.builders import make_job
from tests.support.clock import VirtualClock
from tests.torture.flips import flip, made, pages, sim
from tests.torture.trials import Tally, Trials, each, repeat

__all__ = ["sim"]
pytestmark = [pytest.mark.torture, pytest.mark.timeout(3600)]

AT_ONCE = 4
PAGE = 4096


def records(job: resumable.Job) -> list[str]:
    """Return all records, in their order."""
    return [str(sorted(record.items())) for record in job.records()]


def asked(sim: Simulator) -> int:
    """Return how many pages the simulator has given out."""
    return sum(sim.log.pages().values())


def test_flipped_parts_are_taken_again_and_no_others(
    sim: Simulator, seed: int, trials: Trials, tally: Tally, tmp_path: Path
) -> None:
    """After any number of flips just the parts that were hit are asked for, and the records are the same."""
    job = made(sim, "conversations", tmp_path)
    keys, before = [*pages(job)], records(job)
    done = 0
    for number, dice in each(seed, -(-trials("flips") // AT_ONCE)):
        hit = {dice.choice(keys) for _ in range(AT_ONCE)}
        for path in hit:
            flip(path, dice)
        sent = asked(sim)
        job.repair()
        line = repeat(seed, number, test_flipped_parts_are_taken_again_and_no_others, "conversations")
        assert asked(sim) - sent == len(hit), line
        assert records(job) == before, line
        assert list(job.verify()) == [], line
        shutil.rmtree(job.folder / "aside")
        done += len(hit)
    tally("parts flipped and repaired", done)


def zeroed(path: Path, dice: random.Random) -> None:
    """Zero some pages of it."""
    data = bytearray(path.read_bytes())
    for _ in range(dice.randint(1, 3)):
        at = dice.randrange(len(data) // PAGE) * PAGE
        data[at : at + PAGE] = bytes(PAGE)
    path.write_bytes(data)


def garbled(path: Path, dice: random.Random) -> None:
    """Overwrite a stretch of it."""
    data = bytearray(path.read_bytes())
    at = dice.randrange(100, len(data))
    data[at : at + 500] = dice.randbytes(min(500, len(data) - at))
    path.write_bytes(data)


def cut(path: Path, dice: random.Random) -> None:
    """Cut it short."""
    data = path.read_bytes()
    path.write_bytes(data[: dice.randrange(len(data))])


def swapped(path: Path, dice: random.Random) -> None:
    """Let two of its pages change places."""
    data = bytearray(path.read_bytes())
    one, other = (dice.randrange(len(data) // PAGE) * PAGE for _ in range(2))
    data[one : one + PAGE], data[other : other + PAGE] = data[other : other + PAGE], data[one : one + PAGE]
    path.write_bytes(data)


def flipped(path: Path, dice: random.Random) -> None:
    """Flip bits of it, apart from those that say whose file it is."""
    kept = path.read_bytes()
    for _ in range(dice.randint(1, 8)):
        flip(path, dice)
    data = bytearray(path.read_bytes())
    data[60:72] = kept[60:72]
    path.write_bytes(data)


def rows_lost(path: Path, dice: random.Random) -> None:
    """Delete some rows."""
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        table = dice.choice(("page", "window"))
        database.create_function("dice", 0, lambda: dice.randrange(3))
        database.execute(f"DELETE FROM {table} WHERE dice() = 0")  # noqa: S608 - two names of our own


def lost(path: Path, dice: random.Random) -> None:
    """Lose it."""
    path.unlink()


def log_lost(path: Path, dice: random.Random) -> None:
    """Lose the write-ahead log, with what was only in it."""
    path.with_name(f"{path.name}-wal").unlink(missing_ok=True)


def log_damaged(path: Path, dice: random.Random) -> None:
    """Damage the write-ahead log."""
    log = path.with_name(f"{path.name}-wal")
    if log.exists() and log.stat().st_size > PAGE:
        dice.choice((garbled, cut, zeroed))(log, dice)


DAMAGE = (zeroed, garbled, cut, swapped, flipped, rows_lost, lost, log_lost, log_damaged)


@pytest.fixture(scope="module")
def begun(sim: Simulator, tmp_path_factory: pytest.TempPathFactory) -> Callable[[random.Random, Path], resumable.Job]:
    """Return what makes a job at some point of its life, its manifest as a kill leaves it: with a write-ahead log."""

    def make(dice: random.Random, state: Path) -> resumable.Job:
        clock = VirtualClock()
        most = dice.choice((None, dice.randint(2, 8)))
        job = make_job(sim, clock, state, days=3, max_requests=most)
        with contextlib.suppress(ResumableError):
            job.run()
        manifest = Manifest.open(job.folder / "manifest.sqlite", clock)
        assert manifest is not None
        with closing(manifest):
            manifest.event(EventKind.WARNING, "a change that is only in the log yet")
            shutil.copytree(job.folder, state / "kept", ignore=shutil.ignore_patterns("*-shm"))
        shutil.rmtree(job.folder)
        (state / "kept").rename(job.folder)
        return make_job(sim, clock, state, days=3)

    return make


def test_a_damaged_manifest_is_never_a_false_complete_and_is_repaired(
    sim: Simulator, begun: Callable[[random.Random, Path], resumable.Job], seed: int, trials: Trials, tally: Tally,
    tmp_path: Path,
) -> None:  # fmt: skip
    """A run says 8 or ends as the truth; a repair ends as the truth, and asks for no more than what was not there."""
    truth = sorted(records(made(sim, "conversations", tmp_path / "truth")))
    kinds = {harm.__name__: 0 for harm in DAMAGE}
    for number, dice in each(seed, -(-trials("flips") // 5)):
        state = tmp_path / str(number)
        job = begun(dice, state)
        harm = dice.choice(DAMAGE)
        there = len([*job.folder.rglob("page-*.parquet")])
        harm(job.folder / "manifest.sqlite", dice)
        shutil.copytree(job.folder, state / "other")
        line = repeat(seed, number, test_a_damaged_manifest_is_never_a_false_complete_and_is_repaired, harm.__name__)
        try:
            complete = job.run().state is JobState.COMPLETE
        except ManifestUnusable:
            complete = False
        assert not complete or sorted(records(job)) == truth, f"{harm.__name__}: a false complete\n{line}"
        shutil.rmtree(job.folder)
        (state / "other").rename(job.folder)
        sent = asked(sim)
        job.repair()
        assert sorted(records(job)) == truth, f"{harm.__name__}: {line}"
        assert [finding.text for finding in job.verify()] == [], f"{harm.__name__}: {line}"
        assert asked(sim) - sent <= 9 - there + 1, f"{harm.__name__}: {asked(sim) - sent} pages asked for\n{line}"
        kinds[harm.__name__] += 1
        shutil.rmtree(state)
    for kind, count in kinds.items():
        tally(f"manifests damaged: {kind.replace('_', ' ')}", count)


def test_what_a_repair_puts_aside_can_be_thrown_away(sim: Simulator, tmp_path: Path) -> None:
    """No file of `aside/` is needed by anything afterwards."""
    job = made(sim, "conversations", tmp_path)
    flip(next(iter(pages(job))), random.Random(1))
    (job.folder / "manifest.sqlite").write_bytes(b"no manifest")
    job.repair()
    assert len([*(job.folder / "aside").rglob("*.*")]) >= 2
    shutil.rmtree(job.folder / "aside")
    assert list(job.verify()) == []
    assert job.status().totals.windows == timedelta(days=3) // timedelta(days=1)
