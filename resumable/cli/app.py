"""The commands, and what is said about all of them."""

from typing import Annotated

import typer

from resumable.cli.commands import backfill, demo, export, jobs, plan, repair, report, resume, simulate, status, verify
from resumable.cli.options import Debug
from resumable.version import __version__

EPILOG = """
\b
Environment:
  GENESYS_CLIENT_ID, GENESYS_CLIENT_SECRET  an OAuth client with the grant `client credentials`
  GENESYS_REGION                            a region such as eu-central-1, or its domain
  GENESYS_API_URL, GENESYS_LOGIN_URL        other addresses: a gateway, the simulator
  RESUMABLE_STATE                           the state folder; `state` when not set
  RESUMABLE_WORKERS                         requests in flight at once; 8 to 32, as needed, when not set
  RESUMABLE_MIN_FREE                        bytes that a run wants free to start; 64 MiB when not set, 0: none
  RESUMABLE_GROUP_READABLE                  1: a new job's files can be read by the group, not by the owner alone
  RESUMABLE_PROXY, RESUMABLE_CA_BUNDLE      a proxy's URL; a file of certificates to trust
  NO_COLOR                                  no colours

\b
Exit codes:
  0  complete                        6    verification failed
  1  unexpected                      7    another process runs the job
  2  usage                           8    the manifest is unusable
  3  incomplete; run it again        9    the source would not settle
  4  authentication                  130  interrupted after a clean stop (143: terminated)
  5  storage

\b
Examples:
  resumable demo
  resumable plan conversations --from 2025-01-01 --to 2026-01-01
  resumable backfill conversations --from 2025-01-01 --to 2025-02-01
  resumable resume
  resumable status conversations-2025-01 --json
"""

app = typer.Typer(
    name="resumable",
    help="Download paged Genesys Cloud analytics into Parquet. Killed at any moment, the same command carries on.",
    epilog=EPILOG,
    rich_markup_mode=None,  # rich takes as long to load as all the rest
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
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
    debug: Debug = False,
) -> None:
    # The options of all commands; its docstring would take the place of the help above.
    pass


for command in (plan, backfill, resume, status, jobs, report, verify, repair, export, simulate, demo):
    command.add_to(app)
