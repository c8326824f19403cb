"""The options that commands share, each with its words."""

from typing import Annotated

import typer

from resumable.cli.complete import complete_dataset, complete_job, complete_unfinished

Dataset = Annotated[
    str | None,
    typer.Argument(
        metavar="DATASET",
        help="What to download: a name from the list of `backfill`, or a file.",
        show_default=False,
        autocompletion=complete_dataset,
    ),
]
AnyJob = Annotated[
    str | None, typer.Argument(metavar="JOB", help="Its name.", show_default=False, autocompletion=complete_job)
]
UnfinishedJob = Annotated[
    str | None,
    typer.Argument(
        metavar="JOB",
        help="Its name; not needed while only one is unfinished.",
        show_default=False,
        autocompletion=complete_unfinished,
    ),
]
From = Annotated[
    str | None,
    typer.Option(
        "--from", metavar="TIME", help="Where the range begins: 2025-01-31, or an ISO time; UTC.", show_default=False
    ),
]
To = Annotated[
    str | None,
    typer.Option("--to", metavar="TIME", help="Where it ends; this moment is not in it any more.", show_default=False),
]
Queue = Annotated[
    list[str] | None,
    typer.Option("--queue", metavar="ID", help="Only of this queue. Again for more of them.", show_default=False),
]
Division = Annotated[
    list[str] | None,
    typer.Option("--division", metavar="ID", help="Only of this division. Again for more.", show_default=False),
]
MediaType = Annotated[
    list[str] | None,
    typer.Option("--media-type", metavar="TYPE", help="Only of this media type, such as voice.", show_default=False),
]
Direction = Annotated[
    list[str] | None,
    typer.Option("--direction", metavar="DIRECTION", help="Only inbound, or only outbound.", show_default=False),
]
Filter = Annotated[
    str | None,
    typer.Option("--filter", metavar="JSON|@FILE", help="More filters, as the API takes them.", show_default=False),
]
GroupBy = Annotated[
    list[str] | None,
    typer.Option("--group-by", metavar="NAME", help="A groupBy of conversations-pagecount.", show_default=False),
]
Metric = Annotated[
    list[str] | None,
    typer.Option("--metric", metavar="NAME", help="A metric of conversations-pagecount.", show_default=False),
]
JobName = Annotated[
    str | None,
    typer.Option(
        "--job", metavar="NAME", help="The job's name, in place of one made of range and query.", show_default=False
    ),
]
WindowLength = Annotated[str, typer.Option("--window", metavar="DURATION", help="Cut the range into windows so long.")]
PageSize = Annotated[
    int | None,
    typer.Option(
        "--page-size",
        metavar="N",
        help="Records a page; the most the dataset allows when not given.",
        show_default=False,
    ),
]
Workers = Annotated[
    int | None,
    typer.Option(
        "--workers",
        metavar="N",
        min=1,
        max=256,
        help="Requests in flight at once; 8 to 32, as rate and latency need, when not given.",
        show_default=False,
    ),
]
Rate = Annotated[
    str | None,
    typer.Option(
        "--rate",
        metavar="N|P%",
        help="Requests a minute at most, or a share of what Genesys allows, such as 80%; all of it when not given.",
        show_default=False,
    ),
]
MaxDuration = Annotated[
    str | None,
    typer.Option(
        "--max-duration", metavar="DURATION", help="Stop cleanly after so long, with exit code 3.", show_default=False
    ),
]
MaxRequests = Annotated[
    int | None,
    typer.Option(
        "--max-requests", metavar="N", min=1, help="Stop cleanly after so many, with exit code 3.", show_default=False
    ),
]
LookBack = Annotated[
    str | None,
    typer.Option(
        "--look-back",
        metavar="DURATION",
        help="Take windows again that were younger than this when they were taken; a later --to extends the job.",
        show_default=False,
    ),
]
OnDrift = Annotated[
    str,
    typer.Option("--on-drift", metavar="keep|fail", help="What to do about values that the schema has no place for."),
]


def _read_config(ctx: typer.Context, path: str | None) -> str | None:
    """Let a job file say what is not typed."""
    if path is not None and not ctx.resilient_parsing:
        from resumable.cli.jobfile import JobFile

        ctx.obj.jobfile = JobFile.read(path)
        ctx.default_map = ctx.obj.jobfile.defaults
    return path


Config = Annotated[
    str | None,
    typer.Option(
        "--config",
        metavar="FILE",
        help="A job file that says what is not typed.",
        show_default=False,
        is_eager=True,
        callback=_read_config,
    ),
]
Profile = Annotated[
    str | None,
    typer.Option("--profile", metavar="NAME", help="Which profile of the job file to use.", show_default=False),
]
State = Annotated[
    str | None,
    typer.Option(
        "--state", metavar="DIR", help="The state folder; RESUMABLE_STATE, or else `state`.", show_default=False
    ),
]
# These are read off the command line by `entry.run`, so that they hold for a wrong command line too.
LogJson = Annotated[
    bool,
    typer.Option("--log-json", help="Write one JSON object a line on stderr, for machines.", show_default=False),
]
Json = Annotated[
    bool, typer.Option("--json", help="Print one JSON object on stdout, also on failure.", show_default=False)
]
Debug = Annotated[bool, typer.Option("--debug", help="Show a traceback where something fails.", show_default=False)]
