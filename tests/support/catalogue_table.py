"""The catalogue as the table of its document; `python -m tests.support.catalogue_table` writes it there."""

from pathlib import Path

import resumable
from resumable.cli.commands.datasets import paging_of
from resumable.datasets.catalogue import CATALOGUE
from resumable.datasets.resolve import get
from resumable.schema.schema import Schema

README = Path(resumable.__file__).parent / "datasets" / "README.md"
BEGIN, END = "<!-- catalogue -->\n", "<!-- /catalogue -->\n"

CHECKED = {
    "conversations-pagecount": "simulator",
    None: "SDK's models, SDK as client, simulator",
}
"""By dataset: what else than the product agrees; the rest is checked by Prism too, against the OpenAPI description."""


def table() -> str:
    """Return the table of all datasets."""
    lines = ["| dataset | endpoint | permission | paging | key | checked by |", "|---|---|---|---|---|---|"]
    for name, listed in CATALOGUE.items():
        contract = get(name)
        described = CHECKED[None] if listed.module is None else f"Prism, {CHECKED[None]}"
        permission = f"`{listed.permission}`" if listed.permission else "none that is documented"
        checked = CHECKED.get(name, described)
        key = _key(contract.schema)
        lines.append(f"| `{name}` | `{listed.endpoint}` | {permission} | {paging_of(contract)} | {key} | {checked} |")
    return "\n".join(lines) + "\n"


def _key(schema: Schema) -> str:
    return ", ".join(f"`{name}`" for name in schema.named_by or (schema.key,))


def written(page: str) -> str:
    """Return the document with the table in its place."""
    before, _, rest = page.partition(BEGIN)
    return before + BEGIN + table() + END + rest.partition(END)[2]


if __name__ == "__main__":
    README.write_text(written(README.read_text("utf-8")), encoding="utf-8")
