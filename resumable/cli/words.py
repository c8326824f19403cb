"""The longer words of each help: notes and examples, and what holds for all commands."""

import itertools
import textwrap
from collections.abc import Iterable
from typing import Final

from resumable.datasets.catalogue import CATALOGUE
from resumable.errors import ExitCode

HELP_COLUMNS: Final = 78
"""Of 80, of which the help indents by two."""


def _exit_codes() -> str:
    """Return the table of exit codes in two columns."""
    said = [f"{code.value:<3}  {code.meaning}" for code in ExitCode]
    half = (len(said) + 1) // 2
    width = max(len(text) for text in said[:half])
    columns = itertools.zip_longest(said[:half], said[half:], fillvalue="")
    return "\n".join(f"  {left:<{width}}   {right}".rstrip() for left, right in columns)


def _named(pairs: Iterable[tuple[str, str]], width: int) -> str:
    """Return names with what they mean, wrapped to 80 columns below each other."""
    lines = []
    for name, text in pairs:
        head = f"  {name:<{width}}"
        lines += textwrap.wrap(text, HELP_COLUMNS, initial_indent=head, subsequent_indent=" " * len(head))
    return "\n".join(lines)


_EXIT_CODES = _exit_codes()

_ENVIRONMENT = _named(
    [
        ("GENESYS_CLIENT_ID", "an OAuth client with the grant `client credentials`"),
        ("GENESYS_CLIENT_SECRET", "its secret"),
        ("GENESYS_REGION", "a region such as eu-central-1, or its domain"),
        ("GENESYS_API_URL", "another address: a gateway, the simulator"),
        ("GENESYS_LOGIN_URL", "the same of the login service"),
        ("RESUMABLE_STATE", "the state folder, or s3://...; `state` when not set"),
        ("RESUMABLE_LEASE", "so long a lost machine keeps a job in a bucket; 60s"),
        ("RESUMABLE_NOTIFY", "the URL of --notify"),
        ("RESUMABLE_WORKERS", "requests in flight at once; 2 to 32 when not set"),
        ("RESUMABLE_MIN_FREE", "bytes that must be free; 64 MiB when not set"),
        ("RESUMABLE_GROUP_READABLE", "1: the group can read a new job's files"),
        ("RESUMABLE_HASH_KEY", "the key of --hash, 16 characters at least"),
        ("RESUMABLE_HASH_KEY_FILE", "the file that holds it"),
        ("RESUMABLE_PROXY", "a proxy's URL"),
        ("RESUMABLE_CA_BUNDLE", "a file of certificates to trust"),
        ("NO_COLOR", "no colors"),
    ],
    26,
)

ALL = f"""
\b
Environment:
{_ENVIRONMENT}

\b
Exit codes:
{_EXIT_CODES}

\b
Examples:
  resumable demo
  resumable plan conversations --from 2025-01-01 --to 2026-01-01
  resumable backfill conversations --from 2025-01-01 --to 2025-02-01
  resumable resume
  resumable status conversations-2025-01 --json
"""

CHECK = """
Asks for one record of each dataset, and writes nothing. It ends with 0, or with the code of what would end a run.

\b
Examples:
  resumable check
  resumable check conversations users
  resumable check --config year.toml --profile prod --json
"""

PLAN = """
Asks for the first page of 24 windows, or of all with --exact; downloads and writes nothing. It needs the same
credentials as the backfill and says which permission is missing. Of a job that exists it says what is left, and asks
nothing.

\b
Examples:
  resumable plan conversations --from 2025-01-01 --to 2026-01-01
  resumable plan conversation-jobs --from 2025-01 --exact --json
  resumable plan conversations --from 2025-01 --queue 7d3c... --write jan.toml
  resumable backfill --config jan.toml
"""

_DATASETS = _named(((name, listed.line) for name, listed in CATALOGUE.items()), 25)

BACKFILL = f"""
\b
Datasets:
{_DATASETS}
  ./endpoint.toml          another paged endpoint, as that file describes it

\b
Examples:
  resumable backfill conversations --from 2025-01-01 --to 2026-01-01
  resumable backfill conversations --from 2025-01 --media-type voice
  resumable backfill conversation-jobs --from 2025-01 --max-duration 8h
  resumable backfill conversations --job nightly --look-back 4d \\
      --from -7d --to today
  resumable backfill --config year.toml --profile prod
  resumable backfill users
"""

RESUME = """
\b
Examples:
  resumable resume
  resumable resume conversations-2025 --max-duration 8h
"""

STATUS = """
\b
Examples:
  resumable status
  resumable status conversations-2025
  resumable status conversations-2025 --watch
  resumable status conversations-2025 --wait
  resumable status conversations-2025 --json | jq .pages
"""

JOBS = """
\b
Examples:
  resumable jobs
  resumable jobs --state /data/genesys --json
"""

REPORT = """
\b
Examples:
  resumable report
  resumable report conversations-2025 --to conversations-2025.html
"""

