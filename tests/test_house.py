"""The house: imports only downwards, one outside thing a module, sizes to feel at home in, exceptions with reasons."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "resumable"
PRODUCT = sorted(PACKAGE.rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))

FLOORS = (
    # 0, pure: no I/O, no clock
    ("errors", "catalogue", "latencies"),
    ("models", "retry", "schema", "leafsizes"),
    ("screen",),
    # 1, one outside thing each
    ("clock", "redaction", "durable", "slots"),
    ("spool",),
    ("transport", "manifest", "parts"),
    ("config",),
    # 2, mechanisms and knowledge
    ("pacer", "auth", "crew", "keys", "distinct"),
    ("client", "datasets"),
    # 3, the product
    ("planner", "closing", "means", "status", "naming", "inference", "refusals", "coverage"),
    ("reconcile", "receipt", "forecast"),
    ("recorder", "verify", "restore"),
    ("repair",),
    ("walk", "worker"),
    ("jobworker", "walkworker"),
    ("run", "export"),
    ("backfill",),
    # 4, people
    ("progress", "demo", "report"),
    ("watch",),
    ("cli",),
    ("__main__",),
)
"""From the bottom up: a module imports only from rows below its own. `resumable/__init__` opens the door to all."""

BESIDE = "simulator"
SIMULATOR_GUESTS = ("cli", "demo")

OUTSIDE = {
    # what                    where it may be used
    "requests": ("transport",),
    "urllib3": ("transport",),
    "http.client": ("transport",),
    "socket": ("transport", "manifest", "simulator"),  # the manifest's lock names the host
    "sqlite3": ("manifest",),
    "pyarrow.parquet": ("parts", "cli", "export"),
    "duckdb": ("export",),
    "deltalake": ("export",),
    "time": ("clock", "simulator"),
    "random": ("clock", "simulator"),
    "subprocess": ("demo",),  # which shows a kill
    "backoff": ("retry",),
    "vl_convert": ("report",),
}
DISK_CALLS = {"fsync", "fdatasync", "replace", "rename", "renames", "unlink", "remove", "rmdir"}
"""Of os, and of paths where the name is not also one of text: only `durable` may call them."""

FORBIDDEN_WORDS = ("task", "chunk")
MODULE_LINES, FUNCTION_LINES = 350, 40


@dataclass(frozen=True)
class Import:
    """One import of a module: what, and where."""

    module: str
    line: int


def part_of(path: Path) -> str:
    """Return the name in FLOORS that a file of the package belongs to."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path: Path) -> Iterator[Import]:
    """Yield all imports of a file, also those inside functions and under TYPE_CHECKING."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (Import(alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: imports are absolute"
            assert node.module is not None
            yield from (Import(f"{node.module}.{alias.name}", node.lineno) for alias in node.names)
            yield Import(node.module, node.lineno)


def own(module: str) -> str | None:
    """Return the part of the package that an import names, None for others."""
    names = module.split(".")
    if names[0] != "resumable" or len(names) == 1:
        return None
    exists = (PACKAGE / names[1]).is_dir() or (PACKAGE / f"{names[1]}.py").exists()
    return names[1] if exists else "__init__"


def where(path: Path) -> str:
    """Name a file for an assertion."""
    return str(path.relative_to(ROOT))


def test_every_module_has_its_floor() -> None:
    """A new module is put on a floor, and a module that is gone is taken off."""
    placed = [name for row in FLOORS for name in row] + [BESIDE]
    assert len(placed) == len(set(placed))
    assert set(placed) == {part_of(path) for path in PRODUCT} - {"__init__"}


@pytest.mark.parametrize("path", PRODUCT, ids=where)
def test_imports_go_only_downwards(path: Path) -> None:
    """From any place in a module, also inside functions and for types alone, only lower rows are imported."""
    height = {name: n for n, row in enumerate(FLOORS) for name in row}
    here = part_of(path)
    for found in imports(path):
        there = own(found.module)
        if there is None or there == here or here == "__init__":
            continue
        text = f"{where(path)}:{found.line} imports {found.module}"
        if here == BESIDE:
            raise AssertionError(f"{text}: the simulator knows nothing of the product")
        if there == BESIDE:
            assert here in SIMULATOR_GUESTS, f"{text}: only {SIMULATOR_GUESTS} may"
        else:
            assert there != "__init__", f"{text}: the front door is for callers"
            assert height[there] < height[here], f"{text}: that is not below"


@pytest.mark.parametrize("path", PRODUCT, ids=where)
def test_each_outside_thing_has_one_home(path: Path) -> None:
    """What reaches the network, a database, Parquet, the time or chance does so in one module."""
    for found in imports(path):
        for name, homes in OUTSIDE.items():
            if found.module == name or found.module.startswith(f"{name}."):
                assert part_of(path) in homes, f"{where(path)}:{found.line} imports {found.module}"


@pytest.mark.parametrize("path", PRODUCT, ids=where)
def test_only_durable_syncs_renames_and_removes(path: Path) -> None:
    """Whatever makes a change of names on the disk durable, or undoes one, is in one module."""
    if part_of(path) == "durable":
        return
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in DISK_CALLS:
            assert not _on_disk(node), f"{where(path)}:{node.lineno} calls {ast.unparse(node.func)}"


def _on_disk(call: ast.Call) -> bool:
    """Tell a call on os or on a path from one on a text, a list, a set or a datetime."""
    assert isinstance(call.func, ast.Attribute)
    name, owner = call.func.attr, ast.unparse(call.func.value)
    if owner in ("os", "shutil"):
        return True
    if name in ("unlink", "rmdir", "rename", "renames", "fsync", "fdatasync"):
        return True
    looks_like_a_path = re.search(r"(?i)(path|folder|file)(\b|$)", owner) is not None
    return name == "replace" and len(call.args) == 1 and not call.keywords and looks_like_a_path


@pytest.mark.parametrize("path", [*PRODUCT, *TESTS], ids=where)
def test_modules_and_functions_have_sizes_to_feel_at_home_in(path: Path) -> None:
    """A module has up to 350 lines, a function up to 40."""
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= MODULE_LINES
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            # From its docstring on: the parameters of a command are the table of its options.
            length = (node.end_lineno or node.lineno) - node.body[0].lineno + 1
            assert length <= FUNCTION_LINES, f"{where(path)}:{node.lineno} {node.name} has {length} lines"


@pytest.mark.parametrize("path", [*PRODUCT, *TESTS], ids=where)
def test_every_exception_has_its_reason_in_words(path: Path) -> None:
    """What switches a check off says why, on its own line."""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        for mark in re.finditer(r"# (noqa|type: ignore|pragma)\b[^#]*", line):
            codes = re.sub(r"^# (noqa|type: ignore|pragma)(: ?no cover)?(\[[^]]*\]|: ?[A-Z0-9, ]+)?", "", mark[0])
            reason = codes + line[mark.end() :]
            assert re.search(r"[A-Za-z]{3,}", reason), f"{where(path)}:{number}: {line.strip()}"


@pytest.mark.parametrize("path", PRODUCT, ids=where)
def test_no_module_has_a_name_that_is_not_ours(path: Path) -> None:
    """The words of the design have no synonyms."""
    assert not any(word in path.stem for word in FORBIDDEN_WORDS)


@pytest.mark.parametrize("path", PRODUCT, ids=where)
def test_every_module_begins_with_its_promise(path: Path) -> None:
    """The first line of each module says in a sentence what it is for."""
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    assert text
    assert text.splitlines()[0][-1] in ".!?:"


@pytest.mark.parametrize("path", TESTS, ids=where)
def test_every_test_says_what_it_promises(path: Path) -> None:
    """Each test's docstring is one sentence, or a few."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            assert ast.get_docstring(node), f"{where(path)}:{node.lineno} {node.name}"
