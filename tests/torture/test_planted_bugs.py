"""The suite can fail: each of some bugs is planted in a copy of the product, and the tests named for it must notice."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.torture.planted import BUGS, Bug
from tests.torture.planted_answers import BUGS_OF_ANSWERS
from tests.torture.planted_edges import BUGS_OF_EDGES

pytestmark = [pytest.mark.torture, pytest.mark.timeout(900)]

PROJECT = Path(__file__).parents[2]
TESTS_FAILED = 1
"""pytest's exit code where tests ran, and some failed."""


@pytest.mark.shows_secrets("the tests that catch a bug tell what they found")
@pytest.mark.parametrize("bug", [*BUGS, *BUGS_OF_ANSWERS, *BUGS_OF_EDGES], ids=lambda bug: bug.name)
def test_a_planted_bug_is_caught(bug: Bug, tmp_path: Path, seed: int, tally: Callable[[str, int], None]) -> None:
    """The tests named for the bug run in a copy that has it; one of them fails by a check, theirs or the product's."""
    for name in ("resumable", "tests"):
        shutil.copytree(PROJECT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(PROJECT / name, tmp_path)
    bug.plant(tmp_path)
    line = [sys.executable, "-m", "pytest", "-q", "-x", "-n", "0", "-m", "", "-p", "no:cacheprovider", *bug.options]
    outcome = subprocess.run(
        [*line, *bug.catchers],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path), "RESUMABLE_SEED": str(seed)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    print(f"repeat: RESUMABLE_SEED={seed} python -m pytest -m torture -n 0 tests/torture/test_planted_bugs.py")
    print(outcome.stdout[-3000:])
    assert outcome.returncode == TESTS_FAILED, f"nobody noticed: {bug.name}"
    noticed = r"AssertionError|Broken|Violation|Failed: |resumable\.errors\.\w+: "
    assert re.search(noticed, outcome.stdout), "it failed, and not by a check"
    tally("planted bugs caught", 1)
