"""How trials are told apart, counted and repeated."""

import os
import random
from collections.abc import Callable, Iterator
from typing import Any


def spread(least: int, most: int, number: int) -> list[int]:
    """Return so many numbers from least to most, evenly; at least the two."""
    number = max(2, number)
    return [least + (most - least) * n // (number - 1) for n in range(number)]


Trials = Callable[[str], int]


Tally = Callable[[str, int], None]


def each(seed: int, count: int) -> Iterator[tuple[int, random.Random]]:
    """Yield the number of each flip and its own randomness; RESUMABLE_INPUT asks for just one."""
    only = os.environ.get("RESUMABLE_INPUT")
    for number in range(count) if only is None else [int(only)]:
        yield number, random.Random(f"{seed} {number}")


def repeat(seed: int, number: int, test: Callable[..., Any], dataset: str) -> str:
    """Return the line that repeats one flip."""
    where = f"tests/torture/test_flips.py::{test.__name__}[{dataset}]"
    return f"repeat: RESUMABLE_SEED={seed} RESUMABLE_INPUT={number} python -m pytest -m torture -n 0 '{where}'"
