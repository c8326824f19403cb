"""`resumable describe`: the columns of a dataset, with type and meaning."""

import textwrap
from dataclasses import asdict

from resumable.cli.analyst_options import DescribeOptions
from resumable.cli.session import Session
from resumable.datasets.resolve import get
from resumable.errors import UsageError
from resumable.export.dictionary import ColumnFacts, dictionary


def describe(session: Session, options: DescribeOptions) -> None:
    """Print the data dictionary of a dataset, or of one of its tables."""
    contract = get(options.dataset)
    if contract.inferred is not None:
        raise UsageError(
            f"the columns of {contract.name} are not known before a page has come.",
            hint="Declare them in the file, under [schema].",
        )
    found = dictionary(contract.schema, contract.table, options.table)
    if session.json:
        content = {"dataset": contract.name, "table": options.table, "columns": [asdict(each) for each in found]}
        session.give_json(content)
        return
    for line in _lines(found, session.stdout_width):
        session.give(line)


def _lines(found: list[ColumnFacts], width: int | None) -> list[str]:
    names, types = (max(len(text) for text in texts) for texts in zip(*((c.name, c.type) for c in found), strict=True))
    lines: list[str] = []
    for column in found:
        head = f"{column.name:<{names}}  {column.type:<{types}}  "
        room = None if width is None else width - len(head)
        pieces = textwrap.wrap(column.meaning, room) if room is not None and room >= 20 else [column.meaning]
        lines += [
            (head + piece if not at else " " * len(head) + piece).rstrip() for at, piece in enumerate(pieces or [""])
        ]
    return lines
