"""The documents say what is so: links lead somewhere, commands exist, tables and examples are those of the code."""

import ast
import functools
import importlib
import json
import re
import subprocess
import tempfile
import threading
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import resumable
from resumable.datasets.catalogue import CATALOGUE
from resumable.export.tables import tables
from resumable.manifest import tables as manifest
from resumable.schema.registry import pinned
from resumable.simulator.api import control
from resumable.simulator.faults.faults import FaultKind
from resumable.simulator.settings import SimSettings
from resumable.simulator.simulator import Simulator
from resumable.storage.parts import Footer
from tests.cli.reference import help_of
from tests.support.inprocess import settings_for, spec_for

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
PACKAGE = ROOT / "resumable"
EVIDENCE = ROOT / "tests" / "torture" / "README.md"
PAGES = [README, *(path for top in ("resumable", "state", "tests") for path in sorted((ROOT / top).rglob("*.md")))]
OLD_WORDS = re.compile(
    r"(?i:\b(carr(y|ies|ied|ying) on|carried on|mend(s|ed|ing)?|put aside|taken? (again|anew)|young(er)?|nobody)\b)"
    r"|\bis no (TOML|JSON|UTF)"
)
"""Words that the trade has better ones for; samples of output show what the product says."""

LONGEST = 180
ROOMS = 10


@dataclass(frozen=True)
class Document:
    """One page, its prose apart from its code."""

    path: Path
    prose: str
    code: tuple[str, ...]
    """Lines of blocks, and what stands between backticks."""

    @property
    def name(self) -> str:
        """Name it for an assertion."""
        return str(self.path.relative_to(ROOT))

    @property
    def anchors(self) -> set[str]:
        """Return what its headings can be linked by."""
        found: dict[str, int] = {}
        for heading in re.findall(r"^#+ (.+)$", self.prose, re.MULTILINE):
            slug = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
            found[slug] = found.get(slug, -1) + 1
        return {
            slug if number == 0 else f"{slug}-{number}" for slug, last in found.items() for number in range(last + 1)
        }

    def table(self, *columns: str) -> list[list[str]]:
        """Return the rows of the one table that has these columns first."""
        head = "| " + " | ".join(columns)
        blocks = [
            b for b in re.findall(r"(?:^\|.*\n)+", self.path.read_text("utf-8"), re.MULTILINE) if b.startswith(head)
        ]
        assert len(blocks) == 1, f"{self.name} has {len(blocks)} tables that begin with {head}"
        return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in blocks[0].splitlines()[2:]]


@functools.cache
def document(path: Path) -> Document:
    """Read a page."""
    prose, code, fenced, before = [], [], False, ""
    for line in path.read_text("utf-8").splitlines():
        if line.lstrip().startswith("```"):
            fenced = not fenced
        elif fenced or (line.startswith("    ") and (not before or before.startswith("    "))):
            code.append(line.strip())
        else:
            code += re.findall(r"`([^`]+)`", line)
            prose.append(line)
        before = line
    return Document(path=path, prose="\n".join(prose), code=tuple(code))


def code_names(text: str) -> list[str]:
    """Return what stands between backticks."""
    return re.findall(r"`([^`]+)`", text)


def test_every_link_leads_somewhere() -> None:
    """Each relative link of each document is to a file that is there, and to a heading that is in it."""
    for path in PAGES:
        page = document(path)
        for target in re.findall(r"!?\[[^]]*\]\(([^)\s]+)\)", page.prose):
            if re.match(r"[a-z]+:", target):
                continue
            file, _, anchor = target.partition("#")
            found = (path.parent / file).resolve() if file else path
            assert found.exists(), f"{page.name}: {target} leads nowhere"
            assert found.is_relative_to(ROOT), f"{page.name}: {target} leads out of the project"
            assert not anchor or anchor in document(found).anchors, f"{page.name}: no heading for {target}"


def test_a_person_can_read_the_readme() -> None:
    """The first page is short, and leads to every other."""
    assert len(README.read_text("utf-8").splitlines()) <= LONGEST
    seen, ahead = {README}, [README]
    while ahead:
        page = ahead.pop()
        for target in re.findall(r"\]\(([^)\s#:]+)", document(page).prose):
            found = (page.parent / target).resolve()
            found = found / "README.md" if found.is_dir() else found
            if found in PAGES and found not in seen:
                seen.add(found)
                ahead.append(found)
    assert [document(path).name for path in PAGES if path not in seen] == []


def test_ci_runs_the_two_commands_that_the_readme_shows() -> None:
    """What .ci/run cuts out of the README with its sed is the demo and the tests."""
    cuts = re.findall(r"\$\((readme_command .*?)\)", (ROOT / ".ci" / "run").read_text("utf-8"))
    shell = "source .ci/common && "
    found = [
        subprocess.run(["bash", "-c", shell + cut], cwd=ROOT, capture_output=True, text=True).stdout for cut in cuts
    ]
    shown = [line for line in document(README).code if line.startswith("python3 -m venv ")]
    assert [line.strip() for line in found] == shown
    assert [line.rsplit(" ", 1)[1] for line in shown] == ["demo", "pytest"]


