"""The options table: every option of every command, once. Commands, job files and the reference are made of it.

What a command takes is one class, with the groups that it shares with others as its bases. A new flag of runs is a
field of `RunOptions`: backfill, plan, resume, repair and verify take it from then on, and so do job files.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated

import typer

from resumable.cli.complete import complete_dataset, complete_job, complete_unfinished
from resumable.cli.signature import Option, OptionRow, rows


def read_config(ctx: typer.Context, path: str | None) -> str | None:
    """Let a job file say what is not typed."""
    if path is not None and not ctx.resilient_parsing:
        from resumable.cli.job_file import JobFile  # most calls name none

        ctx.obj.job_file = JobFile.read(path, file_keys())
        ctx.default_map = ctx.obj.job_file.values
    return path


def file_keys() -> dict[str, OptionRow]:
    """Return what a job file may say: each key, with the option that it stands for."""
    return {row.key: row for row in rows(BackfillOptions) if row.option.in_files}


StateFolder = Annotated[
    str | None,
    Option(flag="--state", metavar="DIR|URL", help="State folder, or s3://; RESUMABLE_STATE, or else `state`."),
]
AnyJob = Annotated[str | None, Option(metavar="JOB", help="Its name.", complete=complete_job)]


@dataclass(frozen=True, kw_only=True)
class OutputOptions:
    """Read off the command line by `main.run` too, so that they hold for a wrong command line."""

    json: Annotated[
        bool, Option(flag="--json", help="Print one JSON object on stdout, also on failure.", in_files=False)
    ] = False
    debug: Annotated[bool, Option(flag="--debug", help="Show a traceback where something fails.", in_files=False)] = (
        False
    )


@dataclass(frozen=True, kw_only=True)
class JobOptions:
    """What a job is: dataset, range, query, and how it is cut."""

    dataset: Annotated[
        str | None,
        Option(
            metavar="DATASET",
            help="What to download: a name from the list of `backfill`, or a file.",
            complete=complete_dataset,
        ),
    ] = None
    start: Annotated[
        str | None,
        Option(
            flag="--from",
            metavar="TIME",
            help="Start of the range: 2025-01-31, or an ISO time; UTC.",
            also=(date, datetime),
        ),
    ] = None
    end: Annotated[
        str | None,
        Option(
            flag="--to",
            metavar="TIME",
            help="End of the range (exclusive).",
            also=(date, datetime),
        ),
    ] = None
    queues: Annotated[
        list[str] | None, Option(flag="--queue", metavar="ID", help="Only of this queue. Again for more of them.")
    ] = None
    divisions: Annotated[
        list[str] | None, Option(flag="--division", metavar="ID", help="Only of this division. Again for more.")
    ] = None
    media_types: Annotated[
        list[str] | None,
        Option(flag="--media-type", metavar="TYPE", help="Only of this media type, such as voice."),
    ] = None
    directions: Annotated[
        list[str] | None, Option(flag="--direction", metavar="DIRECTION", help="Only inbound, or only outbound.")
    ] = None
    filters: Annotated[
        str | None, Option(flag="--filter", metavar="JSON|@FILE", help="More filters, as the API takes them.")
    ] = None
    group_by: Annotated[
        list[str] | None, Option(flag="--group-by", metavar="NAME", help="A groupBy of conversations-pagecount.")
    ] = None
    metrics: Annotated[
        list[str] | None, Option(flag="--metric", metavar="NAME", help="A metric of conversations-pagecount.")
    ] = None
    job: Annotated[
        str | None,
        Option(flag="--job", metavar="NAME", help="The job's name, in place of one made of range and query."),
    ] = None
    window: Annotated[str, Option(flag="--window", metavar="DURATION", help="Cut the range into windows so long.")] = (
        "1d"
    )
    page_size: Annotated[
        int | None,
        Option(flag="--page-size", metavar="N", help="Records a page; the most the dataset allows when not given."),
    ] = None
    look_back: Annotated[
        str | None,
        Option(
            flag="--look-back",
            metavar="DURATION",
            help="Download windows again that were downloaded so soon after their end; a later --to extends the job.",
        ),
    ] = None
    open_for: Annotated[
        str,
        Option(
            flag="--open-for",
            metavar="DURATION",
            help="With --look-back: and windows with conversations that have not ended, for so long.",
        ),
    ] = "60d"


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """How the server is asked: what two runs of one job may differ in."""

    workers: Annotated[
        int | None,
        Option(
            flag="--workers",
            metavar="N",
            least=1,
            most=256,
            help="Requests in flight at once; 8 to 32, as rate and latency need, when not given.",
        ),
    ] = None
    rate: Annotated[
        str | None,
        Option(
            flag="--rate",
            metavar="N|P%",
            help="Requests a minute at most, or a share of what Genesys allows, such as 80%; all of it when not given.",
            also=(int, float),
        ),
    ] = None
    max_duration: Annotated[
        str | None,
        Option(flag="--max-duration", metavar="DURATION", help="Stop cleanly after so long, with exit code 3."),
    ] = None
    max_requests: Annotated[
        int | None,
        Option(flag="--max-requests", metavar="N", least=1, help="Stop cleanly after so many, with exit code 3."),
    ] = None
    patience: Annotated[
        str | None,
        Option(
            flag="--patience",
            metavar="DURATION",
            help="Wait out an outage of Genesys Cloud for so long, then stop with exit code 3; 30m when not given.",
        ),
    ] = None
    no_count: Annotated[
        bool,
        Option(flag="--no-count", help="Do not ask for an independent count of the windows of jobs on the server."),
    ] = False
    on_drift: Annotated[
        str,
        Option(
            flag="--on-drift", metavar="keep|fail", help="What to do about values that the schema has no place for."
        ),
    ] = "keep"
    same_organisation: Annotated[
        bool,
        Option(
            flag="--same-organisation",
            help="Confirm that a new client, or a new address, is of the organisation that the job knows.",
            in_files=False,
        ),
    ] = False
    config: Annotated[
        str | None,
        Option(
            flag="--config",
            metavar="FILE",
            help="A job file that says what is not typed.",
            in_files=False,
            first=read_config,
        ),
    ] = None
    profile: Annotated[
        str | None, Option(flag="--profile", metavar="NAME", help="Which profile of the job file to use.")
    ] = None
    state: StateFolder = None
    log_json: Annotated[
        bool,
        Option(flag="--log-json", help="Write one JSON object a line on stderr, for machines.", in_files=False),
    ] = False


@dataclass(frozen=True, kw_only=True)
class BackfillOptions(OutputOptions, RunOptions, JobOptions):
    """Of `backfill`; a job file may say all of them that are `in_files`."""


@dataclass(frozen=True, kw_only=True)
class PlanOptions(BackfillOptions):
    """Of `plan`: all of `backfill`, so that each takes the other's place."""

    exact: Annotated[bool, Option(flag="--exact", help="Ask every window, not only a sample.", in_files=False)] = False
    write: Annotated[
        str | None,
        Option(flag="--write", metavar="FILE", help="Write it all to a job file for `backfill --config`."),
    ] = None


