"""The options of the commands for who works with the data: what a dataset holds, and whether all of it came."""

from dataclasses import dataclass
from typing import Annotated

from resumable.cli.command_options import AnyJob, StateOptions
from resumable.cli.complete import complete_dataset
from resumable.cli.options import OutputOptions, SourceOptions
from resumable.cli.signature import Option


@dataclass(frozen=True, kw_only=True)
class DescribeOptions(OutputOptions):
    """Of `describe`."""

    dataset: Annotated[str, Option(metavar="DATASET", help="Its name, or its file.", complete=complete_dataset)]
    table: Annotated[str | None, Option(flag="--table", metavar="NAME", help="One table of its exports.")] = None


@dataclass(frozen=True, kw_only=True)
class ReconcileOptions(OutputOptions, SourceOptions):
    """Of `reconcile`."""

    job: AnyJob = None
    tolerance: Annotated[str, Option(flag="--tolerance", metavar="P%", help="The share by which a day may differ.")] = (
        "0%"
    )


@dataclass(frozen=True, kw_only=True)
class LoadOptions(OutputOptions, StateOptions):
    """Of `load`."""

    job: AnyJob = None
    to: Annotated[
        str, Option(flag="--to", metavar="WAREHOUSE", help="postgres, duckdb, bigquery, ..., or a .duckdb file.")
    ]
    schema: Annotated[str, Option(flag="--schema", metavar="NAME", help="The schema, or data set, of the tables.")] = (
        "genesys"
    )
    tables: Annotated[
        list[str] | None, Option(flag="--table", metavar="NAME", help="Only this table. Again for more.")
    ] = None
    tz: Annotated[str | None, Option(flag="--tz", metavar="ZONE", help="Half hours of the table interactions.")] = None
