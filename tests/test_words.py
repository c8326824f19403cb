"""English as the trade writes it: words that it has better ones for are in no text of the product, and help fits 80."""

import ast
import re
from collections.abc import Iterator

from tests.support.sources import PACKAGE, texts

OLD = re.compile(
    r"(?i:\b(carr(y|ies|ied|ying)( it)? on|mend(s|ed|ing)?|put aside|taken? (again|anew)|young(er)?|nobody is|"
    r"should not have happened|could be had|hits|made again)\b)"
    r"|\b(is|was) no (TOML|JSON|UTF|number|list|file|address|time)\b"
)
"""Words and turns of phrase that there are better ones for: resume, repair, move, download again, recent, rebuild."""

DATA = {
    "resumable/engine/forecast.py": {"hits"},  # a member of `plan --json`
    "resumable/verify/findings.py": {"mend"},  # a member of `verify --json`
}
"""Names in JSON objects that programs read: they stay."""

SQL = {"resumable/manifest/tables.py", "resumable/manifest/migrations.py"}
"""Tables, with comments that are kept in every manifest."""

COLUMNS = 80


def said() -> Iterator[tuple[str, int, str]]:
    """Yield every text in the product's code that people may get to see: where it is, and what it says."""
    for path in sorted(PACKAGE.rglob("*.py")):
        where = path.relative_to(PACKAGE.parent).as_posix()
        if where not in SQL and "simulator" not in path.parts:
            yield from ((where, line, text) for line, text in texts(ast.parse(path.read_text(encoding="utf-8"))))


def test_no_text_has_a_word_that_there_is_a_better_one_for() -> None:
    """Messages, hints, helps and the report say what a native engineer of this trade would."""
    found = [
        (where, line, text) for where, line, text in said() if OLD.search(text) and text not in DATA.get(where, ())
    ]
    assert found == []


def test_every_line_of_help_fits_into_eighty_columns() -> None:
    """So the terminal does not wrap it; the reference, which a test holds to the helps, is indented by four."""
    readme = (PACKAGE / "cli" / "README.md").read_text(encoding="utf-8")
    block = readme[readme.index("<!-- reference -->") : readme.index("<!-- /reference -->")]
    assert [line for line in block.splitlines() if len(line) > COLUMNS + 4] == []
    assert len(block.splitlines()) > 200


def test_the_test_would_see_such_a_word() -> None:
    """Each of them is found in a text, and none in a docstring, which is no text of the product."""
    code = '"""Mend it."""\nx = f"Mend it, {1} and carry on"\n'
    assert [bool(OLD.search(text)) for _, text in texts(ast.parse(code))] == [True, True]
    assert OLD.search("the report was written") is None
