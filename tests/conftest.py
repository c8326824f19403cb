"""What all tests share: a seed that is printed and can be set."""

import os
import random

import pytest


@pytest.fixture
def seed() -> int:
    """Return a seed for this test's randomness, printed when the test fails; set RESUMABLE_SEED to repeat one."""
    chosen = int(os.environ.get("RESUMABLE_SEED") or random.SystemRandom().randrange(2**32))
    print(f"seed: RESUMABLE_SEED={chosen}")
    return chosen