@dataclass(frozen=True, kw_only=True)
class ResumeOptions(OutputOptions, RunOptions):
    """Of `resume`."""

    job: Annotated[
        str | None,
        Option(metavar="JOB", help="Its name; not needed while only one is unfinished.", complete=complete_unfinished),
    ] = None


@dataclass(frozen=True, kw_only=True)
class RepairOptions(OutputOptions, RunOptions):
    """Of `repair`."""

    job: AnyJob = None


@dataclass(frozen=True, kw_only=True)
class VerifyOptions(OutputOptions, RunOptions):
    """Of `verify`; the options of runs are about `--online`."""

    job: AnyJob = None
    quick: Annotated[
        bool, Option(flag="--quick", help="Leave the content of the parts unread: look at size and footer.")
    ] = False
    online: Annotated[
        bool, Option(flag="--online", help="Ask the server, too, how much it counts: a request a window.")
    ] = False


@dataclass(frozen=True, kw_only=True)
class StateOptions:
    """Of commands that only look at the state folder."""

    state: StateFolder = None


@dataclass(frozen=True, kw_only=True)
class FolderOptions(OutputOptions, StateOptions):
    """Of `jobs` and `demo`, which want no more than the state folder."""


@dataclass(frozen=True, kw_only=True)
class StatusOptions(OutputOptions, StateOptions):
    """Of `status`."""

    job: AnyJob = None
    watch: Annotated[
        bool,
        Option(
            flag="--watch",
            help="Look on until the job is complete: drawn anew each second on a terminal, a line now and then"
            " elsewhere.",
        ),
    ] = False


