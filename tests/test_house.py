"""The house: floors that import only downwards, one outside thing a module, rooms of a size to feel at home in."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent / "resumable"

FLOORS = (
    # floor 0, pure: no I/O, no clock
    ("errors", "catalogue"),
    ("models", "retry", "schema"),
    # floor 1, one outside thing each
    ("clock", "redaction"),
    ("durable", "transport"),
    ("config", "manifest", "parts"),
    # floor 2, mechanisms, then the client that is made of them
    ("auth", "pacer", "naming"),
    ("client", "datasets"),
    ("means",),
    # floor 3, the product
    ("planner", "closing", "status", "reconcile"),
    ("recorder", "receipt", "inference"),
    ("walk",),
    ("worker", "jobworker", "walkworker"),
    ("run",),
    ("backfill",),
    # floor 4, people
    ("screen",),
    ("progress",),
    ("demo",),
    ("cli",),
    ("__main__",),
)
"""From the ground up; a module imports only from floors below its own, a package also within itself."""

HEIGHT = {name: height for height, floor in enumerate(FLOORS) for name in floor}

BESIDE = {"simulator": ("cli", "demo")}
"""Imports nothing of the floors, and is imported only from there."""

ONLY_IN = {
    "requests": "transport",
    "urllib3": "transport",
    "sqlite3": "manifest",
    "pyarrow.parquet": "parts",
    "time": "clock",
    "random": "clock",
    "rich": "progress screen cli",
    "typer": "cli __main__",
}
"""Outside things, and the rooms that may touch them."""

DISK_CALLS = {"fsync", "rename", "replace", "unlink", "remove", "rmdir", "renames", "removedirs"}

MODULES = sorted(ROOT.rglob("*.py"))


def room(path: Path) -> str:
    """Return the top-level module or package that a file belongs to."""
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imports(path: Path) -> Iterator[str]:
    """Yield everything a file imports, also inside functions and for type checking."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def own(name: str) -> str | None:
    """Return the room that an import of this package leads to; None for anything else."""
    parts = name.split(".")
    return parts[1] if parts[0] == "resumable" and len(parts) > 1 else None


def product() -> list[Path]:
    """Return the modules of the floors: all but the simulator and the package's own front door."""
    return [path for path in MODULES if room(path) not in (*BESIDE, "__init__")]


def test_every_room_has_a_floor() -> None:
    """A new module is given its floor here before it can be used."""
    assert {room(path) for path in product()} == set(HEIGHT)


@pytest.mark.parametrize("path", product(), ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_lead_downwards(path: Path) -> None:
    """A module imports only from the floors below its own."""
    here = room(path)
    for name in imports(path):
        there = own(name)
        if there is None or there == here:
            continue
        if there in BESIDE:
            assert here in BESIDE[there], f"{here} imports {name}"
        elif there in HEIGHT:
            assert HEIGHT[there] < HEIGHT[here], f"{here} imports {name}, which is not below it"


def test_the_simulator_imports_nothing_of_the_product() -> None:
    """Simulator and product share no code, so that they cannot share a mistake."""
    for path in MODULES:
        if room(path) == "simulator":
            assert {own(name) for name in imports(path)} <= {None, "simulator"}, path


@pytest.mark.parametrize("outside", ONLY_IN)
def test_an_outside_thing_has_its_own_room(outside: str) -> None:
    """What can fail or change outside of the process is touched in one place."""
    for path in product():
        touches = any(name == outside or name.startswith(f"{outside}.") for name in imports(path))
        assert not touches or room(path) in ONLY_IN[outside].split(), f"{path} imports {outside}"


def test_only_durable_changes_names_on_the_disk() -> None:
    """Syncing, renaming and removing files is done in one module, with its errors in words."""
    for path in product():
        if room(path) == "durable":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in DISK_CALLS:
                of_os = isinstance(node.func.value, ast.Name) and node.func.value.id in ("os", "shutil", "path")
                assert not of_os, f"{path}:{node.lineno} calls {ast.unparse(node.func)}"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_rooms_keep_their_size(path: Path) -> None:
    """Modules have up to 350 lines, functions up to 40."""
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= 350
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            # A command's signature is its table of options, a line each: only what it does counts.
            first = node.body[0].lineno if room(path) == "cli" else node.lineno
            assert (node.end_lineno or 0) - first < 40, f"{node.name} has more than 40 lines"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_ignore_has_its_reason(path: Path) -> None:
    """A rule that is switched off for a line says why, in words."""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if re.search(r"#\s*(noqa|type:\s*ignore)", line):
            assert re.search(r"(?:[A-Z]+\d+|\])\s*(?:-+|#)\s*\w+", line), f"{path}:{number} gives no reason"


def test_words_are_the_designs() -> None:
    """No module goes by another word for a job, a page or a manifest."""
    for path in MODULES:
        assert not {"task", "tasks", "chunk", "chunks", "statefile"} & set(path.stem.split("_")), path
