"""The options table: every option of every command, once. Commands, job files and the reference are made of it.

What a command takes is one class, with the groups that it shares with others as its bases. A new flag of runs is a
field of `RunOptions`: backfill, plan, resume, repair and verify take it from then on, and so do job files.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated

import typer

from resumable.cli.complete import complete_dataset
from resumable.cli.privacy_options import KeyOptions, PrivacyOptions
from resumable.cli.signature import Option, OptionRow, rows
from resumable.cli.usual_files import any_usual


def read_config(ctx: typer.Context, path: str | None) -> str | None:
    """Let a job file say what is not typed: the one that is named, else those that are found by themselves."""
    if ctx.resilient_parsing or (path is None and not any_usual(ctx.obj.environment)):
        return path
    from resumable.cli.job_file import JobFile, usual  # most calls name none

    found = usual(ctx.obj.environment, file_keys()) if path is None else JobFile.read(path, file_keys())
    ctx.obj.job_file, ctx.default_map = found, found.values
    if path is None:
        ctx.obj.tell(f"what is not typed is as {found.name} says")
    return path


def file_keys() -> dict[str, OptionRow]:
    """Return what a job file may say: each key, with the option that it stands for."""
    return {row.key: row for row in rows(BackfillOptions) if row.option.in_files}


StateFolder = Annotated[
    str | None,
    Option(flag="--state", metavar="DIR|URL", help="State folder, or s3://; RESUMABLE_STATE, or else `state`."),
]


@dataclass(frozen=True, kw_only=True)
class OutputOptions:
    """Read off the command line by `main.run` too, so that they hold for a wrong command line."""

    json: Annotated[
        bool, Option(flag="--json", help="Print one JSON object on stdout, also on failure.", in_files=False)
    ] = False
    debug: Annotated[bool, Option(flag="--debug", help="Show a traceback where something fails.", in_files=False)] = (
        False
    )

    quiet: Annotated[
        bool, Option(flag="--quiet", short="-q", help="Say nothing on stderr but what fails.", in_files=False)
    ] = False
    verbose: Annotated[
        bool,
        Option(flag="--verbose", short="-v", help="Say every event of a run: tokens, retries, counts.", in_files=False),
    ] = False


@dataclass(frozen=True, kw_only=True)
class TellOptions:
    """Who else is told how a run goes."""

    notify: Annotated[
        str | None,
        Option(
            flag="--notify",
            metavar="URL",
            help="Tell a URL of start, success and failure; RESUMABLE_NOTIFY when not given.",
            in_files=False,  # who knows it can speak in this job's name
        ),
    ] = None
    metrics_file: Annotated[
        str | None,
        Option(flag="--metrics-file", metavar="FILE", help="Write figures for Prometheus there when it ends."),
    ] = None
    log_file: Annotated[
        str | None,
        Option(flag="--log-file", metavar="FILE", help="Add every event there, too; a new file each 10 MB, six kept."),
    ] = None


@dataclass(frozen=True, kw_only=True)
class JobOptions(PrivacyOptions):
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
            help="Start of the range: 2025-01-31, 2025-01, an ISO time, yesterday, -7d; in UTC.",
            also=(date, datetime),
        ),
    ] = None
    end: Annotated[
        str | None,
        Option(
            flag="--to",
            metavar="TIME",
            help="End of the range (exclusive); of a month or of yesterday not needed.",
            also=(date, datetime),
        ),
    ] = None
    tz: Annotated[
        str | None,
        Option(flag="--tz", metavar="ZONE", help="Cut windows at midnight there: Europe/Berlin; UTC when not given."),
    ] = None
    queues: Annotated[
        list[str] | None, Option(flag="--queue", metavar="ID|NAME", help="Only of this queue. Again for more.")
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
    each: Annotated[
        list[str] | None,
        Option(
            flag="--each",
            metavar="JOB|@FILE|ID",
            help="Whose ids it asks for one by one: the newest fitting job's when not given.",
        ),
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
class SourceOptions:
    """Whom to ask, and where jobs lie."""

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
class RunOptions(SourceOptions, TellOptions, KeyOptions):
    """How the server is asked: what two runs of one job may differ in."""

    workers: Annotated[
        int | None,
        Option(
            flag="--workers",
            metavar="N",
            least=1,
            most=256,
            help="Requests in flight at once; 2 to 32, as rate and latency need, when not given.",
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
        Option(flag="--max-requests", metavar="N", least=1, help="Stop after so many for data, with exit code 3."),
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
        str | None,
        Option(
            flag="--on-drift",
            metavar="keep|fail",
            help="What to do about values that the schema has no place for; keep when not given.",
        ),
    ] = None
    fail_if_empty: Annotated[
        bool, Option(flag="--fail-if-empty", help="End with exit code 10 where the job is complete without a record.")
    ] = False
    same_organisation: Annotated[
        bool,
        Option(
            flag="--same-organisation",
            help="Confirm that a new client, or a new address, is of the organisation that the job knows.",
            in_files=False,
        ),
    ] = False


@dataclass(frozen=True, kw_only=True)
class BackfillOptions(OutputOptions, RunOptions, JobOptions):
    """Of `backfill`; a job file may say all of them that are `in_files`."""
