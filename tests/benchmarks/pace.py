"""How much of the allowance a run spends, and that the server never has to refuse."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks.processes import day, measured, product, serving
from tests.benchmarks.table import Row, reaching

CAP = 300
LATENCY = 1.0


def rows(*, quick: bool) -> Iterator[Row]:
    """Yield the rows of target 1."""
    minutes = 0.1 if quick else 3.0
    for window in ("fixed",) if quick else ("fixed", "sliding"):
        yield _row("with the rate headers", minutes, least=99.5, rate_kind=window)
        yield _row("without them", minutes, least=98.0, rate_kind=window, rate_headers=False)
    if not quick:
        yield _row("beside 60 requests a minute of others", minutes, least=95.0, other_traffic=1.0)


def _row(what: str, minutes: float, *, least: float, other_traffic: float = 0.0, **settings: object) -> Row:
    with (
        serving(records=10_000, latency=LATENCY, rate=CAP, other_traffic=other_traffic, **settings) as server,
        tempfile.TemporaryDirectory() as folder,
    ):
        length = f"{minutes * 60 + 10:.0f}s"
        arguments = ["backfill", "conversations", "--from", day(0), "--to", day(30), "--max-duration", length]
        command, environment = product(server, Path(folder), *arguments)
        measured(command, environment=environment)
        pages = server.pages()
    refused = sum(1 for _, status in pages if status == 429)
    first = pages[0][0]
    within = sum(1 for at, _ in pages if at < first + 60 * minutes)
    share = within / minutes / (CAP - 60 * other_traffic)
    kind = f"{settings.get('rate_kind', 'fixed')} window"
    detail = f"{within} requests in {minutes:g} minutes at {LATENCY:g} s latency, {refused} times 429, {kind}"
    row = reaching(f"share of the rate cap, {what}", share * 100, least=least, unit=" %", scale=1, detail=detail)
    return row.refuse("answered 429") if refused else row