def _commands(page: Document) -> Iterator[tuple[str, str]]:
    """Yield the command and the rest of each call of the product that a page shows."""
    for line in (re.sub(r"\$\([^)]*\)", "IT", line) for line in page.code):
        for call in re.findall(r"(?:^|[\s;/(])resumable((?: [^|;&#)]*)?)", line):
            words = call.split()
            if words and re.fullmatch(r"-.*|[a-z]+[.,:]?", words[0]) and not re.match("from |import ", line):
                yield ("", call) if words[0].startswith("-") else (words[0].rstrip(".,:"), call)


def test_every_command_that_is_shown_exists() -> None:
    """Each `resumable X --flag` of each document is a command with that option."""
    for path in PAGES:
        page = document(path)
        for command, call in _commands(page):
            known = help_of(command)
            for flag in re.findall(r"(?<=\s)--[a-z][a-z-]*", call):
                assert _has(known, flag), f"{page.name}: resumable {command} has no {flag}"


def _has(text: str, flag: str) -> bool:
    return re.search(rf"(?<![\w-]){flag}(?![\w-])", text) is not None


def test_every_option_that_is_named_exists() -> None:
    """Each `--option` that a document for users names alone is one of some command."""
    listed = help_of("").split("Commands:")[1].split("Environment:")[0]
    known = [help_of(command) for command in ("", *re.findall(r"^ {2,4}([a-z]+)  ", listed, re.MULTILINE))]
    assert len(known) > 1
    for page in (document(path) for path in PAGES if not path.is_relative_to(ROOT / "tests")):
        for flag in (found[1] for code in page.code if (found := re.match(r"(--[a-z][a-z-]*)", code))):
            assert any(_has(text, flag) for text in known), f"{page.name}: no command has {flag}"


def test_the_python_that_is_shown_uses_names_that_exist() -> None:
    """Each Python block of each document parses, and what it imports from the package is there."""
    for path in PAGES:
        for block in re.findall(r"^```python\n(.*?)^```", path.read_text("utf-8"), re.DOTALL | re.MULTILINE):
            for node in ast.walk(ast.parse(block)):
                if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "resumable":
                    module = importlib.import_module(str(node.module))
                    for alias in node.names:
                        assert hasattr(module, alias.name), f"{path}: {node.module} has no {alias.name}"


def test_the_documents_keep_to_the_words_of_the_trade() -> None:
    """No document says in its own words what the list of words replaces."""
    for path in PAGES:
        page = document(path)
        prose = re.sub(r"`[^`]*`", "", page.prose)
        assert [found[0] for found in OLD_WORDS.finditer(prose)] == [], page.name


def test_every_test_that_a_document_names_exists() -> None:
    """What is said to prove a promise is there to be run."""
    for page in map(document, PAGES):
        named = re.findall(r"(?<![\w/.])tests/[\w/-]+(?:\.\w+)?", "\n".join((page.prose, *page.code)))
        assert [path for path in named if not (ROOT / path).exists()] == [], page.name


def test_the_evidence_names_every_test_of_the_torture_suite_and_no_other() -> None:
    """No row of its table is without a test, and no test without a row."""
    named = set(re.findall(r"(?<![/\w:])test_\w+", EVIDENCE.read_text("utf-8")))
    assert named == {path.stem for path in EVIDENCE.parent.glob("test_*.py")}


