"""How many hashes differ is counted exactly, in bounded memory, with no file left."""

import random
import tracemalloc
from array import array
from pathlib import Path

import pyarrow as pa
import pytest

from resumable.engine.count_distinct import AT_ONCE, Distinct
from resumable.errors import StorageFailed
from resumable.storage.scratch import Scratch

ENDS = [2**64 - 1, 0, 5, 5, 0, 9, 12, 5, 2**63, 2**63 - 1, 2**64 - 1]


def counted(folder: Path, numbers: list[int], *, at_once: int, given: int, total: int | None = None) -> int:
    """Count numbers that come so many at a time."""
    with Scratch(folder) as scratch:
        distinct = Distinct(scratch, total=len(numbers) if total is None else total, at_once=at_once)
        for begin in range(0, len(numbers), given):
            distinct.add(array("Q", numbers[begin : begin + given]))
        return distinct.count()


@pytest.mark.parametrize("given", [1, 4, 1000])
@pytest.mark.parametrize("at_once", [1, 3, 1000])
@pytest.mark.parametrize("numbers", [[], [7], [7, 7], ENDS], ids=str)
def test_as_many_are_counted_as_differ(numbers: list[int], at_once: int, given: int, tmp_path: Path) -> None:
    """However few are held at once, and however they come."""
    assert counted(tmp_path, numbers, at_once=at_once, given=given) == len(set(numbers))


@pytest.mark.parametrize("total", [0, 1, 9_000, 100_000])
def test_the_expected_number_need_not_be_right(total: int, tmp_path: Path, seed: int) -> None:
    """It decides how much is held, not what is counted."""
    dice = random.Random(seed)
    numbers = [dice.choice((dice.getrandbits(64), dice.getrandbits(3))) for _ in range(9_000)]
    assert counted(tmp_path, numbers, at_once=500, given=70, total=total) == len(set(numbers))


def test_a_million_are_counted_in_a_few_megabytes(tmp_path: Path) -> None:
    """Twice what is held at once, or ten times: memory is the same, and the file is gone at the end."""
    small, large = peak(tmp_path, 2 * AT_ONCE), peak(tmp_path, 10 * AT_ONCE)
    assert large < small + 1_000_000
    assert large < 15_000_000
    assert [*tmp_path.iterdir()] == []


def peak(folder: Path, many: int) -> int:
    """Return the bytes that so many different numbers take at the most, by Python and by Arrow."""
    dice, usual = random.Random(1), pa.default_memory_pool()
    pool = pa.proxy_memory_pool(usual)
    pa.set_memory_pool(pool)
    tracemalloc.start()
    try:
        with Scratch(folder) as scratch:
            distinct = Distinct(scratch, total=many)
            for _ in range(many // 10_000):
                distinct.add(array("Q", dice.randbytes(80_000)))
            assert distinct.count() == many
        return tracemalloc.get_traced_memory()[1] + int(pool.max_memory())
    finally:
        tracemalloc.stop()
        pa.set_memory_pool(usual)


def test_a_disk_that_refuses_ends_it_in_words(tmp_path: Path) -> None:
    """As any other storage error does: with what to do about it, and nothing left behind."""
    with pytest.raises(StorageFailed, match="No such file"):
        counted(tmp_path / "nowhere", ENDS, at_once=3, given=1)
