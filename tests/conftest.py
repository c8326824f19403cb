"""What all tests share: a seed that is printed and can be set, and how much the torture suite tries."""

import gc
import os
import random
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from typing import Any

import pytest

from tests.support import machine
from tests.support.builders import MADE
from tests.support.canary import SEARCHED, Watch

TRIALS = {
    "kill-points": (150, "system calls at which a process is killed or interrupted, in each sweep; 0 is all of them"),
    "disk-errors": (150, "system calls that the disk refuses, sizes of disks, limits and races; 0 is all of them"),
    "power-cuts": (24, "system calls at which the power is cut, on each layout of disks; 0 is all of them"),
    "chaos-seeds": (150, "whole runs with faults at random, in virtual time"),
    "flips": (200, "places at which a bit of a part is flipped"),
    "body-cuts": (60, "places at which a body is cut, in each framing"),
    "inputs": (2000, "inputs for each fuzzer"),
    "machines": (120, "jobs in a bucket whose machines are lost one after the other, at writes drawn at random"),
    "matrix-cells": (600, "wrong answers of the second server, over all contracts and requests; 0 is all of them"),
}
"""How often each kind of trial is made: option, number in the bounded selection, what it counts."""

_KEY = "trials: "


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Run two tests more at once than there are processors: with one more, two processors were busy for 69 % of it."""
    return len(os.sched_getaffinity(0)) + 2


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the numbers of trials be arguments."""
    group = parser.getgroup("torture", "how much the torture suite tries")
    for name, (number, meaning) in TRIALS.items():
        group.addoption(f"--{name}", type=int, default=number, metavar="N", help=f"{meaning} (default: {number})")


def pytest_configure(config: pytest.Config) -> None:
    """Let the output, the errors and the files of every test be searched for secrets."""
    config.pluginmanager.register(Watch(), "canary")


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """Spare the garbage collector what is there before the first test: each full collection looks at all of it."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Make a failure of a test that is skipped for a reason that is not the machine's, or expected to fail."""
    report = yield
    if report.skipped:
        reason = report.longrepr[2].removeprefix("Skipped: ") if isinstance(report.longrepr, tuple) else "xfail"
        if not machine.needed(reason):
            report.outcome, report.longrepr = "failed", f"skipped for no reason that {machine.__name__} knows: {reason}"
    return report


@pytest.fixture(autouse=True)
def manifests_are_closed() -> Iterator[None]:
    """Close what `make_manifest` made: since Python 3.13 a connection that is left open is a warning, an error here."""
    yield
    while MADE:
        MADE.pop().close()


@pytest.fixture
def seed() -> int:
    """Return a seed for this test's randomness, printed when the test fails; set RESUMABLE_SEED to repeat one."""
    chosen = int(os.environ.get("RESUMABLE_SEED") or random.SystemRandom().randrange(2**32))
    print(f"seed: RESUMABLE_SEED={chosen}")
    return chosen


@pytest.fixture
def trials(request: pytest.FixtureRequest) -> Callable[[str], int]:
    """Return how to ask for a number of trials, by its option's name."""
    return lambda name: int(request.config.getoption(f"--{name}"))


@pytest.fixture
def tally(request: pytest.FixtureRequest) -> Callable[[str, int], None]:
    """Return how a test tells what it tried; the sums are printed at the end of the session, over all processes."""
    return lambda what, number: request.node.user_properties.append((_KEY + what, number))


def pytest_terminal_summary(terminalreporter: Any) -> None:  # noqa: ANN401 - pytest gives it no public type
    """Print how much was tried: the counts of the page of evidence are these."""
    sums: Counter[str] = Counter()
    for reports in terminalreporter.stats.values():
        for report in reports:
            if getattr(report, "when", None) in ("call", "teardown"):
                for key, number in report.user_properties:
                    # A test's own tallies are in each of its reports, what was searched for secrets in its own.
                    if key.startswith(_KEY) and (report.when == "call" or key == SEARCHED):
                        sums[key.removeprefix(_KEY)] += number
    if sums:
        terminalreporter.section("trials")
        for what, number in sorted(sums.items()):
            terminalreporter.line(f"{number:>8,}  {what}")