@dataclass(frozen=True, kw_only=True)
class ReportOptions(OutputOptions, StateOptions):
    """Of `report`."""

    job: AnyJob = None
    to: Annotated[
        str | None, Option(flag="--to", metavar="PATH", help="Where it goes; report.html in the job's folder.")
    ] = None
    replace: Annotated[
        bool, Option(flag="--replace", help="Replace a file at PATH that is not a report of this job.")
    ] = False


@dataclass(frozen=True, kw_only=True)
class ExportOptions(OutputOptions, StateOptions):
    """Of `export`."""

    job: AnyJob = None
    to: Annotated[str, Option(flag="--to", metavar="PATH", help="Where to; - is stdout, for jsonl and csv.")]
    format: Annotated[
        str | None,
        Option(
            flag="--format",
            metavar="FORMAT",
            help="parquet, csv, jsonl, duckdb or delta; by the suffix of PATH when not given.",
        ),
    ] = None
    table: Annotated[
        str | None,
        Option(flag="--table", metavar="NAME", help="Flat rows of one table in place of whole records."),
    ] = None
    names: Annotated[
        bool,
        Option(
            flag="--names",
            help="Names beside ids, from the jobs of users, queues and wrapupcodes in the state folder.",
        ),
    ] = False
    partial: Annotated[bool, Option(flag="--partial", help="Export what is whole of a job that is not complete.")] = (
        False
    )
    replace: Annotated[
        bool, Option(flag="--replace", help="Replace what is at PATH: of others, or of another job or table.")
    ] = False


@dataclass(frozen=True, kw_only=True)
class SimulateOptions(OutputOptions):
    """Of `simulate`."""

    port: Annotated[
        int, Option(flag="--port", metavar="N", least=0, most=65535, help="Port on 127.0.0.1; 0 takes a free one.")
    ] = 0
    seed: Annotated[int, Option(flag="--seed", metavar="N", help="The same seed invents the same records.")] = 1
    records: Annotated[int, Option(flag="--records", metavar="N", least=0, help="Conversations a day.")] = 100
    style: Annotated[
        str, Option(flag="--style", metavar="full|small", help="How rich a record is: 5 KB or 0.7 KB.")
    ] = "full"
    token_lifetime: Annotated[
        float, Option(flag="--token-lifetime", metavar="SECONDS", help="How long a token lives.")
    ] = 86_400.0
    rate: Annotated[int, Option(flag="--rate", metavar="N", least=0, help="Requests a minute; 0 is no limit.")] = 300
    latency: Annotated[
        str, Option(flag="--latency", metavar="SECONDS", help="Wait before an answer: 0.5, or 0.2-0.8.")
    ] = "0"
    faults: Annotated[str | None, Option(flag="--faults", metavar="JSON|@FILE", help="A list of faults.")] = None
    settings: Annotated[
        str | None, Option(flag="--settings", metavar="JSON|@FILE", help="An object with further settings.")
    ] = None
