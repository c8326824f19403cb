"""The house: what import-linter does not see. Sizes to feel at home in, one outside thing a package, reasons, words."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from resumable.datasets.catalogue import CATALOGUE

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "resumable"
PRODUCT = sorted(PACKAGE.rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
HALL_MODULES, HALL_FOLDERS = 12, 16
MODULE_LINES, FUNCTION_LINES = 350, 40
TOP_LEVEL = {"README.md", "pyproject.toml", "resumable", "state", "tests"}
OUTSIDE = {
    # what                    where it may be used; what has a name of its own at the top is import-linter's to see
    "http.client": ("transport",),
    "socket": ("transport", "storage", "simulator"),  # the lock names the host
    "pyarrow.parquet": ("storage", "export"),
    "duckdb": ("export",),
    "deltalake": ("export",),
    "dlt": ("export",),
    "time": ("clock", "simulator"),
    "random": ("clock", "simulator"),
    # a command that tells a secret; a kill that is shown; a job of a fleet; a store that somebody else wrote
    "subprocess": ("api", "demo", "fleet", "simulator"),
    "backoff": ("api",),
    "vl_convert": ("report",),
}
DISK_CALLS = {"fsync", "fdatasync", "replace", "rename", "renames", "unlink", "remove", "rmdir"}
"""Of os, and of paths where the name is not also one of text: only `storage` may call them."""
JOB_FILES = {"manifest.sqlite", "receipt.json", "report.html", ".pace"}
JOB_FOLDERS = {"parts", "aside", "lock"}
FORBIDDEN_WORDS = ("task", "chunk")


@dataclass(frozen=True)
class Import:
    """One import of a module: what, and where."""

    module: str
    line: int


def part_of(path: Path) -> str:
    """Return the package, or the module of the hall, that a file of the product belongs to."""
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


def home_of(module: str) -> str:
    """Return the folder of the tests that a module of theirs is in, and nothing for what lies beside the folders."""
    path = ROOT.joinpath(*module.split("."))
    home = path if path.is_dir() else path.parent
    return home.relative_to(ROOT / "tests").as_posix().removeprefix(".")


def where(path: Path) -> str:
    """Name a file for an assertion."""
    return str(path.relative_to(ROOT))


def test_the_hall_holds_no_more_than_a_newcomer_can_take_in() -> None:
    """At most twelve modules and sixteen folders lie directly in the package, and nothing new at the top."""
    modules = [path.name for path in PACKAGE.glob("*.py")]
    folders = [path.name for path in PACKAGE.iterdir() if path.is_dir() and path.name != "__pycache__"]
    assert len(modules) <= HALL_MODULES, sorted(modules)
    assert len(folders) <= HALL_FOLDERS, sorted(folders)
    seen = {path.name for path in ROOT.iterdir() if not path.name.startswith(".")}
    assert {name for name in seen if not name.endswith(".egg-info")} - {"build", "dist"} == TOP_LEVEL


def test_each_outside_thing_has_one_home() -> None:
    """What reaches the network, Parquet, the time or chance does so in one package."""
    for path in PRODUCT:
        for found in imports(path):
            for name, homes in OUTSIDE.items():
                if found.module == name or found.module.startswith(f"{name}."):
                    assert part_of(path) in homes, f"{where(path)}:{found.line} imports {found.module}"


def test_only_storage_flushes_renames_and_removes() -> None:
    """Whatever makes a change of names on the disk durable, or undoes one, is in one package."""
    for path in PRODUCT:
        if part_of(path) == "storage":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in DISK_CALLS:
                assert not _on_disk(node), f"{where(path)}:{node.lineno} calls {ast.unparse(node.func)}"


def test_one_module_knows_where_the_things_of_a_job_lie() -> None:
    """No other names a file of a job's folder, joins a name onto it, or opens a manifest for looking by its path."""
    for path in PRODUCT:
        if path.relative_to(PACKAGE).as_posix() in ("storage/job_files.py", "manifest/reader.py"):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            said = node.value if isinstance(node, ast.Constant) else None
            assert said not in JOB_FILES, f"{where(path)} names {said}"
            if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div) and isinstance(node.right, ast.Constant):
                assert node.right.value not in JOB_FOLDERS, f"{where(path)}:{node.lineno} joins {node.right.value}"
            if isinstance(node, ast.Attribute):
                assert node.attr != "open_to_read", f"{where(path)}:{node.lineno} opens a manifest by its path"


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