def test_the_floors_are_those_that_the_linter_holds() -> None:
    """The architecture names every package and module of the hall, in the order of the layers."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    rank = {name: number for number, layer in enumerate(layers) for name in layer.split(" | ")}
    shown = [name for row in document(PACKAGE / "README.md").table("floor", "packages") for name in code_names(row[1])]
    assert shown[-1] == "simulator"
    assert set(shown[:-1]) == set(rank) - {"__main__"}
    assert [rank[name] for name in shown[:-1]] == sorted(rank[name] for name in shown[:-1])


@dataclass(frozen=True, kw_only=True)
class Journey:
    """What a job of a few pages showed: the rooms that its pages passed, and its receipt."""

    rooms: set[str]
    receipt: dict[str, Any]


@pytest.fixture(scope="module")
def journey() -> Journey:
    """Run a job with one worker, and note in which rooms the calls are that it makes for pages."""
    rooms: set[str] = set()
    under_way = threading.local()

    def note(frame: FrameType, event: str, _: object) -> None:
        file = Path(frame.f_code.co_filename)
        if event == "call" and frame.f_code.co_qualname == "PageWorker._page":
            under_way.page = True
        if event == "call" and getattr(under_way, "page", False) and file.is_relative_to(PACKAGE):
            rooms.add(file.relative_to(PACKAGE).parts[0].removesuffix(".py"))

    with Simulator(SimSettings(records=50, rate_public=None)) as sim, tempfile.TemporaryDirectory() as state:
        job = resumable.make(
            spec_for("conversations", "2023-10-01", "2023-10-02"), settings_for(sim, Path(state), workers=1)
        )
        threading.setprofile(note)
        try:
            job.run()
        finally:
            threading.setprofile(None)
        receipt = json.loads((job.folder / "receipt.json").read_text("utf-8"))
    return Journey(rooms=rooms - {"simulator"}, receipt=receipt)


def test_the_rooms_that_a_page_passes_are_those_that_the_architecture_names(journey: Journey) -> None:
    """A page passes at most ten packages and modules of the hall, and the architecture names each of them."""
    named = [code_names(row[1])[0] for row in document(PACKAGE / "README.md").table("step", "room")]
    assert set(named) == journey.rooms
    assert len(named) <= ROOMS


def test_the_members_of_a_receipt_are_explained(journey: Journey) -> None:
    """The page about the disk names every member of a receipt, and no other."""
    page = (ROOT / "state" / "README.md").read_text("utf-8")
    section = page[page.index("## Receipt") : page.index("## Aside")]
    named = {
        name for line in section.splitlines() if line.startswith("| `") for name in code_names(line.split(" | ")[0])
    }
    assert named == set(journey.receipt)


def test_the_footer_and_the_manifest_are_explained() -> None:
    """The page about the disk names every member of a part's footer, every table and every version of the manifest."""
    path = ROOT / "state" / "README.md"
    page = path.read_text("utf-8")
    section = page[page.index("## Parts") : page.index("## Manifest")]
    named = {
        name for line in section.splitlines() if line.startswith("| `") for name in code_names(line.split(" | ")[0])
    }
    assert named == {field.name for field in fields(Footer)} | {"format"}
    made = re.findall(r"^CREATE TABLE (\w+)", manifest.TABLES, re.MULTILINE)
    assert [code_names(row[0])[0] for row in document(path).table("table", "one row for each")] == made
    assert [int(row[0]) for row in document(path).table("version", "added")] == [*range(1, manifest.VERSION + 1)]


def test_the_datasets_that_are_described_are_those_of_the_catalogue() -> None:
    """Each dataset has its row, and its permission."""
    page = document(PACKAGE / "datasets" / "README.md")
    assert [code_names(row[0])[0] for row in page.table("dataset", "endpoint")] == list(CATALOGUE)
    coded = [name for name, listed in CATALOGUE.items() if listed.module]
    assert [code_names(row[0])[0] for row in page.table("dataset", "contract")] == coded


def test_the_endpoint_that_is_shown_is_the_one_that_is_tested() -> None:
    """The described endpoint stands in its document as the tests run it."""
    page = (PACKAGE / "datasets" / "README.md").read_text("utf-8")
    shown = re.search(r"<!-- endpoint -->\n```toml\n(.*?)```\n<!-- /endpoint -->", page, re.DOTALL)
    assert shown is not None
    assert shown[1] == (ROOT / "tests" / "datasets" / "described" / "example.toml").read_text("utf-8")


def test_the_tables_of_conversations_are_those_of_an_export() -> None:
    """Each table has its row, with the way to it and the columns of the levels above."""
    rows = []
    for name, shape in tables(pinned("conversation"), "conversations").items():
        steps = [".".join(level.steps) for level in shape.levels[1:]]
        pairs = zip(shape.levels, shape.levels[1:], strict=False)
        columns = [f"`{column}`" for above, below in pairs for column in (above.key, below.index) if column]
        rows.append([f"`{name}`", " > ".join(steps) or "the records", ", ".join(columns)])
    shown = document(PACKAGE / "export" / "README.md").table("table", "a row is one of")
    assert [[cell.removesuffix("|").strip() for cell in row] for row in shown] == rows


def test_every_setting_fault_and_request_of_the_simulator_is_described() -> None:
    """The simulator's page names all that can be set, go wrong and be asked of it."""
    names = set(re.findall(r"`([^`]+)`", (PACKAGE / "simulator" / "README.md").read_text("utf-8")))
    assert {field.name for field in fields(SimSettings)} - names == set()
    assert {kind.value for kind in FaultKind} - names == set()
    asked = {f"{method} {control.PREFIX}{what}" for method, what in control._HANDLERS}
    assert asked - names == set()


def test_the_example_of_the_simulator_runs() -> None:
    """The test that its page shows works as it stands."""
    page = (PACKAGE / "simulator" / "README.md").read_text("utf-8")
    block = re.search(r"<!-- python -->\n```python\n(.*?)```\n<!-- /python -->", page, re.DOTALL)
    assert block is not None
    found: dict[str, Any] = {}
    exec(compile(block[1], "simulator/README.md", "exec"), found)  # noqa: S102 - a document of our own
    assert len(found["truth"]) == 100
