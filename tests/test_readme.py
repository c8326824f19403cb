"""The README says what is so."""

import ast
import re
from pathlib import Path

README = Path(__file__).parents[1] / "README.md"
EVIDENCE = README.parent / "tests" / "torture" / "README.md"


def test_every_test_that_the_readme_names_exists() -> None:
    """What is said to prove a promise is there to be run."""
    root = README.parent
    for page in (README, EVIDENCE):
        named = re.findall(r"tests/[\w/-]+(?:\.\w+)?", page.read_text(encoding="utf-8"))
        assert named
        assert [path for path in named if not (root / path).exists()] == []


def test_the_evidence_names_every_test_of_the_torture_suite_and_no_other() -> None:
    """No row of its table is without a test, and no test without a row."""
    named = set(re.findall(r"(?<![/\w])test_\w+", EVIDENCE.read_text(encoding="utf-8")))
    assert named == {path.stem for path in EVIDENCE.parent.glob("test_*.py")}


def test_the_python_in_the_readme_uses_names_that_exist() -> None:
    """The README's imports from the package all work."""
    import resumable

    block = re.search(r"^## From Python\n\n((?:    .*\n|\n)+)", README.read_text(encoding="utf-8"), re.MULTILINE)
    assert block is not None
    code = "\n".join(line[4:] for line in block[1].splitlines())
    imported = [n for n in ast.walk(ast.parse(code)) if isinstance(n, ast.ImportFrom) and n.module == "resumable"]
    assert imported
    for name in (alias.name for node in imported for alias in node.names):
        assert getattr(resumable, name)


def test_the_endpoint_in_the_readme_is_the_one_that_is_tested() -> None:
    """The described endpoint stands in the README as the tests run it."""
    shown = re.search(r"<!-- endpoint -->\n```toml\n(.*?)```\n<!-- /endpoint -->", README.read_text("utf-8"), re.DOTALL)
    assert shown is not None
    assert shown[1] == (README.parent / "tests" / "datasets" / "described" / "example.toml").read_text("utf-8")
