"""The benchmarks run: every row in little, so that the command works on the day it is wanted. No time is asserted."""

import subprocess
import sys
from pathlib import Path

import pytest

ROWS = (
    "bucket",
    "codec",
    "export",
    "fleet",
    "looking",
    "memory",
    "pace",
    "requests",
    "scale",
    "speed",
    "stages",
    "startup",
    "tables",
)


@pytest.mark.long
@pytest.mark.parametrize("rows", ROWS)
def test_each_group_of_rows_is_measured(rows: str) -> None:
    """In little: the command ends well, and every row of the group has a value and says how it was measured."""
    command = [sys.executable, "-m", "tests.benchmarks", "--quick", "--rows", rows]
    done = subprocess.run(
        command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    lines = [line.split("|") for line in done.stdout.splitlines() if line.startswith("| ")][1:]
    assert lines, done.stdout
    for _, what, _, measured, _, how, _ in lines:
        assert what.strip()
        assert any(character.isdigit() for character in measured), what
        assert how.strip(), what