VERIFY = """
\b
Examples:
  resumable verify
  resumable verify conversations-2025 --quick
  resumable verify conversations-2025 --online --rate 60
  resumable verify conversations-2025 --json | jq .flaws
"""

REPAIR = """
What is damaged is moved to the job's folder aside/, never thrown away. A manifest that is lost or damaged is
rebuilt from the parts. Killed at any moment, it can be run again.

\b
Examples:
  resumable repair
  resumable repair conversations-2025
  resumable repair conversations-2025 --json | jq .repair
"""

EXPORT = """
Every record once, the newest where a key repeats, sorted by start. PATH may be a URL such as s3://bucket/name, also for
a job in a folder. What is at PATH stays, whole, until the new export is; in a bucket, day by day. What is there and is
not an export of the same job, format and table, as it was written, is left alone unless --replace is given: a hidden
file beside an export says whose it is. A Parquet folder or a Delta table is brought up to date: only the days that
changed are written again.

\b
Formats, by the suffix of PATH or --format:
  parquet  (none), .parquet  a folder, a partition a day; for pandas, DuckDB
  csv      .csv              one file; lists and objects are JSON text;
                             an empty field is no value, "" an empty text
  jsonl    .jsonl, .ndjson   one file, a record a line, as the server sent it
  duckdb   .duckdb, .db      a database with one table; needs duckdb
  delta    .delta            a Delta Lake table; needs deltalake

Tables, with --table: the records and each list in them, flat, a row an element, with the keys to join them by. Of
conversations: conversations, participants, sessions, segments, metrics, and more; a wrong name lists all.

\b
Examples:
  resumable export --to conversations.parquet
  resumable export conversations-2025 --to metrics.csv --table metrics --names
  resumable export conversations-2025 --to conversations.duckdb
  resumable export conversations-2025 --to s3://lake/conversations.parquet
  resumable export conversations-2025 --to - | jq .conversationId
"""

FLEET = """
A fleet is a file of clients and jobs. `run` runs every job, one at a time of each client id, and runs again what was
lost with its process and what ended with exit code 3 or 5; `plan` adds up what all would take; `status` shows each
job's progress and disturbs nobody. The exit code is the worst of the jobs'.

\b
  [client.acme]                 names of variables or files, never a secret
  region = "eu-central-1"
  client_id_env = "ACME_ID"
  client_secret_file = "/run/secrets/acme"
  rate = "80%"                  an option of runs, for all jobs of the client

\b
  [[job]]                       everything that a job file says
  client = "acme"
  dataset = "conversations"
  from = 2025-01-01
  to = "yesterday"              or "now", "-2d", a date
  look_back = "4d"

\b
Examples:
  resumable fleet plan fleet.toml
  resumable fleet run fleet.toml --state /data/state
  resumable fleet run fleet.toml --engine ray --address auto --json
  resumable fleet status fleet.toml
"""

DELETE = """
Without --yes it only says what would be deleted. A job that is running is not deleted; a damaged one can be. What was
exported stays.

\b
Examples:
  resumable delete conversations-2023
  resumable delete conversations-2023 --yes
"""

PRUNE = """
Without --yes it only says what would be removed. A list such as users is removed once a newer one is complete.

\b
Examples:
  resumable prune
  resumable prune --older-than 7d --yes
"""

LOAD = """
Flat tables, as export --table has them, merged by day: only the days that changed since the last load are written.
A load that was killed is finished by the next. Credentials are read where dlt reads them, such as the variable
DESTINATION__POSTGRES__CREDENTIALS; they are never options.

\b
Examples:
  resumable load conversations-2025 --to postgres
  resumable load conversations-2025 --to warehouse.duckdb --table segments
"""

RECONCILE = """
Counted are stays in queues that were offered, answered and abandoned, and handlings, by UTC day.
The client needs the permission Analytics > Conversation Aggregate > View.

\b
Examples:
  resumable reconcile
  resumable reconcile conversations-2025 --tolerance 0.5%
  resumable reconcile conversations-2025 --json | jq .differing
"""

LIST = """
\b
Examples:
  resumable datasets
  resumable datasets --json | jq -r '.datasets[].permission'
"""

DESCRIBE = """
\b
Examples:
  resumable describe conversations
  resumable describe conversations --table interactions
  resumable describe user-details --table routingStatus --json
"""

SIMULATE = """
\b
Examples:
  resumable simulate --port 8080
  resumable simulate --records 5000 --latency 0.2-0.8 --token-lifetime 60
  resumable simulate --faults @faults.json
  resumable simulate --settings '{"late_share": 0.1}'

\b
Then, in another terminal, with the lines that it prints:
  resumable backfill conversations --from 2023-10-01 --to 2023-10-08
"""

DEMO = """
With --bucket the job is kept in a bucket of this machine (by SeaweedFS or moto, whichever is installed), and whatever a
killed process had on the disk is deleted.

\b
Examples:
  resumable demo
  resumable demo --bucket
  resumable demo --state /tmp/try --json
"""
