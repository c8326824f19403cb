"""The longer words of each help: notes and examples, and what holds for all commands."""

import itertools

from resumable.datasets.catalogue import CATALOGUE
from resumable.errors import ExitCode


def _exit_codes() -> str:
    """Return the table of exit codes in two columns."""
    said = [f"{code.value:<3}  {code.meaning}" for code in ExitCode]
    half = (len(said) + 1) // 2
    width = max(len(text) for text in said[:half])
    columns = itertools.zip_longest(said[:half], said[half:], fillvalue="")
    return "\n".join(f"  {left:<{width}}   {right}".rstrip() for left, right in columns)


_EXIT_CODES = _exit_codes()

ALL = f"""
\b
Environment:
  GENESYS_CLIENT_ID, GENESYS_CLIENT_SECRET  an OAuth client with the grant `client credentials`
  GENESYS_REGION                            a region such as eu-central-1, or its domain
  GENESYS_API_URL, GENESYS_LOGIN_URL        other addresses: a gateway, the simulator
  RESUMABLE_STATE                           the state folder; `state` when not set
  RESUMABLE_WORKERS                         requests in flight at once; 2 to 32, as needed, when not set
  RESUMABLE_MIN_FREE                        bytes that a run wants free to start; 64 MiB when not set, 0: none
  RESUMABLE_GROUP_READABLE                  1: a new job's files can be read by the group, not by the owner alone
  RESUMABLE_PROXY, RESUMABLE_CA_BUNDLE      a proxy's URL; a file of certificates to trust
  NO_COLOR                                  no colours

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
  resumable plan conversation-jobs --from 2025-01-01 --to 2026-01-01 --exact --json
  resumable plan conversations --from 2025-01-01 --to 2026-01-01 --queue 7d3c... --write year.toml
  resumable backfill --config year.toml
"""

_DATASETS = "\n".join(f"  {name:<24}{listed.line}" for name, listed in CATALOGUE.items())

BACKFILL = f"""
\b
Datasets:
{_DATASETS}
  ./endpoint.toml         another paged endpoint, as that file describes it

\b
Examples:
  resumable backfill conversations --from 2025-01-01 --to 2026-01-01
  resumable backfill conversations --from 2025-01-01 --to 2025-02-01 --queue 7d3c... --media-type voice
  resumable backfill conversation-jobs --from 2025-01-01 --to 2026-01-01 --max-duration 8h
  resumable backfill conversations --from 2025-01-01 --to 2025-03-01 --job recent --look-back 4d
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
  resumable status conversations-2025 --wait && resumable export conversations-2025 --to year.parquet
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
What is damaged is put aside, into the job's folder aside/, never thrown away. A manifest that is lost or damaged is
made again from the parts. Killed at any moment, it can be run again.

\b
Examples:
  resumable repair
  resumable repair conversations-2025
  resumable repair conversations-2025 --json | jq .repair
"""

EXPORT = """
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

FLEET = """
A fleet is a file of clients and jobs. `run` runs every job, one at a time of each client id, and runs again what was
lost with its process and what ended with exit code 3 or 5; `plan` adds up what all would take; `status` shows each
job's progress and disturbs nobody. The exit code is the worst of the jobs'.

\b
  [client.acme]                        names of variables or files, never a secret itself
  region = "eu-central-1"
  client_id_env = "ACME_ID"
  client_secret_file = "/run/secrets/acme"
  rate = "80%"                         an option of runs, for all jobs of this client

\b
  [[job]]                              everything that a job file says
  client = "acme"
  dataset = "conversations"
  from = 2025-01-01
  to = "yesterday"                     or "today", or a date
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

SIMULATE = """
\b
Examples:
  resumable simulate --port 8080
  resumable simulate --records 5000 --latency 0.2-0.8 --token-lifetime 60
  resumable simulate --faults '[{"kind": "status", "status": 504, "times": null, "on": {"probability": 0.05}}]'
  resumable simulate --settings '{"late_share": 0.1, "late_after_requests": 50}'

\b
Then, in another terminal, with the lines that it prints:
  resumable backfill conversations --from 2023-10-01 --to 2023-10-08
"""

DEMO = """
\b
Examples:
  resumable demo
  resumable demo --state /tmp/try --json
"""
