"""What each command takes, of groups of options that it shares with others; the groups are in `options`."""

from dataclasses import dataclass
from typing import Annotated

from resumable.cli.complete import complete_dataset, complete_job, complete_unfinished
from resumable.cli.options import BackfillOptions, OutputOptions, RunOptions, SourceOptions, StateFolder
from resumable.cli.privacy_options import PrivacyOptions
from resumable.cli.signature import Option

AnyJob = Annotated[str | None, Option(metavar="JOB", help="Its name.", complete=complete_job)]


@dataclass(frozen=True, kw_only=True)
class PlanOptions(BackfillOptions):
    """Of `plan`: all of `backfill`, so that each takes the other's place."""

    exact: Annotated[bool, Option(flag="--exact", help="Ask every window, not only a sample.", in_files=False)] = False
    write: Annotated[
        str | None,
        Option(flag="--write", metavar="FILE", help="Write it all to a job file for `backfill --config`."),
    ] = None


@dataclass(frozen=True, kw_only=True)
class CheckOptions(OutputOptions, SourceOptions):
    """Of `check`."""

    datasets: Annotated[
        list[str] | None,
        Option(
            metavar="DATASET",
            help="A dataset that must be readable, again for more; all are tried when none is named.",
            complete=complete_dataset,
        ),
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
    """Of `jobs`, which wants no more than the state folder."""


@dataclass(frozen=True, kw_only=True)
class DemoOptions(OutputOptions, StateOptions):
    """Of `demo`."""

    bucket: Annotated[
        bool,
        Option(flag="--bucket", help="Keep the job in a bucket on this machine, and lose the machine twice."),
    ] = False


@dataclass(frozen=True, kw_only=True)
class DeleteOptions(OutputOptions, StateOptions):
    """Of `delete`."""

    job: Annotated[str, Option(metavar="JOB", help="Its name.", complete=complete_job)]
    yes: Annotated[bool, Option(flag="--yes", help="Delete it; without this, what would go is only named.")] = False


@dataclass(frozen=True, kw_only=True)
class PruneOptions(OutputOptions, StateOptions):
    """Of `prune`."""

    older_than: Annotated[
        str, Option(flag="--older-than", metavar="DURATION", help="What is so old is not needed any more.")
    ] = "30d"
    yes: Annotated[bool, Option(flag="--yes", help="Remove it; without this, what would go is only named.")] = False


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
    wait: Annotated[
        bool, Option(flag="--wait", help="Wait until the job is not running; exit 0 if it is complete then, else 3.")
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
class ExportOptions(OutputOptions, StateOptions, PrivacyOptions):
    """Of `export`."""

    job: AnyJob = None
    to: Annotated[str, Option(flag="--to", metavar="PATH|URL", help="Where to; - is stdout, for jsonl and csv.")]
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
    tz: Annotated[
        str | None,
        Option(
            flag="--tz",
            metavar="ZONE",
            help="Days of the partitions, and half hours of interactions; the job's own, or UTC, when not given.",
        ),
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
    engine: Annotated[
        str, Option(flag="--engine", metavar="local|ray", help="This process, or tasks of Ray; for Parquet.")
    ] = "local"
    address: Annotated[
        str | None,
        Option(flag="--address", metavar="ADDRESS", help="The Ray cluster to join; Ray is started here if not given."),
    ] = None


@dataclass(frozen=True, kw_only=True)
class FleetOptions(OutputOptions, StateOptions):
    """Of `fleet`."""

    action: Annotated[str, Option(metavar="run|plan|status", help="What to do with all jobs.")]
    fleet: Annotated[str, Option(metavar="FLEET.toml", help="The file that names clients and jobs.")]
    engine: Annotated[
        str, Option(flag="--engine", metavar="local|ray", help="Processes of this machine, or tasks of Ray.")
    ] = "local"
    address: Annotated[
        str | None,
        Option(flag="--address", metavar="ADDRESS", help="The Ray cluster to join; Ray is started here if not given."),
    ] = None
    jobs: Annotated[
        int | None,
        Option(flag="--jobs", metavar="N", least=1, most=1000, help="Jobs at once; one for each client if not given."),
    ] = None
    tries: Annotated[
        int,
        Option(
            flag="--tries", metavar="N", least=1, most=100, help="Run a job that ends with 3 or 5 so often at most."
        ),
    ] = 5
    retry_wait: Annotated[
        str,
        Option(flag="--retry-wait", metavar="DURATION", help="Before the second; twice as long before each later one."),
    ] = "30s"


@dataclass(frozen=True, kw_only=True)
class SimulateOptions(OutputOptions):
    """Of `simulate`."""

    port: Annotated[
        int, Option(flag="--port", metavar="N", least=0, most=65535, help="Port on 127.0.0.1; 0 takes a free one.")
    ] = 0
    seed: Annotated[int, Option(flag="--seed", metavar="N", help="The same seed invents the same records.")] = 1
    records: Annotated[int, Option(flag="--records", metavar="N", least=0, help="Conversations a day.")] = 100
    style: Annotated[str, Option(flag="--style", metavar="full|small|lifelike", help="How rich a record is.")] = "full"
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
