"""Whole runs with everything going wrong at random, then nothing: seeds of virtual time.

`--chaos-seeds N` is how many. One seed is one story (`chaosplan`), and one line repeats it.
"""

from collections import Counter
from collections.abc import Callable

import pytest

from tests.torture.chaos import live_through

pytestmark = [pytest.mark.torture, pytest.mark.timeout(4 * 3600)]

BLOCKS = 10
"""Tests that share the seeds, so that several processes can."""


@pytest.mark.parametrize("block", range(BLOCKS))
def test_whatever_goes_wrong_it_is_safe_all_along_and_ends_with_the_truth(
    block: int, seed: int, trials: Callable[[str], int], tally: Callable[[str, int], None]
) -> None:
    """Promises 1 to 6 and 9 hold after each run of a seed; without faults the next run ends as the truth."""
    counts: Counter[str] = Counter()
    for one in range(seed + block, seed + trials("chaos-seeds"), BLOCKS):
        print(f"repeat: RESUMABLE_SEED={one} python -m pytest -m torture -n 0 --chaos-seeds 1 ", end="")
        print("'tests/torture/test_chaos.py' -k '[0]'")
        story = live_through(one)
        counts += Counter(
            {
                "chaos: seeds": 1,
                "chaos: runs": story.runs,
                "chaos: requests": story.requests,
                "chaos: kills": story.kills,
                "chaos: power cuts": story.power_cuts,
                "chaos: runs with a disk that refused": story.refusals,
                "chaos: faults of the source": story.faults,
                "chaos: virtual hours": round(story.clock.true() / 3600),
            }
        )
    for what, number in counts.items():
        tally(what, number)
