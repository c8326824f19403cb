"""`resumable export`: the records of a job in one piece, for those who use them."""

import contextlib
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from resumable.cli import options as o
from resumable.cli.session import Session

if TYPE_CHECKING:
    from resumable.export.export import Exported
    from resumable.export.request import Output

EPILOG = """
Every record once, the newest where a key repeats, sorted by start. What is at PATH stays, whole, until the new export
is. What is there and is not an export of the same job, format and table, as it was written, is left alone unless
--replace is given: a hidden file beside an export says whose it is. A Parquet folder or a Delta table is brought up to
date: only the days that changed are written again.

\b
Formats, by the suffix of PATH or --format:
  parquet  (none), .parquet  a folder, a partition a day, for pandas, Polars, DuckDB, Spark
  csv      .csv              one file; lists and objects are JSON text; an empty field is no value, "" an empty text
  jsonl    .jsonl, .ndjson   one file, a record a line, as the server sent it
  duckdb   .duckdb, .db      a database with one table; needs the library duckdb
  delta    .delta            a Delta Lake table; needs the library deltalake

\b
Tables, with --table: the records and each list in them, flat, a row an element, with the keys to join them by. Of
conversations: conversations, participants, sessions, segments, metrics, and more; a wrong name lists all.

\b
Examples:
  resumable export --to conversations.parquet
  resumable export conversations-2025 --to metrics.csv --table metrics --names
  resumable export conversations-2025 --to conversations.duckdb
  resumable export conversations-2025 --to - | jq .conversationId
"""

To = Annotated[
    str, typer.Option("--to", metavar="PATH", help="Where to; - is stdout, for jsonl and csv.", show_default=False)
]
FormatName = Annotated[
    str | None,
    typer.Option(
        "--format",
        metavar="FORMAT",
        help="parquet, csv, jsonl, duckdb or delta; by the suffix of PATH when not given.",
        show_default=False,
    ),
]
Table = Annotated[
    str | None,
    typer.Option(
        "--table", metavar="NAME", help="Flat rows of one table in place of whole records.", show_default=False
    ),
]
Names = Annotated[
    bool,
    typer.Option(
        "--names",
        help="Names beside ids, from the jobs of users, queues and wrapupcodes in the state folder.",
        show_default=False,
    ),
]
Partial = Annotated[
    bool,
    typer.Option("--partial", help="Export what is whole of a job that is not complete.", show_default=False),
]
Replace = Annotated[
    bool,
    typer.Option(
        "--replace",
        help="Replace what is at PATH: a file of others, an export of another job or table.",
        show_default=False,
    ),
]


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command("export", epilog=EPILOG)(export)


def export(
    ctx: typer.Context,
    to: To,
    job: o.AnyJob = None,
    format: FormatName = None,  # noqa: A002 - the word on the command line
    table: Table = None,
    names: Names = False,
    partial: Partial = False,
    replace: Replace = False,
    state: o.State = None,
    json: o.Json = False,
    debug: o.Debug = False,
) -> None:
    """Write the records of a job in one piece: Parquet, CSV, JSON Lines, DuckDB or Delta Lake."""
    session: Session = ctx.obj
    # Imported here: they bring pyarrow, which a help or a status does without.
    from resumable.cli.commands.status import only_job
    from resumable.cli.parse import state_folder
    from resumable.cli.signals import raised
    from resumable.config import Settings
    from resumable.errors import Interrupted, UsageError
    from resumable.job.making import find

    if to == "-" and session.json:
        raise UsageError("--to - and --json both want stdout.", hint="Leave one of them out.")
    settings = Settings(state=state_folder(state, session.environment.get("RESUMABLE_STATE")))
    found = find(job or only_job(settings.state, "export"), settings, clock=session.clock)
    session.folder = found.folder
    with raised(lambda number: Interrupted(f"interrupted by {number.name}.", terminated=True)), _left_alone():
        target = _stdout(session) if to == "-" else to
        done = found.export(target, format=format, table=table, names=names, partial=partial, replace=replace)
        _conclude(session, done)


def _stdout(session: Session) -> "Output":
    binary = getattr(session.stdout, "buffer", None)
    if binary is None:
        return lambda data: session.stdout.write(data.decode())

    def write(data: bytes) -> None:
        try:
            binary.write(data)
            binary.flush()
        except BrokenPipeError:
            raise
        except OSError as failure:
            raise session.refused(failure) from failure

    return write


@contextlib.contextmanager
def _left_alone() -> Iterator[None]:
    """Let a reader of stdout leave whenever it wants to: `head` has seen enough."""
    try:
        yield
    except BrokenPipeError:
        sys.stderr.flush()


def _conclude(session: Session, done: "Exported") -> None:
    from resumable.text import amount, paragraph

    for line in done.missing:
        session.tell(f"not in it: {line}")
    for line in done.unreadable:
        session.tell(f"no names from {line}")
    if session.json:
        session.give_json(_content(done))
    where = "stdout" if done.to is None else str(done.to)
    counted = f"{done.rows:,} {done.table}"
    if done.rows != done.records:
        counted += f" of {done.records:,} records"
    days = f"; {amount(done.days_written, 'day')} written, {done.days_kept:,} unchanged" if done.days_kept else ""
    nothing = " (nothing had changed; nothing was written)" if done.days_kept and not done.days_written else days
    sentences = [f"exported: {counted} to {where}{nothing}."]
    if done.duplicates:
        sentences.append(f"{amount(done.duplicates, 'record')} came more than once: the newest is in it.")
    if done.names_from:
        sentences.append(f"Names are from {', '.join(done.names_from)}.")
    session.tell(paragraph(sentences, ending="exit 0", width=session.width))


def _content(done: "Exported") -> dict[str, Any]:
    return {
        "job": done.job,
        "to": str(done.to),
        "format": done.format.value,
        "table": done.table,
        "rows": done.rows,
        "records": done.records,
        "duplicates": done.duplicates,
        "days": {"written": done.days_written, "unchanged": done.days_kept},
        "missing": list(done.missing),
        "names_from": list(done.names_from),
        "unreadable": list(done.unreadable),
    }
