"""The page of evidence says what is so: its faults have tests, and its tests have bugs that they catch."""

import ast
import functools
import re
from pathlib import Path

from tests.torture.planted import BUGS, Bug
from tests.torture.planted_answers import BUGS_OF_ANSWERS
from tests.torture.planted_edges import BUGS_OF_EDGES

PROJECT = Path(__file__).parents[2]
ALL = (*BUGS, *BUGS_OF_ANSWERS, *BUGS_OF_EDGES)
HEAD = "| what was done | tests | planted bugs |"


@functools.cache
def names_in(file: str) -> frozenset[str]:
    """Return the names of the tests of a file."""
    tree = ast.parse((PROJECT / file).read_text("utf-8"))
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef))


def missing(test: str) -> bool:
    """Tell whether there is no such file, or no such test in it."""
    file, _, name = test.partition("::")
    return not (PROJECT / file).is_file() or bool(name and name.partition("[")[0] not in names_in(file))


def catches(test: str, bug: Bug) -> bool:
    """Tell whether a test is among those that a bug is given to, by itself or with its whole file."""
    return any(catcher.partition("[")[0] in (test, test.partition("::")[0]) for catcher in bug.catchers)


def rows() -> list[tuple[str, list[str], list[str]]]:
    """Return the table of faults found in use: each with its tests and its planted bugs."""
    text = (PROJECT / "tests/torture/README.md").read_text("utf-8")
    lines = text[text.index(HEAD) :].split("\n\n")[0].splitlines()[2:]
    cells = [line.strip("|").split("|") for line in lines]
    return [(what.strip(), re.findall("`([^`]+)`", held), re.findall("`([^`]+)`", bugs)) for what, held, bugs in cells]


def test_each_fault_found_in_use_has_tests_and_bugs_that_they_catch() -> None:
    """Every test that a row names exists, and every planted bug is caught by one of the tests of its row."""
    bugs = {bug.name: bug for bug in ALL}
    found = rows()
    for what, held, planted in found:
        assert held, what
        assert [test for test in held if missing(test)] == [], what
        assert [name for name in planted if name not in bugs] == [], what
        assert [name for name in planted if not any(catches(test, bugs[name]) for test in held)] == [], what
    named = {name for _, _, planted in found for name in planted}
    assert [bug.name for bug in (*BUGS_OF_ANSWERS, *BUGS_OF_EDGES) if bug.name not in named] == [], "bugs without a row"


def test_each_planted_bug_fits_the_source() -> None:
    """Its words are there, once, and the tests that are to catch it exist; else nothing would be planted."""
    assert len({bug.name for bug in ALL}) == len(ALL)
    for bug in ALL:
        assert (PROJECT / bug.module).read_text("utf-8").count(bug.right) == 1, f"{bug.name}: {bug.module} has changed"
        assert [test for test in bug.catchers if missing(test)] == [], bug.name
