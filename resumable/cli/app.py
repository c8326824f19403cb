"""The commands, each with its options and its words; what a command does is imported when it runs."""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from resumable.cli import analyst_options, words
from resumable.cli import command_options as o
from resumable.cli.options import BackfillOptions, OutputOptions
from resumable.cli.signature import OptionClass, signature
from resumable.version import __version__


@dataclass(frozen=True, kw_only=True)
class Command:
    """One command: `resumable.cli.commands.NAME`, whose function NAME takes the session and the options."""

    options: type[OptionClass]
    help: str
    """Its first sentence is the line in the list of commands."""
    more: str = ""
    """What its help closes with: notes, and always examples."""


COMMANDS = {
    "check": Command(
        options=o.CheckOptions,
        help="Check region, credentials, permissions, rate limit, clock and disk before anything runs.",
        more=words.CHECK,
    ),
    "plan": Command(
        options=o.PlanOptions,
        help="Estimate a backfill: requests, time, disk. Nothing is downloaded.",
        more=words.PLAN,
    ),
    "backfill": Command(
        options=BackfillOptions,
        help="Download a range of a dataset. The same command resumes where it was stopped or killed.",
        more=words.BACKFILL,
    ),
    "resume": Command(
        options=o.ResumeOptions,
        help="Resume a job that is not complete, with the range and the query that it was begun with.",
        more=words.RESUME,
    ),
    "status": Command(
        options=o.StatusOptions,
        help="Show a job's progress, gaps and errors. A run is not disturbed.",
        more=words.STATUS,
    ),
    "jobs": Command(
        options=o.FolderOptions,
        help="List the jobs of the state folder, with how far each is.",
        more=words.JOBS,
    ),
    "report": Command(
        options=o.ReportOptions,
        help="Write what there is to know of a job into one file with charts, which opens in any browser, offline.",
        more=words.REPORT,
    ),
    "verify": Command(
        options=o.VerifyOptions,
        help="Check parts, manifest and receipt against each other; name every fault and what repairs it. Changes"
        " nothing.",
        more=words.VERIFY,
    ),
    "repair": Command(
        options=o.RepairOptions,
        help="Repair every fault that verify names, ask the server for just the pages that are missing, and finish the"
        " job.",
        more=words.REPAIR,
    ),
    "export": Command(
        options=o.ExportOptions,
        help="Write the records of a job in one piece: Parquet, CSV, JSON Lines, DuckDB or Delta Lake.",
        more=words.EXPORT,
    ),
    "fleet": Command(
        options=o.FleetOptions,
        help="Run the jobs of many clients together, on this machine or on a Ray cluster. The same command resumes.",
        more=words.FLEET,
    ),
    "delete": Command(
        options=o.DeleteOptions,
        help="Delete a job: its parts, its manifest, its receipt.",
        more=words.DELETE,
    ),
    "prune": Command(
        options=o.PruneOptions,
        help="Remove what no job needs any more: files that repairs moved away, older lists.",
        more=words.PRUNE,
    ),
    "load": Command(
        options=analyst_options.LoadOptions,
        help="Load the tables of a job into a warehouse: PostgreSQL, DuckDB, BigQuery, Snowflake, ..., through dlt.",
        more=words.LOAD,
    ),
    "reconcile": Command(
        options=analyst_options.ReconcileOptions,
        help="Compare the details of a job with the server's aggregates, day by day: is anything missing?",
        more=words.RECONCILE,
    ),
    "datasets": Command(
        options=OutputOptions,
        help="List what can be downloaded: endpoint, permission, paging, limits and key of each dataset.",
        more=words.LIST,
    ),
    "describe": Command(
        options=analyst_options.DescribeOptions,
        help="Print every column of a dataset, or of a table of its exports, with its type and meaning.",
        more=words.DESCRIBE,
    ),
    "simulate": Command(
        options=o.SimulateOptions,
        help="Serve a simulated Genesys Cloud on this machine until Ctrl-C. It needs no account and no network.",
        more=words.SIMULATE,
    ),
    "demo": Command(
        options=o.DemoOptions,
        help="Kill a backfill twice, resume it, and compare every record with the truth. Needs no account; half a"
        " minute.",
        more=words.DEMO,
    ),
}

app = typer.Typer(
    name="resumable",
    help="Download paged Genesys Cloud analytics into Parquet. Killed at any moment, the same command resumes.",
    epilog=words.ALL,
    rich_markup_mode=None,  # rich takes as long to load as all the rest
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80},
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"resumable {__version__}")
        raise typer.Exit


@app.callback()
def _everything(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_version, is_eager=True, show_default=False)
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show a traceback where something fails.", show_default=False)
    ] = False,
) -> None:
    # The options of all commands; its docstring would take the place of the help above.
    pass


def _running(name: str, command: Command) -> Callable[..., None]:
    """Return the function that typer calls: it imports the command and hands the options over."""

    def run(ctx: typer.Context, **given: Any) -> None:  # noqa: ANN401 - of the fields' own types
        ctx.obj.command = name
        module = importlib.import_module(f"resumable.cli.commands.{name}")
        getattr(module, name)(ctx.obj, command.options(**given))

    run.__signature__ = signature(command.options)  # type: ignore[attr-defined]  # what `inspect.signature` looks for
    return run


for name, command in COMMANDS.items():
    app.command(name, help=command.help, epilog=command.more)(_running(name, command))