def test_modules_and_functions_have_sizes_to_feel_at_home_in() -> None:
    """A module has up to 350 lines, a function up to 40."""
    for path in [*PRODUCT, *TESTS]:
        text = path.read_text(encoding="utf-8")
        assert len(text.splitlines()) <= MODULE_LINES, where(path)
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                # From its docstring on: the parameters of a command are the table of its options.
                length = (node.end_lineno or node.lineno) - node.body[0].lineno + 1
                assert length <= FUNCTION_LINES, f"{where(path)}:{node.lineno} {node.name} has {length} lines"


def test_every_exception_has_its_reason_in_words() -> None:
    """What switches a check off says why, on its own line."""
    for path in [*PRODUCT, *TESTS]:
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            for mark in re.finditer(r"# (noqa|type: ignore|pragma)\b[^#]*", line):
                codes = re.sub(r"^# (noqa|type: ignore|pragma)(: ?no cover)?(\[[^]]*\]|: ?[A-Z0-9, ]+)?", "", mark[0])
                reason = codes + line[mark.end() :]
                assert re.search(r"[A-Za-z]{3,}", reason), f"{where(path)}:{number}: {line.strip()}"


def test_a_name_stands_for_one_thing() -> None:
    """No two classes have one name, and no module has a word of somebody else's trade in its own."""
    classes: Counter[str] = Counter()
    for path in PRODUCT:
        assert not any(word in path.stem for word in FORBIDDEN_WORDS), where(path)
        tree = ast.parse(path.read_text(encoding="utf-8"))
        classes.update(node.name for node in tree.body if isinstance(node, ast.ClassDef))
    assert [name for name, count in classes.items() if count > 1] == []


def test_what_a_status_means_and_what_a_dataset_is_is_said_once() -> None:
    """Statuses are compared in their table only, and contracts are told from each other in datasets only."""
    datasets = {name for name in CATALOGUE if "-" in name}
    for path in PRODUCT:
        if part_of(path) in ("simulator", "demo", "datasets", "transport") or path.stem == "statuses":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            text = ast.unparse(node) if isinstance(node, ast.Compare | ast.Call) else ""
            if isinstance(node, ast.Compare):
                constants = [each.value for each in ast.walk(node) if isinstance(each, ast.Constant)]
                numbers = [each for each in constants if isinstance(each, int) and 100 <= each < 600]
                assert not (numbers and "status" in text), f"{where(path)}:{node.lineno}: {text}"
                assert not datasets & {each for each in constants if isinstance(each, str)}, f"{where(path)}: {text}"
            assert not re.match(r"isinstance\(.*(Contract|Declared)", text), f"{where(path)}: {text}"


def test_every_module_begins_with_its_promise() -> None:
    """The first line of each module says in a sentence what it is for."""
    for path in PRODUCT:
        text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
        assert text, where(path)
        assert text.splitlines()[0][-1] in ".!?:", where(path)


def test_every_test_says_what_it_promises() -> None:
    """Each test's docstring is one sentence, or a few."""
    for path in TESTS:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                assert ast.get_docstring(node), f"{where(path)}:{node.lineno} {node.name}"


def test_what_tests_share_is_in_support() -> None:
    """No module of the tests imports a test module, a conftest, or a helper of another folder than `support`."""
    for path in TESTS:
        own = path.parent.relative_to(ROOT / "tests").as_posix().removeprefix(".")
        for module, line in {(found.module, found.line) for found in imports(path)}:
            if not (ROOT.joinpath(*module.split(".")).with_suffix(".py").is_file() and module.startswith("tests.")):
                continue
            name, home = module.rpartition(".")[2], home_of(module)
            assert not name.startswith("test_"), f"{where(path)}:{line} imports a test module, {module}"
            assert name != "conftest", f"{where(path)}:{line} imports a conftest, {module}"
            assert not own or home in (own, "support"), f"{where(path)}:{line} imports {module} of another folder"
