"""No test is skipped in silence."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.machine import AS_ROOT, FORBIDS, LACKS, PACKAGES, lacking, needed

ROOT = Path(__file__).parents[2]
SKIPPING = """
import pytest
from tests.support.machine import forbidden, need

def test_lacks():
    need("strace")

def test_forbids():
    forbidden("this")

def test_shy():
    pytest.skip("not today")

@pytest.mark.xfail(reason="it is broken")
def test_broken():
    raise ValueError
"""


def test_a_test_is_skipped_for_the_machine_or_not_at_all(tmp_path: Path) -> None:
    """A tool that is missing and a right that is denied are counted; any other skip, and an xfail, is a failure."""
    (tmp_path / "test_it.py").write_text(SKIPPING)
    command = [sys.executable, "-m", "pytest", "-c", os.devnull, "--rootdir", str(tmp_path), "-p", "tests.conftest"]
    done = subprocess.run(
        [*command, "-p", "no:cacheprovider", "-ra", str(tmp_path)],
        env={"PATH": str(tmp_path), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert "2 failed, 2 skipped" in done.stdout, done.stdout
    assert "this machine lacks strace (package strace)" in done.stdout
    assert "this machine forbids this" in done.stdout
    assert "not today" in done.stdout


def test_a_reason_names_the_package_that_brings_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what is missing is named; where nothing is, there is no reason."""
    monkeypatch.setenv("PATH", "")
    assert lacking("ip", "cc") == "this machine lacks ip (package iproute2), cc (package gcc)"
    assert lacking() == ""
    assert all(needed(lacking(tool)) for tool in PACKAGES)
    assert (needed(f"{LACKS} x"), needed(f"{FORBIDS} x"), needed("x")) == (True, True, False)
    assert needed(AS_ROOT.kwargs["reason"])
